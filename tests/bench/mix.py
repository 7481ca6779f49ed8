#!/usr/bin/env python3
"""The integer mix under Trestle and under QEMU TCG, interleaved in one run.

Time is processor time of the whole emulator process (utime + stime), so that
other work on the machine counts less. Prints medians and ratios; writes them to
the file given with --out. Higher ratio: Trestle is faster.
"""
import argparse
import datetime
import os
import platform
import re
import select
import statistics
import subprocess
import sys

PARTS = ["sieve", "qsort", "fib", "vm", "lz", "matmul", "checksum"]


class Emulator:
    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.seen = b""
        self.wait_for(rb"mix ready", 120)

    def wait_for(self, pattern, seconds):
        out = self.process.stdout.fileno()
        while not (match := re.search(pattern, self.seen)):
            if not select.select([out], [], [], seconds)[0]:
                sys.exit(f"{self.name}: nothing for {seconds} s")
            data = os.read(out, 4096)
            if not data:
                sys.exit(f"{self.name} ended: {self.seen[-300:]!r}")
            self.seen += data
        self.seen = self.seen[match.end():]
        return match

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run(self, part):
        start = self.cpu_seconds()
        self.process.stdin.write(b"%d" % part)
        self.process.stdin.flush()
        result = self.wait_for(rb"result ([0-9a-f]{8})", 300).group(1)
        return self.cpu_seconds() - start, result

    def end(self):
        self.process.stdin.write(b"q")
        self.process.stdin.flush()
        self.process.wait(30)


def cpu_name():
    with open("/proc/cpuinfo") as info:
        return re.search(r"model name\s*: (.*)", info.read()).group(1)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("trestle")
    args.add_argument("image")
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--out")
    args = args.parse_args()
    version = subprocess.run(["qemu-system-i386", "--version"],
                             capture_output=True, text=True).stdout
    version = re.search(r"version (\S+)", version).group(1)
    ours = Emulator("trestle", [args.trestle, "-m", "64", "-hda", args.image,
                                "-snapshot", "-serial", "stdio"])
    qemu = Emulator("qemu", [
        "qemu-system-i386", "-accel", "tcg", "-m", "64", "-snapshot",
        "-drive", f"file={args.image},format=raw", "-display", "none",
        "-serial", "stdio", "-monitor", "none", "-net", "none"])
    lines = [f"Integer mix, {datetime.date.today()}, {cpu_name()}, "
             f"Linux {platform.release()}",
             f"QEMU {version} TCG; medians of {args.rounds}, seconds of "
             "processor time", "",
             "| part | trestle interp | QEMU TCG | ratio |",
             "|---|---|---|---|"]
    ratios = []
    for number, part in enumerate(PARTS):
        times = {ours: [], qemu: []}
        results = set()
        for _ in range(args.rounds):
            for emulator in (ours, qemu):
                seconds, result = emulator.run(number)
                times[emulator].append(seconds)
                results.add(result)
        if len(results) != 1:
            sys.exit(f"{part}: results differ: {results}")
        a, b = (statistics.median(times[e]) for e in (ours, qemu))
        ratios.append(b / a)
        lines.append(f"| {part} | {a:.2f} | {b:.2f} | {b / a:.2f} |")
        print(lines[-1], flush=True)
    mean = statistics.geometric_mean(ratios)
    lines.append(f"| geometric mean | | | {mean:.2f} |")
    ours.end()
    qemu.end()
    text = "\n".join(lines) + "\n"
    print(text)
    if args.out:
        with open(args.out, "w") as out:
            out.write("# Benchmarks\n\nMade by `make bench`. A ratio above 1: "
                      "Trestle is faster than QEMU.\n\n" + text)


if __name__ == "__main__":
    main()
