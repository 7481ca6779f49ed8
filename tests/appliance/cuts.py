"""Cuts of the power under an appliance whose disk is behind the NBD server."""
import contextlib
import os
import random
import re
import signal
import time

import pexpect

from conftest import Appliance
from nbd.cached_disk import SECTOR, CachedDisk
from nbd.server import NbdServer

# QEMU's options for each kind of controller, with the disk `d` behind it.
CONTROLLERS = {
    "ahci": ("-device", "ide-hd,bus=ide.0,drive=d"),
    "ide": ("-device", "piix3-ide,id=old",
            "-device", "ide-hd,bus=old.0,drive=d"),
    "nvme": ("-device", "nvme,serial=N,drive=d"),
    "virtio": ("-device", "virtio-blk-pci,drive=d"),
}
SEED = int(os.environ.get("CUT_SEED", 1))

ROUND, PLACES, WORDS = 64, 4, 128       # as in tests/guests/disk_rounds.c


class Power:
    """An appliance on `disk`, until the power is cut or it ends."""

    def __init__(self, disk, controller, medium, tmp, **kwargs):
        self.server = NbdServer(disk)
        self.pid_file = tmp / "qemu.pid"
        drive = ("-drive", "id=d,if=none,format=raw,file="
                 f"nbd://127.0.0.1:{self.server.port}")
        self.appliance = Appliance(
            medium, "bios", tmp, extra=(
                *drive, *CONTROLLERS[controller],
                "-pidfile", str(self.pid_file)), **kwargs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.appliance.close()
        self.server.close()

    def wait_for_cut(self, seconds):
        """Until the server cuts the power; then QEMU dies, too. Returns all
        that the console said since the last match."""
        session, end = self.appliance.session, time.monotonic() + seconds
        said = ""
        while not self.server.is_cut.wait(0.05):
            assert time.monotonic() < end, "the power was not cut"
            with contextlib.suppress(pexpect.TIMEOUT):
                said += session.read_nonblocking(65536, 0)
        os.kill(int(self.pid_file.read_text()), signal.SIGKILL)
        session.expect(pexpect.EOF, timeout=20)
        return said + session.before


def options(memory=8):
    return f"-m {memory} -net none -nographic -hda disk:0"


# ---- The guest disk_rounds ---------------------------------------------------

def round_sector(number, index):
    """What that guest writes there."""
    words, x = [number, index], number * ROUND + index
    for _ in range(WORDS - 2):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        words.append(x)
    return b"".join(word.to_bytes(4, "little") for word in words)


def place(disk, number):
    """The sectors where that round is written."""
    first = len(disk.data) // SECTOR + (number % PLACES - PLACES) * ROUND
    return [disk.sector(first + i) for i in range(ROUND)]


def content(number):
    """Of a round; round 0 and before are a fresh disk's."""
    if number <= 0:
        return [bytes(SECTOR)] * ROUND
    return [round_sector(number, i) for i in range(ROUND)]


def last_whole(disk):
    """The last round that is there as a whole, as the guest finds it."""
    first = len(disk.data) // SECTOR - PLACES * ROUND
    numbers = (int.from_bytes(disk.sector(first + at * ROUND)[:4], "little")
               for at in range(PLACES))
    return max((number for number in numbers if number and
                place(disk, number) == content(number)), default=0)


def check_rounds(disk, flushed):
    """All of what was flushed, and no more than the next one in parts.
    Returns the last round that is whole."""
    last = last_whole(disk)
    assert last >= flushed
    for number in last - 2, last - 1:
        assert place(disk, number) == content(number), number
    for index, sector in enumerate(place(disk, last + 1)):
        assert sector in (content(last + 1)[index],
                          content(last + 1 - PLACES)[index]), index
    return last


def rounds_disk(image, sectors, seed=0):
    return CachedDisk(image.ljust(sectors * SECTOR, b"\0"), seed)


def cut_rounds(disk, controller, medium, tmp, cuts, seed=SEED):
    """Cut the power so often while the guest writes; it goes on each time
    where it must. Returns how many writes were (kept, torn, lost)."""
    moments, total = random.Random(seed), [0, 0, 0]
    before = bytes(disk.data[:-PLACES * ROUND * SECTOR])
    last = 0
    for _ in range(cuts):
        with Power(disk, controller, medium, tmp) as power:
            power.server.cut_after(moments.randint(1, 60))
            power.appliance.expect(rf"disk_rounds found {last:08x}\r\n")
            flushed = re.findall(r"disk_rounds flushed (\w{8})\r\n",
                                 power.wait_for_cut(60))
            last = check_rounds(disk, int(flushed[-1], 16) if flushed
                                else last)
            total = [a + b for a, b in zip(total, power.server.left)]
        assert disk.data[:len(before)] == before
    with Power(disk, controller, medium, tmp) as power:
        power.appliance.expect(rf"disk_rounds flushed {last + 3:08x}\r\n")
        power.appliance.send("x")
        assert power.appliance.ends() == 0
    return tuple(total)
