"""Several tests at a time: a plugin of pytest for pytest-xdist.

A test marked `alone` (pytest.mark.alone: it compares what the host's cores do)
runs while no other of this build folder does, and after them all. So that
tests do not meet, what has a name outside of a test's own folder carries the
number of its process, and ports are taken from each worker's own.
"""
import contextlib
import fcntl
import os
import pathlib
import random
import socket

import pytest

PORTS = range(20000, 32000)     # below those that the system gives out
LOCK = pathlib.Path(os.environ.get("BUILD", "build")) / "tests.lock"
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
OWN_PORTS = list(PORTS[WORKER::WORKERS])
random.shuffle(OWN_PORTS)


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: no other test runs meanwhile")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("alone") is not None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    alone = item.get_closest_marker("alone")
    with open(LOCK, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def free_port(kind=socket.SOCK_STREAM):
    """A port of 127.0.0.1 that nobody has, nor any other test is given."""
    while OWN_PORTS:
        port = OWN_PORTS.pop()
        with socket.socket(socket.AF_INET, kind) as s:
            with contextlib.suppress(OSError):
                s.bind(("127.0.0.1", port))
                return port
    raise AssertionError("no port is free")
