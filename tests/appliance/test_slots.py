"""Upgrades of an installed appliance: trial, confirmation, falling back."""
import hashlib
import os
import re

import pytest

from console import PROMPT, monitor, switch_off, to_monitor
from cuts import PLACES, ROUND, content, rounds_image
from guests import image
from lan import HOST, TAP, Lan
from medium import HANGS, RESETS, SECTOR, make_medium, with_table

SLOT = 2048
READY = "uart_echo ready\r\n"


def disk(path):
    return ("-drive", f"id=m,if=none,format=raw,file={path}",
            "-device", "ide-hd,drive=m,bus=ide.0")


def upgrade(appliance, source, *told):
    """With a restart at its end; the focus is at the monitor and stays."""
    appliance.send(f"upgrade {source}\r")
    for text in told:
        appliance.expect(text)
    appliance.expect(r"Restart the guest now\? .*\(y/n\) ")
    appliance.send("y\r")
    appliance.expect(PROMPT)


@pytest.fixture
def lan(tmp_path):
    with Lan(tmp_path) as made:
        yield made


def boot_slot(boot, lan, tmp_path, content, more="", ready=READY):
    """An appliance on a medium with that in its first slot, on a LAN where the
    files of tmp_path are had by HTTP; its guest runs."""
    path = tmp_path / "medium.raw"
    make_medium(path, SLOT, content)
    lan.serve(tmp_path, HOST)
    appliance = boot("-m 8 -nographic -hda slot -net nic -net bridge,ip=dhcp "
                     + more, net=lan.qemu_net("e1000"), inside=lan.inside,
                     extra=disk(path), limit=120)
    appliance.expect(ready)
    appliance.expect("own address on the LAN")
    return appliance


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_upgrades(boot, lan, tmp_path):
    """By HTTP and TFTP; one that is confirmed, one that never boots, back."""
    good = with_table(image("uart_echo"), SLOT)
    (tmp_path / "good.img").write_bytes(good)
    (tmp_path / "bad.img").write_bytes(RESETS)
    (tmp_path / "text").write_bytes(b"no image" * 100)
    lan.start("dnsmasq", "--port=0", "--enable-tftp", "--conf-file=/dev/null",
              f"--tftp-root={tmp_path}", f"--interface={TAP}", "--user=root",
              "--bind-interfaces", "--keep-in-foreground", "--pid-file=")
    appliance = boot_slot(boot, lan, tmp_path, good)
    to_monitor(appliance)
    web = f"http://{HOST}:8000"
    assert re.search("slot a: good, active, running", monitor(
        appliance, "info slots"))
    for source, why in (
            (f"{web}/nothing", "HTTP 404"),
            (f"{web}/text", "has no partition table"),
            (f"http://{HOST}:9/x", "Connection refused"),
            ("nowhere.img", "'nowhere.img' on the medium")):
        assert re.search(why, monitor(appliance, f"upgrade {source}"))
    upgrade(appliance, f"{web}/good.img",
            f"{len(good)} bytes, sha256 {hashlib.sha256(good).hexdigest()}")
    appliance.expect("slot b is on trial: boot 1 of 3")
    appliance.expect(READY)
    assert "'confirm' or 'rollback' comes first" in monitor(
        appliance, f"upgrade {web}/good.img").replace("\r\n", "\n")
    assert "confirm: done" in monitor(appliance, "confirm")
    text = monitor(appliance, "info slots")
    assert "slot a: good, previous\r\n" in text
    assert "slot b: good, active, running\r\n" in text
    # One that resets for ever is given up.
    assert "not found" in monitor(appliance, f"upgrade tftp://{HOST}/x")
    upgrade(appliance, f"tftp://{HOST}/bad.img", f"{len(RESETS)} bytes")
    for i in range(1, 4):
        appliance.expect(f"slot c is on trial: boot {i} of 3")
    appliance.expect("the guest restarts from slot b")
    appliance.expect(READY)
    assert "slot c: failed" in monitor(appliance, "info slots")
    # And back to the first.
    appliance.send("rollback -y\r")
    appliance.expect("the guest restarts from slot a")
    appliance.expect(READY)
    assert "slot b: good, previous\r\n" in monitor(appliance, "info slots")
    appliance.send("\x01c")
    switch_off(appliance)


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_a_hanging_trial(boot, lan, tmp_path):
    """It is reset, counted, and given up."""
    (tmp_path / "hangs.img").write_bytes(HANGS)
    appliance = boot_slot(boot, lan, tmp_path,
                          with_table(image("uart_echo"), SLOT),
                          "-guard trial=4")
    to_monitor(appliance)
    upgrade(appliance, f"http://{HOST}:8000/hangs.img", f"{len(HANGS)} bytes")
    for i in range(1, 4):
        appliance.expect(f"slot b is on trial: boot {i} of 3")
        appliance.expect("slot b is on trial and was not confirmed within 4 s")
    appliance.expect("the guest restarts from slot a")
    appliance.expect(READY)
    assert "slot b: failed" in monitor(appliance, "info slots")
    text = monitor(appliance, "info crashes")
    assert text.count("was not confirmed within 4 s: reset") == 3
    appliance.send("\x01c")
    switch_off(appliance)


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_watchdog_rolls_back(boot, lan, tmp_path):
    """Without a slot before, it is a reset."""
    hang = with_table(image("hang"), SLOT)
    (tmp_path / "hang.img").write_bytes(hang)
    appliance = boot_slot(boot, lan, tmp_path, hang,
                          "-watchdog ib700 -watchdog-action rollback",
                          "hang ready\r\n")
    appliance.send("fh")
    appliance.expect(r"the guest's watchdog expired \(action: rollback\)")
    appliance.expect("no rollback, a reset only: there is no slot before")
    appliance.expect("hang ready\r\n")
    to_monitor(appliance)
    upgrade(appliance, f"http://{HOST}:8000/hang.img", f"{len(hang)} bytes")
    appliance.expect("slot b is on trial: boot 1 of 3")
    appliance.expect("hang ready\r\n")
    assert "confirm: done" in monitor(appliance, "confirm")
    appliance.send("\x01cfh")
    appliance.expect("back to the slot before")
    appliance.expect("the guest restarts from slot a")
    appliance.expect("hang ready\r\n")
    switch_off(appliance)


def test_commit_into_the_slot(boot, tmp_path):
    """Under -snapshot nothing is written to the medium, and by a commit what
    the guest wrote to its slot."""
    path = tmp_path / "medium.raw"
    start = make_medium(path, SLOT, rounds_image(SLOT))["trestle-a"] * SECTOR
    end = start + SLOT * SECTOR
    before = path.read_bytes()
    appliance = boot("-m 8 -nographic -net none -snapshot -hda slot",
                     extra=disk(path), limit=120)
    appliance.expect(r"disk_rounds flushed 00000005\r\n")
    to_monitor(appliance)
    monitor(appliance, "stop")
    assert path.read_bytes() == before
    appliance.send("commit hda\r")
    appliance.expect("commit hda: done")
    appliance.expect(PROMPT)
    after = path.read_bytes()
    assert after[:start] == before[:start] and after[end:] == before[end:]
    places = [after[at:at + ROUND * SECTOR] for at in
              range(end - PLACES * ROUND * SECTOR, end, ROUND * SECTOR)]
    last = max(int.from_bytes(place[:4], "little") for place in places)
    assert last >= 5
    for number in range(last - 2, last):
        assert places[number % PLACES] == b"".join(content(number))
    monitor(appliance, "cont")
    appliance.send("\x01c")
    switch_off(appliance)
