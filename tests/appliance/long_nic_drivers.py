"""Each driver of a physical NIC under a Linux router, for long.

Shorter: NIC_MEGABYTES (100 each way), NIC_MINUTES (10 of hostile frames).
"""
import contextlib
import os
import random
import time

import pytest

import hostile
from conftest import BUILD
from console import ask_monitor
from lan import Lan
from nics import NICS, WITH_LINK, HubWire, targets
from router import (SLOWEST, pings, router_address, serve_data,
                    transfers)
from shell import PROMPT, Shell

SIZE = int(float(os.environ.get("NIC_MEGABYTES", 100)) * 1e6)
SECONDS = float(os.environ.get("NIC_MINUTES", 10)) * 60
ROUND = 2000                    # hostile frames between two looks


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
@pytest.mark.parametrize("model", NICS)
def test_nic_for_long(boot, tmp_path, model):
    def lap(name, start):
        print(f"{model}: {name}: {time.monotonic() - start:.1f} s")

    with Lan(tmp_path) as lan, contextlib.closing(HubWire(tmp_path)) as wire:
        want = serve_data(lan, tmp_path, SIZE)
        appliance = boot(
            "-m 256 -hda router.img -net nic -net bridge -nographic",
            modules=[("router.img", (BUILD / "router.img").read_bytes())],
            net=wire.qemu(model), inside=lan.inside, ram=1024,
            limit=1800 + 2 * SIZE / SLOWEST + 2 * SECONDS)
        start = time.monotonic()
        appliance.expect(f"nic0: {NICS[model]}")
        appliance.expect("Please press Enter to activate this console", 900)
        appliance.send("\r")
        appliance.expect(PROMPT)
        shell = Shell(appliance)
        address = router_address(lan, shell)
        lap("boot to lease", start)
        pings(lan, shell, address)
        with wire.drained():
            transfers(lan, shell, address, want, lap, SIZE)
        if model in WITH_LINK:
            link_goes_and_comes(appliance, lan, wire, address)
        attack(lan, wire, address, model)
        pings(lan, shell, address)
        print(f"{model}:", ask_monitor(appliance, "info network"))
        appliance.send("\rpoweroff\r")
        appliance.expect("the guest switched itself off", 300)
        assert appliance.ends() == 0


def link_goes_and_comes(appliance, lan, wire, address):
    wire.set_link("off")
    appliance.expect("link down")
    wire.set_link("on")
    appliance.expect("link up")
    lan.run("ping", "-c", "3", "-i", "0.2", "-w", "60", address)


def attack(lan, wire, address, model):
    """Hostile frames for SECONDS; the router answers after each round."""
    seed = int(os.environ.get("NIC_SEED", time.time()))
    rng = random.Random(seed)
    mac = bytes.fromhex("525400fedcba")     # nobody's
    to = targets(lan, mac, address)
    count = wire.send_all(hostile.every_length(rng, to, address))
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        count += wire.send_all(hostile.mixture(rng, to, address, ROUND))
        count += wire.send_all(hostile.flood(rng, to, ROUND))
        lan.run("ping", "-c", "1", "-i", "0.2", "-w", "60", address)
    print(f"{model}: {count} hostile frames, seed {seed}")
