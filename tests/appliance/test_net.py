"""From the wire through driver and bridge to the guest's NE2000, and back."""
import random
import re
import threading
import time

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP, Ether

from console import ask_monitor
from guests import boot_guest, check_sum_line, echoed, guest_mac
from nics import NICS, qemu_monitor
from wire import BROADCAST, PEER, Wire, frame

LLDP = bytes.fromhex("0180c200000e")
MULTICAST = bytes.fromhex("01005e0000fb")
VLAN_TAG = b"\x81\x00\x00\x05"


@pytest.fixture
def wires(tmp_path):
    made = [Wire(tmp_path, f"w{i}") for i in range(2)]
    yield made
    for w in made:
        w.close()


@pytest.mark.parametrize("model", NICS)
def test_frames_come_back(boot, wires, model):
    """Every length, in order; a VLAN-tagged frame of full size."""
    wire = wires[0]
    appliance = boot_guest(boot, "ne2k_echo", "-net nic -net bridge",
                           net=wire.qemu(model), limit=180)
    appliance.expect(f"nic0: {NICS[model]}")
    mac = guest_mac(appliance)
    sent = [frame(mac, n, n) for n in range(60, 1515)]
    sent.append(frame(mac, 7, 1518, kind=VLAN_TAG))
    assert wire.echoes(sent) == [echoed(f) for f in sent]
    # One broadcast goes to the guest, too; its answer is to its sender.
    wire.send(frame(BROADCAST, 1))
    assert wire.receive()[:12] == PEER + mac
    network = ask_monitor(appliance, "info network")
    assert f"in={len(sent) + 1} (" in network
    assert f"out={len(sent) + 1} (" in network
    assert "out_guest_full" not in network
    bridge = ask_monitor(appliance, "info bridge")
    for address in (mac, PEER):
        assert address.hex(":") in bridge
    appliance.send("q")
    appliance.expect(rf"frames {len(sent) + 1:08x} bad 00000000")
    assert appliance.ends() == 0


@pytest.mark.parametrize("model", ["pcnet", "i82559er"])
def test_32_bit_addresses_with_5_gib(boot, wires, model):
    """What the guest and other NICs send lies where such a card reaches it."""
    wire = wires[0]
    appliance = boot_guest(boot, "ne2k_echo", "-net nic -net bridge",
                           net=wire.qemu(model), ram=5120)
    mac = guest_mac(appliance)
    sent = [frame(mac, n, 1000) for n in range(50)]
    assert wire.echoes(sent) == [echoed(f) for f in sent]


def test_flooding_and_learning(boot, wires):
    """Two NICs on one bridge: who gets what."""
    left, right = wires
    appliance = boot_guest(
        boot, "ne2k_echo", "-net nic -net bridge,nic=0 -net bridge,nic=1",
        net=left.qemu("e1000") + right.qemu("e1000e"))
    mac = guest_mac(appliance)
    other = bytes.fromhex("020000000002")
    unknown = bytes.fromhex("020000000003")
    for i, to in enumerate((MULTICAST, BROADCAST, unknown)):
        left.send(frame(to, i))
        assert right.receive() == frame(to, i)
        if to == BROADCAST:
            assert left.receive() == echoed(frame(mac, i))
    # The guest's answer went to where PEER was seen, and only there.
    # What 802.1D keeps on one LAN stays there: the next frame is the next.
    left.send(frame(LLDP, 10))
    left.send(frame(MULTICAST, 11))
    assert right.receive() == frame(MULTICAST, 11)
    # `other` is learned on the right: the left sees its frames no more.
    right.send(frame(PEER, 12, sender=other))
    assert left.receive() == frame(PEER, 12, sender=other)
    left.send(frame(other, 13))
    assert right.receive() == frame(other, 13)
    right.send(frame(mac, 14, sender=other))
    assert right.receive() == echoed(frame(mac, 14, sender=other))
    assert left.receive(0.5) is None
    assert "in_link_local=1" in ask_monitor(appliance, "info network")
    bridge = ask_monitor(appliance, "info bridge")
    assert re.search(rf"\d+ +{other.hex(':')}", bridge)


