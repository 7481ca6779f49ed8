"""The PC's own disks: which are found, and what is told of them."""
from console import ask_monitor, switch_off
from guests import NO_GUEST

GB = 1000 ** 3


def disk(folder, name, size, device):
    """QEMU's options for a disk of `size` bytes, all holes."""
    path = folder / f"{name}.raw"
    with open(path, "wb") as f:
        f.truncate(size)
    return ("-drive", f"id={name},if=none,format=raw,file={path}",
            "-device", f"{device},drive={name}")


def test_ahci_disks_are_listed(boot, tmp_path):
    """In the order of their ports, with sizes; nothing was written to them."""
    appliance = boot(NO_GUEST, extra=(
        *disk(tmp_path, "big", 30 * GB, "ide-hd,bus=ide.4,serial=SN-30"),
        *disk(tmp_path, "small", 1000 * 512, "ide-hd,bus=ide.1")))
    appliance.expect(r"disk0: ahci port 1 at 00:1f\.2: QEMU HARDDISK, 512 KB")
    appliance.expect(r"disk1: ahci port 4 at 00:1f\.2: QEMU HARDDISK, 30 GB")
    appliance.expect(r"engine \w+")
    text = ask_monitor(appliance, "info disks")
    assert "512 KB: 1000 sectors, blocks of 512 bytes" in text
    assert "model 'QEMU HARDDISK', serial 'SN-30'" in text
    assert f"30 GB: {30 * GB // 512} sectors" in text
    assert text.count("writes=0 sectors=0 errors=0") == 2
    switch_off(appliance)
    for name in "big", "small":
        assert (tmp_path / f"{name}.raw").stat().st_blocks == 0


def test_ide_disks_are_listed(boot, tmp_path):
    """Both channels of a PIIX3 at the old ports; the CD of the boot medium is
    no disk."""
    appliance = boot(NO_GUEST, machine="pc", extra=(
        *disk(tmp_path, "big", 200 * GB, "ide-hd,bus=ide.0,unit=1,serial=S2"),
        *disk(tmp_path, "small", 64 * 512, "ide-hd,bus=ide.0,unit=0"),
        "-boot", "d"))
    appliance.expect(r"disk0: ata channel 0 device 0 at 00:01\.1: "
                     "QEMU HARDDISK, 32 KB")
    appliance.expect(r"disk1: ata channel 0 device 1 at 00:01\.1: "
                     "QEMU HARDDISK, 200 GB")
    appliance.expect(r"engine \w+")
    text = ask_monitor(appliance, "info disks")
    assert "model 'QEMU HARDDISK', serial 'S2'" in text
    assert f"200 GB: {200 * GB // 512} sectors" in text
    assert "disk2" not in text
    switch_off(appliance)
