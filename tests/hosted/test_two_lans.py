"""The seed page's last command: a router between two LANs, by two scripts."""
import os
import re
import shutil
import signal

import pytest

from conftest import BUILD
from test_router import Router
from two_lans import LEFT, RIGHT, TwoLans, route

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="network namespaces need root")


@pytest.fixture
def lans():
    made = TwoLans()
    yield made
    made.close()


def test_router_between_two_bridges(trestle, lans, tmp_path):
    """-net tap,vlan=1,script=... and vlan=2; eth0 is the first NIC's."""
    image = shutil.copy(BUILD / "router.img", tmp_path / "router.img")
    up = [lans.tap_script(tmp_path / f"qemu-ifup{n}", n) for n in (1, 2)]
    down = tmp_path / "down"
    down.write_text(f"#!/bin/sh\necho $1 >>{tmp_path}/gone\n")
    down.chmod(0o755)
    t = trestle("-net", "nic,vlan=1,macaddr=52:54:0:0:0:1", "-net",
                "nic,vlan=2,macaddr=52:54:0:0:0:2",
                "-net", f"tap,vlan=1,ifname=tapA,script={up[0]},"
                f"downscript={down}", "-net",
                f"tap,vlan=2,ifname=tapB,script={up[1]},downscript=no",
                "-hda", image, "-m", 64, limit=300, prefix=lans.inside)
    router = Router(t)
    router.log_in()
    assert "tapA" in lans.members(1) and "tapB" in lans.members(2)
    for n in (0, 1):
        assert f"52:54:00:00:00:0{n + 1}" in router.run(
            f"cat /sys/class/net/eth{n}/address")
    route(router.run)
    assert " 0% packet loss" in lans.ping(lans.left, RIGHT, "-s", "1472")
    assert " 0% packet loss" in lans.ping(lans.right, LEFT)
    t.send("poweroff\r")
    assert t.ends(120) == 0
    assert (tmp_path / "gone").read_text() == "tapA\n"


def test_two_instances_with_addresses_of_their_own(trestle, lans, tmp_path):
    """macaddr=52:54:0:0:0:1 and :2 on one LAN; a script on the LAN's bridge."""
    script = lans.tap_script(tmp_path / "qemu-ifup", 1)
    routers = []
    for n in (1, 2):
        t = trestle("-net", f"tap,script={script}", "-net",
                    f"nic,macaddr=52:54:0:0:0:{n}", "-hda",
                    BUILD / "router.img", "-snapshot", "-m", 64, limit=300,
                    prefix=lans.inside)
        routers.append(Router(t))
        routers[-1].log_in()
        # What it has at its start takes the address away again.
        routers[-1].run("until kill $(pidof udhcpc); do sleep 1; done; "
                        "while pidof udhcpc; do sleep 1; done; "
                        "ip addr flush dev br-lan; "
                        f"ip addr add 10.1.0.1{n}/24 dev br-lan")
    assert len(re.findall(r" tap\d+:", lans.members(1))) == 2
    for n, router in enumerate(routers, 1):
        other = f"10.1.0.1{3 - n}"
        assert " 0% packet loss" in router.run(f"ping -c 3 {other}")
        assert f"{other} dev br-lan lladdr 52:54:00:00:00:0{3 - n} " in (
            router.run("ip neigh show"))
        assert " 0% packet loss" in lans.ping(lans.left, f"10.1.0.1{n}")


@pytest.mark.parametrize("script,why", [
    ("exit 3", r"script \S+ tapX ended with status 3"),
    ("kill -9 $$", r"script \S+ tapX ended with signal 9"),
    (None, r"cannot run the script \S+: No such file"),
])
def test_script_that_fails(trestle, lans, guest, tmp_path, script, why):
    path = tmp_path / "script"
    if script:
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    t = trestle("-hda", guest("spin"), "-net", "nic", "-net",
                f"tap,ifname=tapX,script={path}", prefix=lans.inside, limit=20)
    t.expect("-net tap: .*" + why)
    assert t.ends(20) == 1


def test_script_knows_nothing_of_ours(trestle, lans, guest, tmp_path):
    """No file of Trestle's is open in it, and SIGPIPE ends its commands."""
    path = tmp_path / "script"
    path.write_text(f"#!/bin/sh\nls -l /proc/$$/fd >{tmp_path}/files\n"
                    f"grep SigIgn /proc/$$/status >>{tmp_path}/files\n")
    path.chmod(0o755)
    t = trestle("-hda", guest("spin"), "-net", "nic", "-net",
                f"tap,ifname=tapX,script={path},downscript=no",
                prefix=lans.inside, limit=30)
    t.expect("spin ready")
    said = (tmp_path / "files").read_text()
    assert not re.search(r"net/tun|\.img|socket:|pipe:", said), said
    ignored = int(re.search(r"SigIgn:\s+(\w+)", said)[1], 16)
    assert not ignored & 1 << (signal.SIGPIPE - 1)
