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
