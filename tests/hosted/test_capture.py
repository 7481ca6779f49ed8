"""Captures of a running guest, read back by other programs."""
import re

import pytest
from scapy.utils import rdpcap

from conftest import ESCAPE, PROMPT
from printed import decode
from test_net import Lan, echoed, frame


@pytest.fixture
def lan(trestle, wires, guest):
    return Lan(trestle, wires, guest)


def echo(lan, numbers):
    for n in numbers:
        lan.wire.send(frame(60 + n, n))
        assert lan.wire.receive() == echoed(frame(60 + n, n))


def check(packets, numbers):
    """There and back, in the order of time."""
    wanted = [f for n in numbers
              for f in (frame(60 + n, n), echoed(frame(60 + n, n)))]
    assert [bytes(p) for p in packets] == wanted
    times = [float(p.time) for p in packets]
    assert times == sorted(times)


def printed(lan, name):
    """`capture NAME print` through the manual's pipeline."""
    text = lan.trestle.monitor(f"capture {name} print")
    assert max(map(len, text.splitlines())) <= 80
    return decode(text)


@pytest.mark.parametrize("name", ["eth0", "ne2k_pci.0", "socket.0"])
def test_in_memory_and_printed(lan, tmp_path, name):
    echo(lan, [1])
    assert lan.trestle.monitor(f"capture {name} on") == ""
    echo(lan, range(2, 40))
    assert f"{name}: netdev={name} " in lan.trestle.monitor("info capture")
    (tmp_path / "x.pcap").write_bytes(printed(lan, name))
    check(rdpcap(str(tmp_path / "x.pcap")), range(2, 40))
    assert lan.trestle.monitor(f"capture {name} off") == ""
    assert "no captures" in lan.trestle.monitor("info capture")
    echo(lan, [41])
    assert lan.quit() == (40, 0)


def test_files(trestle, wires, guest, tmp_path):
    """-object filter-dump, -net dump, object_add, and capture to a file."""
    names = [tmp_path / f"{i}.pcap" for i in range(4)]
    lan = Lan(trestle, wires, guest, args=(
        "-object", f"filter-dump,id=f0,netdev=socket.0,file={names[0]}",
        "-net", f"dump,file={names[1]},len=20"))
    assert lan.trestle.monitor(
        f"object_add filter-dump,id=f2,netdev=eth0,file={names[2]}") == ""
    assert lan.trestle.monitor(f"capture eth0 on {names[3]}") == ""
    echo(lan, range(10))
    assert lan.trestle.monitor("object_del f2") == ""
    echo(lan, range(10, 12))
    assert "'f0' goes to a file" in lan.trestle.monitor("capture f0 print")
    assert lan.quit() == (12, 0)
    for name, count in ((names[0], 12), (names[2], 10), (names[3], 12)):
        check(rdpcap(str(name)), range(count))
    short = rdpcap(str(names[1]))
    assert [p.wirelen for p in short] == [60 + n // 2 for n in range(24)]
    assert {len(p) for p in short} == {20}


def test_long_print_and_what_is_typed_meanwhile(lan, tmp_path):
    """1 MiB: the guest's output waits, and typed commands come after it."""
    lan.trestle.monitor("capture eth0 on")
    for n in range(1200):
        lan.wire.send(frame(1000, n))
        assert lan.wire.receive()
    lan.trestle.send("capture eth0 print\rinfo version\r")
    lan.trestle.expect("begin-base64 644 eth0.pcap\r\n")
    lan.trestle.expect("====\r\n")
    text = "begin-base64 x\n" + lan.trestle.before + "====\n"
    lan.trestle.expect("engine jit")
    lan.trestle.expect(PROMPT)
    assert re.fullmatch(r"[\w+/=\r\n]+", text.split("\n", 1)[1])
    (tmp_path / "x.pcap").write_bytes(decode(text))
    packets = rdpcap(str(tmp_path / "x.pcap"))
    assert len(packets) == 2 ** 20 // 1016
    assert bytes(packets[-1]) == echoed(frame(1000, 1199))
    assert "given_up=" in lan.trestle.monitor("info capture")
    lan.trestle.send("capture eth0 print\r\x03")
    lan.trestle.expect(r"\^C\r\n")
    lan.trestle.expect(PROMPT)
    lan.trestle.send(ESCAPE + "x")
    assert lan.trestle.ends() == 0


@pytest.mark.parametrize("command,answer", [
    ("capture", "use capture"),
    ("capture eth0", "use capture"),
    ("capture eth0 maybe", "use capture"),
    ("capture eth0 off x", "use capture"),
    ("capture eth0 off", "no capture 'eth0'"),
    ("capture eth0 print", "no capture 'eth0'"),
    ("capture eth9 on", "no NIC or netdev 'eth9'"),
    ("capture eth0 on /nonexistent/x", "No such file"),
    ("capture " + "x" * 40 + " on", "use capture"),
    ("object_add", "filter-dump"),
    ("object_add filter-dump,id=x", "netdev="),
    ("object_del", "use object_del ID"),
])
def test_mistakes_are_told(lan, command, answer):
    assert answer in lan.trestle.monitor(command)
