"""Guests on qcow2 images: the disk that they leave is the one that they leave
in a raw image, by qemu-img."""
import subprocess

import pytest

from conftest import BUILD
from test_disk import FULL, image, run, table_image     # noqa: F401 (fixtures)

SHAPES = ["-c", "cluster_size=512", "compat=0.10", "cluster_size=2M"]


def img(*words):
    done = subprocess.run(["qemu-img", *map(str, words)], text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def convert(raw, to, shape):
    words = [shape] if shape == "-c" else ["-o", shape]
    img("convert", "-f", "raw", "-O", "qcow2", *words, raw, to)
    return to


@pytest.mark.parametrize("shape", SHAPES)
def test_as_in_a_raw_image(trestle, image, tmp_path, shape):    # noqa: F811
    q = convert(image, tmp_path / "q.qcow2", shape)
    before = image.read_bytes()
    t = trestle("-m", 16, q)
    t.expect("drv=qcow2")
    t.expect("disk_copy ok sectors ([0-9a-f]{8})\r\n")
    assert int(t.session.match[1], 16) == FULL
    assert t.ends() == 0
    img("check", "-f", "qcow2", q)
    assert image.read_bytes() == before
    run(trestle, image)
    img("compare", "-f", "qcow2", "-F", "raw", q, image)


def test_snapshot_and_backing_file_stay(trestle, image, tmp_path):  # noqa: F811
    base = convert(image, tmp_path / "base.qcow2", "-c")
    top = tmp_path / "top.qcow2"
    img("create", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", top)
    before = base.read_bytes(), top.read_bytes()
    t = trestle("-m", 16, "-drive", f"file={top},format=qcow2,snapshot=on")
    t.expect("drv=qcow2")
    t.expect("based on the file: base.qcow2")
    t.expect("disk_copy ok")
    assert t.ends() == 0
    assert (base.read_bytes(), top.read_bytes()) == before
    t = trestle("-m", 16, "-drive", f"file={top},format=qcow2")
    t.expect("disk_copy ok")
    assert t.ends() == 0
    assert base.read_bytes() == before[0] and top.read_bytes() != before[1]
    img("check", "-f", "qcow2", top)
    run(trestle, image)
    img("compare", "-f", "qcow2", "-F", "raw", top, image)


def test_guessed_images_open_no_other_file(trestle, image, tmp_path):  # noqa: F811
    top = tmp_path / "top.qcow2"
    img("create", "-f", "qcow2", "-b", image, "-F", "raw", top)
    t = trestle("-hda", top)
    t.expect("it is based on another file; ask for that with -drive")
    assert t.ends() == 1


def test_new_table_makes_the_image_larger(trestle, table_image,     # noqa: F811
                                          tmp_path):
    q = convert(table_image, tmp_path / "q.qcow2", "cluster_size=4k")
    t = trestle("-m", 16, q)
    # Before that the log's line on the growth may come inside the guest's.
    t.expect(f"disk_table ok, has {2 * FULL:08x}\r\n")
    assert t.ends() == 0
    img("check", "-f", "qcow2", q)
    assert f"({2 * FULL * 512} bytes)" in img("info", "-f", "qcow2", q)


def test_image_info(image, tmp_path):       # noqa: F811
    q = convert(image, tmp_path / "q.qcow2", "cluster_size=4k")
    top = tmp_path / "top.qcow2"
    img("create", "-f", "qcow2", "-b", q, "-F", "qcow2", top)
    out = subprocess.run([BUILD / "trestle", "image", "info", q], text=True,
                         capture_output=True, timeout=60).stdout
    assert "format: qcow2 version 3, clusters of 4096 bytes\n" in out
    assert "partition table: MBR, 42 cylinders" in out
    done = subprocess.run([BUILD / "trestle", "image", "info", top], text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 1 and "image info -f qcow2" in done.stderr
    out = subprocess.run([BUILD / "trestle", "image", "info", "-f", "qcow2",
                          top], text=True, capture_output=True, timeout=60)
    assert f"based on the file: {q}\n" in out.stdout
    assert "partition table: MBR, 42 cylinders" in out.stdout
