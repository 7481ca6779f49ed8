"""Linux and four serial ports: what it finds there, and speaks over each."""
import re
import shutil
import socket

from conftest import BUILD, ESCAPE
from peer import BINARY, BREAK, IAC, OFFER, Peer, connect
from test_router import Router
from together import free_port

SHELL = ("{{ (echo up; while read l; do eval \"$l\"; done) "
         "<{0} >{0} 2>&1 & }}")


def test_four_ports(trestle, tmp_path):
    image = shutil.copy(BUILD / "router.img", tmp_path / "router.img")
    ports = [free_port() for _ in range(2)]
    path = tmp_path / "ttyS3"
    t = trestle("-m", 64, "-hda", image, "-net", "none", "-serial",
                "mon:stdio", "-serial", f"tcp::{ports[0]},server,nowait",
                "-serial", f"telnet::{ports[1]},server,nowait", "-serial",
                f"unix:{path},server=on,wait=off", limit=300)
    router = Router(t)
    router.log_in()
    found = re.findall(r"(ttyS\d) at I/O 0x(\w+) \(irq = (\d+).*16550A",
                       router.run("dmesg | grep ttyS"))
    assert found == [("ttyS0", "3f8", "4"), ("ttyS1", "2f8", "3"),
                     ("ttyS2", "3e8", "4"), ("ttyS3", "2e8", "3")], found
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(path))
    peers = [connect(ports[0]), connect(ports[1]), Peer(s.fileno(), s)]
    peers[1].expect(OFFER)
    peers[1].send(BINARY)
    for n, peer in enumerate(peers, 1):
        tty = f"/dev/ttyS{n}"
        # Another speed each, which is the guest's alone.
        router.run(f"stty -F {tty} {(9600, 38400, 1200)[n - 1]} -echo; "
                   + SHELL.format(tty))
        peer.expect(b"up\r\n")             # the port is open
        peer.send(b"tty; echo $((6 * 7))\n")
        peer.expect(tty.encode() + b"\r\n42\r\n")
    # Both ports of an IRQ at once, a lot.
    for peer in peers:
        peer.send(b"seq 1 3000\n")
    for peer in peers:
        assert peer.expect(b"\r\n3000\r\n", 60) == \
            b"".join(b"%d\r\n" % i for i in range(1, 3001))
    router.run("grep -q brk /proc/tty/driver/serial", status=1)
    peers[1].send(bytes([IAC, BREAK]))
    peers[1].send(b"echo on\n")
    peers[1].expect(b"on\r\n")
    assert re.search(r"(?m)^2: .* brk:1",
                     router.run("cat /proc/tty/driver/serial"))
    # The console's break is the kernel's.
    t.send(ESCAPE + "b" + "h")
    t.expect(r"sysrq: HELP")
