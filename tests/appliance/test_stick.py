"""What `make stick` makes, booted from each kind of disk, with a tiny guest in
its slot."""
import random

import pytest

from guests import image
from stick import SLOT_A, make_stick

SECTOR = 512
ASKED = 42 * 16 * 63            # sectors, by the table of the guest's image
SLOT = 43008                    # in whole MiB


def disk_copy():
    """That guest's image, which a partition table says to be longer."""
    data = bytearray(image("disk_copy").ljust(192 * SECTOR, b"\0"))
    data[64 * SECTOR:128 * SECTOR] = random.Random(3).randbytes(64 * SECTOR)
    data[446:462] = (bytes([0x80, 1, 1, 0, 0x83, 15, 63, 41]) +
                     (63).to_bytes(4, "little") +
                     (ASKED - 63).to_bytes(4, "little"))
    return bytes(data)


def slot_a(path):
    with open(path, "rb") as f:
        f.seek(SLOT_A * SECTOR)
        return f.read(SLOT * SECTOR)


def check_copied(before, after):
    """The guest copied its sectors 64 to 127, and wrote the last."""
    block = before[64 * SECTOR:128 * SECTOR]
    assert after[:128 * SECTOR] == before[:128 * SECTOR]
    assert after[128 * SECTOR:192 * SECTOR] == block
    assert after[192 * SECTOR:-SECTOR].count(0) == (SLOT - 193) * SECTOR
    assert after[-SECTOR:] == b"\xa5" * SECTOR


@pytest.mark.parametrize("firmware, device", [
    ("bios", "ide-hd,bus=ide.0"), ("uefi", "virtio-blk-pci")])
def test_stick_boots(tmp_path, boot_drive, firmware, device):
    """The guest runs from slot a, and what it wrote is on the stick."""
    data = disk_copy()
    stick = make_stick(tmp_path, data)
    appliance = boot_drive(stick, device, firmware)
    appliance.expect("loaded by GRUB .*: -nographic -medium "
                     r"[0-9A-F]{4}-[0-9A-F]{4}\r\n")
    appliance.expect("hda: type=hd removable=0 file=slot ro=0 drv=raw")
    appliance.expect(f"disk_copy ok sectors {SLOT:08x}")
    assert appliance.ends() == 0
    check_copied(data, slot_a(stick))


def test_image_in_memory(tmp_path, boot_drive):
    """The menu's third: for a stick that no driver reaches. Nothing is kept."""
    data = disk_copy()
    stick = make_stick(tmp_path, data)
    before = slot_a(stick)
    appliance = boot_drive(stick, "ide-hd,bus=ide.0")
    appliance.expect("executed automatically in")
    appliance.send("\x0e\x0e\r")        # Ctrl-n: down
    appliance.expect(r"module router.img: 21504 KiB")
    appliance.expect(f"disk_copy ok sectors {SLOT:08x}")
    assert appliance.ends() == 0
    assert slot_a(stick) == before
