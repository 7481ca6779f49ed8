"""A real LAN: a network namespace with a TAP device and dnsmasq on it.

dnsmasq gives leases, and tells that its host is their gateway; with `names`
(name: address) it is their name server, too.
"""
import contextlib
import os
import re
import subprocess
import time

HOST = "10.77.0.1"
TAP = "lan0"
FAR_HOST = "10.77.0.2"
FAR_TAP = "far0"
FETCH = ("import sys, urllib.request as u; sys.stdout.buffer.write("
         "u.urlopen(sys.argv[1], timeout=60).read())")


class Host:
    """A host of its own: a network namespace that ends with all its servers."""

    def __init__(self, name):
        self.name = name
        self.inside = ("ip", "netns", "exec", self.name)
        self.processes = []

    def __enter__(self):
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        try:
            self.run("ip", "link", "set", "lo", "up")
            self.set_up()
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            for process in self.processes:
                process.terminate()
            for process in self.processes:
                process.wait(10)
        finally:
            subprocess.run(["ip", "netns", "del", self.name], check=False)

    def run(self, *command, **kwargs):
        """Run a command on this host; returns its CompletedProcess."""
        return subprocess.run([*self.inside, *command], check=True,
                              capture_output=True, **kwargs)

    def start(self, *command, **kwargs):
        """Start a server on this host."""
        self.processes.append(subprocess.Popen(
            [*self.inside, *command], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **kwargs))

    def serve(self, folder, address):
        """The folder's files by HTTP at port 8000 of `address`."""
        self.start("/usr/bin/python3", "-m", "http.server", "-d", folder,
                   "--bind", address, "8000")
        end = time.monotonic() + 60
        while f"{address}:8000 " not in self.run("ss", "-ltn",
                                                 text=True).stdout:
            assert time.monotonic() < end, "the web server does not start"
            time.sleep(0.1)

    def fetch(self, url, timeout):
        """What a web server has there."""
        return self.run("/usr/bin/python3", "-c", FETCH, url,
                        timeout=timeout).stdout


class Lan(Host):
    """The LAN's host; QEMU runs inside it (`inside`) with NIC model `model`."""

    def __init__(self, folder, names=None):
        super().__init__(f"trestle{os.getpid()}")
        self.log_path = folder / "dnsmasq.log"
        self.dns = ["--port=0"] if names is None else [
            "--no-resolv", "--no-hosts", *(
                f"--address=/{name}/{address}"
                for name, address in names.items())]

    def set_up(self):
        self.run("ip", "tuntap", "add", "dev", TAP, "mode", "tap")
        self.run("ip", "addr", "add", f"{HOST}/24", "dev", TAP)
        self.run("ip", "link", "set", TAP, "up")
        self.start("dnsmasq", *self.dns, f"--interface={TAP}",
                   "--bind-interfaces", "--conf-file=/dev/null",
                   "--keep-in-foreground", "--user=root", "--pid-file=",
                   "--dhcp-range=10.77.0.100,10.77.0.150,1h",
                   "--leasefile-ro", "--dhcp-authoritative",
                   f"--log-facility={self.log_path}")

    def qemu_net(self, model):
        return ("-netdev", f"tap,id=n0,ifname={TAP},script=no,downscript=no",
                "-device", f"{model},netdev=n0")

    def lease(self, timeout, mac=""):
        """Wait for the DHCP server's first acknowledged lease: its address.

        With `mac`, the first lease of that NIC.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError):
                found = re.search(rf"DHCPACK\({TAP}\) (\S+) {mac}",
                                  self.log_path.read_text())
                if found:
                    return found[1]
            time.sleep(0.5)
        raise AssertionError("no lease: " + self.log_path.read_text())


class FarHost(Host):
    """A host at a second NIC of the QEMU that runs inside `lan`.

    It joins that LAN only where the appliance bridges the two.
    """

    def __init__(self, lan):
        super().__init__(f"{lan.name}far")
        self.lan = lan

    def set_up(self):
        for line in (f"tuntap add dev {FAR_TAP} mode tap",
                     f"link add v0 type veth peer name v1 netns {self.name}",
                     "link add br0 type bridge", f"link set {FAR_TAP} master br0",
                     "link set v0 master br0", "link set v0 up",
                     f"link set {FAR_TAP} up", "link set br0 up"):
            self.lan.run("ip", *line.split())
        self.run("ip", "addr", "add", f"{FAR_HOST}/24", "dev", "v1")
        self.run("ip", "link", "set", "v1", "up")

    def qemu_net(self, model):
        return ("-netdev",
                f"tap,id=far,ifname={FAR_TAP},script=no,downscript=no",
                "-device", f"{model},netdev=far")
