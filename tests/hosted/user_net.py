"""A Linux namespace as the guest of a user net.

trestle runs in the namespace `out`, whose addresses (127.0.0.1, 10.99.0.1) are
the outside; it has a TAP device on the VLAN of its user net, whose other end
is moved into another namespace, the guest.
"""
import subprocess
import time

SERVER = "10.99.0.1"            # Namespace.HOST: an address of the outside
GUEST = "10.0.2.20"
FAR = "10.98.0.2"


class Guest:
    """The namespace `net` with the TAP device `tap` of `out` in it."""

    def __init__(self, out, net, tap, address=GUEST):
        self.net = net
        out.run("ip", "link", "set", tap, "netns", net.name)
        # Its own end of the class's LAN would hide the outside's.
        net.run("ip", "link", "delete", net.tap)
        for words in (f"addr add {address}/24 dev {tap}",
                      f"link set {tap} up",
                      "route add default via 10.0.2.2"):
            net.run("ip", *words.split())

    def python(self, code, *args, timeout=60):
        """Run a script in it; returns what it prints."""
        done = subprocess.run(
            [*self.net.prefix, "/usr/bin/python3", "-c", code,
             *map(str, args)], text=True, capture_output=True, check=False,
            timeout=timeout)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ping(self, address, *more):
        """True: all of two pings were answered."""
        done = subprocess.run([*self.net.prefix, "ping", "-c", "2", "-i",
                               "0.2", "-W", "3", *more, address],
                              capture_output=True, text=True, timeout=30,
                              check=False)
        return " 0% packet loss" in done.stdout


def wait_for_device(namespace, name):
    """Until trestle has made it."""
    end = time.time() + 30
    while name not in namespace.run("ip", "-o", "link"):
        assert time.time() < end
        time.sleep(0.05)


def far_network(out, far):
    """`far` behind `out`, by a link of 1,300 bytes."""
    for words in ("link add v0 type veth peer name v1", "link set v0 mtu 1300",
                  "addr add 10.98.0.1/24 dev v0", "link set v0 up",
                  f"link set v1 netns {far.name}"):
        out.run("ip", *words.split())
    for words in ("link set v1 mtu 1300", f"addr add {FAR}/24 dev v1",
                  "link set v1 up", "route add default via 10.98.0.1",
                  f"link delete {far.tap}"):
        far.run("ip", *words.split())
    out.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
