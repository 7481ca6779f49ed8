#!/usr/bin/python3
"""How far a guest's clock goes from the host's, with load in both.

The router boots with each clock and engine that is asked for, all at a time (on
the appliance, drift_appliance.py: one after the other), and computes all the
while; the host has busy processes of its own, and stops each emulator now and
then for a while, as a host does that has no time for it.
The guest's uptime is read by its serial line: of some readings in a row the one
that came quickest counts. A guest that found no rate for its TSC, as the host
was away while it measured, starts again: it says so by "PM-Timer running at
invalid rate", and its rate is the PIT's then, good to 500 ppm and worse. Prints
a table; the exit status is 0 if each clock drifted less than LIMIT_MS. A ratio
of ticks given again and lost is the monitor's.
"""
import argparse
import contextlib
import itertools
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pexpect

from router import Failure, Router

LIMIT_MS = 100
BOOT_LIMIT = 600
READINGS = 40
# What Linux keeps its time by. Without an argument of its own it finds the TSC;
# with jiffies it counts ticks, of the local APIC's timer or of the PIT.
CLOCKS = {
    "tsc": "",
    "apic": "clocksource=jiffies",
    "pit": "clocksource=jiffies nolapic",
}
SPARE = b"noisapnp cryptomgr.notests init_on_alloc=0"
# Stops of an emulator: how often, and how long at least and most (s).
PAUSE = 1.5
STOP_LEAST, STOP_MOST = 0.02, 0.4
BOOTS = 8                       # until the TSC's rate was measured
REFINED_AFTER = 5               # s: Linux measures for 1 s, and may do it again


def with_arguments(image, words):
    """The image with other words for some that its kernel can do without."""
    if not words:
        return image
    if SPARE not in image:
        sys.exit("drift: the image's kernel has other arguments")
    return image.replace(SPARE, words.encode().ljust(len(SPARE)))


def busy():
    """A process that computes until it is killed."""
    return subprocess.Popen([sys.executable, "-c", "while True: pass"])


class Clock:
    """One guest. `offset` is the host's clock less the guest's, in s."""

    def __init__(self, engine, clock, router):
        self.engine, self.clock, self.router = engine, clock, router
        self.offsets = []
        self.stopped = 0.0
        self.ticks = None       # the monitor's, at the end

    def read(self):
        """Take the least offset of some readings."""
        session, least = self.router.session, float("inf")
        for _ in range(READINGS):
            session.send("read t x </proc/uptime; echo =$t=\r")
            session.expect(r"=([\d.]+)=\r")
            least = min(least, time.monotonic() - float(session.match[1]))
        self.offsets.append(least)

    def stop_now_and_then(self, end, seed):
        """Until `end` be a host that is busy with something else."""
        numbers = random.Random(seed)
        while time.monotonic() < end:
            time.sleep(numbers.uniform(0.1, PAUSE * 2))
            length = numbers.uniform(STOP_LEAST, STOP_MOST)
            os.killpg(self.router.session.pid, signal.SIGSTOP)
            time.sleep(length)
            os.killpg(self.router.session.pid, signal.SIGCONT)
            self.stopped += length

    def find_rate(self):
        """Boot again while Linux has not measured what its clock is read by."""
        if "clocksource=" in CLOCKS[self.clock]:
            return
        for boots in range(1, BOOTS + 1):
            time.sleep(REFINED_AFTER)
            if self.router.good("dmesg | grep -c 'Refined TSC'; :"
                                ).strip() == "1":
                return
            print(f"{self.engine} {self.clock}: the host was away while the "
                  "guest measured its TSC", flush=True)
            self.router.session.send("reboot\r")
            self.router.boot()
        raise Failure(f"no rate of the TSC in {boots} boots")

    def measure(self, seconds, seed):
        """Boot, load it, and read its clock until `seconds` have gone by."""
        start = time.monotonic()
        self.router.boot()
        print(f"{self.engine} {self.clock}: prompt after "
              f"{time.monotonic() - start:.0f} s", flush=True)
        self.find_rate()
        source = self.router.good("cat /sys/devices/system/clocksource/"
                                  "clocksource0/current_clocksource")
        self.source = source.strip()
        self.router.good("stty -echo; dmesg -n 1")
        self.read()
        end = time.monotonic() + seconds
        self.router.good("{ while :; do md5sum /bin/busybox; done"
                         " >/dev/null 2>&1 & }")
        stops = threading.Thread(target=self.stop_now_and_then,
                                 args=(end, seed))
        stops.start()
        while time.monotonic() < end:
            time.sleep(min(20, seconds / 5))
            self.read()
        stops.join()
        self.router.good("kill $!; sleep 1")
        self.read()
        self.ticks = self.router.monitor("info pic")

    def drift_ms(self, offset):
        """How late the guest's clock is, against the first reading."""
        return (offset - self.offsets[0]) * 1000

    def count(self, what):
        """Ticks `what` that the machine counted."""
        return sum(int(n) for n in re.findall(rf"(\d+)  .*ticks {what}",
                                              self.ticks))

    def row(self):
        under_load = max(self.offsets[1:-1], key=lambda o: abs(
            self.drift_ms(o)))
        return (f"{self.engine:<8}{self.clock:<6}{self.source:<9}"
                f"{self.stopped:>8.1f}{self.count('given again'):>8}"
                f"{self.count('lost'):>6}"
                f"{self.drift_ms(under_load):>+10.0f}"
                f"{self.drift_ms(self.offsets[-2]):>+9.0f}"
                f"{self.drift_ms(self.offsets[-1]):>+8.0f}")


