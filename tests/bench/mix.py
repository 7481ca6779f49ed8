#!/usr/bin/env python3
"""The benchmark's parts natively, under QEMU TCG and under Trestle, in turn.

    mix.py TRESTLE IMAGE NATIVE...

Time is processor time of the whole process (all threads), so that other work on
the machine counts less. All must get the same results. Prints medians and
ratios, a table for each group; --out FILE puts them into that report. The first
of the native programs that the machine runs is taken.
"""
import argparse
import os
import platform
import statistics
import sys
import textwrap

from emulator import Emulator, heading, qemu_command, trestle_command, write

READY = rb"mix ready"
TITLES = {
    "integer": "Integer", "flags": "Flags", "memory": "Memory", "x87": "x87",
    "sse2": "SSE2 and MMX", "system": "System operations",
}
NATIVE = {
    "native-ia32": "native: the same C, compiled for IA-32",
    "native-x32": "native: the same C, as 64-bit code with 32-bit pointers and "
                  "eight registers, as this machine refuses IA-32 programs",
}


class Runner:
    """A program that runs parts; asleep while others have their turn."""

    def __init__(self, name, command):
        self.name = name
        self.emulator = Emulator(name, command, rb"")
        listing = self.emulator.wait_for(rb"(?s)^(.*)" + READY + rb"\r?\n",
                                         300)[1].decode()
        words = [line.split() for line in listing.splitlines()]
        # [group, part, operations], from its first line on (a BIOS talks, too).
        self.parts = [w[1:] for w in words if w[:1] == ["part"]]
        self.emulator.pause()

    def has(self, part):
        return any(p[1] == part for p in self.parts)

    def run(self, part):
        """(processor seconds, result)"""
        self.emulator.resume()
        start = self.emulator.cpu_seconds()
        self.emulator.send(part.encode() + b"\n")
        result = self.emulator.wait_for(rb"result ([0-9a-f]{8})\r?\n", 600)[1]
        seconds = self.emulator.cpu_seconds() - start
        self.emulator.pause()
        return seconds, result


def start_native(programs):
    """The first program that starts, or None: (its name, runner)."""
    for program in programs:
        try:
            return os.path.basename(program), Runner("native", [program])
        except OSError:
            continue
    return None, None


def measure(runners, part, rounds):
    """Medians by runner's name."""
    times, results = {}, {}
    for _ in range(rounds):
        for runner in runners:
            if runner.has(part):
                seconds, result = runner.run(part)
                times.setdefault(runner.name, []).append(seconds)
                results.setdefault(result, []).append(runner.name)
    if len(results) != 1:
        sys.exit(f"{part}: results differ: {results}")
    return {name: statistics.median(t) for name, t in times.items()}


class Table:
    """One group's, in seconds, or in nanoseconds an operation."""

    def __init__(self, names):
        self.names = names
        # As asked for: "jit", "jit,check=on".
        jits = [name for name in names if name.startswith("jit")]
        self.ratios = {("QEMU", jit): [] for jit in jits}
        if "native" in names:
            self.ratios |= {(jit, "native"): [] for jit in jits}

    def head(self):
        cells = self.names + [f"{a}/{b}" for a, b in self.ratios]
        return f"| part | {' | '.join(cells)} |\n|---{'|---' * len(cells)}|"

    def row(self, part, operations, medians):
        cells = [part]
        for name in self.names:
            cells.append(f"{medians[name] / operations * 1e9:.0f} ns"
                         if operations else f"{medians[name]:.3f}")
        for (above, below), all_ratios in self.ratios.items():
            all_ratios.append(medians[above] / medians[below])
            cells.append(f"{all_ratios[-1]:.2f}")
        return f"| {' | '.join(cells)} |"

    def mean(self):
        cells = ["geometric mean"] + len(self.names) * [""]
        cells += [f"{statistics.geometric_mean(r):.2f}"
                  for r in self.ratios.values()]
        return f"| {' | '.join(cells)} |"


def wanted(parts, names):
    """Those that are named, by themselves or by their group; all without."""
    if not names:
        return parts
    known = {p[0] for p in parts} | {p[1] for p in parts}
    if unknown := set(names) - known:
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are " +
                 " ".join(p[1] for p in parts))
    return [p for p in parts if p[0] in names or p[1] in names]


def say(line):
    print(line, flush=True)
    return line


def report(runners, parts, rounds):
    """The tables' lines, printed as they come."""
    lines, table, last = [], None, None
    for group, part, operations in parts:
        if group != last:
            if table:
                lines.append(say(table.mean() + "\n"))
            table = Table([r.name for r in runners if r.has(part)])
            lines.append(say(f"### {TITLES[group]}\n\n{table.head()}"))
            last = group
        lines.append(say(table.row(part, int(operations, 16),
                                   measure(runners, part, rounds))))
    lines.append(say(table.mean()))
    return "\n".join(lines)


def conditions(rounds, load, native):
    text = (f"`make bench-jit`, {heading()}Linux {platform.release()}, "
            f"{os.cpu_count()} processors, load {load:.1f} before. Medians of "
            f"{rounds}, interleaved: seconds of processor time, or nanoseconds "
            "of it an operation; the guest has paging on")
    if native:
        text += f"; {NATIVE[native]}"
    return textwrap.fill(text + ".", 80)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("trestle")
    args.add_argument("image")
    args.add_argument("native", nargs="*")
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--parts", default="",
                      help="names of parts or groups, with commas")
    args.add_argument("--engines", default="jit interp",
                      help="values of -accel, with spaces")
    args.add_argument("--out")
    args = args.parse_args()
    native_name, native = start_native(args.native)
    runners = [native] if native else []
    runners.append(Runner("QEMU", qemu_command(args.image, "-net", "none")))
    for engine in args.engines.split():
        runners.append(Runner(engine, trestle_command(
            args.trestle, args.image, "-accel", engine)))
    parts = wanted(runners[-1].parts, [p for p in args.parts.split(",") if p])
    head = say(conditions(args.rounds, os.getloadavg()[0], native_name))
    tables = report(runners, parts, args.rounds)
    write("Translator", f"{head}\n\n{tables}", args.out, show=False)


if __name__ == "__main__":
    main()
