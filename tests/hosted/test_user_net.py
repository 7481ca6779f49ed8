"""User-mode network, with a Linux as the guest: all ways out and in."""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest

from conftest import BUILD
from together import free_port
from user_net import (FAR, GUEST, SERVER, Guest, far_network,
                      wait_for_device)

LIMIT = 120
ECHO = """
import asyncio, socket, sys
async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
    def datagram_received(self, data, peer):
        self.transport.sendto(data, peer)
async def main():
    for address in sys.argv[1:]:
        await asyncio.start_server(echo, address, 7, backlog=2000)
        await asyncio.get_running_loop().create_datagram_endpoint(
            Echo, (address, 7))
    print("ready", flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""
TCP_ECHO = """
import asyncio, os, sys
async def one(sent):
    reader, writer = await asyncio.open_connection(sys.argv[1],
                                                   int(sys.argv[2]))
    await barrier.wait()
    writer.write(sent)
    writer.write_eof()
    got = await reader.read(-1)
    writer.close()
    return got == sent
async def main():
    global barrier
    count, size = int(sys.argv[3]), int(sys.argv[4])
    barrier = asyncio.Barrier(count)
    print(sum(await asyncio.gather(*(one(os.urandom(size))
                                     for _ in range(count)))))
asyncio.run(main())
"""
UDP_ECHO = """
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
for size in map(int, sys.argv[3:]):
    sent = os.urandom(size)
    s.sendto(sent, (sys.argv[1], int(sys.argv[2])))
    got, peer = s.recvfrom(65536)
    assert got == sent and peer == (sys.argv[1], int(sys.argv[2]))
print("equal")
"""
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
    print("connected")
except OSError as e:
    print(type(e).__name__, e.errno)
"""
CONNECTION = """
import os, socket, sys, time
role, server, go = sys.argv[1:]
if role == "accept":
    listener = socket.create_server((server, 9))
    print("ready", flush=True)
    c = listener.accept()[0]
else:
    c = socket.create_connection((server, 9), 10)
    print("ready", flush=True)
"""
FILL = """
c.settimeout(2)
n = 0
try:
    while True:
        n += c.send(bytes(65536))
except TimeoutError:
    print("sent", n, flush=True)
c.shutdown(socket.SHUT_WR)
c.settimeout(100)
c.recv(1)
"""
READ_LATE = """
while not os.path.exists(go):
    time.sleep(0.05)
n = 0
while data := c.recv(65536):
    n += len(data)
print("received", n, flush=True)
"""
DNS = r"""
import socket, struct, sys
q = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\4test\0\0\1\0\1"
if sys.argv[1] == "udp":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(10)
    s.sendto(q, ("10.0.2.3", 53))
    a = s.recv(4096)
else:
    s = socket.create_connection(("10.0.2.3", 53), 10)
    s.sendall(struct.pack(">H", len(q)) + q)
    a = s.recv(4096)[2:]
assert a[:2] == b"\x12\x34", a
print(a[3] & 15, ".".join(map(str, a[-4:])))
"""


@pytest.fixture
def lab(trestle, namespace, guest):
    """lab("hostfwd=...") -> (the outside's namespace, Guest, Trestle)."""
    def start(settings=""):
        out, inside = namespace(LIMIT), namespace(LIMIT)
        user = "user," + settings if settings else "user"
        t = trestle("-m", 16, "-hda", guest("spin"), "-net", "nic", "-net",
                    user, "-net", "tap,ifname=tap1,script=no", limit=LIMIT,
                    prefix=out.prefix)
        wait_for_device(out, "tap1")
        t.expect("spin ready")
        return out, Guest(out, inside, "tap1"), t

    return start


