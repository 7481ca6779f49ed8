"""The router image behind -net user, by the words of qemu's users' pages:
an address by DHCP after `ifup lan`, DNS, HTTP, ping, and -redir's way in."""
import hashlib
import random
import shutil
import sys

from conftest import BUILD
from test_router import FETCH, Router
from user_net import SERVER

LIMIT = 400
MEGABYTES = 20


def serve(out, folder):
    """HTTP and DNS of the outside; returns the hash of what is served."""
    data = random.Random(3).randbytes(MEGABYTES * 1_000_000)
    (folder / "web").mkdir()
    (folder / "web/data").write_bytes(data)
    out.start(sys.executable, "-u", "-m", "http.server", "80", "--bind",
              SERVER, "-d", folder / "web", log=folder / "http.log",
              ready="Serving")
    out.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts",
              "--listen-address=127.0.0.1", "--bind-interfaces",
              "--conf-file=/dev/null", "--pid-file=", "--user=root",
              "--log-facility=-", "--local=/test/",
              f"--address=/downloads.test/{SERVER}",
              log=folder / "dns.log", ready="started")
    return hashlib.sha256(data).hexdigest()


def test_router_behind_a_user_net(trestle, namespace, tmp_path):
    out = namespace(LIMIT)
    wanted = serve(out, tmp_path)
    image = shutil.copy(BUILD / "router.img", tmp_path / "router.img")
    t = trestle("-m", 64, "-hda", image, "-net", "nic", "-net",
                "user,nameserver=127.0.0.1", "-redir", "tcp:5555::80",
                limit=LIMIT, prefix=out.prefix)
    router = Router(t)
    router.log_in()
    router.run("sed -i \"/'lan'/,\\$s/option proto .*/option proto 'dhcp'/\" "
               "/etc/config/network")
    router.run("ifup lan")
    assert router.address(r"10\.0\.2\.\d+") == "10.0.2.15"
    assert "default via 10.0.2.2" in router.run("ip route")
    assert SERVER in router.run("nslookup -type=a downloads.test")
    router.run("wget -q -O /tmp/data http://downloads.test/data")
    assert wanted in router.run("sha256sum /tmp/data")
    assert " 0% packet loss" in router.run(f"ping -c 3 {SERVER}")
    assert " 0% packet loss" in router.run("ping -c 3 10.0.2.2")
    router.run("httpd -h /tmp")
    assert out.run(sys.executable, "-c", FETCH,
                   "http://127.0.0.1:5555/data").strip() == wanted
    t.to_monitor()
    assert t.monitor("hostfwd_add tcp:127.0.0.1:5556-:80") == ""
    assert out.run(sys.executable, "-c", FETCH,
                   "http://127.0.0.1:5556/data").strip() == wanted
    assert t.monitor("hostfwd_remove user.0 tcp:127.0.0.1:5556") == \
        "host forwarding rule for tcp:127.0.0.1:5556 removed\n"
    assert "5556" not in t.monitor("info usernet")
    t.to_console()
    t.send("poweroff\r")
    assert t.ends(120) == 0
