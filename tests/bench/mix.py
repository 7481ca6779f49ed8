#!/usr/bin/env python3
"""The integer mix under Trestle and under QEMU TCG, interleaved in one run.

Time is processor time of the whole emulator process (utime + stime), so that
other work on the machine counts less. Prints medians and ratios; appends them
to the file given with --out. Higher ratio: Trestle is faster.
"""
import argparse
import datetime
import platform
import statistics
import sys

from emulator import (Emulator, cpu_name, qemu_command, qemu_version,
                      trestle_command, write)

PARTS = ["sieve", "qsort", "fib", "vm", "lz", "matmul", "checksum"]


def main():
    args = argparse.ArgumentParser()
    args.add_argument("trestle")
    args.add_argument("image")
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--out")
    args = args.parse_args()
    ours = Emulator("trestle", trestle_command(args.trestle, args.image))
    qemu = Emulator("qemu", qemu_command(args.image, "-net", "none"))
    lines = [f"Integer mix, {datetime.date.today()}, {cpu_name()}, "
             f"Linux {platform.release()}",
             f"QEMU {qemu_version()} TCG; medians of {args.rounds}, seconds of "
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
    write("Integer mix", "\n".join(lines), args.out)


if __name__ == "__main__":
    main()
