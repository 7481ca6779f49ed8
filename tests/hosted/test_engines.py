"""The engines' test program (tests/engine) on Linux: interp and jit."""
import re
import subprocess

import pytest

from conftest import BUILD


def run(*arguments, status=0):
    done = subprocess.run([(BUILD / "enginetest").resolve(), *arguments],
                          cwd=BUILD, timeout=300, capture_output=True,
                          encoding="latin-1")
    said = done.stdout + done.stderr
    assert done.returncode == status, said[-3000:]
    return said


def test_cpu_by_instruction():
    """What the unit tests call as functions, executed as instructions."""
    assert re.search(r"\d+ passed, 0 failed", run("cpu", "insn"))


def test_lockstep():
    said = run("lockstep", "interp", "20000", "3", "30")
    assert "60000 steps beyond the first interrupt" in said


def test_lockstep_finds_a_difference():
    """A bit turned over in one of two interpreters after 1234 steps."""
    said = run("lockstep", "interp", "3000", "1", "1", "8", "1234", status=1)
    assert "DIFFERENT after step 1234 " in said


@pytest.mark.parametrize("engine", ["interp", "jit", "jit,check=on"])
def test_fuzz(engine):
    assert re.search(r"1 passed, 0 failed", run("fuzz", engine, "5", "1"))
