"""The whole: GRUB, Trestle, a Linux router, its LAN, and the way out."""
import os
import time

import pytest

from lan import Lan
from router import pings, router_address, serve_data, transfers
from shell import PROMPT, Shell


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_router_on_a_lan(boot_medium, tmp_path, record_property):
    times = {}

    def lap(name, start):
        times[name] = round(time.monotonic() - start, 1)
        record_property(name, times[name])

    with Lan(tmp_path) as lan:
        want = serve_data(lan, tmp_path)
        appliance = boot_medium("bios", "cdrom", net=lan.qemu_net("e1000e"),
                                inside=lan.inside, limit=1500)
        appliance.expect(r"GRUB", 60)
        start = time.monotonic()
        appliance.expect(r"nic0: e1000e 8086:10d3")
        appliance.expect(r"Please press Enter to activate this console", 900)
        appliance.send("\r")
        appliance.expect(PROMPT)
        lap("GRUB to prompt", start)
        shell = Shell(appliance)
        address = router_address(lan, shell)
        lap("GRUB to lease", start)
        pings(lan, shell, address)
        transfers(lan, shell, address, want, lap)

        start = time.monotonic()
        appliance.send("poweroff\r")
        appliance.expect(r"the guest switched itself off", 300)
        assert appliance.ends() == 0
        lap("poweroff", start)
    for name, seconds in times.items():
        print(f"{name}: {seconds} s")
