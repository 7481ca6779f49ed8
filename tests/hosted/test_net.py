"""The NE2000 on a wire that this test holds the other end of."""
import re
import struct
import subprocess

import pytest

from conftest import BUILD
from together import free_port

PEER = bytes.fromhex("020000000001")
MAC = bytes.fromhex("525400123456")


def frame(length, number=0, to=MAC, sender=PEER):
    """A frame of `length` bytes without FCS, recognisable by `number`."""
    head = to + sender + b"\x88\xb5" + struct.pack(">I", number)
    return (head + bytes((number + i) & 255 for i in range(length)))[:length]


def echoed(sent):
    """What the guest makes of it: addresses swapped, padded to 60."""
    return (sent[6:12] + MAC + sent[12:]).ljust(60, b"\0")


class Lan:
    """A guest that echoes frames, and the wire to it."""

    def __init__(self, trestle, wires, guest, name="ne2k_echo", args=()):
        port = free_port()
        self.trestle = trestle("-m", 16, "-hda", guest(name), "-net", "nic",
                               "-net", f"socket,listen=127.0.0.1:{port}", *args)
        self.wire = wires(port)
        self.trestle.expect("ne2k_echo mac 5254001234560000\r\n")
        self.trestle.to_monitor()

    def counters(self):
        """All name=number pairs of `info network`, summed by name."""
        text = self.trestle.monitor("info network")
        found = {}
        for name, value in re.findall(r"(\w+)=(\d+)\b", text):
            found[name] = found.get(name, 0) + int(value)
        return found

    def quit(self):
        self.trestle.to_console()
        self.trestle.send("q")
        got = self.trestle.expect("frames ([0-9a-f]{8}) bad ([0-9a-f]{8})\r\n")
        assert self.trestle.ends() == 0
        return int(got[1], 16), int(got[2], 16)


@pytest.fixture
def lan(trestle, wires, guest):
    return Lan(trestle, wires, guest)


def test_every_length_comes_back_in_order(lan):
    lengths = range(60, 1515)
    for n in lengths:
        sent = frame(n, n)
        lan.wire.send(sent)
        assert lan.wire.receive() == echoed(sent)
    assert lan.quit() == (len(lengths), 0)


def test_short_frames_are_padded(lan):
    for n in (14, 15, 59):
        sent = frame(n, n)
        lan.wire.send(sent)
        assert lan.wire.receive() == echoed(sent)


def test_vlan_tagged_frames_of_full_size(lan):
    """1518 bytes without FCS: a tag more than Ethernet's own 1514."""
    sent = MAC + PEER + b"\x81\x00\x00\x05" + frame(1518)[16:]
    assert len(sent) == 1518
    lan.wire.send(sent)
    # The guest takes 1514 and a tag, and so does the echo.
    assert lan.wire.receive() == echoed(sent)


def test_bursts_come_back_whole_and_in_order(lan):
    """As many at once as a receive ring holds, and some more."""
    sent = [frame(60 + 7 * i, i) for i in range(100)]
    for f in sent:
        lan.wire.send(f)
    for f in sent:
        assert lan.wire.receive() == echoed(f)
    assert lan.quit() == (100, 0)


def test_strange_frames_are_counted_and_ignored(lan):
    before = lan.counters()
    for n in (0, 1, 13):
        lan.wire.send(frame(n))
    for n in (1523, 4000, 60000):
        lan.wire.send(frame(n))
    lan.wire.send(frame(60, to=bytes.fromhex("01005e000001")))
    lan.wire.send(frame(60, to=bytes.fromhex("333300000001")))
    lan.wire.send(frame(60, to=bytes.fromhex("0180c2000000")))
    last = frame(60, 99, to=b"\xff" * 6)        # broadcasts are for everybody
    lan.wire.send(last)
    assert lan.wire.receive() == echoed(last)
    after = lan.counters()
    grown = {k: after[k] - before.get(k, 0) for k in after}
    assert grown["in_runt"] == 3
    assert grown.get("in_oversize", 0) + grown.get("nic_rx_oversize", 0) == 3
    assert grown["rx_filtered"] == 2
    assert grown["in_link_local"] == 1
    assert lan.wire.receive(0.3) is None
    assert lan.quit() == (1, 0)


def test_other_addresses_are_not_for_the_guest(lan):
    lan.wire.send(frame(60, to=bytes.fromhex("525400123457")))
    lan.wire.send(frame(60, 5))
    assert lan.wire.receive() == echoed(frame(60, 5))
    assert lan.counters()["rx_filtered"] == 1
    assert lan.quit() == (1, 0)


def test_flood(lan):
    """5000 frames as fast as they go: each comes back or is counted."""
    count = 5000
    got = []
    # Both ends send: without reading, both would wait for ever.
    for i in range(count):
        lan.wire.send(frame(60 + i % 1400, i))
        while (f := lan.wire.receive(0)) is not None:
            got.append(f)
    while (f := lan.wire.receive(2)) is not None:
        got.append(f)
    numbers = [struct.unpack(">I", f[14:18])[0] for f in got]
    assert numbers == sorted(set(numbers))      # none twice, none overtaken
    for n, f in zip(numbers, got):
        assert f == echoed(frame(60 + n % 1400, n))
    c = lan.counters()
    lost = sum(c.get(k, 0) for k in (
        "out_guest_full", "nic_rx_no_buffer", "in_no_memory", "tx_lost",
        "out_nic_full"))
    assert len(got) + lost == count
    assert len(got) > count / 10
    frames, bad = lan.quit()
    assert frames >= len(got) and bad == 0


def test_wire_that_goes_and_comes(lan, wires):
    lan.wire.send(frame(60, 1))
    assert lan.wire.receive()
    port = lan.wire.socket.getpeername()[1]
    lan.wire.close()
    lan.trestle.expect("the peer has gone")
    again = wires(port)
    again.send(frame(60, 2))
    assert again.receive() == echoed(frame(60, 2))


def test_impossible_length_ends_the_connection(lan, wires):
    port = lan.wire.socket.getpeername()[1]
    lan.wire.send_raw(b"\xff\xff\xff\xf0" + b"x" * 100)
    lan.trestle.expect("impossible length")
    again = wires(port)
    again.send(frame(60, 3))
    assert again.receive() == echoed(frame(60, 3))


def test_two_programs_on_one_wire(trestle, guest):
    """listen= and connect= are each other's ends, as with qemu."""
    port = free_port()
    first = trestle("-m", 16, "-hda", guest("ne2k_echo"), "-net", "nic",
                    "-net", f"socket,listen=127.0.0.1:{port}")
    first.expect("waiting for the network link")
    second = trestle("-m", 16, "-hda", BUILD / "guests/ne2k_echo.img",
                     "-snapshot", "-net", "nic,macaddr=52:54:00:00:00:02",
                     "-net", f"socket,connect=127.0.0.1:{port}")
    first.expect("ne2k_echo mac 5254001234560000\r\n")
    second.expect("ne2k_echo mac 5254000000020000\r\n")


def test_nobody_listens(guest):
    done = subprocess.run(
        [BUILD / "trestle", "-hda", guest("ne2k_echo"), "-net", "nic", "-net",
         f"socket,connect=127.0.0.1:{free_port()}"],
        capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert "-net socket" in done.stderr and "refused" in done.stderr
