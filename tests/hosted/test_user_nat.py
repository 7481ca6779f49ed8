"""-net user,via=N: the translator over an address of Trestle's own on a TAP.

The namespace `out` is a LAN with a DHCP server, on trestle's VLAN 1; another
one is the guest (user_net.py), and a third lies behind a link of small MTU.
"""
import re
import subprocess
import sys

import pytest

from test_user_net import CONNECT, DNS, ECHO, TCP_ECHO, UDP_ECHO
from user_net import (FAR, GUEST, SERVER, Guest, far_network,
                      wait_for_device)

LIMIT = 240
STATIC = "10.99.0.40"
UPLOAD = """
import hashlib, os, socket, sys
data = os.urandom(3_000_000)
s = socket.create_connection((sys.argv[1], 9), 20)
s.sendall(data)
s.shutdown(socket.SHUT_WR)
got = b""
while part := s.recv(100):
    got += part
print(got.decode() == hashlib.sha256(data).hexdigest())
"""
HASH = """
import hashlib, socket, sys
server = socket.create_server((sys.argv[1], 9))
print("ready", flush=True)
while True:
    s, _ = server.accept()
    h = hashlib.sha256()
    while data := s.recv(65536):
        h.update(data)
    s.sendall(h.hexdigest().encode())
    s.close()
"""
CALL = """
import socket, sys, time
end = time.time() + 20
while True:
    try:
        s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
        break
    except OSError:
        assert time.time() < end
        time.sleep(0.2)
s.sendall(b"x" * 100000)
s.shutdown(socket.SHUT_WR)
got = 0
while part := s.recv(65536):
    got += len(part)
print(got)
"""


class Lab:
    def __init__(self, trestle, namespace, image, folder, settings):
        self.out, inside = namespace(LIMIT), namespace(LIMIT)
        self.out.dnsmasq(folder, "--no-resolv", "--no-hosts",
                         "--address=/www.test/10.1.2.3", port=53)
        self.t = trestle(
            "-m", 16, "-hda", image, "-net", "nic", "-net",
            "user,via=1" + settings, "-net", "tap,ifname=tap1,script=no",
            "-net", f"tap,vlan=1,ifname={self.out.tap},script=no",
            limit=LIMIT, prefix=self.out.prefix)
        wait_for_device(self.out, "tap1")
        self.guest = Guest(self.out, inside, "tap1")
        got = self.t.expect(r"own address on the LAN: (10\.99\.0\.\d+)\r")
        self.address = got[1]
        self.t.to_monitor()

    def counters(self):
        """name=number of `info usernet`, the drops as one."""
        found = {"drops": 0}
        for name, n in re.findall(r"\b(\w+)=(\d+)",
                                  self.t.monitor("info usernet")):
            found["drops" if name.startswith("drop_") else name] = int(n) + (
                found["drops"] if name.startswith("drop_") else 0)
        return found

    def echo(self, folder, *addresses):
        self.out.start(sys.executable, "-c", ECHO, *addresses,
                       log=folder / "echo.log", ready="ready")


@pytest.fixture
def lab(trestle, namespace, guest, tmp_path):
    def start(settings=""):
        return Lab(trestle, namespace, guest("spin"), tmp_path, settings)

    return start


def test_lease_ping_and_flows(lab, tmp_path):
    """The lease, echoes by TCP and UDP, pings whole and in fragments."""
    net = lab()
    assert net.address.startswith("10.99.0.") and net.address != SERVER
    assert net.guest.ping("10.0.2.2")
    assert net.guest.ping(SERVER)
    assert net.guest.ping(SERVER, "-s", "4000")
    net.echo(tmp_path, SERVER)
    assert net.guest.python(TCP_ECHO, SERVER, 7, 1, 3_000_000) == "1\n"
    assert net.guest.python(TCP_ECHO, SERVER, 7, 300, 10_000) == "300\n"
    # 4,000 and 20,000 bytes come and go in fragments.
    assert net.guest.python(UDP_ECHO, SERVER, 7, 1, 1472, 4000,
                            20000) == "equal\n"
    assert net.guest.python(CONNECT, SERVER, 8) == \
        "ConnectionRefusedError 111\n"
    c = net.counters()
    assert c["out_packets"] + c["in_packets"] == c["out_forwarded"] + \
        c["in_forwarded"] + c["in_host"] + c["drops"]
    assert c["flows_opened"] > 300


