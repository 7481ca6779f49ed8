"""Each engine against the CPU tests, the interpreter, and random code."""
import re

import pytest

from accel import assert_passed, run_engine_test
from conftest import BUILD

ENGINES = ["interp", "svm"]
SEED = 1


@pytest.mark.parametrize("engine", ["interp"])
def test_cpu(boot, engine):
    """tests/unit/test_cpu_*.c, the system level and the rest."""
    assert_passed(run_engine_test(boot, f"cpu {engine}", 240))


@pytest.mark.parametrize("engine", ENGINES)
def test_fuzz(boot, engine):
    """Random guests in every mode: the host stays as it is."""
    assert_passed(run_engine_test(boot, f"fuzz {engine} 20 {SEED}", 120))


def lockstep(boot, arguments, limit):
    image = ("router.img", (BUILD / "router.img").read_bytes())
    return run_engine_test(boot, f"lockstep {arguments}", limit, [image])
