"""The engines' test program (tests/engine) on the bare machine in QEMU."""
import re

from conftest import BUILD

ELF = BUILD / "enginetest.elf"
# QEMU's TCG emulates AMD-V with nested paging.
SVM = ("-cpu", "EPYC,+svm,+npt")


def run_engine_test(boot, arguments, limit, modules=(), cpu=SVM):
    """Boot it with `arguments`; returns the text of its verdict's lines."""
    appliance = boot(arguments, elf=ELF, modules=modules, extra=cpu,
                     limit=limit)
    appliance.expect(r"\d+ passed, (\d+) failed", limit)
    said = appliance.session.before + appliance.session.match[0]
    assert appliance.ends() == 0
    return re.sub(r"\r", "", said)


def assert_passed(said):
    assert re.search(r"\d+ passed, 0 failed$", said), said[-3000:]
