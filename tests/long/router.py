"""The router image by its serial console, in the hosted program at first."""
import re

import pexpect

PROMPT = r"root@router:/# "
MONITOR = r"\(trestle\) "
FOCUS = "\x01c"                 # console and monitor in turn


class Failure(Exception):
    """A test's answer was wrong."""


class Router:
    """One run. `limit` seconds bound each wait."""

    def __init__(self, program, args, limit, log=None):
        self.session = pexpect.spawn(str(program), list(map(str, args)),
                                     timeout=limit, encoding="latin-1")
        self.session.logfile_read = log
        self.session.delaybeforesend = None

    @classmethod
    def at(cls, session):
        """One that runs already: its console is this session of pexpect's."""
        router = cls.__new__(cls)
        router.session = session
        return router

    def expect(self, pattern, limit=-1):
        """Wait for it; returns the match."""
        self.session.expect(pattern, timeout=limit)
        return self.session.match

    def boot(self):
        """To the shell's prompt."""
        self.expect("Please press Enter")
        self.session.send("\r")
        self.expect(PROMPT)

    def run(self, command, limit=-1):
        """Returns (exit status, output) of a shell command."""
        self.session.send(f'echo "[""["; {command}; echo "]]"$?\r')
        # The echo of the command has quotes between the brackets.
        output, status = self.expect(r"\[\[\r\n(.*?)\]\](\d+)\r\n",
                                     limit).groups()
        self.expect(PROMPT)
        return int(status), output.replace("\r\n", "\n")

    def good(self, command, limit=-1):
        """The output of a command that must succeed."""
        status, output = self.run(command, limit)
        if status:
            raise Failure(f"status {status}: {last_words(output)}")
        return output

    def monitor(self, command):
        """A monitor command's answer; the console has the focus again."""
        self.session.send(FOCUS)
        self.expect(MONITOR)
        self.session.send(f"{command}\r")
        self.expect(re.escape(command) + "\r\n")
        self.expect(MONITOR)
        answer = self.session.before.replace("\r\n", "\n")
        self.session.send(FOCUS)
        self.expect("\r\n")
        return answer

    def power_off(self):
        """Returns the program's exit status."""
        self.session.send("poweroff\r")
        self.expect(pexpect.EOF)
        self.session.close()
        return self.session.exitstatus

    def close(self):
        self.session.close(force=True)


def last_words(output):
    """What an error message needs of a program's output."""
    lines = [line for line in output.splitlines() if "fail" in line.lower()]
    return " / ".join((lines or output.splitlines() or ["no output"])[-3:])
