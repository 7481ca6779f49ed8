#!/usr/bin/python3
"""As drift.py, with guests on the appliance in QEMU, one after the other.

TRESTLE is trestle.elf. What the appliance takes the time from, QEMU's TSC and
PM timer, goes on with the host's clock while QEMU is stopped: that is a PC whose
processor stands still for a while, as in system management mode.
"""
import sys

from conftest import Appliance, make_iso
from drift import BOOT_LIMIT, main
from router import Router

OPTIONS = "-m 64 -hda router.img -net none -nographic -accel"


def start_appliance(args, image, engine, log):
    """A guest of a QEMU of its own, which has AMD-V."""
    medium = make_iso(image.with_suffix(".iso"), f"{OPTIONS} {engine}",
                      [("router.img", image.read_bytes())], elf=args.trestle)
    session = Appliance(medium, "bios", image.parent,
                        limit=2 * BOOT_LIMIT + args.t).session
    session.timeout = BOOT_LIMIT
    if log:
        session.logfile_read = log
    return Router.at(session)


if __name__ == "__main__":
    sys.exit(main(__doc__, "svm,jit,interp", start_appliance, together=False))
