"""One machine that routes between two physical NICs: the seed page's words."""
import os
import re

import pytest

from accel import SVM
from conftest import BUILD
from shell import PROMPT, Shell
from two_lans import LEFT, RIGHT, TwoLans, route


@pytest.fixture
def lans():
    made = TwoLans()
    yield made
    made.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_router_between_two_nics(boot, lans, tmp_path):
    """Frames go wire, NIC, guest, NIC, wire; each LAN has its own bridge."""
    net = []
    for n, model in ((1, "e1000"), (2, "e1000e")):
        script = lans.tap_script(tmp_path / f"up{n}", n)
        net += ["-netdev", f"tap,id=n{n},ifname=tap{n},script={script},"
                "downscript=no", "-device", f"{model},netdev=n{n},addr={n + 3}"]
    appliance = boot(
        "-nographic -m 64 -hda router.img -snapshot "
        "-net nic,vlan=1 -net nic,vlan=2 "
        "-net bridge,vlan=1 -net bridge,vlan=2,nic=1",
        modules=[("router.img", (BUILD / "router.img").read_bytes())],
        gzipped=False, net=net, inside=lans.inside, limit=900, extra=SVM)
    appliance.expect("nic0: e1000 .*nic1: e1000e ", 60)
    appliance.expect("Please press Enter to activate this console", 600)
    appliance.send("\r")
    appliance.expect(PROMPT)
    shell = Shell(appliance)
    addresses = [shell.run(f"cat /sys/class/net/eth{n}/address")
                 for n in (0, 1)]
    assert addresses[0] != addresses[1]
    route(shell.run)
    assert " 0% packet loss" in lans.ping(lans.left, RIGHT, "-s", "1472")
    assert " 0% packet loss" in lans.ping(lans.right, LEFT)
    shell.run(f"ping -c 2 -W 10 {LEFT} && ping -c 2 -W 10 {RIGHT}")
    assert re.search("br-lan|eth0", shell.run(f"ip route get {LEFT}"))
    assert "eth1" in shell.run(f"ip route get {RIGHT}")
    appliance.send("poweroff\r")
    assert appliance.ends(300) == 0
