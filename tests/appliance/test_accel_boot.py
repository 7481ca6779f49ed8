"""The router image to its prompt: every engine, firmware, number of cores."""
import time

import pytest

from accel import INTERP, SVM
from conftest import BUILD
from console import switch_off
from shell import PROMPT

WAYS = [("svm", firmware, smp) for firmware in ("bios", "uefi")
        for smp in (1, 4)]


@pytest.mark.parametrize("engine,firmware,smp",
                         [("interp", "bios", 1), *WAYS])
def test_to_the_prompt(boot_medium, engine, firmware, smp, record_property):
    """Without a network card, so that nothing waits for a link or a lease."""
    cpu = SVM if engine == "svm" else INTERP
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


def test_translator_to_the_prompt(boot):
    image = (BUILD / "router.img").read_bytes()
    appliance = boot("-m 64 -hda router.img -net none -nographic -accel jit",
                     modules=[("router.img", image)], limit=600, extra=INTERP)
    appliance.expect(r"engine jit,")
    appliance.expect(r"Please press Enter to activate this console", 500)
    appliance.send("\r")
    appliance.expect(PROMPT)
    switch_off(appliance)
