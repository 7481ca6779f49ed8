"""Each driver of a physical NIC for long: on a bridge between two LANs.

Shorter: NIC_MEGABYTES (100 each way), NIC_MINUTES (10 of hostile frames).
"""
import contextlib
import hashlib
import os
import random
import time

import pytest

import hostile
from console import ask_monitor
from guests import guest_mac, image
from lan import FAR_HOST, HOST, FarHost, Lan
from nics import NICS, WITH_LINK, HubWire, link_goes_and_comes, targets

SIZE = int(float(os.environ.get("NIC_MEGABYTES", 100)) * 1e6)
SECONDS = float(os.environ.get("NIC_MINUTES", 10)) * 60
ROUND = 2000                    # hostile frames between two looks
SLOWEST = 200_000               # bytes a second over the bridge


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
@pytest.mark.parametrize("model", NICS)
def test_nic_for_long(boot, tmp_path, model):
    """`model` has one LAN; a virtio-net, the other port of its bridge, one host.

    So what that host and the LAN's send each other goes through the driver, one
    way and the other.
    """
    with contextlib.ExitStack() as stack:
        lan = stack.enter_context(Lan(tmp_path))
        wire = stack.enter_context(contextlib.closing(HubWire(tmp_path)))
        far = stack.enter_context(FarHost(lan))
        appliance = boot(
            "-m 8 -hda guest.img -nographic -net nic "
            "-net bridge,ip=dhcp -net bridge,nic=1",
            modules=[("guest.img", image("ne2k_echo"))],
            net=(*wire.qemu(model), *far.qemu_net("virtio-net-pci")),
            inside=lan.inside, limit=600 + 2 * SIZE / SLOWEST + 3 * SECONDS)
        appliance.expect(f"nic0: {NICS[model]}")
        mac = guest_mac(appliance)
        address = lan.lease(60)
        answers(lan, wire, mac, address)
        with wire.drained():
            transfers(lan, far, tmp_path, model)
        link_goes_and_comes(appliance, wire, mac, model in WITH_LINK)
        attack(lan, wire, mac, address, model)
        answers(lan, wire, mac, address)
        print(f"{model}:", ask_monitor(appliance, "info network"))
        appliance.send("q")
        appliance.expect(r"frames \w{8} bad 00000000")
        assert appliance.ends() == 0


def answers(lan, wire, mac, address):
    """Trestle by ping, the guest behind the bridge by its echo."""
    lan.run("ping", "-c", "2", "-i", "0.2", "-w", "60", address)
    assert wire.echoed(mac, 7, 60)


def transfers(lan, far, folder, model):
    """SIZE bytes each way, by TCP, between the LAN's host and the far one."""
    (folder / "data").write_bytes(os.urandom(SIZE))
    want = hashlib.sha256((folder / "data").read_bytes()).digest()
    for what, server, address, client in (
            ("received", lan, HOST, far), ("sent", far, FAR_HOST, lan)):
        server.serve(folder, address)
        start = time.monotonic()
        got = client.fetch(f"http://{address}:8000/data", SIZE / SLOWEST + 60)
        print(f"{model}: {SIZE / 1e6:g} MB {what} in "
              f"{time.monotonic() - start:.1f} s")
        assert hashlib.sha256(got).digest() == want


def attack(lan, wire, mac, address, model):
    """Hostile frames for SECONDS; Trestle answers after each round."""
    seed = int(os.environ.get("NIC_SEED", time.time()))
    rng = random.Random(seed)
    to = targets(lan, mac, address)
    count = wire.send_all(hostile.every_length(rng, to, address))
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        count += wire.send_all(hostile.mixture(rng, to, address, ROUND))
        count += wire.send_all(hostile.flood(rng, to, ROUND))
        lan.run("ping", "-c", "1", "-i", "0.2", "-w", "60", address)
    print(f"{model}: {count} hostile frames, seed {seed}")
