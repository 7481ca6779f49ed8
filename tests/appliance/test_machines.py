"""Several machines: trestle.conf as a module, the keys, ends of their own."""
import os
import re

import pytest

from accel import SVM
from conftest import BUILD
from console import ESCAPE, monitor, show, to_monitor
from guests import EACH_OF_SEVERAL, boot_machines, image
from lan import HOST, Lan
from shell import PROMPT, Shell
from wire import PEER, Wire, frame

# QEMU's 52:54:00:12:34:56, made local, and another byte for machine 2.
MACS = ["5a:54:00:12:34:56", "5a:55:00:12:34:56"]


def test_ends_of_their_own(boot):
    """Power-off, triple fault, -no-reboot: the others do not notice."""
    appliance = boot_machines(boot, {
        "off": ("uart_echo",), "fault": ("uart_echo",),
        "once": ("uart_echo", "no-reboot"), "last": ("uart_echo",)},
        head="uart baud=57600  # the console\n" + EACH_OF_SEVERAL)
    appliance.expect(r"console: UART at port 3f8h, IRQ 4, 57600 8N1")
    for number, name in enumerate(("off", "fault", "once", "last"), 1):
        if number > 1:
            show(appliance, number, name)
        appliance.expect("uart_echo ready\r\n")
    show(appliance, 2, "fault")
    appliance.send("~t")
    appliance.expect("fault: triple fault at")
    appliance.expect("uart_echo ready\r\n")
    show(appliance, 3, "once")
    appliance.send("~t")
    appliance.expect(r"once: the guest rebooted \(-no-reboot\)")
    show(appliance, 1, "off")
    appliance.send("~p")
    appliance.expect("off: the guest switched itself off")
    to_monitor(appliance)
    listed = monitor(appliance, "info machines")
    for row in (r"\* 1 +off +off ", r"  2 +fault +running ",
                r"  3 +once +ended \(-no-reboot\) ", r"  4 +last +running "):
        assert re.search(row, listed), listed
    # The reset button switches it on again.
    appliance.send("system_reset\r" + ESCAPE + "c")
    appliance.expect("uart_echo ready\r\n")
    for number, name in enumerate(("off", "fault", "last"), 1):
        show(appliance, number + (number == 3), name)
        appliance.send("~p")
        appliance.expect(f"{name}: the guest switched itself off")
    assert appliance.ends() == 0


@pytest.mark.parametrize("conf,why", [
    (b"[a]\nhda a.img\n[b]\nhda a.img\n", r"-hda: cannot open 'a.img': busy"),
    (b"[a]\nsnapshot\nhda a.img\n[b]\nhda a.img\n", r"'a.img': busy"),
    (b"[a]\nhda a.img\nfrob\n", r"trestle.conf:3: -frob: unknown option"),
    (b"m 64\n", r"trestle.conf: no machine"),
])
def test_mistakes_are_told(boot, conf, why):
    appliance = boot("-nographic", modules=[
        ("trestle.conf", conf), ("a.img", image("uart_echo"))])
    appliance.expect(why)
    appliance.expect(r"switching off \(status 1\)")
    appliance.ends()


@pytest.fixture
def wire(tmp_path):
    made = Wire(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("processors", [1, 4])
def test_two_on_one_nic_while_a_third_spins(boot, wire, processors):
    """Frames to both at once; the console answers; one end changes nothing."""
    net = ("net nic", "net bridge")
    appliance = boot_machines(boot, {
        "one": ("ne2k_echo", *net), "two": ("ne2k_echo", *net),
        "spin": ("spin",)}, net=wire.qemu("e1000e"), limit=240,
        extra=("-smp", str(processors)))
    macs = []
    for number, name in ((1, "one"), (2, "two")):
        if number > 1:
            show(appliance, number, name)
        macs.append(bytes.fromhex(
            appliance.expect(r"ne2k_echo mac (\w{12})0000")[1]))
    assert [mac.hex(":") for mac in macs] == MACS
    show(appliance, 3, "spin")
    appliance.expect("spin ready")
    sent = [frame(macs[n % 2], n, 60 + 7 * n) for n in range(200)]
    got = wire.echoes(sent)
    for mac in macs:
        assert [f for f in got if f[6:12] == mac] == [
            f[6:12] + f[:6] + f[12:] for f in sent if f[:6] == mac]
    to_monitor(appliance)
    monitor(appliance, "machine two")
    assert "shared by 2 machines" in monitor(appliance, "info network")
    listed = monitor(appliance, "info machines")
    assert len(re.findall(r"^..\d .* running ", listed, re.MULTILINE)) == 3
    show(appliance, 1, "one")
    appliance.send("q")
    appliance.expect("frames 00000064 bad 00000000")
    appliance.expect("one: the guest switched itself off")
    assert wire.echoes([frame(macs[1], 0)]) == [
        frame(PEER, 0, sender=macs[1])]
    show(appliance, 2, "two")
    appliance.send("q")
    appliance.expect("two: the guest switched itself off")
    appliance.send(ESCAPE + "xy")
    assert appliance.ends() == 0

@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
@pytest.mark.parametrize("processors", [1, 4])
def test_two_routers_on_one_nic_while_a_third_spins(boot, tmp_path,
                                                    processors):
    """Under svm: leases, pings to each other and the LAN."""
    router = "hda router.img\nsnapshot\nnet nic\nnet bridge\n"
    conf = f"m 64\n[one]\n{router}[two]\n{router}[spin]\nhda spin.img\n"
    with Lan(tmp_path) as lan:
        appliance = boot(
            "-nographic", modules=[
                ("trestle.conf", conf.encode()),
                ("router.img", (BUILD / "router.img").read_bytes()),
                ("spin.img", image("spin"))], gzipped=False,
            net=lan.qemu_net("e1000e"), inside=lan.inside, limit=1500,
            extra=("-smp", str(processors), *SVM))
        appliance.expect("one: engine svm")
        appliance.expect("Please press Enter to activate this console", 900)
        appliance.send("\r")
        appliance.expect(PROMPT)
        addresses = [lan.lease(600, mac) for mac in MACS]
        assert addresses[0] != addresses[1]
        show(appliance, 3, "spin")
        appliance.expect("spin ready")
        show(appliance, 2, "two")
        appliance.send("\r")
        appliance.expect(PROMPT)
        shell = Shell(appliance)
        shell.run("until ip -4 addr show br-lan | grep -w inet; "
                  "do sleep 1; done")
        for address in (addresses[0], HOST):
            shell.run(f"ping -c 3 -W 10 {address}")
        for address in addresses:
            lan.run("ping", "-c", "3", "-i", "0.5", "-W", "10", address)
        appliance.send("poweroff\r")
        appliance.expect("two: the guest switched itself off", 300)
        lan.run("ping", "-c", "3", "-i", "0.5", "-W", "10", addresses[0])
        show(appliance, 1, "one")
        appliance.send("poweroff\r")
        appliance.expect("one: the guest switched itself off", 300)
        appliance.send(ESCAPE + "xy")
        assert appliance.ends() == 0
