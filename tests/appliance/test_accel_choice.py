"""Which engine runs, and what is said about those that do not."""
import pytest

from accel import SVM

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
    appliance.expect(r"engine interp,")
    appliance.expect(rf"engines not used: .*svm: {NO_NESTED}")
