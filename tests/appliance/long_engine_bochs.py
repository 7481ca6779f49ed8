"""The engines' tests (tests/engine) under VT-x, in Bochs: minutes each."""
import pytest

from bochs import (CPU_EPT, CPU_FCS, CPU_UNRESTRICTED, boot_bochs,
                   run_engine_test)
from conftest import BUILD

assert boot_bochs               # a fixture

# How many tests known.c excuses. Without unrestricted guest most code, as it
# has no paging, is interpreted.
CPU_TESTS = [
    ("cpu vmx", CPU_UNRESTRICTED, 10), ("cpu vmx", CPU_EPT, 2),
    ("cpu vmx step", CPU_UNRESTRICTED, 11), ("cpu vmx step", CPU_FCS, 6),
    ("cpu vmx step", CPU_EPT, 3),
]


@pytest.mark.parametrize("arguments,cpu,excused", CPU_TESTS)
def test_cpu(boot_bochs, arguments, cpu, excused):
    said = run_engine_test(boot_bochs, arguments, cpu, 900)
    assert f"\n21 skipped, {excused} excused\r" in said


def test_lockstep(boot_bochs):
    """Beside the interpreter, an instruction at a time."""
    image = ("router.img", (BUILD / "router.img").read_bytes())
    said = run_engine_test(boot_bochs, "lockstep vmx 50000", CPU_UNRESTRICTED,
                           3000, modules=[image], gzipped=False, ram=512)
    assert "50000 steps beyond the first interrupt" in said


@pytest.mark.parametrize("seed", range(1, 4))
def test_fuzz(boot_bochs, seed):
    """Random guests in every mode: the host stays as it is."""
    run_engine_test(boot_bochs, f"fuzz vmx 60 {seed}", CPU_UNRESTRICTED, 900)
