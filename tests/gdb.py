"""gdb itself, as a pexpect session, against a stub of Trestle's."""
import os
import re
import signal
import time

import pexpect
import pytest

from started import closed_at_end

PROMPT = r"\(gdb\) "


def wait_until_it_runs(info_status):
    """Until what the monitor says is that: gdb's command is on its way."""
    end = time.time() + 60
    while "running" not in info_status():
        assert time.time() < end
        time.sleep(0.1)


class Gdb:
    """One gdb. `program`, if there is one, has the guest's symbols.

    It is on its terminal alone, as another program would pass Ctrl-C on, too,
    and ends with it.
    """

    def __init__(self, program=None, limit=120):
        words = ["-nx", "-q", *([str(program)] if program else [])]
        self.session = pexpect.spawn("gdb", words, timeout=limit, echo=False,
                                     encoding="latin-1",
                                     env={**os.environ, "TERM": "dumb"})
        self.session.delaybeforesend = None
        self.session.expect(PROMPT)
        for setting in ("pagination off", "confirm off", "width 0",
                        "tcp connect-timeout 30"):
            self.run(f"set {setting}")

    def start(self, command):
        """A command that does not come back by itself."""
        self.session.send(command + "\n")

    def wait(self):
        """What it says until its prompt."""
        self.session.expect(PROMPT)
        return self.session.before.replace("\r\n", "\n")

    def run(self, command):
        self.start(command)
        return self.wait()

    def attach(self, host, port):
        said = self.run(f"target remote {host}:{port}")
        assert "Remote debugging using" in said, said
        return said

    def interrupt(self):
        """Ctrl-C while the guest runs; what gdb says then."""
        self.session.sendintr()
        return self.wait()

    def value(self, expression):
        said = self.run(f"print/x {expression}")
        found = re.search(r"= (0x[0-9a-f]+)", said)
        assert found, said
        return int(found[1], 16)

    def close(self):
        """On a busy host it may take its time, for which pexpect's own way of
        ending a program does not wait."""
        if self.session.isalive():
            self.session.kill(signal.SIGKILL)
            self.session.wait()
        self.session.close()


@pytest.fixture
def gdb():
    """gdb(program) -> Gdb."""
    with closed_at_end(Gdb) as start:
        yield start
