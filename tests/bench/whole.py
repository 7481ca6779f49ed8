#!/usr/bin/env python3
"""Whole guests under QEMU TCG and Trestle, in turn: Debian on the router image.

    whole.py TRESTLE ROUTER_IMAGE STRESS_IMAGE

From the start to the console, then shell commands: elapsed and processor time
of the emulator from the typed line's last key to the shell's answer on the
serial console. Prints medians and ratios; --out FILE puts them into that report.
"""
import argparse
import os
import platform
import re
import statistics
import sys
import textwrap

from emulator import heading, qemu_command, trestle_command, write
from guest import Guest, grown

BOOT = "boot"
LOOP = "i=0; while [ $i -lt %d ]; do %s; i=$((i+1)); done"
# Before anything is timed.
SET_UP = (
    "for i in 1 2; do cat /bin/busybox; done >data",
    f"forks() {{ {LOOP % (2000, '(:)')}; }}",
    f"execs() {{ {LOOP % (500, '/bin/true')}; }}",
    "speed() { /mnt/run openssl speed -mr -seconds 1 $* 2>&1; }",
    "speed -bytes 64 sha256 | tail -n 1",       # read from the disk once
)
# Name, what is typed, and the count in its answer where the time is fixed and
# not the work: then the time is microseconds for one.
COMMANDS = (
    ("2,000 forks", "forks", None),
    ("500 fork, exec", "execs", None),
    ("gzip 4 MB", "gzip <data | md5sum", None),
    ("sha256sum 12 MB", "cat data data data | sha256sum", None),
    ("SHA-256, us", "speed -bytes 8192 -evp sha256", rb"\+R:(\d+):"),
    ("AES-128, us", "speed -bytes 8192 -evp aes-128-cbc", rb"\+R:(\d+):"),
    ("RSA-2048, us", "speed rsa2048", rb"\+R1:(\d+):"),
)
NAMES = [BOOT] + [name for name, _, _ in COMMANDS]


def measure(name, command, wanted, record):
    """One guest's life: record(emulator's name, part, times, output)."""
    guest = Guest(name, command)
    if BOOT in wanted:
        record(name, BOOT, guest.boot_times, b"")
    if wanted != [BOOT]:
        guest.log_in(*SET_UP)
    for part, line, count in COMMANDS:
        if part not in wanted:
            continue
        times, output = guest.run(line)
        if count:
            done = int(re.search(count, output)[1])
            times, output = [t / done * 1e6 for t in times], b""
        record(name, part, times, output)
    guest.emulator.kill()


class Results:
    def __init__(self):
        self.times = {}
        self.outputs = {}

    def record(self, name, part, times, output):
        self.times.setdefault((name, part), []).append(times)
        if self.outputs.setdefault(part, output) != output:
            sys.exit(f"{name}: {part}: {output!r}, not {self.outputs[part]!r}")
        print(f"{part}: {name} {shown(times)}", flush=True)

    def median(self, name, part, which):
        return statistics.median(t[which] for t in self.times[name, part])

    def ratio(self, name, part):
        """QEMU's times by those of a translator."""
        ratios = [self.median("QEMU", part, which) /
                  self.median(name, part, which) for which in (0, 1)]
        return " / ".join(f"{r:.2f}" for r in ratios)

    def table(self, names, wanted):
        jits = [name for name in names if name.startswith("jit")]
        head = ["part", *names, *(f"QEMU/{jit}" for jit in jits)]
        lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for part in wanted:
            cells = [part]
            cells += [shown([self.median(name, part, which)
                             for which in (0, 1)]) for name in names]
            cells += [self.ratio(jit, part) for jit in jits]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)


def shown(times):
    return " / ".join(f"{t:.0f}" if t >= 100 else f"{t:.2f}" for t in times)


def commands(args, disk, engines):
    """(name, command) of each emulator."""
    yield "QEMU", qemu_command(
        disk, "-m", "128", "-drive", f"file={args.stress},format=raw",
        "-net", "nic,model=ne2k_pci")
    for engine in engines:
        yield engine, trestle_command(
            args.trestle, args.router, "-m", "128", "-hdb", args.stress,
            "-net", "nic", "-accel", engine)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("trestle")
    args.add_argument("router")
    args.add_argument("stress")
    args.add_argument("--sectors", type=int, default=72 * 1008,
                      help="full size of the disk; QEMU does not grow it")
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--parts", default="",
                      help=f"beginnings of: {'; '.join(NAMES)}; with commas")
    args.add_argument("--engines", default="jit interp",
                      help="values of -accel, with spaces")
    args.add_argument("--out")
    args = args.parse_args()
    wanted = [name for name in NAMES
              if name.startswith(tuple(args.parts.split(",")))]
    if not wanted:
        sys.exit(f"no such part; there are: {'; '.join(NAMES)}")
    load, results = os.getloadavg()[0], Results()
    with grown(args.router, args.sectors) as disk:
        emulators = list(commands(args, disk.name, args.engines.split()))
        for _ in range(args.rounds):
            for name, command in emulators:
                measure(name, command, wanted, results.record)
    text = (f"`make bench-whole`, {heading()}Linux {platform.release()}, "
            f"{os.cpu_count()} processors, load {load:.1f} before. Router "
            f"image; medians of {args.rounds}, interleaved: seconds elapsed "
            "/ of the emulator's processor time; openssl speed: microseconds a "
            "block of 8 KiB or a signature")
    write("Whole guests", textwrap.fill(text + ".", 80) + "\n\n" +
          results.table([n for n, _ in emulators], wanted), args.out)


if __name__ == "__main__":
    main()