# How each driver sees its link is test_nic_drivers.py's matter.
@pytest.mark.parametrize("model", ["e1000", "e1000e", "rtl8139"])
@pytest.mark.parametrize("comes_up", [True, False])
def test_start_waits_for_link(boot, wires, tmp_path, model, comes_up):
    """10 s at most; an NE2000 has no carrier to tell the guest by."""
    path = tmp_path / "monitor"
    wire = wires[0]
    appliance = boot_guest(
        boot, "ne2k_echo", "-net nic -net bridge", net=wire.qemu(model),
        extra=("-S", "-monitor", f"unix:{path},server=on,wait=off"))
    wire.connected()
    qemu_monitor(path, "set_link w0 off")
    qemu_monitor(path, "cont")
    appliance.expect("waiting for the network link, 10 s at most")
    start = time.monotonic()
    if comes_up:
        qemu_monitor(path, "set_link w0 on")
        appliance.expect("link up")
    else:
        appliance.expect("no link: starting without it", 60)
        assert time.monotonic() - start > 8
    mac = guest_mac(appliance)
    qemu_monitor(path, "set_link w0 on")
    if not comes_up:
        appliance.expect("link up")
    sent = [frame(mac, n) for n in range(20)]
    assert wire.echoes(sent) == [echoed(f) for f in sent]
    qemu_monitor(path, "set_link w0 off")
    appliance.expect("link down")
    assert "link=down" in ask_monitor(appliance, "info network")
    qemu_monitor(path, "set_link w0 on")
    appliance.expect("link up")
    assert wire.echoes(sent) == [echoed(f) for f in sent]


@pytest.mark.parametrize("model,ids", [("tulip", "1011:0019")])
def test_card_without_driver(boot, model, ids):
    """Named on the console; the router starts, without a LAN."""
    appliance = boot_guest(boot, "ne2k_echo", "-net nic -net bridge",
                           net=("-nic", f"user,model={model}"))
    appliance.expect(rf"no driver for the network card {ids} at 00:0\d\.0")
    appliance.expect("starting without a LAN")
    guest_mac(appliance)


def test_second_dhcp_server_is_noticed(boot, wires):
    """What the guest echoes here is a DHCP server's answer, coming from it."""
    from scapy.layers.dhcp import BOOTP
    from scapy.layers.inet import UDP

    wire = wires[0]
    appliance = boot_guest(boot, "ne2k_echo", "-net nic -net bridge",
                           net=wire.qemu("e1000"))
    mac = guest_mac(appliance)
    offer = bytes(Ether(dst=mac.hex(":"), src=PEER.hex(":")) /
                  IP(src="192.168.1.1", dst="255.255.255.255") /
                  UDP(sport=67, dport=68) / BOOTP(op=2))
    wire.echoes([offer, offer])
    appliance.expect("trestle eth0 answers DHCP on the LAN as 192.168.1.1")
    appliance.send("q")
    appliance.expect("frames 00000002")
    assert "answers DHCP" not in appliance.session.before


def test_host_answers_when_asked_to(boot, wires):
    """-net bridge,ip=: ARP and ping by Trestle itself."""
    wire = wires[0]
    boot_guest(boot, "uart_echo", "-net bridge,ip=10.9.8.7/24",
               net=wire.qemu("e1000")).expect("uart_echo ready")
    ours = PEER.hex(":")
    wire.send(bytes(Ether(dst="ff:ff:ff:ff:ff:ff", src=ours) /
                    ARP(hwsrc=ours, psrc="10.9.8.1", pdst="10.9.8.7")
                    ).ljust(60, b"\0"))
    answer = Ether(wire.receive())
    while not (ARP in answer and answer[ARP].op == 2):
        answer = Ether(wire.receive())
    ping = Ether(dst=answer[ARP].hwsrc, src=ours) / \
        IP(src="10.9.8.1", dst="10.9.8.7") / ICMP(id=5, seq=9) / (b"x" * 1000)
    wire.send(bytes(ping))
    answer = Ether(wire.receive())
    assert answer[ICMP].type == 0 and answer[ICMP].seq == 9
    assert bytes(answer[ICMP].payload) == b"x" * 1000


def test_console_loses_nothing_under_load(boot, wires):
    """A paste and a stream of frames at once: both whole and in order.

    Where the line is fast and the wire slow, one paste has ended too soon."""
    wire = wires[0]
    appliance = boot_guest(boot, "ne2k_echo", "-net nic -net bridge",
                           net=wire.qemu("e1000e"), limit=300)
    mac = guest_mac(appliance)
    values = [v for v in range(256) if v not in (1, ord("q"))]
    data = bytes(random.Random(3).choices(values, k=100_000))
    sent, got, pasted = [], [], b""
    done = threading.Event()

    def stream():
        while not done.is_set():
            batch = [frame(mac, len(sent) + n, 60 + 97 * n) for n in range(16)]
            sent.extend(batch)
            got.extend(wire.echoes(batch))

    thread = threading.Thread(target=stream, daemon=True)
    thread.start()
    while len(sent) <= 500 and len(pasted) < 10_000_000:
        appliance.paste(data)
        appliance.paste_done(240)
        pasted += data
    done.set()
    thread.join(60)
    appliance.send("q")
    appliance.expect(rf"frames {len(sent):08x} bad 00000000")
    appliance.expect(check_sum_line(pasted))
    assert len(sent) > 500
    assert got == [echoed(f) for f in sent]
