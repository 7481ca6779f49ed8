"""Each engine against the CPU tests, the interpreter, and random code."""
import pytest

from accel import assert_passed, run_engine_test
from conftest import BUILD

ENGINES = ["interp", "svm"]
SEED = 1


@pytest.mark.parametrize("engine", ENGINES)
def test_cpu(boot, engine):
    """tests/unit/test_cpu_*.c, the system level and the rest."""
    assert_passed(run_engine_test(boot, f"cpu {engine}", 300))


@pytest.mark.parametrize("engine", ENGINES)
def test_fuzz(boot, engine):
    """Random guests in every mode: the host stays as it is."""
    assert_passed(run_engine_test(boot, f"fuzz {engine} 20 {SEED}", 120))


@pytest.mark.parametrize("engine", ["svm"])
def test_lockstep(boot, engine):
    """Beside the interpreter, an instruction at a time, from the first
    interrupt of the router image's boot on. More in `make check-lockstep`."""
    image = ("router.img", (BUILD / "router.img").read_bytes())
    said = run_engine_test(boot, f"lockstep {engine} 50000", 300,
                           [image])
    assert_passed(said)
    assert "50000 steps beyond the first interrupt" in said
