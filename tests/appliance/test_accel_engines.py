"""Each engine against the CPU tests, the interpreter, and random code."""
import pytest

from accel import HostDied, assert_passed, run_engine_test
from conftest import BUILD

ENGINES = ["interp", "svm"]
SEEDS = range(1, 6)
# How many tests need the interpreter's insides, and how many known.c excuses.
CPU = [("interp", 0, 3), ("svm", 22, 34), ("svm step", 22, 28)]


@pytest.mark.parametrize("engine,skipped,excused", CPU)
def test_cpu(boot, engine, skipped, excused):
    """tests/unit/test_cpu_*.c, the system level and the rest."""
    said = run_engine_test(boot, f"cpu {engine}", 300)
    assert_passed(said)
    assert f"\n{skipped} skipped, {excused} excused\n" in said


@pytest.mark.parametrize("engine", ENGINES)
def test_fuzz(boot, engine):
    """Random guests in every mode: the host stays as it is. Some kill QEMU's
    own translator: then other guests, of another seed."""
    for seed in SEEDS:
        try:
            said = run_engine_test(boot, f"fuzz {engine} 15 {seed}", 120)
        except HostDied:
            continue
        assert_passed(said)
        return
    pytest.fail("QEMU died of every seed's guests")


@pytest.mark.parametrize("engine", ["svm"])
def test_lockstep(boot, engine):
    """Beside the interpreter, an instruction at a time, from the first
    interrupt of the router image's boot on. More in `make check-lockstep`."""
    image = ("router.img", (BUILD / "router.img").read_bytes())
    said = run_engine_test(boot, f"lockstep {engine} 50000", 300,
                           [image])
    assert_passed(said)
    assert "50000 steps beyond the first interrupt" in said
