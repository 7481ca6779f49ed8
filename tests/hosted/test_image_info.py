"""`trestle image info` of images with file systems as their own tools make
them, of the router image, and of files that are no images."""
import hashlib
import re
import subprocess

import pytest

from conftest import BUILD

SECTOR = 512
MIB = 1 << 20


def info(image, status=0):
    done = subprocess.run([BUILD / "trestle", "image", "info", image],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert all(len(line) < 80 or "file: " in line
               for line in done.stdout.split("\n"))
    return done.stderr if status else done.stdout


def tool(*words):
    subprocess.run([str(w) for w in words], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)


def empty(path, mib):
    path.write_bytes(bytes(mib * MIB))
    return path


@pytest.fixture
def folder(tmp_path):
    """Something to put into a file system."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/file").write_text("text\n" * 1000)
    return tmp_path / "in"


@pytest.mark.parametrize("kind,feature", [
    ("ext2", "blocks of 1 KiB, 8388608 bytes"),
    ("ext3", "blocks of 1 KiB, 8388608 bytes"),
    ("ext4", "blocks of 1 KiB, 8388608 bytes")])
def test_ext(tmp_path, kind, feature):
    fs = empty(tmp_path / "fs", 8)
    tool("mke2fs", "-q", "-F", "-b", 1024, "-t", kind, "-L", "a label", fs)
    assert f"sector 0: {kind} 'a label', {feature}\n" in info(fs)


@pytest.mark.parametrize("compression", ["gzip", "xz", "lz4", "zstd"])
def test_squashfs(tmp_path, folder, compression):
    fs = tmp_path / "fs"
    tool("mksquashfs", folder, fs, "-comp", compression, "-quiet",
         "-no-progress", "-nopad")
    assert (f"sector 0: squashfs, version 4, {compression}, "
            f"{fs.stat().st_size} bytes\n") in info(fs)


@pytest.mark.parametrize("order", ["little", "big"])
def test_jffs2(tmp_path, folder, order):
    fs = tmp_path / "fs"
    tool("mkfs.jffs2", "-d", folder, "-o", fs, f"--{order}-endian")
    assert f"sector 0: jffs2, {order}-endian\n" in info(fs)


def test_jffs2_behind_squashfs(tmp_path, folder):
    """The shape of an OpenWrt root partition: the overlay in its rest."""
    fs, overlay = tmp_path / "fs", tmp_path / "overlay"
    tool("mksquashfs", folder, fs, "-quiet", "-no-progress", "-nopad")
    tool("mkfs.jffs2", "-d", folder, "-o", overlay, "-l")
    for block in 64 << 10, 128 << 10:
        image = tmp_path / "image"
        image.write_bytes(fs.read_bytes().ljust(block, b"\xff") +
                          overlay.read_bytes())
        assert (f"sector {block // SECTOR}: jffs2, little-endian\n"
                in info(image))


@pytest.mark.parametrize("kib,kind", [(1440, "FAT12"), (16384, "FAT16"),
                                      (65536, "FAT32")])
def test_fat(tmp_path, kib, kind):
    fs = tmp_path / "fs"
    options = ["-F", "-c", 1] if kind == "FAT32" else ["-c", 1]
    tool("mformat", "-C", "-i", fs, "-T", kib * 2, "-h", 16, "-s", 63,
         "-v", "A LABEL", *options, "::")
    assert (f"sector 0: {kind} 'A LABEL', {kib * 1024} bytes\n"
            in info(fs))


def test_swap(tmp_path):
    fs = empty(tmp_path / "fs", 1)
    tool("mkswap", "-L", "pages", fs)
    assert f"sector 0: swap 'pages', {MIB} bytes\n" in info(fs)


def test_router_image():
    """It has the seed page's shape: truncated, 16 heads, 63 sectors."""
    image = BUILD / "router.img"
    text = info(image)
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    assert f"SHA-256: {digest}\n" in text
    assert "boot loader: GRUB legacy 0.97, stage 1 version 3.2\n" in text
    cylinders = int(re.search(r"partition table: MBR, (\d+) cylinders, 16 "
                              r"heads, 63 sectors a track\n", text)[1])
    sectors = int(re.search(r"expected size: (\d+) sectors", text)[1])
    assert sectors == cylinders * 1008
    lacks = int(re.search(r"the file lacks (\d+) sectors", text)[1])
    assert lacks * SECTOR + image.stat().st_size == sectors * SECTOR
    assert "    1: sectors 63 to " in text and "type 83h, active\n" in text
    assert "sector 63: ext2 'boot', " in text
    assert ": squashfs, version 4, " in text


def test_no_image(tmp_path):
    text = info(empty(tmp_path / "zeros", 1))
    assert "boot loader: none that is known\n" in text
    assert "partition table: none\n" in text
    assert "sector 0: no file system that is known\n" in text
    assert "No such file" in info(tmp_path / "nowhere", status=1)
    (tmp_path / "nothing").write_bytes(b"")
    assert "partition table: none\n" in info(tmp_path / "nothing")
