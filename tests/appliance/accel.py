"""The engines' test program (tests/engine) on the bare machine in QEMU.

As a program: accel.py LIMIT ARGUMENTS [MODULE...] runs it once; LIMIT in
seconds, modules by their name in the build folder. Exit status 2: QEMU died.
"""
import pathlib
import re
import sys
import tempfile

from conftest import BUILD, Appliance, make_iso

ELF = BUILD / "enginetest.elf"
# QEMU's TCG emulates AMD-V with nested paging.
SVM = ("-cpu", "EPYC,+svm,+npt")
# ... or plays a processor that cannot: guests are interpreted.
INTERP = ("-cpu", "qemu64,-svm")


class HostDied(Exception):
    """QEMU's translator gave up on the code: nothing that runs in it did."""


def verdict(appliance, limit):
    """What it said up to its last line, and its exit status."""
    if appliance.session.expect([r"\d+ passed, (\d+) failed",
                                 r"tcg fatal error"], limit):
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


def main(limit, arguments, *names):
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        modules = [(name, (BUILD / name).read_bytes()) for name in names]
        medium = make_iso(tmp / "medium.iso", arguments, modules, elf=ELF)
        appliance = Appliance(medium, "bios", tmp, extra=SVM, limit=int(limit))
        appliance.session.logfile_read = sys.stdout
        try:
            said, _ = verdict(appliance, int(limit))
        except HostDied:
            return 2
        finally:
            appliance.close()
    return not re.search(r"\d+ passed, 0 failed$", said)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
