#!/usr/bin/env python3
"""The router image to its console under Trestle and QEMU TCG, in turn.

Prints wall and processor time of each run's way to "Please press Enter", their
medians and ratios; appends them to the file given with --out.
"""
import argparse
import datetime
import shutil
import statistics
import tempfile
import time

from emulator import (Emulator, cpu_name, qemu_command, qemu_version,
                      trestle_command, write)

READY = rb"Please press Enter"
SECTOR_BYTES = 512


def boot(name, command):
    begin = time.monotonic()
    emulator = Emulator(name, command, READY)
    result = time.monotonic() - begin, emulator.cpu_seconds()
    emulator.kill()
    return result


def main():
    args = argparse.ArgumentParser()
    args.add_argument("trestle")
    args.add_argument("image")
    args.add_argument("--sectors", type=int, default=72 * 1008,
                      help="full size of the disk; QEMU does not grow it")
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--out")
    args = args.parse_args()
    with tempfile.NamedTemporaryFile(suffix=".img") as full:
        shutil.copy(args.image, full.name)
        full.truncate(args.sectors * SECTOR_BYTES)
        runs = {"trestle": [], "qemu": []}
        for _ in range(args.rounds):
            runs["trestle"].append(boot("trestle", trestle_command(
                args.trestle, args.image, "-net", "nic")))
            runs["qemu"].append(boot("qemu", qemu_command(
                full.name, "-net", "nic,model=ne2k_pci")))
    lines = [f"Router image to its console, {datetime.date.today()}, "
             f"{cpu_name()}, QEMU {qemu_version()} TCG; medians of "
             f"{args.rounds}", "",
             "| seconds | trestle interp | QEMU TCG | ratio |",
             "|---|---|---|---|"]
    for column, what in enumerate(["wall", "processor"]):
        ours, qemu = (statistics.median(r[column] for r in runs[n])
                      for n in ("trestle", "qemu"))
        lines.append(f"| {what} | {ours:.1f} | {qemu:.1f} | "
                     f"{qemu / ours:.2f} |")
    write("Boot", "\n".join(lines), args.out)


if __name__ == "__main__":
    main()
