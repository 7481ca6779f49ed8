"""From the firmware to the host program: media, consoles, files, the end."""
import re
import socket
import time

import pytest

from conftest import BUILD
from console import GREETING, switch_off
from guests import NO_GUEST


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
@pytest.mark.parametrize("drive", ["cdrom", "disk", "usb"])
def test_every_way_to_boot(boot_medium, firmware, drive):
    """The one file is CD, BIOS disk, USB stick and UEFI stick."""
    appliance = boot_medium(firmware, drive)
    appliance.expect(GREETING)
    appliance.expect(r"console: UART at port 3f8h, IRQ 4, 115200 8N1")
    appliance.expect(r"Trestle \S+ \(\w+\)\r\n")
    appliance.expect(r"trestle: engine \w+")
    switch_off(appliance)


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_usb2_stick(boot, firmware):
    """Behind EHCI. Without an image: firmware reads slowly there."""
    appliance = boot(NO_GUEST, firmware=firmware, drive="usb2")
    appliance.expect(r"engine \w+")
    switch_off(appliance)


def test_medium_is_small():
    """Less than 8 MB beside the guest's image."""
    image = BUILD / "appliance/iso/router.img"
    guest = image.stat().st_size if image.exists() else 0
    assert (BUILD / "trestle.iso").stat().st_size - guest < 8_000_000


@pytest.mark.parametrize("machine,access", [("q35", "ECAM"), ("pc", "CF8h")])
def test_devices_found(boot, machine, access):
    appliance = boot(NO_GUEST, machine=machine,
                     net=("-nic", "user,model=e1000"))
    appliance.expect(r"screen: VGA text, 80 columns, 25 rows")
    appliance.expect(r"interrupts: xAPIC, 1 IOAPIC")
    mhz = float(appliance.expect(r"TSC at ([\d.]+) MHz by the PM timer")[1])
    assert 500 < mhz < 10000
    appliance.expect(rf"PCI: \d+ functions, by {access}")
    appliance.expect(r"nic0: e1000 8086:100e at 00:0\d\.0")


def test_card_without_driver_is_named(boot):
    appliance = boot(NO_GUEST, net=("-nic", "user,model=tulip"))
    appliance.expect(r"no driver for the network card 1011:0019 at 00:0\d\.0")
    appliance.expect(r"engine \w+")


def test_uefi_screen_is_a_framebuffer(boot):
    appliance = boot(NO_GUEST, firmware="uefi")
    appliance.expect(r"screen: framebuffer, \d+ columns, \d+ rows")


def test_options_reach_the_program(boot):
    appliance = boot("-uart flow=rtscts,parity=none -m 16 -nonsense")
    appliance.expect(r"115200 8N1, flow rtscts")
    appliance.expect(r"-nonsense")


@pytest.mark.parametrize("gzipped", [False, True])
def test_modules(boot, gzipped):
    data = bytes(range(256)) * 4096
    appliance = boot(NO_GUEST, modules=[("a.img", data), ("b.img", b"x" * 70)],
                     gzipped=gzipped)
    appliance.expect(r"module a\.img: 1024 KiB")
    appliance.expect(r"module b\.img: 0 KiB")


def test_screen_alone(boot, tmp_path):
    """No UART: the boot goes on and the screen says so."""
    path = str(tmp_path / "monitor")
    appliance = boot("-uart port=none " + NO_GUEST,
                     extra=("-monitor", f"unix:{path},server=on,wait=off"))
    text = ""
    end = time.time() + 60
    while "engine" not in text and time.time() < end:
        time.sleep(1)
        text = vga_text(path)
    assert "console: no UART wanted" in text
    assert re.search(r"engine \w+", text)
    assert not appliance.session.closed


def vga_text(monitor_path):
    """The VGA text screen's characters, read through QEMU's monitor."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(monitor_path)
        s.sendall(b"xp /4000bx 0xb8000\n")
        reply = b""
        while reply.count(b"\r\n") < 501:
            reply += s.recv(65536)
    cells = [int(v, 16) for v in re.findall(rb" 0x([0-9a-f]{2})", reply)]
    return "".join(chr(c) if 32 <= c < 127 else " " for c in cells[::2])


def test_restart_is_a_reset(boot):
    """Once more through the firmware: the greeting comes twice."""
    appliance = boot("-selftest panic " + NO_GUEST, limit=90)
    appliance.expect(GREETING)
    appliance.expect(r"restarting in 10 s")
    appliance.expect(GREETING, timeout=60)


def test_without_apic(boot):
    """The 8259 pair and the PIT do the whole work."""
    appliance = boot(NO_GUEST, machine="pc", extra=("-cpu", "qemu64,-apic"))
    appliance.expect(r"interrupts: 8259, 0 IOAPICs")
    appliance.expect(r"timer: PIT")
    appliance.expect(r"console: UART at port 3f8h, IRQ 4")
    appliance.expect(r"engine \w+")
    switch_off(appliance)


def test_pci_serial(boot):
    """No COM port but a UART on PCI, as with serial over LAN."""
    appliance = boot(NO_GUEST, serial=("-serial", "none", "-device",
                                     "pci-serial,chardev=c0"))
    appliance.expect(r"console: UART at PCI 00:0\d\.0 port [0-9a-f]+h, polled")
    appliance.expect(r"engine \w+")
    switch_off(appliance)


def test_four_processors(boot):
    """The others are left asleep; the one that boots does the work."""
    appliance = boot(NO_GUEST, extra=("-smp", "4"))
    appliance.expect(r"engine \w+")
    switch_off(appliance)


def test_memory_above_4_gib(boot):
    appliance = boot(NO_GUEST, ram=5120)
    assert 4900 < int(appliance.expect(r"memory: (\d+) MiB free")[1]) < 5120
    appliance.expect(r"engine \w+")