@pytest.mark.parametrize("groups", ["1 0", "0 0"])
def test_errors_about_pings(lab, namespace, groups):
    """What routers say on the way, as traceroute -I needs it: by a raw socket
    of root's, and by a ping socket."""
    out, guest, _ = lab()
    out.run("sysctl", "-q", "-w", f"net.ipv4.ping_group_range={groups}")
    far = namespace(LIMIT)
    far_network(out, far)
    out.run("ip", "route", "add", "10.97.0.0/24", "via", FAR)
    far.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
    far.run("ip", "route", "add", "unreachable", "10.97.0.9")

    def ping(address, *more):
        return subprocess.run(
            [*guest.net.prefix, "ping", "-c", "1", "-W", "5", *more, address],
            capture_output=True, text=True, timeout=30, check=False).stdout

    for ttl, router in (("1", "10.0.2.2"), ("2", FAR)):
        got = ping("10.97.0.1", "-t", ttl, "-s", "100")
        assert f"From {router} icmp_seq=1 Time to live exceeded" in got
    assert f"From {FAR} icmp_seq=1 Destination Host Unreachable" in \
        ping("10.97.0.9")
    # An error is that echo's alone.
    assert guest.ping(FAR)


def echo_server(out, tmp_path):
    out.start(sys.executable, "-c", ECHO, "127.0.0.1", SERVER,
              log=tmp_path / "echo.log", ready="ready")


def test_ping(lab):
    _, guest, _ = lab()
    assert guest.ping("10.0.2.2")
    assert guest.ping("10.0.2.3")
    assert guest.ping(SERVER)
    assert guest.ping(SERVER, "-s", "4000")     # in fragments, both ways
    assert guest.ping("10.0.2.2", "-s", "4000")


def test_tcp(lab, tmp_path):
    """Echoes with half-close, the host's loopback, what is refused."""
    out, guest, t = lab()
    echo_server(out, tmp_path)
    assert guest.python(TCP_ECHO, SERVER, 7, 1, 5_000_000) == "1\n"
    assert guest.python(TCP_ECHO, "10.0.2.2", 7, 10, 100_000) == "10\n"
    assert guest.python(CONNECT, SERVER, 8) == "ConnectionRefusedError 111\n"
    assert guest.python(CONNECT, "10.0.2.2", 8) == \
        "ConnectionRefusedError 111\n"
    # No route there in this namespace: EHOSTUNREACH or ENETUNREACH.
    assert guest.python(CONNECT, "203.0.113.1", 8) in ("OSError 113\n",
                                                       "OSError 101\n")
    t.to_monitor()
    assert "user" in t.monitor("info network")


def test_two_thousand_connections(lab, tmp_path):
    out, guest, _ = lab()
    echo_server(out, tmp_path)
    code = ("import resource as r; h = r.getrlimit(r.RLIMIT_NOFILE)[1]; "
            "r.setrlimit(r.RLIMIT_NOFILE, (h, h))\n" + TCP_ECHO)
    assert guest.python(code, SERVER, 7, 1000, 1000) == "1000\n"
    assert guest.python(code, SERVER, 7, 1000, 1000) == "1000\n"


def test_udp(lab, tmp_path):
    out, guest, _ = lab()
    echo_server(out, tmp_path)
    sizes = (1, 1472, 1473, 9000, 60000)
    assert guest.python(UDP_ECHO, SERVER, 7, *sizes) == "equal\n"
    assert guest.python(UDP_ECHO, "10.0.2.2", 7, *sizes) == "equal\n"


def said(log, pattern):
    """What `pattern` has in its group, once the file has such a line."""
    end = time.monotonic() + 60
    while not (found := re.search(pattern, log.read_text())):
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    return found[1]


@pytest.mark.parametrize("sender", ["connect", "accept"])
def test_nobody_reads(lab, tmp_path, sender):
    """A sender is held up, and nothing of ours grows; what it was rid of comes
    once the other reads. The guest connects; either side sends."""
    out, guest, _ = lab()
    go = tmp_path / "go"
    logs = {}
    for space, role in ((out, "accept"), (guest.net, "connect")):
        logs[role] = tmp_path / f"{role}.log"
        space.start(sys.executable, "-c",
                    CONNECTION + (FILL if role == sender else READ_LATE), role,
                    SERVER, go, log=logs[role], ready="ready")
    reader = logs["accept" if sender == "connect" else "connect"]
    sent = int(said(logs[sender], r"sent (\d+)\n"))
    assert 65536 <= sent < 40_000_000
    assert guest.ping("10.0.2.2")
    assert guest.ping(SERVER)
    go.touch()
    assert int(said(reader, r"received (\d+)\n")) == sent


