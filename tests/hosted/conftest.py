"""The hosted trestle on a pseudo terminal, as a pexpect session.

Environment: BUILD (default "build") is the build folder; `make check-hosted`
has put trestle, the tiny guests and router.img there. Every process ends with
its test.
"""
import os
import pathlib
import re
import shutil
import socket
import struct
import time

import pexpect
import pytest

from lan import Namespace
from started import closed_at_end

BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
ESCAPE = "\x01"
PROMPT = r"\(trestle\) "


class Trestle:
    """One running program. `limit` seconds bound its life and each wait.

    prefix: words of a command that runs it, e.g. in a network namespace.
    line: its serial line is the terminal; else more options say what is there.
    """

    def __init__(self, *args, limit=60, prefix=(), program="trestle",
                 line=True, encoding="latin-1", **spawn):
        words = ["--foreground", "-k", "5", str(limit), *prefix,
                 BUILD / program, *args, *["-nographic"] * line]
        self.session = pexpect.spawn("timeout", [str(w) for w in words],
                                     timeout=limit, echo=False,
                                     encoding=encoding, **spawn)
        self.session.delaybeforesend = None
        if os.environ.get("TRACE"):
            self.session.logfile_read = open(os.environ["TRACE"], "w",
                                             encoding="latin-1")

    def expect(self, pattern, timeout=-1):
        """Wait for `pattern`; returns the match."""
        self.session.expect(pattern, timeout=timeout)
        return self.session.match

    @property
    def before(self):
        """What came before the last match."""
        return self.session.before

    def send(self, text):
        self.session.send(text)

    def silent(self, pattern, seconds=0.5):
        """True if `pattern` does not come within that time."""
        try:
            self.session.expect(pattern, timeout=seconds)
        except pexpect.TIMEOUT:
            return True
        return False

    def to_monitor(self):
        self.send(ESCAPE + "c")
        self.expect(PROMPT)

    def to_console(self):
        self.send(ESCAPE + "c")
        self.expect("\r\n")

    def monitor(self, command):
        """A monitor command's answer; the focus must be there."""
        self.send(command + "\r")
        self.expect(re.escape(command) + "\r\n")
        self.expect(PROMPT)
        return self.before.replace("\r\n", "\n")

    def ends(self, timeout=20):
        """Wait until it ends by itself; returns its exit status."""
        self.session.expect(pexpect.EOF, timeout=timeout)
        self.session.close()
        return self.session.exitstatus

    def close(self):
        self.session.close(force=True)


@pytest.fixture
def trestle():
    """trestle(option, ...) -> Trestle."""
    with closed_at_end(Trestle) as start:
        yield start


@pytest.fixture
def guest(tmp_path):
    """guest(name) -> the path of a private copy of a tiny guest's image."""
    def copy(name):
        return shutil.copy(BUILD / "guests" / f"{name}.img",
                           tmp_path / f"{name}.img")

    return copy


class Wire:
    """The far end of -net socket: a 4-byte length, then the frame."""

    def __init__(self, port):
        end = time.time() + 20
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), 20)
                break
            except ConnectionRefusedError:
                if time.time() > end:
                    raise
                time.sleep(0.02)
        self.waiting = b""

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, frame):
        self.socket.sendall(struct.pack(">I", len(frame)) + frame)

    def receive(self, timeout=20):
        """The next frame, or None if there is none within `timeout`."""
        while True:
            if len(self.waiting) >= 4:
                n = struct.unpack(">I", self.waiting[:4])[0]
                if len(self.waiting) >= 4 + n:
                    frame = self.waiting[4:4 + n]
                    self.waiting = self.waiting[4 + n:]
                    return frame
            self.socket.settimeout(timeout)
            try:
                data = self.socket.recv(65536)
            except (TimeoutError, BlockingIOError):
                return None
            if not data:
                return None
            self.waiting += data

    def close(self):
        self.socket.close()


@pytest.fixture
def wires():
    """wires(port) -> Wire."""
    made = []

    def connect(port):
        made.append(Wire(port))
        return made[-1]

    yield connect
    for w in made:
        w.close()


@pytest.fixture
def namespace():
    """namespace(seconds) -> a Namespace, whose processes end by then."""
    if os.geteuid():
        pytest.skip("network namespaces need root")
    made = []

    def start(limit):
        made.append(Namespace(str(len(made)), limit))
        return made[-1]

    yield start
    for n in made:
        n.close()
