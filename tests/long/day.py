#!/usr/bin/python3
"""A day of the router's time under -icount, with somebody typing.

Lines of random length are typed at its serial console all day, some of them
while it sleeps; what comes back is compared byte by byte: the terminal's echo,
the line as a program read it, and the guest's uptime. At the end the guest's
date and its RTC have to agree with that, and the emulator's memory with what it
was in the first hour. Prints a table; the exit status is 0 if all is well.
"""
import argparse
import datetime
import random
import re
import string
import sys
import time

import pexpect

from router import Router

BASE = datetime.datetime(2026, 3, 28, 21, 30, tzinfo=datetime.timezone.utc)
HOUR = 3600
LIMIT = 3000                    # seconds for one answer: others work here, too
SLEEP = 240                     # virtual seconds between two bouts of typing
LONGEST = 300                   # characters in a line
MEMORY_KIB = 4096               # that it may grow by in 23 hours
# The terminal echoes what is typed from "ready" on; before, the shell does.
READER = ("echo rea''dy; while IFS= read -r l; do case $l in 'sleep '*) $l;; esac;"
          " echo \"[$l]\"; read t x </proc/uptime; echo =$t=;"
          " [ \"$l\" = done ] && break; done\r")


class Wrong(Exception):
    """What came is not what was typed."""


class Day:
    """One run of the emulator by an engine."""

    def __init__(self, program, image, engine, shift, seed):
        self.router = Router(program, [
            "-m", 64, "-snapshot", "-hda", image, "-net", "none",
            "-nographic", "-accel", engine, "-icount",
            f"shift={shift},sleep=off", "-rtc", f"base={BASE:%Y-%m-%dT%H:%M:%S}",
        ], LIMIT)
        self.session = self.router.session
        self.random = random.Random(seed)
        self.sent = self.compared = self.lines = 0

    def memory(self):
        """What the emulator has in memory, KiB."""
        with open(f"/proc/{self.session.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])

    def take(self, wanted):
        """The next bytes have to be these."""
        got = self.session.read(len(wanted))
        if got != wanted:
            raise Wrong(f"line {self.lines}: {wanted!r} was to come, "
                        f"{got!r} came")
        self.compared += len(wanted)

    def take_uptime(self):
        """=SECONDS=, and nothing before it."""
        self.session.expect(r"=(\d+\.\d\d)=\r\n")
        if self.session.before:
            raise Wrong(f"line {self.lines}: {self.session.before!r} came, too")
        self.compared += len(self.session.match[0])
        return float(self.session.match[1])

    def any_line(self):
        """Printable, and no command of the reader's."""
        return ":" + "".join(self.random.choices(
            string.ascii_letters + string.digits + string.punctuation + " ",
            k=self.random.randint(0, LONGEST)))

    def type(self, lines):
        """Type them in one go; returns the uptime behind the last answer."""
        text = "".join(line + "\r" for line in lines)
        self.session.send(text)
        self.sent += len(text)
        self.lines += len(lines)
        # The echo is there long before a program has read the first line.
        if lines[0].startswith("sleep"):
            self.take("".join(line + "\r\n" for line in lines))
        for line in lines:
            if not lines[0].startswith("sleep"):
                self.take(line + "\r\n")
            self.take(f"[{line}]\r\n")
            uptime = self.take_uptime()
        return uptime

    def begin(self):
        """To the reader's start; the guest's date less its uptime."""
        self.router.boot()
        self.router.good("dmesg -n 1")
        offset = self.date_less_uptime()
        self.session.send(READER)
        self.router.expect(r"\nready\r\n")
        return offset

    def date_less_uptime(self):
        """In s; self.rtc is the RTC's date less that date."""
        date, uptime, rtc = self.router.good(
            "date +%s; read t x </proc/uptime; echo $t; hwclock -u"
        ).split("\n")[:3]
        shown = datetime.datetime.strptime(rtc[:24], "%a %b %d %H:%M:%S %Y")
        self.rtc = (shown.replace(tzinfo=datetime.timezone.utc).timestamp()
                    - int(date))
        return int(date) - float(uptime)

    def run(self, hours):
        """Type for so long; yields (uptime, KiB) at the first hour and each
        twelfth part."""
        marks = sorted({HOUR, *(hours * HOUR * n / 12 for n in range(1, 13))})
        uptime = 0.0
        while marks:
            self.type([f"sleep {SLEEP}", self.any_line(), self.any_line()])
            uptime = self.type([self.any_line()])
            while marks and uptime >= marks[0]:
                marks.pop(0)
                yield uptime, self.memory()

    def end(self):
        """Back in the shell."""
        self.type(["done"])
        self.router.expect(r"root@router:/# ")


def one_day(args, engine):
    """Returns what was wrong, or None."""
    start = time.monotonic()
    day = Day(args.trestle, args.image, engine, args.shift, args.seed)
    memory = []
    try:
        offset = day.begin()
        for uptime, kib in day.run(args.hours):
            memory.append(kib)
            print(f"{engine:<8}{uptime / HOUR:>8.2f} h"
                  f"{time.monotonic() - start:>8.0f} s{kib:>10} KiB"
                  f"{day.lines:>8} lines{day.sent:>9} bytes typed"
                  f"{day.compared:>9} compared", flush=True)
        day.end()
        drift = day.date_less_uptime() - offset
        print(f"{engine:<8}date: {drift:+.2f} s against the uptime, RTC: "
              f"{day.rtc:+.0f} s against the date", flush=True)
        if day.router.power_off():
            return "the emulator's exit status"
    except (Wrong, pexpect.TIMEOUT, pexpect.EOF) as error:
        return str(error)[:2000]
    finally:
        day.router.close()
    if abs(drift) > 1.5 or abs(day.rtc) > 1:
        return "the guest's clocks differ"
    if memory[-1] > memory[0] + MEMORY_KIB:
        return f"memory grew by {memory[-1] - memory[0]} KiB"
    return None


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("trestle")
    parser.add_argument("image")
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--engines", default="jit,interp")
    parser.add_argument("--shift", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    failed = False
    for engine in args.engines.split(","):
        wrong = one_day(args, engine)
        if wrong:
            print(f"FAIL {engine}: {wrong}")
            failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
