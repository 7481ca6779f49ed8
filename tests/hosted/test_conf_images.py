"""tools/conf-images.py: what a boot medium carries for a trestle.conf."""
import pathlib
import subprocess

import pytest

TOOL = pathlib.Path(__file__).parents[2] / "tools/conf-images.py"


@pytest.fixture
def files(tmp_path):
    """files(conf) -> (exit status, the paths by name, what it complains)."""
    for name in ("a.img", "b,c.img", "rom.bin"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/d.img").write_bytes(b"x")
    conf = tmp_path / "trestle.conf"

    def run(text):
        conf.write_text(text)
        done = subprocess.run(["/usr/bin/python3", TOOL, conf], text=True,
                              capture_output=True, timeout=20, check=False)
        found = dict(word.split("=") for word in done.stdout.split())
        return done.returncode, found, done.stderr

    def where(*names):
        return {pathlib.Path(n).name: str(tmp_path / n) for n in names}

    run.where = where
    return run


def test_images_of_all_options(files):
    """Each drive's and NIC's, in old words and new, each once."""
    status, found, _ = files(
        "m 64\n[a]\nhda a.img\n-cdrom=sub/d.img\n"
        "net nic,romfile=rom.bin\n"
        "[b]\ndrive file=a.img,readonly=on,index=1\n"
        "-drive \"media=disk,file=b,,c.img\"\n"
        "device ne2k_pci,netdev=n,romfile=rom.bin\n")
    assert status == 0
    assert found == files.where("a.img", "sub/d.img", "rom.bin", "b,c.img")


def test_disks_of_the_pc_are_none(files):
    status, found, _ = files(
        "[a]\nhda disk:0\nhdb disk:serial=X,part=2\n"
        "drive file=disk:1,,label=root,index=3\n"
        "[b]\ndrive media=cdrom\nhda a.img\n")
    assert status == 0
    assert found == files.where("a.img")


@pytest.mark.parametrize("line,missing", [
    ("hda no.img", "no.img"), ("drive file=no.img,if=ide", "no.img"),
    ("bios disk:0", "disk:0"), ("nic user,romfile=no.img", "no.img")])
def test_missing_file_is_named(files, line, missing):
    status, found, said = files(f"[a]\n{line}\n")
    assert (status, found) == (1, {})
    assert "there is no file" in said and f"/{missing}'" in said
