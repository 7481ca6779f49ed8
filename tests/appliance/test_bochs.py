"""What QEMU cannot show: hand-over in x2APIC mode (bochs.py)."""
import pytest

from bochs import Bochs
from conftest import make_iso

NO_GUEST = "-m 16 -net none -nographic"
SWITCHED_OFF = "ACPI control: soft power off"


@pytest.fixture
def boot_bochs(tmp_path):
    """boot_bochs(options, cpu=..., modules=..., before=...) -> Bochs."""
    started = []

    def start(options, modules=(), before=(), **kwargs):
        medium = make_iso(tmp_path / f"medium{len(started)}.iso", options,
                          modules, before=before)
        folder = tmp_path / f"bochs{len(started)}"
        started.append(Bochs(medium, folder, **kwargs))
        return started[-1]

    yield start
    for bochs in started:
        bochs.close()


def switch_off(bochs):
    """Leave as a user does: Ctrl-a x, y; the PC switches itself off."""
    bochs.send("\x01x")
    bochs.expect(r"\(y/n\)")
    bochs.send("y")
    assert bochs.ends() == SWITCHED_OFF


def test_handed_over_in_x2apic_mode(boot_bochs):
    """As some firmware does; here GRUB sets the APIC base MSR's bit."""
    bochs = boot_bochs(NO_GUEST, before=["wrmsr 0x1b 0xfee00d00"])
    bochs.expect(r"interrupts: x2APIC, 1 IOAPIC")
    bochs.expect(r"engine \w+")
    switch_off(bochs)
