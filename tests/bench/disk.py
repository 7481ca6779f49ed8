#!/usr/bin/env python3
"""A guest's disk under QEMU TCG and Trestle, in turn: fio on the router image.

    disk.py TRESTLE ROUTER_IMAGE STRESS_IMAGE

Both have the same file as a raw image without a snapshot on the second IDE
channel, by the host's cache, as is the default of both: a write ends in the
host's memory, and a flush brings it to the medium. The guest's own cache is not
in it (O_DIRECT). Prints medians and ratios; --out FILE puts them into that
report.
"""
import argparse
import os
import platform
import re
import statistics
import sys
import tempfile
import textwrap

from emulator import heading, qemu_command, trestle_command, write
from guest import Guest, grown

SCRATCH = 256 << 20
# Name, fio's words, and bytes that are moved.
PARTS = (
    ("sequential read, 128 KB", "--rw=read --bs=128k", 192 << 20),
    ("sequential write, 128 KB", "--rw=write --bs=128k", 192 << 20),
    ("sequential read, 4 KB", "--rw=read --bs=4k", 32 << 20),
    ("sequential write, 4 KB", "--rw=write --bs=4k", 32 << 20),
    ("random read, 4 KB", "--rw=randread --bs=4k", 32 << 20),
    ("random write, 4 KB", "--rw=randwrite --bs=4k", 32 << 20),
    ("random write, 4 KB, each flushed", "--rw=randwrite --bs=4k --fsync=1",
     4 << 20),
)
FIO = ("/mnt/run fio --name=x --filename=$disk --direct=1 --ioengine=psync "
       "--thread --randseed=1 --size=%d --io_size=%d --output-format=terse %s")
# The scratch disk by its size; its queue needs no scheduler.
SET_UP = (
    f"for d in a b c; do [ $(cat /sys/block/sd$d/size) = {SCRATCH // 512} ] "
    "&& disk=/dev/sd$d; done; echo $disk",
    "/mnt/run fio --version",
)


def measure(name, command, wanted, record):
    guest = Guest(name, command)
    guest.log_in(*SET_UP)
    for part, words, size in PARTS:
        if part not in wanted:
            continue
        before = guest.emulator.cpu_seconds()
        _, said = guest.run(FIO % (SCRATCH, size, words))
        used = guest.emulator.cpu_seconds() - before
        record(name, part, size, runtime(name, said), used)
    guest.emulator.kill()


def runtime(name, said):
    """Seconds by the guest's clock: fio's terse version 3 has milliseconds and
    KiB of reading in its fields 9 and 6, of writing in 50 and 47."""
    line = re.search(rb"(?m)^3;.*", said)
    if not line:
        sys.exit(f"{name}: fio: {said!r}")
    fields = line[0].split(b";")
    return (int(fields[8]) + int(fields[49])) / 1000


class Results:
    def __init__(self):
        self.runs = {}

    def record(self, name, part, size, seconds, used):
        self.runs.setdefault((name, part), []).append(
            (size / seconds / 1e6, size / used / 1e6))
        print(f"{part}: {name} {self.shown(name, part, -1)}", flush=True)

    def median(self, name, part, which):
        return statistics.median(run[which] for run in self.runs[name, part])

    def shown(self, name, part, number=None):
        """MB a second / a second of processor time."""
        return " / ".join(
            f"{self.median(name, part, which):.1f}" if number is None else
            f"{self.runs[name, part][number][which]:.1f}" for which in (0, 1))

    def ratio(self, name, part):
        ratios = (self.median(name, part, which) /
                  self.median("QEMU", part, which) for which in (0, 1))
        return " / ".join(f"{r:.2f}" for r in ratios)

    def table(self, names, wanted):
        others = names[1:]
        head = ["MB/s", *names, *(f"{name}/QEMU" for name in others)]
        lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for part in wanted:
            cells = [part, *(self.shown(name, part) for name in names),
                     *(self.ratio(name, part) for name in others)]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)


def commands(args, disk, scratch, engines):
    """(name, command) of each emulator, QEMU first."""
    words = ("-m", "128", "-drive",
             f"file={scratch},format=raw,index=2,snapshot=off")
    yield "QEMU", qemu_command(
        disk, "-drive", f"file={args.stress},format=raw,index=1", *words,
        "-net", "none")
    for engine in engines:
        yield engine, trestle_command(
            args.trestle, args.router, "-hdb", args.stress, *words,
            "-accel", engine)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("trestle")
    args.add_argument("router")
    args.add_argument("stress")
    args.add_argument("--sectors", type=int, default=72 * 1008)
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--parts", default="", help="beginnings, with commas")
    args.add_argument("--engines", default="jit interp")
    args.add_argument("--out")
    args = args.parse_args()
    wanted = [part for part, *_ in PARTS
              if part.startswith(tuple(args.parts.split(",")))]
    if not wanted:
        sys.exit(f"no such part; there are: {'; '.join(p[0] for p in PARTS)}")
    load, results = os.getloadavg()[0], Results()
    with grown(args.router, args.sectors) as disk, \
            tempfile.NamedTemporaryFile(suffix=".img") as scratch:
        for _ in range(SCRATCH >> 20):
            scratch.write(os.urandom(1 << 20))
        scratch.flush()
        os.fsync(scratch.fileno())
        emulators = list(commands(args, disk.name, scratch.name,
                                  args.engines.split()))
        for _ in range(args.rounds):
            for name, command in emulators:
                measure(name, command, wanted, results.record)
    # As with chrt -r 1, beside other work.
    ahead = ("" if os.sched_getscheduler(0) == os.SCHED_OTHER
             else ", both emulators with real-time priority")
    text = (f"`make bench-disk`, {heading()}Linux {platform.release()}, "
            f"{os.cpu_count()} processors, load {load:.1f} before{ahead}. "
            "fio on the router image, one request at a time past the guest's "
            "cache, on a raw file by the host's cache, as is QEMU's default; a "
            "flush of the guest's is fdatasync(2) of both; medians of "
            f"{args.rounds}, interleaved: MB a second by the guest's clock / a "
            "second of the emulator's processor time, fio's start included")
    write("Disk", textwrap.fill(text + ".", 80) + "\n\n" +
          results.table([n for n, _ in emulators], wanted), args.out)


if __name__ == "__main__":
    main()
