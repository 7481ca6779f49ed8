"""Snapshots go between the builds and the engines, on a disk and as a module."""
import re

import pexpect

from conftest import BUILD
from console import (ESCAPE, PROMPT, ask_monitor, show, switch_off,
                     to_monitor)
from guests import image

OPTIONS = "-m 8 -net none".split()
STORE = 4 << 20                 # bytes


class Hosted:
    """The Linux program with the guest tally, as an appliance's console."""

    def __init__(self, folder, name, *args, limit=60):
        disk = folder / f"{name}.img"
        disk.write_bytes(image("tally"))
        self.session = pexpect.spawn(
            "timeout", ["-k", "5", str(limit), str(BUILD / "trestle"),
                        *OPTIONS, "-name", name, "-hda", str(disk),
                        *map(str, args), "-nographic"],
            timeout=limit, echo=False, encoding="latin-1")
        self.session.delaybeforesend = None

    def send(self, text):
        self.session.send(text)

    def expect(self, pattern):
        self.session.expect(pattern)

    def end(self):
        self.send("\x04")
        self.expect(pexpect.EOF)
        self.session.close()
        assert self.session.exitstatus == 0


def tell(n):
    """What tally says when all it counts in is n."""
    return r"tally " + 3 * f"{n:08x} " + "ok"


def count(appliance, n):
    appliance.send("x")
    appliance.expect(tell(n))


def save(appliance, tag):
    to_monitor(appliance)
    appliance.send(f"savevm {tag}\r")
    appliance.expect(f"savevm {tag}: done")
    appliance.expect(PROMPT)
    appliance.send(ESCAPE + "c")


def test_between_builds_and_engines(boot, tmp_path):
    store, copy = tmp_path / "store", tmp_path / "copy.raw"
    for name in "one", "two":
        t = Hosted(tmp_path, name, "-accel", "interp", "-vmstate", store)
        t.expect("tally ready")
        count(t, 0)
        count(t, 1)
        save(t, "start")
        t.end()
    data = store.read_bytes()
    copy.write_bytes(data.ljust(STORE, b"\0"))
    conf = """m 8
[one]
net none
accel svm
hda one.img
vmstate disk:0
loadvm start
[two]
net none
accel jit
hda two.img
vmstate store
loadvm start
"""
    appliance = boot("-nographic", limit=240, modules=[
        ("trestle.conf", conf.encode()), ("one.img", image("tally")),
        ("two.img", image("tally")), ("store", data)],
        extra=("-drive", f"id=d,if=none,format=raw,file={copy}",
               "-device", "ide-hd,bus=ide.0,drive=d"))
    appliance.expect("one: goes on from snapshot 'start'")
    appliance.expect("two: goes on from snapshot 'start'")
    count(appliance, 2)
    count(appliance, 3)
    save(appliance, "svm")
    count(appliance, 4)
    text = ask_monitor(appliance, "info snapshots")
    assert re.search(r"^3 +svm ", text, re.M)
    assert "in disk:0: " in text and "and 1 of other machines" in text
    show(appliance, 2, "two")
    count(appliance, 2)
    text = ask_monitor(appliance, "info snapshots")
    assert "in RAM: lost at power-off" in text
    switch_off(appliance)
    t = Hosted(tmp_path, "one", "-accel", "jit", "-vmstate", copy, "-loadvm",
               "svm")
    count(t, 4)
    count(t, 5)
    t.end()
