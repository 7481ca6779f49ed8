"""A Linux router behind -net user on the appliance, for long: its lease, names,
pings, transfers out and in, and many connections at once.

Shorter: USER_NAT_MEGABYTES (100 each way), USER_NAT_CONNECTIONS (2000).
"""
import os
import re
import shutil
import time

import pytest

from conftest import BUILD
from console import ask_monitor
from lan import HOST, Lan
from router import SLOWEST, serve_data, sha256, transfers
from test_user_nat import behind_user_net

SIZE = int(float(os.environ.get("USER_NAT_MEGABYTES", 100)) * 1e6)
COUNT = int(os.environ.get("USER_NAT_CONNECTIONS", 2000))
BYTES = 2000                    # on each connection, twice each way
NAME = "downloads.test"
FAR = "10.88.0.1"               # behind the LAN's gateway
# What a closed TCP connection's flow is kept for, and as much for the rest.
DRAINED = 480
FORWARDS = " -redir tcp:5555::80 -redir tcp:5556::81"
ECHO = """
import asyncio, resource, sys
async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def main():
    await asyncio.start_server(echo, sys.argv[1], 7, backlog=2000)
    await asyncio.sleep(86400)
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
asyncio.run(main())
"""
SEND = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 60)
with open(sys.argv[3], "rb") as data:
    s.sendfile(data)
s.shutdown(socket.SHUT_WR)
while s.recv(65536):
    pass
"""


def lap(name, start):
    print(f"{name}: {time.monotonic() - start:.1f} s")


def usernet(appliance):
    """`info usernet` as text and as its counters."""
    text = ask_monitor(appliance, "info usernet")
    appliance.send("\r")
    return text, {name: int(n)
                  for name, n in re.findall(r"\b(\w+)=(\d+)", text)}


def names_and_pings(shell):
    assert "default via 10.0.2.2 " in shell.run("ip route")
    assert "nameserver 10.0.2.3" in shell.run("cat /tmp/resolv.conf")
    answer = shell.run(f"nslookup -type=a {NAME}")
    assert re.search(r"Server:\s+10\.0\.2\.3", answer) and HOST in answer
    for host in (HOST, FAR):
        assert " 0% packet loss" in shell.run(f"ping -c 5 -W 10 {host}")


def upload(lan, shell, outside, data, want):
    """`data` comes in by a forward, from the LAN to the router."""
    shell.run("{ nc -l -p 81 </dev/null | sha256sum >/tmp/sum & }")
    shell.run("until netstat -ltn | grep :81; do sleep 1; done")
    start = time.monotonic()
    lan.run("/usr/bin/python3", "-c", SEND, outside, "5556", data,
            timeout=max(600, SIZE / SLOWEST))
    shell.run("until [ -s /tmp/sum ]; do sleep 1; done", 600)
    lap(f"{SIZE / 1e6:g} MB in by a forward", start)
    assert sha256(shell.run("cat /tmp/sum")) == want


def at_once(lan, appliance, shell):
    """COUNT connections are open together; all carry data each way, twice."""
    before = usernet(appliance)[1]
    shell.run(f"wget -q -O /tmp/many_tcp http://{HOST}:8000/many_tcp && "
              "chmod +x /tmp/many_tcp && mkfifo /tmp/go")
    start = time.monotonic()
    shell.run(f"{{ /tmp/many_tcp {HOST} 7 {COUNT} {BYTES} 0<>/tmp/go "
              ">/tmp/many.log & }")
    said = shell.run("until grep -e open -e error /tmp/many.log; "
                     "do sleep 1; done", 1200)
    assert f"{COUNT} connections open" in said
    lap(f"{COUNT} connections opened, {BYTES} bytes each way", start)
    open_now = lan.run("ss", "-Htn", "state", "established",
                       "sport = :7").stdout
    assert len(open_now.splitlines()) == COUNT
    text, now = usernet(appliance)
    print(text)
    assert now["flows"] >= COUNT
    assert now["flows_opened"] - before["flows_opened"] >= COUNT
    assert re.search(rf"TCP\[ESTABLISHED\] .* {re.escape(HOST)} +7 ", text)
    start = time.monotonic()
    shell.run("echo >/tmp/go; wait $!", 1200)
    assert f"{COUNT} connections equal" in shell.run("cat /tmp/many.log")
    lap(f"{BYTES} bytes each way again", start)


def drains(appliance):
    """Closed flows go by their time; nothing else had to."""
    start = time.monotonic()
    while True:
        text, now = usernet(appliance)
        if not now["flows"]:
            break
        assert time.monotonic() < start + DRAINED, text
        time.sleep(10)
    lap("drained", start)
    print(text)
    assert now["flows_expired"] == now["flows_opened"]
    for name in ("drop_table_full", "drop_no_port", "flows_evicted",
                 "flows_ended", "outside_lost"):
        assert name not in now, text


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_router_behind_the_translator_for_long(boot, tmp_path):
    with Lan(tmp_path, {NAME: HOST}) as lan:
        lan.run("ip", "addr", "add", f"{FAR}/32", "dev", "lo")
        want = serve_data(lan, tmp_path, SIZE)
        shutil.copy(BUILD / "guests/linux/many_tcp", tmp_path)
        lan.start("/usr/bin/python3", "-c", ECHO, HOST)
        start = time.monotonic()
        appliance, shell = behind_user_net(
            boot, lan, 3600 + 3 * SIZE / SLOWEST, FORWARDS, 256, 1024)
        lap("boot to lease", start)
        outside = lan.lease(120)
        names_and_pings(shell)
        transfers(lan, shell, f"{outside}:5555", want, lap, SIZE, NAME)
        upload(lan, shell, outside, tmp_path / "data", want)
        # Last: closing all of them keeps a slow guest busy for a minute.
        at_once(lan, appliance, shell)
        drains(appliance)
        appliance.send("\rpoweroff\r")
        appliance.expect("the guest switched itself off", 300)
        assert appliance.ends() == 0
