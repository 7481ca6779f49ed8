"""Cuts of the power under an appliance whose disk is behind the NBD server."""
import contextlib
import os
import random
import re
import signal
import time

import pexpect

from conftest import Appliance
from guests import image
from nbd.cached_disk import SECTOR, CachedDisk
from nbd.server import NbdServer
from stick import SLOT_A, STATE, make_stick

# QEMU's options for each kind of controller; the last is the disk's device.
CONTROLLERS = {
    "ahci": ("-device", "ide-hd,bus=ide.0"),
    "ide": ("-device", "piix3-ide,id=old",
            "-device", "ide-hd,bus=old.0"),
    "nvme": ("-device", "nvme,serial=N"),
    "virtio": ("-device", "virtio-blk-pci"),
    "xhci": ("-device", "qemu-xhci,id=x", "-device", "usb-storage,bus=x.0"),
    "ehci": ("-device", "usb-ehci,id=e", "-device", "usb-storage,bus=e.0"),
}
SEED = int(os.environ.get("CUT_SEED", 1))

ROUND, PLACES, WORDS = 64, 4, 128       # as in tests/guests/disk_rounds.c


class Power:
    """An appliance on `disk`, until the power is cut or it ends. It boots from
    that disk, or from `stick`, a medium on AHCI."""

    def __init__(self, disk, controller, tmp, stick=None, **kwargs):
        self.server = NbdServer(disk)
        self.pid_file = tmp / "qemu.pid"
        *words, device = CONTROLLERS[controller]
        first = ("-drive", f"id=s,if=none,format=raw,snapshot=on,file={stick}",
                 "-device", "ide-hd,bus=ide.2,drive=s,bootindex=0")
        self.appliance = Appliance(
            "disk", "bios", tmp, drive=None,
            extra=(*(first if stick else ()),
                   "-drive", "id=d,if=none,format=raw,file="
                   f"nbd://127.0.0.1:{self.server.port}",
                   *words, f"{device},drive=d,bootindex={1 if stick else 0}",
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


# ---- The guest disk_rounds ---------------------------------------------------

def round_sector(number, index):
    """What that guest writes there."""
    words, x = [number, index], number * ROUND + index
    for _ in range(WORDS - 2):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        words.append(x)
    return b"".join(word.to_bytes(4, "little") for word in words)


def content(number):
    """Of a round; round 0 and before are a fresh disk's."""
    if number <= 0:
        return [bytes(SECTOR)] * ROUND
    return [round_sector(number, i) for i in range(ROUND)]


def rounds_image(sectors):
    """That guest's image, with a table that asks for so many sectors."""
    data = bytearray(image("disk_rounds"))
    assert not any(data[446:510])       # the boot code ends before the table
    data[446:462] = bytes([0x80, 0, 2, 0, 0x83, 0, 0, 0]) + (63).to_bytes(
        4, "little") + (sectors - 63).to_bytes(4, "little")
    return bytes(data)


class Rounds:
    """A disk to whose sectors before `end` that guest writes."""

    def __init__(self, disk, end):
        self.disk = disk
        self.first = end - PLACES * ROUND

    def place(self, number):
        """The sectors where that round is written."""
        first = self.first + number % PLACES * ROUND
        return [self.disk.sector(first + i) for i in range(ROUND)]

    def last_whole(self):
        """The last round that is there as a whole, as the guest finds it."""
        numbers = (int.from_bytes(self.place(at)[0][:4], "little")
                   for at in range(PLACES))
        return max((number for number in numbers if number and
                    self.place(number) == content(number)), default=0)

    def check(self, flushed):
        """All of what was flushed is there, and no more than the next round in
        parts. Returns the last that is whole."""
        last = self.last_whole()
        assert last >= flushed
        for number in last - 2, last - 1:
            assert self.place(number) == content(number), number
        for index, sector in enumerate(self.place(last + 1)):
            assert sector in (content(last + 1)[index],
                              content(last + 1 - PLACES)[index]), index
        return last

    def others(self):
        """The content of all other sectors, but the table of slots."""
        end = self.first + PLACES * ROUND
        return (self.disk.data[:STATE * SECTOR],
                self.disk.data[SLOT_A * SECTOR:self.first * SECTOR],
                self.disk.data[end * SECTOR:])


SLOT = 1 << 12                          # sectors of 2 MiB


def cut_rounds(controller, tmp, cuts, seed=SEED):
    """Cut the power so often of an appliance that boots from a Trestle medium,
    while the guest writes to its slot; it goes on each time where it must.
    Returns how many writes were (kept, torn, lost)."""
    stick = make_stick(tmp, rounds_image(SLOT),
                       "[rounds]\nm 8\nhda slot\nnet none\n")
    disk = CachedDisk(stick.read_bytes(), seed)
    rounds, moments = Rounds(disk, SLOT_A + SLOT), random.Random(seed)
    others, last, total = rounds.others(), 0, [0, 0, 0]
    for _ in range(cuts):
        with Power(disk, controller, tmp) as power:
            power.appliance.expect(rf"disk_rounds found {last:08x}\r\n")
            power.server.cut_after(moments.randint(1, 60))
            flushed = re.findall(r"disk_rounds flushed (\w{8})\r\n",
                                 power.wait_for_cut(60))
            last = rounds.check(int(flushed[-1], 16) if flushed else last)
            total = [a + b for a, b in zip(total, power.server.left)]
        assert rounds.others() == others
    with Power(disk, controller, tmp) as power:
        power.appliance.expect(rf"disk_rounds found {last:08x}\r\n")
        power.appliance.expect(rf"disk_rounds flushed {last + 3:08x}\r\n")
        power.appliance.send("x")
        assert power.appliance.ends() == 0
    return tuple(total)
