"""The screen in the terminal (-display curses), seen by a terminal: pyte."""
import contextlib
import os
import re
import signal
import termios
import time

import pexpect
import pyte
import pytest

from conftest import Trestle
from started import closed_at_end

ESC = "\x1b"
LEAVES = "\x1b[?1049l"                  # xterm's other screen


class Terminal:
    """trestle in a terminal of that size; `language` is LANG."""

    def __init__(self, *args, columns=80, rows=25, term="xterm-256color",
                 language="C.UTF-8", **kwargs):
        environment = {**os.environ, "TERM": term, "LC_ALL": language}
        if term is None:
            del environment["TERM"]
        self.trestle = Trestle(*args, line=False, encoding=None,
                               dimensions=(rows, columns), env=environment,
                               **kwargs)
        self.session = self.trestle.session
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        if not language.endswith("UTF-8"):
            self.stream.select_other_charset("@")
        self.bytes = b""
        self.mode = termios.tcgetattr(self.session.child_fd)

    def look(self, seconds=0.1):
        """Take what comes; False: it has ended."""
        try:
            data = self.session.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.bytes += data
        self.stream.feed(data)
        return True

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, pattern, timeout=30):
        end = time.time() + timeout
        while not (found := re.search(pattern, self.text)):
            assert self.look() and time.time() < end, self.text
        return found

    def gone(self, pattern, timeout=30):
        end = time.time() + timeout
        while re.search(pattern, self.text):
            assert self.look() and time.time() < end, self.text

    def type(self, text):
        self.session.send(text)

    def console(self, number, name):
        self.type(f"{ESC}{number}")
        self.wait(rf"{number} {name} *$|{number} {name}\n")

    def monitor(self, command, pattern):
        self.type(command + "\r")
        return self.wait(pattern)

    def resize(self, columns, rows):
        self.screen.resize(rows, columns)
        self.session.setwinsize(rows, columns)

    def ends(self):
        while self.look(20):
            pass
        self.last_mode = termios.tcgetattr(self.session.child_fd)
        self.session.close()
        return self.session.exitstatus

    def close(self):
        self.trestle.close()

    def find(self, text):
        """The cells of the first such text."""
        for y, line in enumerate(self.screen.display):
            if (x := line.find(text)) >= 0:
                return [self.screen.buffer[y][x + i] for i in range(len(text))]
        raise AssertionError(self.text)


def child(pid):
    """The only one of a process."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return int(f.read())


def send_until_gone(pid, number):
    """The first SIGSEGV goes to whom a fault of a guest's access would."""
    for _ in range(2):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        time.sleep(0.2)


@pytest.fixture
def terminal():
    with closed_at_end(Terminal) as start:
        yield start


@pytest.fixture
def echo(terminal, guest):
    def start(*args, **kwargs):
        t = terminal("-m", 16, "-hda", guest("uart_echo"), *args, **kwargs)
        t.wait("Booting from Hard Disk")
        return t

    return start


@pytest.mark.parametrize("engine", ["interp", "jit"])
def test_three_consoles(echo, engine):
    """VGA, monitor and serial line; the terminal is as before at the end."""
    t = echo("-accel", engine)
    assert "SeaBIOS (version" in t.text
    t.console(2, "monitor")
    t.wait(r"\(trestle\)")
    t.monitor("info status", "VM status: running\n.*engine: " + engine)
    t.console(3, "serial line")
    t.wait("uart_echo ready")
    t.type("h\xe4llo".encode())
    t.wait("h\xe4llo")
    t.console(1, "VGA")
    t.wait("Booting from Hard Disk")
    t.console(3, "serial line")
    t.type("\r~p")
    assert t.ends() == 0
    after = t.bytes.decode().rpartition(LEAVES)[2]
    assert "the guest switched itself off\n" in after.replace("\r\n", "\n")


def test_is_the_default_and_named(echo):
    for args in ([], ["-display", "curses"], ["-curses"]):
        t = echo(*args)
        t.console(2, "monitor")
        t.type("quit\r")
        assert t.ends() == 0
        assert LEAVES in t.bytes.decode()


@pytest.mark.parametrize("how", ["quit", "TERM", "HUP", "SEGV",
                                 "ABRT", "BUS", "FPE", "ILL"])
def test_terminal_comes_back(echo, how):
    """Its modes, the other screen and the cursor, whatever ends the program."""
    t = echo()
    raw = termios.tcgetattr(t.session.child_fd)
    assert raw[3] & termios.ICANON == 0 and t.mode[3] & termios.ICANON
    if how == "quit":
        t.console(2, "monitor")
        t.type("quit\r")
    else:
        send_until_gone(child(t.session.pid), getattr(signal, "SIG" + how))
    t.ends()
    assert LEAVES in t.bytes.decode()
    assert t.bytes.count(b"\x1b[?25l") and b"\x1b[?25h" in t.bytes
    assert t.last_mode == t.mode


def test_log_does_not_spoil_the_screen(echo):
    """It is in the monitor's console, and what came last is there at the end."""
    t = echo()
    t.console(2, "monitor")
    t.wait("user trestle: link up")
    t.wait("engine jit, 16 MiB")
    t.console(1, "VGA")
    t.gone("1 VGA")
    assert all(line.startswith(("SeaBIOS", "Booting", "iPXE", " "))
               for line in t.text.split("\n") if line), t.text
    t.type("\x1b2quit\r")
    assert t.ends() == 0
    assert "user trestle: link up" in t.bytes.decode().rpartition(LEAVES)[2]


@pytest.mark.parametrize("columns, rows", [(80, 25), (80, 24), (132, 43),
                                           (300, 140), (40, 10), (3, 2)])
