"""The router image to its prompt: every engine, firmware, number of cores."""
import time

import pytest

from accel import PLAIN, SVM
from conftest import BUILD
from console import switch_off
from shell import PROMPT

WAYS = [("svm", firmware, smp) for firmware in ("bios", "uefi")
        for smp in (1, 4)]


@pytest.mark.parametrize("engine,firmware,smp",
                         [("jit", "bios", 1), *WAYS])
def test_to_the_prompt(boot_medium, engine, firmware, smp, record_property):
    """Without a network card, so that nothing waits for a link or a lease."""
    cpu = SVM if engine == "svm" else PLAIN
    appliance = boot_medium(firmware, "cdrom", limit=600,
                            extra=(*cpu, "-smp", str(smp)))
    appliance.expect(r"GRUB", 60)
    start = time.monotonic()
    appliance.expect(rf"engine {engine},")
    appliance.expect(r"Please press Enter to activate this console", 500)
    appliance.send("\r")
    appliance.expect(PROMPT)
    seconds = round(time.monotonic() - start, 1)
    record_property("GRUB to prompt", seconds)
    print(f"GRUB to prompt, {engine}, {firmware}, -smp {smp}: {seconds} s")


def test_interpreter_to_the_prompt(boot):
    image = (BUILD / "router.img").read_bytes()
    appliance = boot("-m 64 -hda router.img -net none -nographic -accel interp",
                     modules=[("router.img", image)], gzipped=False, limit=600,
                     extra=PLAIN)
    appliance.expect(r"engine interp,")
    appliance.expect(r"Please press Enter to activate this console", 500)
    appliance.send("\r")
    appliance.expect(PROMPT)
    switch_off(appliance)
