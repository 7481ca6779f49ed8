"""Many cuts of the power on each controller, under a tiny guest and a router.

Environment: CUTS, for each (20); CUT_SEED (1); CUT_CONTROLLERS, with commas.
"""
import os
import random
import time

import pytest

import cut_router
from console import PROMPT, switch_off, to_monitor
from cuts import CONTROLLERS, SEED, Power, cut_rounds
from nbd.cached_disk import CachedDisk
from stick import SLOT_A, make_stick

CUTS = int(os.environ.get("CUTS", 20))
CHOSEN = os.environ.get("CUT_CONTROLLERS", ",".join(CONTROLLERS)).split(",")
FIRST, STEP = 10, 100                   # numbers of files, and between boots
DISK = 800 << 20                        # bytes: room for three slots


@pytest.mark.parametrize("controller", CHOSEN)
def test_tiny_guest(tmp_path, controller):
    """The appliance boots from the disk that is cut."""
    start = time.monotonic()
    left = cut_rounds(controller, tmp_path, CUTS)
    print(f"{controller}: {CUTS} cuts, writes kept, torn, lost: {left}, "
          f"{time.monotonic() - start:.0f} s")
    assert sum(left[1:]) > 0 or CUTS < 5


def install(controller, tmp_path):
    """A disk onto which `install` put a stick with a router."""
    stick = make_stick(tmp_path, cut_router.make_disk(tmp_path),
                       "[router]\nm 64\nhda slot\nnet none\n")
    disk = CachedDisk(bytes(DISK), SEED)
    with Power(disk, controller, tmp_path, stick, limit=1800) as on:
        on.appliance.expect("router: engine")
        to_monitor(on.appliance)
        on.appliance.send("stop\rinfo disks\r")
        name = on.appliance.expect(
            r"(disk\d+): (?:(?!\ndisk).)* 838 MB: ")[1]
        on.appliance.expect(PROMPT)
        on.appliance.send(f"install {name}\r")
        on.appliance.expect(r"\(y/n\) ")
        on.appliance.send("y\r")
        on.appliance.expect("type the disk's name")
        on.appliance.send(f"{name}\r")
        on.appliance.expect(f"install {name}: done", 1500)
        on.appliance.send("\x01c")
        switch_off(on.appliance)
    assert not disk.unflushed
    return disk


@pytest.mark.parametrize("controller", CHOSEN)
def test_router(tmp_path, controller):
    """Installed there: 100 MB with syncs, cuts, then a file over reboot and
    power-off."""
    start, moments = time.monotonic(), random.Random(SEED)
    disk = install(controller, tmp_path)
    print(f"{controller}: installed after {time.monotonic() - start:.0f} s")
    total = [0, 0, 0]

    def power():
        return Power(disk, controller, tmp_path, limit=1800)

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
        cut_router.check_ext4(disk.data, tmp_path, SLOT_A)
    keep_a_file(power, synced, first)
    cut_router.check_ext4(disk.data, tmp_path, SLOT_A)
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
