"""The whole: the router image on a LAN with a real DHCP server."""
import hashlib
import random
import re
import shutil
import sys
import time

from conftest import BUILD

LIMIT = 400
PROMPT = r"root@router:/# "
FETCH = """
import hashlib, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=60) as reply:
    print(hashlib.sha256(reply.read()).hexdigest())
"""


class Router:
    """A shell on the router's console."""

    def __init__(self, trestle):
        self.trestle = trestle

    def log_in(self):
        self.trestle.expect("Please press Enter to activate this console")
        self.trestle.send("\r")
        self.trestle.expect(PROMPT)

    def run(self, command, status=0):
        """Run it, check its status; returns its output."""
        # The echo of the line has no digits behind these words.
        self.trestle.send(f"echo BEGIN $?; {command}; echo END $?\r")
        self.trestle.expect(r"BEGIN \d+\r\n")
        got = self.trestle.expect(r"END (\d+)\r\n")
        output = self.trestle.before.replace("\r\n", "\n")
        assert int(got[1]) == status, output
        self.trestle.expect(PROMPT)
        return output

    def address(self, pattern=r"10\.99\.0\.\d+"):
        """The address of br-lan, once there is one of that shape."""
        end = time.time() + 60
        while time.time() < end:
            found = re.search(rf"inet ({pattern})/24",
                              self.run("ip addr show br-lan"))
            if found:
                return found[1]
            time.sleep(0.5)
        raise TimeoutError("no lease")


def lease_and_ping(lan, router, folder):
    """br-lan has the server's lease; ping both ways. Returns its address."""
    address = router.address()
    assert re.search(rf"52:54:00:12:34:56 {re.escape(address)} router ",
                     (folder / "leases").read_text())
    assert " 0% packet loss" in router.run(f"ping -c 3 {lan.HOST}")
    assert " 0% packet loss" in lan.run("ping", "-c", "3", "-i", "0.2",
                                        "-s", "1472", address)
    return address


def transfers(lan, router, folder, address):
    """10 MB into the router and back, equal hashes."""
    data = random.Random(2).randbytes(10_000_000)
    wanted = hashlib.sha256(data).hexdigest()
    (folder / "web").mkdir()
    (folder / "web/data").write_bytes(data)
    lan.start(sys.executable, "-u", "-m", "http.server", "80", "--bind",
              lan.HOST, "-d", folder / "web", log=folder / "http.log",
              ready="Serving")
    router.run(f"wget -q -O /tmp/data http://{lan.HOST}/data")
    assert wanted in router.run("sha256sum /tmp/data")
    router.run("httpd -h /tmp")
    assert lan.run(sys.executable, "-c", FETCH,
                   f"http://{address}/data").strip() == wanted


def test_router_on_a_lan(trestle, namespace, tmp_path):
    """Prompt, lease, ping, transfers, reboot and power-off with a file kept."""
    lan = namespace(LIMIT)
    image = shutil.copy(BUILD / "router.img", tmp_path / "router.img")
    lan.dnsmasq(tmp_path)
    options = ("-m", 64, "-hda", image, "-net", "nic", "-net",
               f"tap,ifname={lan.tap}")
    t = trestle(*options, limit=LIMIT, prefix=lan.prefix)
    router = Router(t)
    router.log_in()
    address = lease_and_ping(lan, router, tmp_path)
    transfers(lan, router, tmp_path, address)
    router.run("echo it is kept >/etc/kept")
    t.send("reboot\r")
    router.log_in()
    assert router.run("cat /etc/kept") == "it is kept\n"
    assert router.address() == address
    router.run("echo this, too >>/etc/kept")
    t.send("poweroff\r")
    assert t.ends(120) == 0
    router = Router(trestle(*options, limit=LIMIT, prefix=lan.prefix))
    router.log_in()
    assert router.run("cat /etc/kept") == "it is kept\nthis, too\n"
    assert "mtd0 /overlay jffs2 rw" in router.run("cat /proc/mounts")
