"""PCs that lack what others have: how they restart, where their UART is."""
import struct

import pytest

from console import GREETING, switch_off
from guests import NO_GUEST

# DMA remapping registers of QEMU's intel-iommu, VT-d specification 10.4.
IOMMU = 0xfed90000
GLOBAL_COMMAND, ROOT_TABLE = 0x18, 0x20
SET_ROOT, TRANSLATE = 1 << 30, 1 << 31
CPU64 = ("-cpu", "qemu64")      # isapc's own has no 64-bit mode


def spcr(port, irq):
    """The table behind its header: an I/O port, 115200 baud, no PCI device."""
    return struct.pack("<B3xBBBBQBBIBBBBBxHHBBBIBI", 0, 1, 8, 0, 1, port, 1,
                       irq, irq, 7, 0, 1, 0, 0, 0xffff, 0xffff, 0, 0, 0, 0, 0,
                       0)


def test_uart_that_acpi_names(boot, tmp_path):
    """No COM port where they used to be; SPCR says where it is."""
    table = tmp_path / "spcr"
    table.write_bytes(spcr(0x220, 5))
    assert table.stat().st_size == 80 - 36
    appliance = boot(NO_GUEST, serial=(
        "-serial", "none", "-device",
        "isa-serial,chardev=c0,iobase=0x220,irq=5",
        "-acpitable", f"sig=SPCR,rev=2,data={table}"))
    appliance.expect(r"console: UART at port 220h \(SPCR\), IRQ 5, 115200 8N1")
    appliance.expect(r"engine \w+")
    switch_off(appliance)


def test_uart_at_the_port_given(boot):
    appliance = boot("-uart port=0x220 " + NO_GUEST, serial=(
        "-serial", "none", "-device",
        "isa-serial,chardev=c0,iobase=0x220,irq=5"))
    appliance.expect(r"console: UART at port 220h, polled, 115200 8N1")
    appliance.expect(r"engine \w+")
    switch_off(appliance)


# Each of these PCs can be restarted in one way only, or first.
@pytest.mark.parametrize("kwargs", [
    dict(machine="pc"),
    dict(machine="isapc", extra=CPU64),
    dict(machine="isapc,i8042=off", extra=CPU64),
    dict(machine="microvm,pic=on,pit=on,rtc=on", drive="virtio",
         extra=("-bios", "/usr/share/seabios/bios-microvm.bin")),
], ids=["port CF9h", "keyboard controller", "triple fault",
        "ACPI reset register in memory"])
def test_restart(boot, kwargs):
    appliance = boot("-selftest panic " + NO_GUEST, limit=180, **kwargs)
    appliance.expect(GREETING)
    appliance.expect(r"restarting in 10 s")
    appliance.expect(GREETING, timeout=150)


@pytest.mark.parametrize("on", [True, False])
def test_iommu_left_on(boot, on):
    """As firmware may; here GRUB switches it on, last of all."""
    after = [f"write_dword {IOMMU + ROOT_TABLE:#x} 0",
             f"write_dword {IOMMU + GLOBAL_COMMAND:#x} {SET_ROOT:#x}",
             f"write_dword {IOMMU + GLOBAL_COMMAND:#x} {TRANSLATE:#x}"]
    appliance = boot(NO_GUEST, after=after if on else (),
                     extra=("-device", "intel-iommu"))
    appliance.expect(r"engine \w+")
    said = "an IOMMU is on (at fed90000)" in appliance.session.before
    assert said == on
    switch_off(appliance)
