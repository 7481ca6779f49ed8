"""What `make stick` makes, booted from each kind of disk, with a tiny guest in
its slot."""
import random
import subprocess

import pytest

from console import monitor, to_monitor
from guests import image
from stick import ESP, SLOT_A, make_stick

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
    ("bios", "ide-hd,bus=ide.0"), ("uefi", "virtio-blk-pci"),
    ("uefi", "usb-storage,bus=x.0"), ("bios", "usb-storage,bus=e.0")])
def test_stick_boots(tmp_path, boot_drive, firmware, device):
    """The guest runs from slot a, and what it wrote is on the stick."""
    data = disk_copy()
    stick = make_stick(tmp_path, data)
    appliance = boot_drive(stick, device, firmware, before=(
        "-device", "qemu-xhci,id=x", "-device", "usb-ehci,id=e"))
    appliance.expect("loaded by GRUB .*: -medium "
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


def drive_of(path):
    return ("-drive", f"id=stick,if=none,format=raw,file={path}",
            "-device", "ide-hd,bus=ide.1,drive=stick")


def test_config_is_saved(tmp_path, boot_drive, boot):
    """Another trestle.conf, pasted into the monitor, is on the medium, and runs
    at the next start, where the loader brings none."""
    stick = make_stick(tmp_path, disk_copy(),
                       "m 8\n[first]\nhda slot\nnet none\nS\n")
    appliance = boot_drive(stick, "ide-hd,bus=ide.0")
    serial = appliance.expect(r": -medium ([0-9A-F-]{9})\r\n")[1]
    appliance.expect("trestle.conf: the one that the loader brought")
    appliance.expect("first: engine")
    to_monitor(appliance)
    assert "[first]\r\nhda slot\r\n" in monitor(appliance, "config show")
    appliance.send("config import\r[second]\rm 8\rhda slots\rnet nowhere\r.\r")
    appliance.expect("line:4: -net nowhere: .*nothing was taken")
    appliance.send("config import\r[second]\rm 8\rhda slot\rnet none\r.\r")
    appliance.expect("4 lines are good")
    appliance.send("config save\r")
    appliance.expect(rf"saved: trestle.conf on the medium {serial}; it takes "
                     "effect at the next start")
    appliance.expect("config save: done")
    appliance.send("quit\r")
    assert appliance.ends() == 0
    saved = subprocess.run(["mtype", "-i", f"{stick}@@{ESP * SECTOR}",
                            "::trestle.conf"], check=True, capture_output=True)
    assert saved.stdout == b"[second]\nm 8\nhda slot\nnet none\n"
    appliance = boot(f"-nographic -medium {serial}", extra=drive_of(stick))
    appliance.expect(f"trestle.conf: from disk0, medium {serial}")
    appliance.expect("second: engine")
    appliance.expect(f"disk_copy ok sectors {SLOT:08x}")
    assert appliance.ends() == 0
