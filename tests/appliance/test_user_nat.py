"""A Linux router behind -net user on the appliance: out by the translator."""
import os

import pytest

from conftest import BUILD
from lan import HOST, Lan
from router import serve_data, sha256
from shell import PROMPT, Shell

INSIDE = "10.0.2.15"
SIZE = 2_000_000


def behind_user_net(boot, lan, limit, settings="", memory=64, ram=512):
    """(appliance, the router's shell) once it has its lease.

    memory, ram: the guest's and the appliance's, in MiB.
    """
    appliance = boot(
        f"-m {memory} -hda router.img -net nic -net user{settings} "
        "-nographic",
        modules=[("router.img", (BUILD / "router.img").read_bytes())],
        gzipped=False, net=lan.qemu_net("e1000e"), inside=lan.inside, ram=ram,
        limit=limit)
    appliance.expect("Please press Enter to activate this console", limit)
    appliance.send("\r")
    appliance.expect(PROMPT)
    shell = Shell(appliance)
    shell.run("until ip -4 addr show br-lan | grep -w inet; do sleep 1; done",
              240)
    assert f"inet {INSIDE}/24 " in shell.run("ip -4 addr show br-lan")
    return appliance, shell


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_router_behind_the_translator(boot, tmp_path):
    """Lease, ping, a download, and in by a forward."""
    with Lan(tmp_path) as lan:
        want = serve_data(lan, tmp_path, SIZE)
        _, shell = behind_user_net(boot, lan, 900, ",hostfwd=tcp::5555-:80")
        outside = lan.lease(120)
        for size in (56, 4000):
            shell.run(f"ping -c 3 -W 10 -s {size} {HOST}")
        shell.run(f"wget -q -O /tmp/data http://{HOST}:8000/data", 600)
        assert sha256(shell.run("sha256sum /tmp/data", 300)) == want
        shell.run("httpd -p 80 -h /tmp")
        fetched = lan.fetch(f"http://{outside}:5555/data", 600)
        assert fetched == (tmp_path / "data").read_bytes()
