#!/usr/bin/env python3
"""iperf3 through the emulated NE2000s under QEMU TCG and Trestle, in turn.

    network.py TRESTLE ROUTER_IMAGE STRESS_IMAGE       (as root)

The router between two LANs, each a TAP device in namespaces of this program's
own, and on -net user. Prints medians and ratios; --out FILE puts them into that
report.
"""
import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import textwrap
import time

from emulator import (Silent, heading, qemu_command, trestle_command,
                      write)
from guest import Guest, grown

NEAR, FAR = "10.1.0.1", "10.2.0.1"      # the hosts of the two LANs
HOST = "10.0.2.2"                       # the near one by -net user
FORWARD = 5301                          # its port that is the guest's 5201
SET_UP = (
    "ifconfig br-lan down; brctl delif br-lan eth0",
    "ifconfig eth0 10.1.0.2 netmask 255.255.255.0 up",
    "ifconfig eth1 10.2.0.2 netmask 255.255.255.0 up",
    "ifconfig eth2 10.0.2.15 netmask 255.255.255.0 up",
    "echo 1 >/proc/sys/net/ipv4/ip_forward",
    f"ping -c 1 {NEAR}; ping -c 1 {FAR}; ping -c 1 {NEAR} && ping -c 1 {FAR}",
)
LIMIT = 60                              # seconds for one iperf3


class Lans:
    """Two namespaces: the emulator and the near host in one, far in another."""

    def __init__(self):
        self.near = f"trestle-near-{os.getpid()}"
        self.far = f"trestle-far-{os.getpid()}"

    def __enter__(self):
        try:
            self.build()
        except Exception:
            self.__exit__()
            raise
        return self

    def build(self):
        for name in (self.near, self.far):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        for line in ("tuntap add tap0 mode tap", "tuntap add tap1 mode tap",
                     f"addr add {NEAR}/24 dev tap0", "link set tap0 up",
                     "link add br1 type bridge", "link set tap1 master br1",
                     f"link add v0 type veth peer name v1 netns {self.far}",
                     "link set v0 master br1", "link set v0 up",
                     "link set tap1 up", "link set br1 up",
                     f"route add {FAR}/32 via 10.1.0.2"):
            run("ip", "-n", self.near, *line.split())
        for line in (f"addr add {FAR}/24 dev v1", "link set v1 up",
                     f"route add {NEAR}/32 via 10.2.0.2"):
            run("ip", "-n", self.far, *line.split())

    def __exit__(self, *_):
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "del", name], check=False,
                           capture_output=True)


def run(*words):
    subprocess.run(words, check=True, timeout=LIMIT, capture_output=True)


def inside(namespace, *words):
    return ["ip", "netns", "exec", namespace, "timeout", str(LIMIT), *words]


@contextlib.contextmanager
def server(namespace):
    """An iperf3 server for one run."""
    process = subprocess.Popen(
        inside(namespace, "iperf3", "-s", "-1"), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        while ":5201 " not in subprocess.run(
                inside(namespace, "ss", "-ltn"), check=True, text=True,
                capture_output=True).stdout:
            if process.poll() is not None:
                sys.exit("iperf3 does not start as a server")
            time.sleep(0.05)
        yield
        process.wait(LIMIT)
    finally:
        process.terminate()     # timeout(1) hands it on
        process.wait()


def outcome(said):
    """(Mbit/s that arrived, segments sent again) by a client's two last lines.

    The receiver's own clock told the first.
    """
    rate = re.search(rb"([\d.]+) Kbits/sec.*receiver", said)
    again = re.search(rb"Kbits/sec +(\d+) +sender", said)
    if not rate:
        raise Silent(f"iperf3: {said!r}")
    return float(rate[1]) / 1e3, int(again[1]) if again else 0


def by_guest(host, *options):
    """The guest's iperf3 with a server at the near host."""
    def measure(guest, lans, seconds):
        with server(lans.near):
            return outcome(guest.run(
                f"/mnt/run iperf3 -c {host} -t {seconds} -f k "
                f"{' '.join(options)} 2>&1 | grep bits/sec", LIMIT)[1])
    return measure


def client(lans, seconds, *options):
    return outcome(subprocess.run(
        inside(lans.near, "iperf3", "-t", str(seconds), "-f", "k", *options),
        check=True, capture_output=True, timeout=LIMIT).stdout)


def routed(*options):
    """From the near host to the far one and back, through the guest."""
    def measure(_, lans, seconds):
        with server(lans.far):
            return client(lans, seconds, "-c", FAR, *options)
    return measure


def forwarded(*options):
    """From the near host to a port of its own that is the guest's."""
    def measure(guest, lans, seconds):
        guest.run("/mnt/run iperf3 -s -1 -D; sleep 1")
        return client(lans, seconds, "-c", "127.0.0.1", "-p", str(FORWARD),
                      *options)
    return measure


PARTS = (
    ("TCP from the guest", by_guest(NEAR)),
    ("TCP to the guest", by_guest(NEAR, "-R")),
    ("UDP from the guest", by_guest(NEAR, "-u", "-b", "0", "-l", "1400")),
    ("TCP routed", routed()),
    ("TCP routed back", routed("-R")),
    ("user: TCP from the guest", by_guest(HOST)),
    ("user: TCP to the guest", by_guest(HOST, "-R")),
    ("user: forwarded to it", forwarded()),
    ("user: forwarded, from it", forwarded("-R")),
)


class Results:
    def __init__(self):
        self.rates = {}
        self.again = {}
        self.stalls = {}

    def stalled(self, name, part, why):
        self.rates.setdefault((name, part), []).append(0)
        self.again.setdefault((name, part), []).append(0)
        self.stalls[name, part] = self.stalls.get((name, part), 0) + 1
        print(f"{part}: {name} stalled: {why}", flush=True)

    def record(self, name, part, mbits, retransmits):
        self.rates.setdefault((name, part), []).append(mbits)
        self.again.setdefault((name, part), []).append(retransmits)
        print(f"{part}: {name} {mbits:.1f} Mbit/s, {retransmits} "
              "retransmitted", flush=True)

    def cell(self, name, part):
        text = f"{statistics.median(self.rates[name, part]):.1f}"
        again = statistics.median(self.again[name, part])
        stalls = self.stalls.get((name, part))
        return (text + (f" ({again:.0f})" if again else "") +
                (f", stalled {stalls} times" if stalls else ""))

    def ratio(self, name, part):
        base = statistics.median(self.rates["QEMU", part])
        rate = statistics.median(self.rates[name, part])
        return f"{rate / base:.2f}" if base else ""

    def table(self, names, wanted):
        head = ["Mbit/s", *names, *(f"{name}/QEMU" for name in names[1:])]
        lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for part in wanted:
            cells = [part, *(self.cell(name, part) for name in names)]
            cells += [self.ratio(name, part) for name in names[1:]]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)


