"""What QEMU's TCG cannot show: VT-x, and hand-over in x2APIC mode (bochs.py)."""
import pytest

from bochs import (CPU_EPT, CPU_FCS, CPU_NO_EPT, CPU_UNRESTRICTED,
                   SWITCHED_OFF, boot_bochs, run_engine_test, switch_off)
from guests import NO_GUEST, image

assert boot_bochs               # a fixture

# What tests/guests/paged.c prints under any engine that is right.
PAGED = ("faults 00000500 steps 00000006 hits 00000002 calls 00000014 "
         "wrong 00000000")


def test_handed_over_in_x2apic_mode(boot_bochs):
    """As some firmware does; here GRUB sets the APIC base MSR's bit."""
    bochs = boot_bochs(NO_GUEST, before=["wrmsr 0x1b 0xfee00d00"])
    bochs.expect(r"interrupts: x2APIC, 1 IOAPIC")
    bochs.expect(r"timer: TSC deadline")
    bochs.expect(r"engine \w+")
    switch_off(bochs)


@pytest.mark.parametrize("cpu", [CPU_UNRESTRICTED, CPU_EPT])
def test_guest_by_vtx(boot_bochs, cpu):
    """Without unrestricted guest, real mode and no paging are interpreted."""
    bochs = boot_bochs("-m 8 -hda guest.img -net none -nographic",
                       modules=[("guest.img", image("paged"))], cpu=cpu)
    bochs.expect(r"engine vmx, 8 MiB")
    bochs.expect(r"faults ([^\r]*)\r")
    assert "faults " + bochs.session.match[1] == PAGED
    bochs.expect(r"the guest switched itself off")
    assert bochs.ends() == SWITCHED_OFF


def test_64_bit_guest(boot_bochs):
    """long64.c says what it tries and what each should give."""
    bochs = boot_bochs("-m 8 -cpu trestle64 -hda guest.img -net none "
                       "-nographic", modules=[("guest.img", image("long64"))])
    bochs.expect(r"engine vmx, 8 MiB")
    bochs.expect(r"long64: (\w+)\s")
    said = bochs.session.before
    assert bochs.session.match[1] == "passed", said
    assert said.count("ok  ") == 16
    assert bochs.ends() == SWITCHED_OFF


def test_spinning_guest_leaves_the_console(boot_bochs):
    """Interrupts off, no exits of its own: the host's timer ends the run."""
    bochs = boot_bochs("-m 8 -hda guest.img -net none -nographic",
                       modules=[("guest.img", image("spin"))], cores=2)
    bochs.expect(r"engine vmx")
    bochs.expect(r"spin ready")
    switch_off(bochs)


def test_cpu_by_vtx(boot_bochs):
    """tests/unit/test_cpu_*.c; other processors in `make check-vmx-cpu`."""
    said = run_engine_test(boot_bochs, "cpu vmx", CPU_FCS, 600)
    assert "\n21 skipped, 5 excused\r" in said


def test_no_nested_paging(boot_bochs):
    """The next engine, and why."""
    bochs = boot_bochs(NO_GUEST, cpu=CPU_NO_EPT)
    bochs.expect(r"engine jit")
    bochs.expect(r"vmx: this processor's VT-x has no nested paging \(EPT\)")
    switch_off(bochs)


def test_cores_in_x2apic_mode(boot_bochs):
    """Start-up, wake-ups and timers of two cores, by the APIC's MSRs."""
    bochs = boot_bochs("-selftest platform", cores=2,
                       before=["wrmsr 0x1b 0xfee00d00"])
    bochs.expect(r"interrupts: x2APIC, 1 IOAPIC")
    bochs.expect(r"selftest: 2 cores, \d+ passed, 0 failed")
    bochs.expect(r"switching off \(status 0\)")
    assert bochs.ends() == SWITCHED_OFF
