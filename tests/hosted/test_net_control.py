"""The monitor's network commands on a running guest, and what they count."""
import re

import pytest

from test_net import MAC, Lan, echoed, frame
from together import free_port

IN = ("in", "in_runt", "in_oversize", "in_link_local", "in_no_memory",
      "in_link_off")
OUT = ("out", "out_guest_full", "out_nic_full", "out_link_down",
       "out_link_off", "out_oversize")


@pytest.fixture
def lan(trestle, wires, guest):
    return Lan(trestle, wires, guest)


def ports(lan):
    """The counters of each device of VLAN 0 by its id."""
    text = lan.trestle.monitor("info network")
    found = {}
    for name, block in re.findall(r"^  \S.* id=(\S+).*\n((?:    .*\n)*)", text,
                                  re.MULTILINE):
        found[name] = {k: int(v)
                       for k, v in re.findall(r"(\w+)=(\d+)\b", block)}
    return found


def adds_up(counters):
    return (sum(counters.get(k, 0) for k in IN) == counters["in_total"] and
            sum(counters.get(k, 0) for k in OUT) == counters["out_total"])


def test_set_link(lan):
    """Off, frames stop and are counted, by whichever name; then they go on."""
    for number, name in enumerate(("ne2k_pci.0", "eth0", "socket.0"), 1):
        assert lan.trestle.monitor(f"set_link {name} off") == ""
        assert "link=off" in lan.trestle.monitor("info network")
        lan.wire.send(frame(60, 1))
        assert lan.wire.receive(0.3) is None
        assert lan.trestle.monitor(f"set_link {name} on") == ""
        lan.wire.send(frame(60, number))
        assert lan.wire.receive() == echoed(frame(60, number))
    found = ports(lan)
    assert found["ne2k_pci.0"]["out_link_off"] == 2
    assert found["socket.0"]["in_link_off"] == 1
    assert all(adds_up(c) for c in found.values()), found
    assert lan.quit() == (3, 0)


def test_totals_add_up_after_strange_frames(lan):
    """Of all that a wire can bring, every frame is somewhere in the sum."""
    sent = 0
    for size in (0, 13, 14, 60, 1514, 1518, 1519, 1522, 4000):
        for to in (MAC, b"\xff" * 6, bytes.fromhex("0180c2000001")):
            for number in range(40):
                lan.wire.send(frame(size, number, to))
                sent += 1
    while lan.wire.receive(1) is not None:
        pass
    found = ports(lan)
    wire = found["socket.0"]
    assert wire["in_total"] + wire.get("nic_rx_oversize", 0) + \
        wire.get("nic_rx_no_buffer", 0) == sent
    assert found["ne2k_pci.0"]["out_total"] == wire["in"]
    assert found["ne2k_pci.0"]["in"] == wire["out_total"]
    assert all(adds_up(c) for c in found.values()), found


def test_netdev_goes_and_another_comes(lan, wires):
    old = lan.wire
    assert lan.trestle.monitor("netdev_del socket.0") == ""
    assert lan.wire.receive(0.3) is None
    port = free_port()
    assert lan.trestle.monitor("netdev_del socket.0").startswith(
        "netdev_del: there is no netdev")
    assert "name the vlan=" in lan.trestle.monitor(
        f"netdev_add socket,id=x,listen=127.0.0.1:{port}")
    assert lan.trestle.monitor(
        f"netdev_add socket,id=socket.0,listen=127.0.0.1:{port}") == ""
    lan.wire = wires(port)
    lan.wire.send(frame(60, 7))
    assert lan.wire.receive() == echoed(frame(60, 7))
    assert "socket.0" in ports(lan)
    old.close()
    assert lan.quit() == (1, 0)


def test_announce_self(lan):
    """qemu's five reverse ARPs, from the guest's address."""
    assert lan.trestle.monitor("announce_self") == ""
    for _ in range(5):
        got = lan.wire.receive(5)
        assert got[:22] == (b"\xff" * 6 + MAC +
                            bytes.fromhex("80350001080006040003"))
        assert got[22:28] == got[32:38] == MAC
    assert lan.wire.receive(1) is None


@pytest.mark.parametrize("command,answer", [
    ("set_link", "use set_link"),
    ("set_link eth0", "use set_link"),
    ("set_link eth0 of", "use set_link"),
    ("set_link eth0 off now", "use set_link"),
    ("set_link eth7 off", "names: ne2k_pci.0 socket.0"),
    ("netdev_add", "use netdev_add"),
    ("netdev_add tap", "id="),
    ("netdev_add socket,id=y,vlan=0,connect=127.0.0.1:x", "not HOST:PORT"),
    ("netdev_add socket,id=y,vlan=0,listen=192.0.2.1:9", "netdev_add socket"),
    ("netdev_del", "use netdev_del"),
    ("netdev_del eth0", "no netdev 'eth0'"),
    ("announce_self 3", "takes no"),
])
def test_mistakes_are_told(lan, command, answer):
    assert answer in lan.trestle.monitor(command)


def test_nics_have_fixed_slots(trestle, guest):
    """In the order of the options, whichever words they use."""
    t = trestle("-m", 16, "-hda", guest("spin"),
                "-device", "ne2k_pci,netdev=a,mac=52:54:0:0:0:1,addr=3",
                "-nic", "user,mac=52:54:0:0:0:2",
                "-net", "nic,vlan=7,macaddr=52:54:0:0:0:3",
                "-netdev", "user,id=a",
                "-device", "ne2k_pci,mac=52:54:0:0:0:4,addr=06.0")
    t.expect("spin ready")
    t.to_monitor()
    slots = re.findall(r"device +(\d+), function 0:\n[^\n]*10ec:8029",
                       t.monitor("info pci"))
    assert slots == ["3", "4", "5", "6"]
    text = t.monitor("info network")
    for n, vlan in enumerate(("netdev a", "netdev user.0", "VLAN 7",
                              "no netdev,"), 1):
        name = f"ne2k_pci.{n - 1}"
        assert re.search(rf"{vlan} devices:\n  ne2000 pci "
                         rf"macaddr=52:54:00:00:00:0{n} id={name}\n", text)
