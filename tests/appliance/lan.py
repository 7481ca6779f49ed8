"""A real LAN: a network namespace with a TAP device and dnsmasq on it."""
import contextlib
import os
import re
import subprocess
import time

HOST = "10.77.0.1"
TAP = "lan0"


class Lan:
    """The namespace; QEMU runs inside it (`inside`) with NIC model `model`."""

    def __init__(self, folder):
        self.name = f"trestle{os.getpid()}"
        self.inside = ("ip", "netns", "exec", self.name)
        self.log_path = folder / "dnsmasq.log"
        self.processes = []

    def __enter__(self):
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        try:
            self.run("ip", "link", "set", "lo", "up")
            self.run("ip", "tuntap", "add", "dev", TAP, "mode", "tap")
            self.run("ip", "addr", "add", f"{HOST}/24", "dev", TAP)
            self.run("ip", "link", "set", TAP, "up")
            self.start("dnsmasq", "--port=0", f"--interface={TAP}",
                       "--bind-interfaces", "--conf-file=/dev/null",
                       "--keep-in-foreground", "--user=root", "--pid-file=",
                       "--dhcp-range=10.77.0.100,10.77.0.150,1h",
                       "--leasefile-ro", "--dhcp-authoritative",
                       f"--log-facility={self.log_path}")
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

    def qemu_net(self, model):
        return ("-netdev", f"tap,id=n0,ifname={TAP},script=no,downscript=no",
                "-device", f"{model},netdev=n0")

    def run(self, *command, **kwargs):
        """Run a command on the LAN's host; returns its CompletedProcess."""
        return subprocess.run([*self.inside, *command], check=True,
                              capture_output=True, **kwargs)

    def start(self, *command, **kwargs):
        """Start a server on the LAN's host; it ends with the LAN."""
        self.processes.append(subprocess.Popen(
            [*self.inside, *command], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **kwargs))

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