def test_sizes(terminal, guest, columns, rows):
    """The monitor's prompt is seen whatever there is room for."""
    t = terminal("-m", 16, "-hda", guest("uart_echo"), "-S", "-net", "none",
                 columns=columns, rows=rows)
    t.type(ESC + "2")
    if columns < 40:
        t.wait("[a-z(]")
        t.type("quit\r")
        assert t.ends() == 0
        return
    for _ in range(3):
        t.type("info uuid\r")
    t.gone("2 monitor")
    t.wait(r"(info uuid\n[-0]+\n\(trestle\) ?){3}\s*\Z")


def test_resize(echo):
    t = echo()
    t.console(2, "monitor")
    for columns, rows in (60, 12), (120, 50), (80, 25), (20, 3):
        t.resize(columns, rows)
        t.type("\x15info name\r")
        t.gone("2 monitor")
        t.wait(r"info name\ntrestle\n\(trestle\)")
        assert len(t.text.rstrip().split("\n")) <= rows
    t.resize(80, 25)
    t.console(1, "VGA")
    t.wait("Booting from Hard Disk")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        user, system = f.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_guest_that_reads_no_keys(terminal, guest):
    """A long paste into a machine that stands still: Esc and a digit behind it
    are heard, and the program sleeps."""
    t = terminal("-m", 16, "-hda", guest("uart_echo"), "-S", "-net", "none")
    t.wait("1 VGA")
    t.type("a" * 3000 + ESC + "2")
    t.wait(r"\(trestle\)", timeout=15)
    t.console(1, "VGA")
    t.type("a" * 3000)
    time.sleep(2)
    pid = child(t.session.pid)
    before = cpu_seconds(pid)
    time.sleep(3)
    assert cpu_seconds(pid) - before < 0.5


# again: mov ah, 0; int 16h; mov ah, 0eh; int 10h; jmp again
SHOWS_KEYS = bytes.fromhex("b400cd16b40ecd10ebf6")


@pytest.mark.parametrize("term", ["xterm-256color", "xterm", "linux", "vt100",
                                  "screen-256color"])
def test_colours_and_lines(echo, term):
    """What a program on the serial line draws."""
    t = echo(term=term)
    t.type(ESC + "3")
    t.wait("uart_echo ready")
    t.type("\x1b[31;42mred on green\x1b[0m \x1b[1mbold\x1b[0m "
           "\x1b[4munder\x1b[0m \x1b[7mreverse\x1b[0m \u250c\u2500\u2510 "
           "\u2551 caf\xe9 \u2603".encode())
    t.wait("caf\xe9")
    assert "\u250c\u2500\u2510" in t.text and "\u2551" in t.text
    if term == "vt100":
        return
    assert {(c.fg, c.bg) for c in t.find("red on green")} == {("red", "green")}
    assert t.find("under")[0].underscore or term == "linux"
    assert t.find("reverse")[0].bg == "white"
    bold = t.find("bold")[0]
    assert bold.bold or bold.fg == "brightwhite" or "bright" in bold.fg


@pytest.mark.parametrize("language, accents, line", [
    ("C", "caf?", "+--+"), ("C.UTF-8", "caf\xe9", "\u250c\u2500\u2500\u2510")])
def test_locale(echo, language, accents, line):
    t = echo(language=language)
    t.type(ESC + "3")
    t.wait("uart_echo ready")
    t.type("\x1b(0lqqk\x1b(B \u2551 ")
    t.type("caf\xe9 end".encode())
    t.wait("end")
    assert accents in t.text


def test_keys_reach_the_guest(terminal, tmp_path):
    """Characters by the layout, and a paste, at a boot sector that shows what
    the BIOS reads; what the layout has not is left out."""
    image = tmp_path / "keys.img"
    image.write_bytes((SHOWS_KEYS.ljust(510, b"\0") + b"\x55\xaa").ljust(65536))
    text = "Hello, World! ~{}|@#\\ \xe9\u2603 "
    t = terminal("-m", 16, "-hda", image)
    t.wait("Booting from Hard Disk")
    t.type(text.encode())
    t.wait(re.escape(text.replace("\xe9\u2603", "").strip()))
    paste = "".join(f"{i:04x} " for i in range(60))
    t.type(paste)
    t.wait("003b|03b *\n|3b *\n")
    assert paste.strip() in "".join(t.screen.display)
def test_refused(terminal, guest):
    for args, why in (
            (("-display", "gtk"), "-display gtk: there are curses"),
            (("-display", "curses", "-nographic"), "-nographic has the"),
            (("-display", "curses", "-serial", "stdio"), "on stdio has"),
            (("-display",), "-display: needs a value")):
        t = terminal("-m", 16, "-hda", guest("uart_echo"), *args)
        assert t.ends() == 1
        assert why in " ".join(t.text.split())
    for term in ("nonsense", None):
        t = terminal("-m", 16, "-hda", guest("uart_echo"), "-display", "curses",
                     term=term)
        assert t.ends() == 1
        assert ("TERM is " + (term or "not set")) in t.text
        assert "use -nographic" in t.text.replace("\n", "")


def test_no_terminal_is_nographic(terminal, guest):
    """By default; and a serial line that is on the terminal has it."""
    t = terminal("-m", 16, "-hda", guest("uart_echo"), "-snapshot",
                 term="nonsense")
    t.wait("uart_echo ready")
    assert "-nographic is assumed" in t.text
    for args in (("-serial", "mon:stdio"), ("-display", "none")):
        t = terminal("-m", 16, "-hda", guest("uart_echo"), "-snapshot", *args)
        t.wait("uart_echo ready")
        assert LEAVES not in t.bytes.decode() and "assumed" not in t.text


def test_help(terminal):
    t = terminal("-display", "help")
    assert t.ends() == 0
    assert "curses: this terminal" in t.text
