"""What `make stick` makes."""
import subprocess
import sys

from conftest import BUILD, ELF

ESP, STATE, SLOT_A = 4096, 266240, 268288       # first sectors; kernel/disk/medium.h


def make_stick(folder, data, conf=None, name="stick.img"):
    """With the image `data`, and a trestle.conf's text; returns its path."""
    (folder / "router.img").write_bytes(data)
    args = ["--image", folder / "router.img", "--out", folder / name,
            "--elf", ELF, "--trestle", BUILD / "trestle"]
    if conf is not None:
        (folder / "own.conf").write_text(conf)
        args += ["--conf", folder / "own.conf"]
    subprocess.run([sys.executable, "tools/make-stick.py", *args], check=True)
    return folder / name