@pytest.mark.parametrize("block", [8, 512, 1024, 1468, 8192])
def test_tftp(lab, tmp_path, block):
    """A client of another project's; it asks for tsize and blksize."""
    data = os.urandom(50_001)
    (tmp_path / "files").mkdir()
    (tmp_path / "files/boot.img").write_bytes(data)
    (tmp_path / "secret").write_bytes(b"no")
    _, guest, _ = lab(f"tftp={tmp_path}/files")
    url = "tftp://10.0.2.2/"
    curl = [*guest.net.prefix, "curl", "-sS", "--max-time", "30",
            "--tftp-blksize", str(block), "--path-as-is"]
    got = subprocess.run([*curl, url + "boot.img"], capture_output=True,
                         timeout=40, check=False)
    assert got.returncode == 0, got.stderr
    assert got.stdout == data
    if block == 512:
        for name in ("none", "../secret", "a/../../secret"):
            assert subprocess.run([*curl, url + name], capture_output=True,
                                  timeout=40, check=False).returncode != 0


def test_dns(lab, tmp_path):
    out, guest, _ = lab("nameserver=127.0.0.9,nameserver=127.0.0.1")
    out.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts",
              "--listen-address=127.0.0.1", "--bind-interfaces",
              "--conf-file=/dev/null", "--pid-file=", "--user=root",
              "--log-facility=-", "--address=/www.test/192.0.2.7",
              log=tmp_path / "dns.log", ready="started")
    # Nobody is at 127.0.0.9: the second is asked.
    assert guest.python(DNS, "udp") == "0 192.0.2.7\n"
    assert guest.python(DNS, "udp") == "0 192.0.2.7\n"


def test_dns_by_tcp(lab, tmp_path):
    # At 127.0.0.9 it is refused, at 10.99.0.9 nobody answers for long.
    out, guest, _ = lab("nameserver=127.0.0.9,nameserver=10.99.0.9,"
                        "nameserver=127.0.0.1")
    out.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts",
              "--listen-address=127.0.0.1", "--bind-interfaces",
              "--conf-file=/dev/null", "--pid-file=", "--user=root",
              "--log-facility=-", "--address=/www.test/192.0.2.7",
              log=tmp_path / "dns.log", ready="started")
    assert guest.python(DNS, "tcp") == "0 192.0.2.7\n"


def test_forwards(lab, tmp_path):
    """hostfwd= by TCP and UDP."""
    out, guest, _ = lab(f"hostfwd=tcp::5007-{GUEST}:7,"
                        f"hostfwd=udp:127.0.0.1:5007-{GUEST}:7")
    guest.net.start(sys.executable, "-c", ECHO, GUEST,
                    log=tmp_path / "echo.log", ready="ready")
    for address in ("127.0.0.1", SERVER):
        assert out.run(sys.executable, "-c", TCP_ECHO, address, "5007", "10",
                       "100000") == "10\n"
    assert out.run(sys.executable, "-c", UDP_ECHO, "127.0.0.1", "5007", "100",
                   "8000") == "equal\n"


def test_forward_to_a_port_that_nobody_has(lab):
    out, _, _ = lab(f"hostfwd=tcp::5007-{GUEST}:7")
    got = out.run(sys.executable, "-c", """
import socket
try:
    print(socket.create_connection(("127.0.0.1", 5007), 10).recv(10))
except ConnectionResetError:
    print("reset")
""")
    assert got == "reset\n"


def test_restrict(lab, tmp_path):
    """No way out; forwards and guestfwd= remain."""
    out, guest, t = lab(f"restrict=on,hostfwd=tcp::5007-{GUEST}:7,"
                        f"guestfwd=tcp:10.0.2.100:77-tcp:{SERVER}:7")
    echo_server(out, tmp_path)
    guest.net.start(sys.executable, "-c", ECHO, GUEST,
                    log=tmp_path / "guest.log", ready="ready")
    assert guest.ping("10.0.2.2")
    assert not guest.ping(SERVER, "-c", "1", "-W", "1")
    for address in (SERVER, "10.0.2.2"):
        assert "connected" not in guest.python(CONNECT, address, 7)
    assert guest.python(TCP_ECHO, "10.0.2.100", 77, 1, 1000) == "1\n"
    assert out.run(sys.executable, "-c", TCP_ECHO, "127.0.0.1", "5007", "1",
                   "1000") == "1\n"