def run_one(clock, args, seed, failures):
    try:
        clock.measure(args.t, seed)
    except (Failure, pexpect.TIMEOUT, pexpect.EOF, OSError) as error:
        failures.append(f"{clock.engine} {clock.clock}: "
                        f"{type(error).__name__}: {str(error)[:400]}")


def start_hosted(args, image, engine, log):
    """A guest of the hosted program's."""
    return Router(args.trestle.resolve(), [
        "-m", 64, "-snapshot", "-hda", image, "-net", "none", "-nographic",
        "-accel", engine], BOOT_LIMIT, log)


def start(args, kinds, start_router, stack):
    """A guest of each kind, an engine and a clock."""
    image = args.image.read_bytes()
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
    clocks = []
    for engine, name in kinds:
        path = folder / f"{engine}-{name}.img"
        path.write_bytes(with_arguments(image, CLOCKS[name]))
        log = args.log and (args.log / f"{engine}-{name}.log").open("w")
        router = start_router(args, path, engine, log)
        # It may be stopped, and a thread may wait for it.
        stack.callback(os.killpg, router.session.pid, signal.SIGKILL)
        clocks.append(Clock(engine, name, router))
    return clocks


def measure_all(args, kinds, start_router):
    """These guests at a time; returns what was wrong."""
    failures = []
    with contextlib.ExitStack() as stack:
        clocks = start(args, kinds, start_router, stack)
        for _ in range(args.busy):
            stack.callback(busy().kill)
        threads = [threading.Thread(target=run_one,
                                    args=(c, args, seed, failures))
                   for seed, c in enumerate(clocks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(f"{args.t} s, {args.busy} busy processes beside {len(clocks)} "
          f"emulators, load {os.getloadavg()[1]:.1f} on {os.cpu_count()} "
          "cores; ms behind the host's clock:")
    print(f"{'engine':<8}{'clock':<6}{'source':<9}{'stopped':>8}{'again':>8}"
          f"{'lost':>6}{'at worst':>10}{'at end':>9}{'idle':>8}")
    for clock in clocks:
        if clock.ticks is not None:
            print(clock.row(), flush=True)
            late = max(abs(clock.drift_ms(o)) for o in clock.offsets[-2:])
            if late >= LIMIT_MS:
                failures.append(
                    f"{clock.engine} {clock.clock}: {late:.0f} ms; readings: " +
                    " ".join(f"{clock.drift_ms(o):+.0f}" for o in clock.offsets))
    return failures


def main(doc=__doc__, engines="interp,jit", start_router=start_hosted,
         together=True):
    """With guests from start_router(args, image, engine, log), a Router whose
    session's process group is the emulator; `together`: all at a time."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("trestle", type=pathlib.Path)
    parser.add_argument("image", type=pathlib.Path)
    parser.add_argument("-t", type=int, default=600, metavar="SECONDS")
    parser.add_argument("--engines", default=engines)
    parser.add_argument("--clocks", default=",".join(CLOCKS),
                        help="of these: " + " ".join(CLOCKS))
    parser.add_argument("--log", type=pathlib.Path,
                        help="folder for the guests' consoles")
    parser.add_argument("--busy", type=int, default=1,
                        help="processes of the host's own (1)")
    args = parser.parse_args()

    kinds = list(itertools.product(args.engines.split(","),
                                   args.clocks.split(",")))
    failures = []
    for some in [kinds] if together else [[kind] for kind in kinds]:
        failures += measure_all(args, some, start_router)
    for failure in failures:
        print(f"FAIL {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
