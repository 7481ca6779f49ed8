"""A LAN of our own: a network namespace, a TAP device, a real dnsmasq."""
import os
import pathlib
import subprocess
import time


class Namespace:
    """One namespace with a TAP device `tap0` in it, whose host end is HOST.

    Needs root. close() ends what was started in it and removes it.
    """
    HOST = "10.99.0.1"

    def __init__(self, name, limit):
        self.name = f"trestle-{name}-{os.getpid()}"
        self.limit = limit
        self.started = []
        self.tap = "tap0"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        for words in (f"tuntap add {self.tap} mode tap", "link set lo up",
                      f"addr add {self.HOST}/24 dev {self.tap}",
                      f"link set {self.tap} up"):
            self.run("ip", *words.split())

    @property
    def prefix(self):
        """Words in front of a command that is to run in it."""
        return ["ip", "netns", "exec", self.name]

    def run(self, *words, **kwargs):
        """Run a command to its end; returns its output."""
        done = subprocess.run([*self.prefix, *words], check=True, text=True,
                              capture_output=True, timeout=self.limit, **kwargs)
        return done.stdout

    def start(self, *words, log, ready):
        """Run a command beside the test, its output in the file `log`.

        Returns once the word `ready` is there.
        """
        with open(log, "w", encoding="latin-1") as out:
            self.started.append(subprocess.Popen(
                ["timeout", str(self.limit), *self.prefix, *map(str, words)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out))
        end = time.time() + 30
        while ready not in (said := log.read_text("latin-1")):
            if time.time() > end:
                raise TimeoutError(said)
            time.sleep(0.05)

    def dnsmasq(self, folder, *more, port=0):
        """A DHCP server, of names as well if `port` says where; its log."""
        folder = pathlib.Path(folder)
        log = folder / "dnsmasq.log"
        self.start("dnsmasq", "--keep-in-foreground", f"--port={port}",
                   f"--interface={self.tap}", "--bind-interfaces",
                   "--conf-file=/dev/null", "--pid-file=", "--user=root",
                   "--log-facility=-", "--log-dhcp",
                   f"--dhcp-leasefile={folder}/leases",
                   "--dhcp-range=10.99.0.50,10.99.0.99,255.255.255.0,600",
                   *more, log=log, ready="started")
        return log

    def close(self):
        try:
            for process in self.started:
                process.terminate()
            for process in self.started:
                process.wait(20)
        finally:
            subprocess.run(["ip", "netns", "delete", self.name], check=True)
