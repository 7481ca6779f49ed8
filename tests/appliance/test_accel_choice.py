"""Which engine runs, and what is said about those that do not."""
import pytest

from accel import PLAIN, SVM
from console import show, switch_off
from guests import boot_machines

NO_GUEST = "-m 16 -net none -nographic"
NO_NESTED = "this processor's AMD-V has no nested paging"
NO_SVM = "this processor has no AMD-V"


def test_fastest_by_default(boot):
    appliance = boot(NO_GUEST, extra=SVM)
    appliance.expect(r"engine svm,")


def test_interp_where_svm_is_there(boot):
    appliance = boot(f"-accel interp {NO_GUEST}", extra=SVM)
    appliance.expect(r"engine interp,")


# qemu64, QEMU's own default, has SVM without nested paging.
@pytest.mark.parametrize("cpu,reason", [("qemu64", NO_NESTED),
                                        ("qemu64,-svm", NO_SVM)])
def test_refused(boot, cpu, reason):
    """Asked for by name: nothing starts, and the reason is said."""
    appliance = boot(f"-accel svm {NO_GUEST}", extra=("-cpu", cpu))
    appliance.expect(rf"-accel svm: {reason}")
    assert appliance.ends() == 0


def test_falls_back(boot):
    appliance = boot(NO_GUEST, extra=("-cpu", "qemu64"))
    appliance.expect(r"engine jit,")
    appliance.expect(rf"engines not used: .*svm: {NO_NESTED}")


def test_memory_for_the_machines_comes_first(boot):
    """Three fit, but not with a translator for each: who has none is told."""
    appliance = boot_machines(
        boot, {name: ("uart_echo",) for name in ("one", "two", "three")},
        head="m 40\n", ram=384, extra=PLAIN)
    appliance.expect(r"one: engine jit, 40 MiB")
    appliance.expect(r"two: engine interp, 40 MiB\r\n"
                     r"engines not used: .*jit: no memory to spare")
    appliance.expect(r"three: engine")
    for number, name in enumerate(("one", "two", "three"), 1):
        if number > 1:
            show(appliance, number, name)
        appliance.expect("uart_echo ready\r\n")
    switch_off(appliance)
