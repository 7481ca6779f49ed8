"""Each driver of a physical NIC, on a LAN and against a hostile wire.

The long form, with a Linux router: long_nic_drivers.py.
"""
import contextlib
import os
import random

import pytest

import hostile
from console import ask_monitor
from guests import boot_guest, guest_mac
from lan import Lan
from nics import NICS, WITH_LINK, HubWire, link_goes_and_comes, targets

FLOOD = 5000                    # more than any driver has buffers


def check_answers(lan, wire, mac, address):
    """Trestle by ping, the guest behind the bridge by its echo."""
    # Its lease comes first, and then lwIP looks whether somebody has it.
    lan.run("ping", "-c", "2", "-i", "0.2", "-w", "30", address)
    assert wire.echoed(mac, 7, 30)


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
@pytest.mark.parametrize("model", NICS)
def test_nic(boot, tmp_path, model):
    """Lease, pings, link down and up, a burst of hostile frames."""
    with Lan(tmp_path) as lan, \
            contextlib.closing(HubWire(tmp_path)) as wire:
        appliance = boot_guest(
            boot, "ne2k_echo", "-net nic -net bridge,ip=dhcp", limit=180,
            net=wire.qemu(model), inside=lan.inside)
        appliance.expect(f"nic0: {NICS[model]}")
        mac = guest_mac(appliance)
        address = lan.lease(60)
        check_answers(lan, wire, mac, address)
        link_goes_and_comes(appliance, wire, mac, model in WITH_LINK)
        rng = random.Random(1)
        to = targets(lan, mac, address)
        wire.send_all(hostile.every_length(rng, to, address, step_above=50))
        wire.send_all(hostile.mixture(rng, to, address, 1000))
        wire.send_all(hostile.flood(rng, to, FLOOD))
        check_answers(lan, wire, mac, address)
        assert "link=up" in ask_monitor(appliance, "info network")
        appliance.send("q")
        appliance.expect(r"frames \w{8} bad 00000000")
        assert appliance.ends() == 0