def commands(args, disk, lans, engines):
    """(name, command) of each emulator; the same words make the networks."""
    nets = ["-netdev", "user,id=n2,hostfwd=tcp:127.0.0.1:"
            f"{FORWARD}-10.0.2.15:5201", "-device", "ne2k_pci,netdev=n2"]
    for i in (1, 0):
        nets = ["-netdev", f"tap,id=n{i},ifname=tap{i},script=no,"
                "downscript=no", "-device", f"ne2k_pci,netdev=n{i}", *nets]
    yield "QEMU", inside_for_ever(lans, qemu_command(
        disk, "-m", "128", "-drive", f"file={args.stress},format=raw", *nets))
    for engine in engines:
        yield engine, inside_for_ever(lans, trestle_command(
            args.trestle, args.router, "-m", "128", "-hdb", args.stress,
            "-accel", engine, *nets))


def inside_for_ever(lans, command):
    return ["ip", "netns", "exec", lans.near, *command]


def booted(name, command):
    guest = Guest(name, command)
    guest.log_in(*SET_UP)
    return guest


def measure(name, command, args, lans, results):
    guest = booted(name, command)
    for part, how in PARTS:
        if part not in args.wanted:
            continue
        try:
            results.record(name, part, *how(guest, lans, args.seconds))
        except (Silent, subprocess.SubprocessError) as why:
            # Seen of QEMU's guest: after TCP to it nothing comes any more.
            results.stalled(name, part, why)
            guest.emulator.kill()
            guest = booted(name, command)
    guest.emulator.kill()


def main():
    args = argparse.ArgumentParser()
    args.add_argument("trestle")
    args.add_argument("router")
    args.add_argument("stress")
    args.add_argument("--sectors", type=int, default=72 * 1008)
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--seconds", type=int, default=5)
    args.add_argument("--parts", default="", help="beginnings, with commas")
    args.add_argument("--engines", default="jit interp")
    args.add_argument("--out")
    args = args.parse_args()
    names = [name for name, _ in PARTS]
    args.wanted = [name for name in names
                   if name.startswith(tuple(args.parts.split(",")))]
    if not args.wanted:
        sys.exit(f"no such part; there are: {'; '.join(names)}")
    load, results = os.getloadavg()[0], Results()
    with grown(args.router, args.sectors) as disk, Lans() as lans:
        emulators = list(commands(args, disk.name, lans, args.engines.split()))
        for _ in range(args.rounds):
            for name, command in emulators:
                measure(name, command, args, lans, results)
    text = (f"`make bench-network`, {heading()}{os.cpu_count()} processors, "
            f"load {load:.1f} before. iperf3 for {args.seconds} s between the "
            "router image and two hosts on TAP devices, and by -net user; "
            f"medians of {args.rounds}, interleaved; in brackets segments that "
            "TCP had to send again")
    write("Network", textwrap.fill(text + ".", 80) + "\n\n" +
          results.table([n for n, _ in emulators], args.wanted), args.out)
    if any(name != "QEMU" for name, _ in results.stalls):
        sys.exit("Trestle stalled")


if __name__ == "__main__":
    main()
