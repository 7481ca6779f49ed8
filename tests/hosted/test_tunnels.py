"""-net socket: a Trestle and a QEMU guest ping each other; several peers."""
import re
import shutil
import socket
import subprocess
import time

import pexpect
import pytest

from conftest import BUILD, Trestle
from test_router import Router
from together import free_port

LIMIT = 400                     # of which an idle machine needs 30
GROUP = "239.255.77.8"


class Qemu(Trestle):
    """QEMU as the other end, by the same words."""

    def __init__(self, *args, limit=LIMIT):
        # It leaves the terminal's own CR before each LF.
        words = ["--foreground", "-k", "5", str(limit), "sh", "-c",
                 'stty -onlcr; exec qemu-system-i386 "$@"', "qemu", *args,
                 "-nographic", "-monitor", "none", "-no-reboot"]
        self.session = pexpect.spawn("timeout", [str(w) for w in words],
                                     timeout=limit, echo=False,
                                     encoding="latin-1")
        self.session.delaybeforesend = None


@pytest.fixture
def qemu():
    """qemu(option, ...) -> Qemu."""
    started = []

    def start(*args):
        started.append(Qemu(*args))
        return started[-1]

    yield start
    for q in started:
        q.close()


def disk(folder, name):
    return shutil.copy(BUILD / "router.img", folder / f"{name}.img")


def address(lan, host):
    return f"10.77.{lan}.{host}"


def set_up(router, host):
    """Log in; eth0 to eth3 get addresses on four LANs."""
    router.log_in()
    for lan in range(4):
        name = f"eth{lan}" if lan else "br-lan"
        router.run(f"ip addr flush dev {name}; ip link set {name} up; "
                   f"ip addr add {address(lan, host)}/24 dev {name}")


def wait_for_listener(port):
    """Without connecting: QEMU's listener takes one peer."""
    wanted = f":{port:04X} 00000000:0000 0A "
    end = time.time() + 60
    while wanted not in open("/proc/net/tcp").read():
        assert time.time() < end
        time.sleep(0.05)


def test_ping_qemu(trestle, qemu, tmp_path):
    """Four NE2000s each, four tunnels: TCP to it and from it, UDP, multicast.

    Then QEMU goes and is there again: our connection to it is made anew.
    """
    tcp, back = free_port(), free_port()
    udp = [free_port(socket.SOCK_DGRAM) for _ in range(3)]
    mcast = f"mcast={GROUP}:{udp[2]},localaddr=127.0.0.1"
    near_wires = (f"listen=127.0.0.1:{tcp}", None,
                  f"udp=127.0.0.1:{udp[0]},localaddr=127.0.0.1:{udp[1]}", mcast)
    far_wires = (f"connect=127.0.0.1:{tcp}", f"listen=127.0.0.1:{back}",
                 f"udp=127.0.0.1:{udp[1]},localaddr=127.0.0.1:{udp[0]}",
                 mcast)
    words = []
    for lan, wire in enumerate(near_wires):
        words += ["-net", f"nic,vlan={lan},macaddr=52:54:00:00:77:1{lan}"]
        words += ["-net", f"socket,vlan={lan},{wire}"] if wire else []
    near = trestle("-m", 64, "-accel", "jit", "-hda", disk(tmp_path, "near"),
                   *words, limit=LIMIT)
    wait_for_listener(tcp)
    words = []
    for lan, wire in enumerate(far_wires):
        words += ["-netdev", f"socket,id=n{lan},{wire}", "-device",
                  f"ne2k_pci,netdev=n{lan},mac=52:54:00:00:77:2{lan}"]
    image = f"file={disk(tmp_path, 'far')},format=raw,if=ide"
    far = qemu("-m", 64, "-drive", image, *words)
    wait_for_listener(back)
    near.to_monitor()
    near.monitor(f"netdev_add socket,id=back,vlan=1,connect=127.0.0.1:{back}")
    near.to_console()
    routers = Router(near), Router(far)
    for host, router in enumerate(routers, 1):
        set_up(router, host)
    for lan in range(4):
        for host, router in enumerate(routers, 1):
            other = address(lan, 3 - host)
            for more in ("", "-s 1400 "):       # one frame, too
                assert " 0% packet loss" in router.run(
                    f"ping -c 3 {more}{other}"), (lan, host)
    near.to_monitor()
    text = near.monitor("info network")
    assert int(re.search(r"tunnel_own_loop=(\d+)", text)[1]) > 10
    far.close()
    near.expect("the peer has gone")
    qemu("-S", *words)          # its NICs are enough
    near.expect(f"connected with 127.0.0.1:{back}")


def test_two_peers_and_the_guest_are_one_segment(trestle, wires, guest):
    port = free_port()
    t = trestle("-m", 16, "-hda", guest("ne2k_echo"), "-net", "nic", "-net",
                f"socket,listen=127.0.0.1:{port}")
    one, two = wires(port), wires(port)
    t.expect("ne2k_echo mac 5254001234560000\r\n")
    hello = (b"\xff" * 6 + b"\2\0\0\0\0\1" + b"\x88\xb5").ljust(60, b"h")
    one.send(hello)
    assert two.receive() == hello
    # The guest's answer, to an address that the bridge knows.
    assert one.receive()[:6] == b"\2\0\0\0\0\1"
    assert two.receive()[:6] == b"\2\0\0\0\0\1"


@pytest.mark.parametrize("wire,says", [
    ("listen=127.0.0.1:0", "HOST:PORT"), ("mcast=10.0.0.1:5", "mcast="),
    ("udp=127.0.0.1:5", "localaddr="), ("listen=192.0.2.1:5", "listen"),
])
def test_mistakes(guest, wire, says):
    done = subprocess.run(
        [BUILD / "trestle", "-hda", guest("ne2k_echo"), "-net", "nic", "-net",
         f"socket,{wire}"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert "-net socket" in done.stderr and says in done.stderr
