"""The end of a guest and of the appliance, and what a disk in RAM keeps."""
import random
import subprocess

import pytest

from console import ESCAPE, to_monitor
from guests import boot_guest, image

READY = r"uart_echo ready\r\n"
SECTOR = 512
HEADS, SECTORS, CYLINDERS = 16, 63, 42
FULL = HEADS * SECTORS * CYLINDERS


def test_guest_power_off(boot):
    appliance = boot_guest(boot, "uart_echo")
    appliance.expect(READY)
    appliance.send("\r~p")
    appliance.expect("the guest switched itself off")
    appliance.expect(r"switching off \(status 0\)")
    assert appliance.ends() == 0


@pytest.mark.parametrize("command", ["~r", "~t"],
                         ids=["keyboard controller", "triple fault"])
def test_guest_reset(boot, command):
    """The guest starts anew, as often as it likes; the appliance stays."""
    appliance = boot_guest(boot, "uart_echo")
    for _ in range(3):
        appliance.expect(READY)
        appliance.send("\r" + command)
    appliance.expect(READY)
    appliance.send("\r~p")
    assert appliance.ends() == 0


@pytest.mark.parametrize("command", ["~r", "~t"],
                         ids=["keyboard controller", "triple fault"])
def test_no_reboot(boot, command):
    appliance = boot_guest(boot, "uart_echo", "-no-reboot")
    appliance.expect(READY)
    appliance.send("\r" + command)
    appliance.expect(r"the guest rebooted \(-no-reboot\)")
    assert appliance.ends() == 0


def test_monitor_resets_and_quits(boot):
    """Even a guest that halted with its interrupts off."""
    appliance = boot_guest(boot, "uart_echo")
    appliance.expect(READY)
    appliance.send("\r~h")
    to_monitor(appliance)
    appliance.send("system_reset\r" + ESCAPE + "c")
    appliance.expect(READY)
    to_monitor(appliance)
    appliance.send("quit\r")
    assert appliance.ends() == 0


def test_missing_module_is_named(boot):
    appliance = boot("-m 8 -hda nothing.img -nographic", limit=60)
    appliance.expect(r"-hda: .*nothing\.img")
    appliance.expect(r"switching off \(status 1\)")
    appliance.ends()


def partitioned():
    """disk_copy's image with one partition to the last cylinder."""
    data = bytearray(image("disk_copy"))
    assert not any(data[446:510])       # the boot code ends before the table
    entry = bytes([0x80, 1, 1, 0, 0x83, HEADS - 1, SECTORS, CYLINDERS - 1])
    entry += SECTORS.to_bytes(4, "little")
    data[446:462] = entry + (FULL - SECTORS).to_bytes(4, "little")
    data[64 * SECTOR:] = random.Random(1).randbytes(64 * SECTOR)
    return bytes(data)


@pytest.mark.parametrize("gzipped", [True, False])
@pytest.mark.parametrize("options", ["", "-snapshot"])
def test_disk_in_memory(boot, gzipped, options):
    """The whole size its partition table says, writable to the last sector."""
    appliance = boot_guest(boot, "disk_copy", options, data=partitioned(),
                           gzipped=gzipped)
    appliance.expect(rf"{FULL} sectors, grown to what its partition table says")
    appliance.expect(rf"disk_copy ok sectors {FULL:08x}\r\n")
    assert appliance.ends() == 0


def test_qcow2_in_memory(boot, tmp_path):
    """Compressed clusters are read; writes stay in RAM, over a grown tail."""
    raw, packed = tmp_path / "raw", tmp_path / "packed"
    raw.write_bytes(partitioned())
    subprocess.run(["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2",
                    "-o", "cluster_size=4k", raw, packed], check=True,
                   timeout=60)
    appliance = boot_guest(boot, "disk_copy", data=packed.read_bytes())
    appliance.expect("ro=0 drv=qcow2")
    appliance.expect("qcow2 version 3, clusters of 4096 bytes")
    appliance.expect("in RAM: writes are lost at power-off")
    appliance.expect(rf"disk_copy ok sectors {FULL:08x}\r\n")
    assert appliance.ends() == 0
