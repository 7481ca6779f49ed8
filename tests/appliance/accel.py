"""The engines' test program (tests/engine) on the bare machine in QEMU.

As a program: accel.py LIMIT ARGUMENTS [MODULE...] runs it once; LIMIT in
seconds, modules by their name in the build folder. Exit status 2: QEMU died.
accel.py fuzz SECONDS SEED: random guests until they have run for so long; where
QEMU dies of one, the next seed goes on.
"""
import pathlib
import re
import signal
import sys
import tempfile
import time

import pexpect

from conftest import BUILD, Appliance, make_iso

ELF = BUILD / "enginetest.elf"
# QEMU's TCG emulates AMD-V with nested paging.
SVM = ("-cpu", "EPYC,+svm,+npt")
# ... or plays a processor that cannot: guests are translated.
PLAIN = ("-cpu", "qemu64,-svm")
START = 5                       # seconds that GRUB and the start take, at most
TRIES = 200                     # seeds


class HostDied(Exception):
    """QEMU's translator gave up on the code: nothing that runs in it did."""


def verdict(appliance, limit):
    """What it said up to its last line, and its exit status."""
    end = appliance.session.expect([r"\d+ passed, (\d+) failed",
                                    r"tcg fatal error", pexpect.EOF], limit)
    if end == 2:
        appliance.session.close()
        if appliance.session.signalstatus != signal.SIGSEGV:
            raise RuntimeError("QEMU ended without a verdict")
    if end:
        raise HostDied
    said = appliance.session.before + appliance.session.match[0]
    return re.sub(r"\r", "", said), appliance.ends()


def run_engine_test(boot, arguments, limit, modules=()):
    """Boot it with `arguments`; returns the text up to its verdict."""
    appliance = boot(arguments, elf=ELF, modules=modules, extra=SVM,
                     limit=limit)
    said, status = verdict(appliance, limit)
    assert status == 0
    return said


def assert_passed(said):
    assert re.search(r"\d+ passed, 0 failed$", said), said[-3000:]


def run(limit, arguments, *names):
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        modules = [(name, (BUILD / name).read_bytes()) for name in names]
        medium = make_iso(tmp / "medium.iso", arguments, modules, elf=ELF)
        appliance = Appliance(medium, "bios", tmp, extra=SVM, limit=limit)
        appliance.session.logfile_read = sys.stdout
        try:
            said, _ = verdict(appliance, limit)
        except HostDied:
            return 2
        finally:
            appliance.close()
    return not re.search(r"\d+ passed, 0 failed$", said)


def fuzz(seconds, seed):
    left, died = int(seconds), 0
    for n in range(TRIES):
        if left <= 0:
            print(f"random guests ran for {seconds} s; QEMU died of {died}, "
                  "the host was whole")
            return 0
        start = time.monotonic()
        status = run(left + 300, f"fuzz svm {left} {int(seed) + n}")
        if status == 1:
            return 1
        died += status == 2
        left -= max(0, int(time.monotonic() - start) - START)
    print(f"QEMU died of {died} seeds: {left} s of {seconds} are missing")
    return 1


def main(first, *more):
    return fuzz(*more) if first == "fuzz" else run(int(first), *more)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
