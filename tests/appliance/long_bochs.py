"""Linux under VT-x, in Bochs: minutes each, so not in `make check`.

BOOTS names disk images of the build folder with the processor and options to
boot them by.
"""
import time

import pytest

from bochs import CPU_EPT, CPU_UNRESTRICTED, boot_bochs, switch_off
from conftest import BUILD

assert boot_bochs               # a fixture

BOOTS = [
    ("router.img", CPU_UNRESTRICTED, "-m 64"),
    ("router.img", CPU_EPT, "-m 64"),
    ("router-amd64.img", CPU_UNRESTRICTED, "-m 96 -cpu trestle64"),
]


@pytest.mark.parametrize("name,cpu,options", BOOTS)
def test_router_to_its_prompt(boot_bochs, name, cpu, options,
                              record_property):
    image = (BUILD / name).read_bytes()
    bochs = boot_bochs(f"{options} -hda router.img -net none -nographic",
                       modules=[("router.img", image)], gzipped=False, cpu=cpu,
                       ram=512, limit=3000)
    start = time.monotonic()
    bochs.expect(r"engine vmx, ")
    bochs.expect(r"Please press Enter to activate this console")
    bochs.send("\r")
    bochs.expect(r"root@router:\S* ?# ")
    bochs.send("uname -m; echo $((6 * 7))\r")
    bochs.expect(r"(i686|x86_64)\s+42\s")
    seconds = round(time.monotonic() - start)
    record_property("GRUB to prompt", seconds)
    print(f"{name}, {cpu}: {seconds} s to the prompt")
    switch_off(bochs)
