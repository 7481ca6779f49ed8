"""A Linux router on the LAN (lan.py), by its shell: lease, pings, transfers."""
import hashlib
import os
import re
import time

from lan import HOST

TRANSFER = 10_000_000
SLOWEST = 17_000                # bytes a second, on a busy machine


def sha256(text):
    return re.search(r"\b[0-9a-f]{64}\b", text)[0]


def router_address(lan, shell):
    """The router's lease, once br-lan has it."""
    address = lan.lease(240)
    shell.run("until ip -4 addr show br-lan | grep -w inet; "
              "do sleep 1; done")
    assert f"inet {address}/24 " in shell.run("ip -4 addr show br-lan")
    return address


def pings(lan, shell, address):
    """Both ways."""
    lan.run("ping", "-c", "3", "-i", "0.5", "-W", "10", address)
    shell.run(f"ping -c 3 -W 10 {HOST}")


def serve_data(lan, folder, size=TRANSFER):
    """So many bytes on the LAN's web server; returns their hash."""
    data = os.urandom(size)
    (folder / "data").write_bytes(data)
    lan.serve(folder, HOST)
    return hashlib.sha256(data).hexdigest()


def transfers(lan, shell, address, want, lap, size=TRANSFER, server=HOST):
    """Those bytes, each way; lap(name, start) notes a time.

    The router knows the LAN's host as `server`, and is `address` there.
    """
    limit = max(600, size / SLOWEST)
    start = time.monotonic()
    shell.run(f"wget -q -O /tmp/data http://{server}:8000/data", limit)
    lap(f"{size / 1e6:g} MB to the router", start)
    assert sha256(shell.run("sha256sum /tmp/data", 300)) == want
    shell.run("httpd -p 80 -h /tmp")
    start = time.monotonic()
    fetched = lan.fetch(f"http://{address}/data", limit)
    lap(f"{size / 1e6:g} MB from the router", start)
    assert hashlib.sha256(fetched).hexdigest() == want
