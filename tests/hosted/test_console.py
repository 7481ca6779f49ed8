"""The serial line, its keys and the monitor, with the UART echo as the guest."""
import random
import re
import time

import pyte
import pytest

from conftest import ESCAPE
from monitor_table import check_info

READY = "uart_echo ready\r\n"


@pytest.fixture
def echo(trestle, guest):
    def start(*args):
        t = trestle("-m", 16, "-hda", guest("uart_echo"), *args)
        t.expect(READY)
        return t

    return start


def test_echo_and_power_off(echo):
    t = echo()
    text = "".join(chr(c) for c in range(32, 127)) + "\x03\x13\x11\x1a\x7f\x80\xff"
    t.send(text)
    t.expect(re.escape(text))
    t.send("\r~p")
    assert t.ends() == 0
    assert "the guest switched itself off" in t.before


@pytest.mark.parametrize("key", ["r", "t"])
def test_reboot_and_triple_fault_are_resets(echo, key):
    t = echo()
    for _ in range(2):
        t.send("~" + key)
        t.expect(READY)
    t.send("~p")
    assert t.ends() == 0


@pytest.mark.parametrize("key", ["r", "t"])
def test_no_reboot(echo, key):
    t = echo("-no-reboot")
    t.send("~" + key)
    assert t.ends() == 0
    assert "the guest rebooted" in t.before
    assert READY not in t.before


def test_paste_of_a_megabyte(trestle, guest):
    """All bytes but the two that mean something arrive whole and in order."""
    rng = random.Random(1)
    alphabet = bytes(c for c in range(256) if c not in (1, 4))
    data = bytes(rng.choices(alphabet, k=1 << 20))
    t = trestle("-m", 16, "-hda", guest("count"), limit=240)
    t.expect("count ready\r\n")
    t.send(data.decode("latin-1") + "\x04")
    got = t.expect("bytes ([0-9a-f]{8}) sum ([0-9a-f]{8})\r\n")
    a = b = 0
    for c in data:
        a = (a + c) % 65535
        b = (b + a) % 65535
    assert int(got[1], 16) == len(data)
    assert int(got[2], 16) == b << 16 | a
    assert t.ends() == 0


def test_help_key(echo):
    t = echo()
    t.send(ESCAPE + "h")
    for line in ("C-a h .*help", "C-a x .*exit", "C-a t .*timestamps",
                 "C-a b .*break", "C-a c .*monitor", "C-a C-a .*C-a"):
        t.expect(line)


def test_unknown_key(echo):
    t = echo()
    t.send(ESCAPE + "Z")
    t.expect("no such key after the escape key: 0x5a")
    t.send("still")
    t.expect("still")


def test_escape_twice_sends_it(echo):
    t = echo()
    t.send("<" + ESCAPE + ESCAPE + ">")
    t.expect("<" + ESCAPE + ">")


def test_other_escape_character(echo):
    t = echo("-echr", "0x14")
    t.send(ESCAPE + "h")
    t.expect(ESCAPE + "h")
    t.send("\x14h")
    t.expect("C-t h .*help")
    t.send("\x14x")
    assert t.ends() == 0


def test_exit_key(echo):
    t = echo()
    t.send(ESCAPE + "x")
    assert t.ends() == 0


def test_timestamps(echo):
    t = echo()
    t.send(ESCAPE + "t")
    t.send("one\n")
    t.expect(r"\[\d\d:\d\d:\d\d\.\d\d\d\] one\n")
    t.send("two\n")
    t.expect(r"\[\d\d:\d\d:\d\d\.\d\d\d\] two\n")
    t.send(ESCAPE + "t" + "three\n")
    t.expect("three\n")
    assert "[" not in t.before


def test_exit_while_the_guest_takes_nothing(echo):
    """A halted guest does not lock the user in."""
    t = echo()
    t.send("~h")
    t.send("x" * 1000)
    t.send(ESCAPE + "c")
    t.expect(r"\(trestle\) ")
    assert "VM status: running" in t.monitor("info status")
    t.send(ESCAPE + "x")
    assert t.ends() == 0


def test_info(echo):
    t = echo()
    t.to_monitor()
    check_info(t.monitor)


def test_info_without_the_translator(echo):
    t = echo("-accel", "interp")
    t.to_monitor()
    assert re.search(r"\nengine: interp, [1-9]\d* instructions",
                     t.monitor("info status"))
    assert re.fullmatch(r" *[1-9]\d* instructions interpreted\n",
                        t.monitor("info engine"))
    assert t.monitor("info jit") == "this machine's CPU engine is not jit\n"


def test_info_jit(echo):
    t = echo("-accel", "jit,check=3")
    t.to_monitor()
    text = t.monitor("info jit")
    for pattern in (r"translated: [1-9]\d* traces, \d+ KiB",
                    r"executed by host code: [1-9]\d* of [1-9]\d*, \d+% by",
                    r"left for: handler \d+", r"limit or interrupt [1-9]\d*",
                    r"checked: [1-9]\d* stretches", r"window: user off"):
        assert re.search(pattern, text), (pattern, text)


def test_no_window(echo):
    t = echo("-accel", "jit,window=off")
    t.to_monitor()
    assert "window" not in t.monitor("info jit")


@pytest.mark.parametrize("value, wrong", [
    ("jit,check=maybe", "use check=on, check=off or a number"),
    ("jit,check=0", "use check=on, check=off or a number"),
    ("jit,chek=on", "behind the name only check= and window= may stand"),
    ("jit,check=on,", "behind the name only check= and window= may stand"),
    ("jit,check=" + "0" * 30 + "15", "a setting behind the name is too long"),
    ("jit,window=maybe", "use window=on or window=off"),
    ("jit,check=5,window=", "use window=on or window=off"),
    ("interp,check=on", "check= is for a translator: jit"),
    ("interp,window=off", "window= is for a translator: jit"),
    ("check=on", "no such engine here")])