def test_two_machines_with_equal_addresses(trestle, namespace, guest,
                                           tmp_path):
    """Both guests have one address and one port; each hears its own."""
    out = namespace(LIMIT)
    conf = tmp_path / "trestle.conf"
    conf.write_text("".join(
        f"[m{i}]\nm 16\nhda {guest('spin')}\nsnapshot\nnet nic\nnet user\n"
        f"net tap,ifname=tap{i},script=no\n" for i in (1, 2)))
    t = trestle("-readconfig", conf, limit=LIMIT, prefix=out.prefix)
    guests = []
    for i in (1, 2):
        wait_for_device(out, f"tap{i}")
        guests.append(Guest(out, namespace(LIMIT), f"tap{i}"))
    echo_server(out, tmp_path)
    code = TCP_ECHO.replace("int(sys.argv[2]))", "int(sys.argv[2]), "
                            "local_addr=('%s', 4000))" % GUEST)
    running = [subprocess.Popen(
        [*g.net.prefix, sys.executable, "-c", code, SERVER, "7", "1",
         "3000000"], stdout=subprocess.PIPE, text=True) for g in guests]
    assert [p.communicate(timeout=60)[0] for p in running] == ["1\n", "1\n"]
    assert t.silent("failed", 0.1)


def test_a_port_that_is_taken(guest):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        done = subprocess.run(
            [BUILD / "trestle", "-hda", guest("spin"), "-net", "nic", "-net",
             f"user,hostfwd=tcp:127.0.0.1:{port}-:80"], capture_output=True,
            text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert re.search(rf"-net user: hostfwd=: no TCP port {port}.*in use",
                     done.stderr)


def test_as_a_user_without_rights(trestle, guest):
    """No right of root's is needed for it to start."""
    if os.geteuid():
        pytest.skip("setpriv needs root")
    with tempfile.TemporaryDirectory() as folder:
        image = shutil.copy(guest("spin"), folder)
        os.chmod(folder, 0o755)
        t = trestle("-m", 16, "-hda", image, "-snapshot", "-net", "nic",
                    "-net",
                    f"user,hostfwd=tcp:127.0.0.1:{free_port()}-:80",
                    prefix=("setpriv", "--reuid=65534", "--clear-groups"))
        t.expect("spin ready")


def test_network_without_options(trestle, guest):
    """As with qemu: an NE2000 and a user network; -redir goes there."""
    port = free_port()
    t = trestle("-m", 16, "-hda", guest("spin"), "-redir", f"tcp:{port}::80")
    t.expect("spin ready")
    t.to_monitor()
    assert re.search(rf"TCP\S* .* {port} ", t.monitor("info usernet"))
    assert "ne2000 pci macaddr=52:54:00:12:34:56" in t.monitor("info network")
    assert "in use" in t.monitor(f"hostfwd_add tcp::{port}-:81")
    assert t.monitor(f"hostfwd_remove tcp::{port}") == \
            f"host forwarding rule for tcp::{port} removed\n"
    assert t.monitor(f"hostfwd_add tcp::{port}-:81") == ""
    assert "no user-mode network lan" in t.monitor("hostfwd_add lan tcp::1-:2")


@pytest.mark.parametrize("options", [
    ["-net", "none"], ["-net", "nic", "-net", "tap"]])
def test_redir_without_a_user_network(guest, options):
    done = subprocess.run(
        [BUILD / "trestle", "-hda", guest("spin"), "-redir", "tcp:5555::80",
         *options], capture_output=True, text=True, stdin=subprocess.DEVNULL,
        timeout=20, check=False)
    assert done.returncode == 1
    assert "-redir: needs a user network" in done.stderr
