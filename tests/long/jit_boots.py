#!/usr/bin/python3
"""Boots of the router by the translator, compared with the interpreter.

Each boot is by -accel jit,check=N with another N: to the prompt, some work
whose results are known, power off. The first difference, wrong result or boot
that does not get so far ends it; exit status 0 if none did.
"""
import argparse
import hashlib
import itertools
import pathlib
import re
import sys
import time

import pexpect

from router import Failure, Router, last_words

LIMIT = 600
EVERY = range(2, 32)            # N of check=N, in turn
DIFFERENT = "check=on: jit differs"
LINES = 20000
TERMS = 20000


def digest(data):
    return hashlib.sha256(data).hexdigest()


def numbers():
    return "".join(f"{n}\n" for n in range(1, LINES + 1)).encode()


def series():
    return sum(1 / n for n in range(1, TERMS + 1))


# What is typed, and what must be in its answer.
WORK = (
    ("i=0; while [ $i -lt 300 ]; do (:); i=$((i+1)); done; echo $i", "300"),
    ("for i in 1 2 3 4 5 6 7 8; do ls -lR /etc | md5sum; done | uniq | wc -l",
     "1"),
    (f"seq 1 {LINES} >/tmp/n; gzip -k /tmp/n; gunzip -c /tmp/n.gz | sha256sum",
     digest(numbers())),
    (f"seq {LINES} -1 1 | sort -n | sha256sum", digest(numbers())),
    (f"awk 'BEGIN {{ for (n = 1; n <= {TERMS}; n++) s += 1 / n;"
     " printf \"%.9f\\n\", s }'", f"{series():.9f}"),
    ("dmesg | grep -cE 'BUG:|Oops|Call Trace|segfault|general protection'"
     " || true", "0"),
)


class Checked(Router):
    """A router whose every wait ends at a difference, too."""

    def expect(self, pattern, limit=-1):
        if self.session.expect([pattern, DIFFERENT], timeout=limit):
            self.session.expect(pexpect.TIMEOUT, timeout=2)
            raise Failure(DIFFERENT + self.session.before)
        return self.session.match


def checked(router):
    """What the monitor says of comparisons: stretches, instructions in them."""
    answer = router.monitor("info jit")
    return [int(n) for n in
            re.search(r"checked: (\d+) stretches with (\d+) instr",
                      answer).groups()]


def boot(args, every):
    """One boot; returns what `checked` does."""
    router = Checked(args.trestle.resolve(),
                     ["-m", 64, "-hda", args.router, "-snapshot", "-nographic",
                      "-net", "nic", "-accel", f"jit,check={every}"],
                     LIMIT, args.log)
    try:
        router.boot()
        for line, wanted in WORK:
            if wanted not in (said := router.good(line)).split():
                raise Failure(f"{line}: {said!r}, not {wanted}")
        counts = checked(router)
        if (status := router.power_off()) != 0:
            raise Failure(f"ended with status {status}")
        return counts
    except (pexpect.TIMEOUT, pexpect.EOF) as lost:
        raise Failure(f"{type(lost).__name__} after "
                      + last_words(router.session.before or "")) from lost
    finally:
        router.close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("trestle", type=pathlib.Path)
    parser.add_argument("router", type=pathlib.Path)
    parser.add_argument("-t", type=int, default=3600, metavar="SECONDS",
                        help="no boot begins after that (3600)")
    parser.add_argument("--every", type=int, nargs="+", default=EVERY,
                        metavar="N", help="of check=N (2 to 31, in turn)")
    parser.add_argument("--log", type=argparse.FileType("w"),
                        help="file for the guests' consoles")
    args = parser.parse_args()

    begin, boots, total, failed = time.monotonic(), 0, [0, 0], 0
    for every in itertools.cycle(args.every):
        start = time.monotonic()
        if failed or start - begin >= args.t:
            break
        try:
            counts = boot(args, every)
        except Failure as failure:
            print(f"boot {boots + 1}, check={every}: {failure}", flush=True)
            failed = 1
            continue
        boots += 1
        total = [a + b for a, b in zip(total, counts)]
        print(f"boot {boots}, check={every}: "
              f"{time.monotonic() - start:.0f} s, {counts[0]:,} stretches "
              f"with {counts[1]:,} instructions", flush=True)
    print(f"{total[0]:,} stretches with {total[1]:,} instructions compared in "
          f"{time.monotonic() - begin:.0f} s")
    print(f"{boots} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main())