def test_bad_accel_setting(trestle, guest, value, wrong):
    t = trestle("-m", 16, "-hda", guest("uart_echo"), "-accel", value)
    assert t.ends() == 1
    assert "-accel " + value.split(",")[0] in t.before
    assert wrong in t.before


def test_no_memory_for_the_translator(trestle, guest):
    """The guest runs all the same, unless the translator was asked for."""
    args = ("-m", 16, "-hda", guest("uart_echo"))
    little = ("prlimit", f"--as={100 << 20}")
    t = trestle(*args, "-accel", "jit", prefix=little)
    assert t.ends() == 1
    assert "cannot make the machine: the CPU engine has no memory" in t.before
    t = trestle(*args, prefix=little)
    t.expect(r"engine interp,.*\r\nengines not used: jit: .* no memory\r\n")
    t.expect(READY)
    t.to_monitor()
    assert re.search(r"(?m)^not used: jit: ", t.monitor("info status"))


def test_monitor_help_and_unknown_commands(echo):
    t = echo()
    t.to_monitor()
    text = t.monitor("help")
    for command in ("info", "stop", "cont", "system_reset", "quit"):
        assert re.search(rf"^{command} .*-- ", text, re.MULTILINE)
    assert "unknown command: 'frobnicate'" in t.monitor("frobnicate now")
    assert t.monitor("") == ""


def test_monitor_line_editing(echo):
    t = echo()
    t.to_monitor()
    t.send("info versx\x7fion\r")
    t.expect("engine jit")
    t.send("rubbish\x15info status\r")
    t.expect("VM status: running")


UP, LEFT, HOME, DELETE = "\x1b[A", "\x1b[D", "\x1b[H", "\x1b[3~"


def test_monitor_keys_and_history(echo):
    t = echo()
    t.to_monitor()
    t.send("info ersion" + LEFT * 6 + "v" + HOME + "x" + LEFT + DELETE + "\r")
    t.expect("engine jit")
    t.expect(r"\(trestle\) ")
    t.send("infx st\033OD\033OD\033OD\b" + "o\t\x05\t\r")
    t.expect("VM status: running")
    t.expect(r"\(trestle\) ")
    t.send(UP + UP + "\r")
    t.expect("engine jit")


def test_monitor_on_a_terminal(echo):
    """A line of two rows, edited, as another's terminal emulator shows it."""
    screen = pyte.Screen(80, 24)
    terminal = pyte.Stream(screen)
    t = echo()
    t.to_monitor()
    terminal.feed("(trestle) ")
    digits = "0123456789" * 9
    keys = "help " + digits + LEFT * 60 + "[here]" + LEFT * 20 + "\b" * 3 + \
        HOME + "\x1bf!" + "\x05" + "." + LEFT
    line = "help! " + digits[:13] + digits[16:30] + "[here]" + digits[30:] + "."
    t.send(keys)
    t.silent("nothing like it")
    terminal.feed(t.before)
    shown = "(trestle) " + line
    assert "".join(screen.display[:2]).rstrip() == shown
    assert (screen.cursor.y, screen.cursor.x) == divmod(len(shown) - 1, 80)


def test_monitor_input_is_not_the_guests(echo):
    t = echo()
    t.to_monitor()
    t.monitor("info status")
    t.to_console()
    t.send("[back]")
    t.expect(r"\[back\]")
    assert "status" not in t.before


def test_stop_and_cont(echo):
    t = echo()
    t.to_monitor()
    t.monitor("stop")
    text = t.monitor("info status")
    assert "VM status: paused" in text
    time.sleep(0.2)
    assert t.monitor("info status") == text
    t.to_console()
    t.send("held")
    assert t.silent("held")
    t.to_monitor()
    t.send("cont\r")
    t.to_console()
    t.expect("held")


def test_system_reset(echo):
    t = echo()
    t.to_monitor()
    t.send("system_reset\r")
    t.expect(READY)
    t.to_console()
    t.send("again")
    t.expect("again")


def test_quit(echo):
    t = echo()
    t.to_monitor()
    t.send("quit\r")
    assert t.ends() == 0


def test_start_stopped(trestle, guest):
    t = trestle("-m", 16, "-hda", guest("uart_echo"), "-S")
    t.expect("128 sectors")
    assert t.silent("uart_echo")
    t.to_monitor()
    assert "VM status: paused\nengine: jit, 0 instructions" in \
        t.monitor("info status")
    t.send("c\r")
    t.expect(READY)


def test_input_before_the_port_is_armed_is_dropped(trestle, guest):
    """Stray bytes must not reach a boot loader (facts: onie#320)."""
    t = trestle("-m", 16, "-hda", guest("uart_echo"), "-S")
    t.expect("128 sectors")
    t.send("early")
    t.to_monitor()
    t.send("cont\r" + ESCAPE + "c")
    t.expect(READY)
    t.send("late")
    t.expect("late")
    assert "early" not in t.before


def test_no_serial_port(trestle, guest):
    """-serial none leaves no COM1; the monitor has the line."""
    t = trestle("-m", 16, "-hda", guest("uart_echo"), "-serial", "none")
    t.expect(r"\(trestle\) ")
    assert "running" in t.monitor("info status")
    t.send("quit\r")
    assert t.ends() == 0