def test_two_thousand_connections(lab, tmp_path):
    """All open at once; none is given up for another."""
    net = lab()
    net.echo(tmp_path, SERVER)
    assert net.guest.python(TCP_ECHO, SERVER, 7, 2000, 1000,
                            timeout=200) == "2000\n"
    c = net.counters()
    assert c["flows_opened"] >= 2000 and "flows_evicted" not in c


def test_name_server_of_the_lease(lab):
    """The LAN's DHCP server names itself; it is asked for the guest."""
    net = lab()
    for protocol in ("udp", "tcp"):
        assert net.guest.python(DNS, protocol) == "0 10.1.2.3\n"


def test_guest_forward(lab, tmp_path):
    """guestfwd= leads where it says, by Trestle itself; the rest is refused."""
    net = lab(f",restrict=on,guestfwd=tcp:10.0.2.100:77-tcp:{SERVER}:7")
    net.echo(tmp_path, SERVER)
    assert net.guest.python(TCP_ECHO, "10.0.2.100", 77, 20, 100_000) == "20\n"
    for address, port in (("10.0.2.100", 78), ("10.0.2.3", 53)):
        assert net.guest.python(CONNECT, address, port) == \
            "ConnectionRefusedError 111\n"
    assert net.counters()["tcp_flows"] == 20


def test_host_answers_beside_it(lab):
    """Pings of Trestle's own address are lwIP's, in fragments too."""
    net = lab()
    for size in ("56", "4000"):
        assert " 0% packet loss" in net.out.run(
            "ping", "-c", "2", "-i", "0.2", "-W", "3", "-s", size, net.address)


def test_forwards(lab, tmp_path):
    """By TCP and UDP to an address that was told, and while it runs."""
    net = lab(f",ip={STATIC}/24,hostfwd=tcp::5555-{GUEST}:7,"
              f"hostfwd=udp::777-{GUEST}:7")
    assert net.address == STATIC
    net.guest.net.start(sys.executable, "-c", ECHO, GUEST,
                        log=tmp_path / "echo.log", ready="ready")
    call = ("/usr/bin/python3", "-c", CALL, STATIC)
    assert net.out.run(*call, "5555") == "100000\n"
    assert net.out.run("/usr/bin/python3", "-c", UDP_ECHO, STATIC, "777",
                       "10", "5000") == "equal\n"
    net.t.monitor(f"hostfwd_add tcp::5556-{GUEST}:7")
    assert net.out.run(*call, "5556") == "100000\n"
    assert "in use" in net.t.monitor(f"hostfwd_add tcp::5555-{GUEST}:8")
    net.t.monitor("hostfwd_remove tcp::5556")
    assert net.out.run("/usr/bin/python3", "-c", CONNECT, STATIC,
                       "5556").startswith("ConnectionRefusedError")
    assert net.out.run(*call, "5555") == "100000\n"


def test_path_mtu(lab, namespace, tmp_path):
    """A router's "fragmentation needed" reaches the guest, about its flow."""
    net = lab()
    far = namespace(LIMIT)
    far_network(net.out, far)
    done = subprocess.run(
        [*net.guest.net.prefix, "ping", "-c", "2", "-W", "3", "-M", "do",
         "-s", "1400", FAR], capture_output=True, text=True, timeout=30,
        check=False)
    assert "mtu = 1300" in done.stdout + done.stderr
    assert net.guest.ping(FAR, "-s", "4000")
    far.start(sys.executable, "-c", HASH, FAR, log=tmp_path / "hash.log",
              ready="ready")
    assert net.guest.python(UPLOAD, FAR) == "True\n"
    # One hop too few: the router outside says so.
    done = subprocess.run(
        [*net.guest.net.prefix, "ping", "-c", "1", "-W", "3", "-t", "2", FAR],
        capture_output=True, text=True, timeout=30, check=False)
    assert f"From {SERVER}" in done.stdout and "exceeded" in done.stdout
