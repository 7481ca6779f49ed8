"""Each driver of a physical NIC, on a LAN and against a hostile wire.

The long form, with a Linux router: long_nic_drivers.py.
"""
import contextlib
import os
import random

import pytest

import hostile
from conftest import Appliance, make_iso
from console import ask_monitor
from guests import guest_mac, image
from lan import Lan
from nics import NICS, WITH_LINK, HubWire, link_goes_and_comes, targets
from wire import Wire, frame

FLOOD = 5000                    # more than any driver has buffers


def check_answers(lan, wire, mac, address):
    """Trestle by ping, the guest behind the bridge by its echo."""
    # Its lease comes first, and then lwIP looks whether somebody has it.
    lan.run("ping", "-c", "2", "-i", "0.2", "-w", "30", address)
    assert wire.echoed(mac, 7, 30)


@pytest.fixture(scope="module")
def medium(tmp_path_factory):
    """One for all models."""
    return make_iso(tmp_path_factory.mktemp("nics") / "nics.iso",
                    "-m 8 -hda guest.img -nographic "
                    "-net nic -net bridge,ip=dhcp",
                    [("guest.img", image("ne2k_echo"))])


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
@pytest.mark.parametrize("model", NICS)
def test_nic(medium, tmp_path, model):
    """Lease, pings, link down and up, a burst of hostile frames."""
    with contextlib.ExitStack() as stack:
        lan = stack.enter_context(Lan(tmp_path))
        wire = stack.enter_context(contextlib.closing(HubWire(tmp_path)))
        appliance = stack.enter_context(contextlib.closing(Appliance(
            medium, "bios", tmp_path, net=wire.qemu(model), limit=180,
            inside=lan.inside)))
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


def test_hang(medium, tmp_path):
    """The wire takes no more: started anew after 5 s, and again in use."""
    last = 0x7f000000
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(contextlib.closing(Wire(tmp_path)))
        appliance = stack.enter_context(contextlib.closing(Appliance(
            medium, "bios", tmp_path, net=wire.qemu("virtio-net-pci"),
            limit=120)))
        appliance.expect("nic0: virtio")
        mac = guest_mac(appliance)
        assert wire.echoed(mac, last, 30)
        # Nobody reads the echoes: QEMU's socket fills, then the NIC's ring.
        for i in range(1200):
            wire.send(frame(mac, i, 1500))
        appliance.expect("sent nothing for 5 s: starting it anew", 60)
        assert "nic_tx_hangs=1" in ask_monitor(appliance, "info network")
        while wire.receive(2):
            pass
        assert wire.echoed(mac, last, 30)
        appliance.expect("it sends again", 30)
