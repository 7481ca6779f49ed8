"""Many cuts of the power on each controller, under a tiny guest and a router.

Environment: CUTS, for each (20); CUT_SEED (1); CUT_CONTROLLERS, with commas.
"""
import os
import random
import time

import pytest

import cut_router
from conftest import make_iso
from cuts import CONTROLLERS, SEED, Power, cut_rounds
from nbd.cached_disk import CachedDisk

CUTS = int(os.environ.get("CUTS", 20))
CHOSEN = os.environ.get("CUT_CONTROLLERS", ",".join(CONTROLLERS)).split(",")
FIRST, STEP = 10, 100                   # numbers of files, and between boots


@pytest.mark.parametrize("controller", CHOSEN)
def test_tiny_guest(tmp_path, controller):
    """The appliance boots from the disk that is cut."""
    start = time.monotonic()
    left = cut_rounds(controller, tmp_path, CUTS)
    print(f"{controller}: {CUTS} cuts, writes kept, torn, lost: {left}, "
          f"{time.monotonic() - start:.0f} s")
    assert sum(left[1:]) > 0 or CUTS < 5


@pytest.mark.parametrize("controller", CHOSEN)
def test_router(tmp_path, controller):
    """100 MB with syncs, cuts, then a file over reboot and power-off."""
    start, moments = time.monotonic(), random.Random(SEED)
    medium = make_iso(tmp_path / "medium.iso",
                      "-m 64 -net none -nographic -hda disk:0")
    disk = CachedDisk(cut_router.make_disk(tmp_path), SEED)
    total = [0, 0, 0]

    def power():
        return Power(disk, controller, tmp_path, medium, limit=1800)

    for cut in range(CUTS):
        with power() as on:
            shell = cut_router.log_in(on.appliance)
            if cut == 0:
                cut_router.fill(shell)
                print(f"{controller}: 100 MB written and read after "
                      f"{time.monotonic() - start:.0f} s")
            else:
                check_all(shell, synced, first)
            first = cut * STEP + FIRST
            on.server.cut_after(moments.randint(1, 150))
            on.appliance.send(f"./work {first}\r")
            synced = cut_router.last_synced(on.wait_for_cut(300), first)
            total = [a + b for a, b in zip(total, on.server.left)]
        cut_router.check_ext4(disk.data, tmp_path)
    keep_a_file(power, synced, first)
    cut_router.check_ext4(disk.data, tmp_path)
    print(f"{controller}: {CUTS} cuts under a router, writes kept, torn, lost: "
          f"{tuple(total)}, {time.monotonic() - start:.0f} s")


def check_all(shell, synced, first):
    cut_router.check_big_files(shell)
    cut_router.check_small_files(shell, synced, first)


def keep_a_file(power, synced, first):
    with power() as on:
        shell = cut_router.log_in(on.appliance)
        check_all(shell, synced, first)
        shell.run("echo it is kept >/etc/kept")
        on.appliance.send("reboot\r")
        shell = cut_router.log_in(on.appliance)
        assert "it is kept" in shell.run("cat /etc/kept")
        on.appliance.send("poweroff\r")
        on.appliance.expect("the guest switched itself off", 300)
        assert on.appliance.ends() == 0
    with power() as on:
        shell = cut_router.log_in(on.appliance)
        assert "it is kept" in shell.run("cat /etc/kept")
