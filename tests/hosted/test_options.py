"""What the command line accepts, and how it says no."""
import os
import re
import subprocess

import pytest

from conftest import BUILD

BAD = [
    (["-frobnicate"], "-frobnicate"),
    (["-m"], "-m"),
    (["-m", "0"], "-m 0"),
    (["-m", "4096"], "-m 4096"),
    (["-m", "many"], "-m many"),
    (["-hda", "/nonexistent/disk.img"], "-hda"),
    (["/nonexistent/disk.img"], "-hda"),
    (["-hda", "/dev/null", "-hda", "/dev/null"], "-hda"),
    (["-cdrom", "/nonexistent/cd.iso"], "-hdc|-cdrom"),
    (["-drive", "file=/nonexistent/disk.img,index=3"], "-hdd: .*nonexistent"),
    (["-drive", "file=x,format=vmdk"], "-drive file=x,format=vmdk: .*format=raw"),
    (["-drive", "file=x,colour=red"], "-drive file=x,colour=red: .*'colour'"),
    (["-hdachs", "1,2"], "-hdachs 1,2: use CYLINDERS,HEADS,SECTORS"),
    (["-hdachs", "42,16,63", "-hdb", "x"], "-hdachs: there is no hda"),
    (["-boot", "x"], "-boot x"),
    (["-net", "nonsense"], "-net nonsense"),
    (["-net", "nic,macaddr=12"], "-net nic,macaddr=12"),
    (["-net", "nic,macaddr=01:00:00:00:00:00"], "-net nic,macaddr=01"),
    (["-net", "nic,model=e1000"], "-net nic,model=e1000"),
    (["-net", "nic", "-net", "socket,listen=nowhere"], "-net socket"),
    (["-net", "nic,romfile=/nonexistent.rom", "-net", "nic"], "-net nic,romfile="),
    (["-net", "nic,romfile=/dev/null", "-net", "nic"], "-net nic,romfile="),
    (["-net", "nic", "-net", "tap,ifname=waytoolongforaname"], "-net tap"),
    (["-serial", "tcp"], "-serial tcp"),
    (["-serial"] + ["null", "-serial"] * 4 + ["null"], "-serial"),
    (["-echr", "0"], "-echr 0"),
    (["-k", "us"], "-k us: no such layout; use one of ar .* en-us .* tr"),
    (["-accel", "warp"], "-accel warp"),
    (["-cpu", "z80"], "-cpu z80"),
    (["-cpu", "trestle64"],
     "no CPU engine: jit: it does not run 64-bit.*; interp: it does not run 64"),
    (["-cpu", "max", "-accel", "interp"], "-accel interp: it does not run 64-bit CPUs"),
    (["-icount", "shift=99"], "-icount shift=99"),
    (["-bios", "/nonexistent.bin"], "-bios: .*/nonexistent.bin"),
    (["-name", ""], "-name"),
    (["-d", "exec"], "-d exec: the item 'exec' is not there"),
    (["-D", "/nonexistent/log"], "-D /nonexistent/log: No such file"),
]


def run(args):
    return subprocess.run([BUILD / "trestle", *args], capture_output=True,
                          stdin=subprocess.DEVNULL, text=True, timeout=20)


@pytest.mark.parametrize("args,named", BAD, ids=[" ".join(b[0]) for b in BAD])
def test_bad_option(args, named):
    done = run(args)
    assert done.returncode == 1
    assert re.search(named, done.stderr, re.DOTALL), done.stderr


@pytest.mark.parametrize("args", [[], ["-help"], ["-h"], ["--help"]])
def test_all_options_are_listed(args):
    done = run(args)
    assert done.returncode == 0
    for option in ("-m", "-hda", "-snapshot", "-net nic", "-net bridge",
                   "-net tap", "-net socket", "-serial", "-nographic",
                   "-no-reboot", "-accel", "-name", "-S", "-icount", "-drive",
                   "-hdachs", "trestle image info FILE", "disk:0,part=1"):
        assert option in done.stderr


def test_layouts_are_listed():
    done = run(["-k", "help"])
    assert done.returncode == 0
    assert re.search("^de-ch +German \\(Switzerland\\)$", done.stderr, re.M)


def test_version():
    assert re.match(r"Trestle \d+\.\d+ \(\w+\)\n", run(["-version"]).stderr)


def test_without_a_terminal(guest):
    """Input from a pipe's end: the guest runs on without a keyboard."""
    image = guest("disk_copy")
    os.truncate(image, 1 << 20)
    done = run(["-hda", image, "-nographic", "-name", "Zo"])
    assert done.returncode == 0
    assert "disk_copy ok" in done.stdout
    assert "Zo: the guest switched itself off" in done.stderr
