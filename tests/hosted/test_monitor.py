"""Every command of the monitor, over the serial line."""
import re

import pytest

from conftest import ESCAPE
from monitor_table import check_absent, check_commands

READY = "uart_echo ready\r\n"


@pytest.fixture
def monitor(trestle, guest):
    t = trestle("-m", 16, "-hda", guest("uart_echo"))
    t.expect(READY)
    t.to_monitor()
    return t


def test_every_command(monitor):
    check_commands(monitor.monitor)
    monitor.send("quit\r")
    assert monitor.ends() == 0


def test_what_is_not_there_says_why(monitor):
    check_absent(monitor.monitor)


def test_log_to_a_file(trestle, guest, tmp_path):
    """SeaBIOS looks for what is not there: some of it is in the file, what was
    too much is counted, and none of it is on the line."""
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    t = trestle("-m", 16, "-hda", guest("uart_echo"), "-d", "guest_errors",
                "-D", first)
    t.expect(READY)
    assert "without a device: " not in t.before
    t.to_monitor()
    lines = first.read_text().splitlines()
    assert re.fullmatch(r"io: write to a port without a device: \d bytes? at "
                        r"0x[0-9a-f]+, near [0-9a-f]{4}:[0-9a-f]{8}", lines[0])
    assert len(lines) < 200
    assert re.search(r"[1-9]\d*  log: lines left out\n",
                     t.monitor("info network"))
    assert t.monitor(f"logfile {second}") == ""
    assert t.monitor("log cpu_reset") == ""
    assert t.monitor("system_reset") == ""
    text = second.read_text()
    assert text.startswith("CPU reset, its registers before:\nEAX=")
    assert "without a device" not in text
    assert t.monitor("logfile none") == ""
    t.send("system_reset\r")
    t.expect("trestle: CPU reset, its registers before:")
    assert second.read_text() == text


def test_long_help(monitor):
    for name in ("x", "print", "sendkey", "memsave", "set"):
        assert monitor.monitor("help " + name).count("\n") > 1


def test_pages(monitor):
    assert "paging on" in monitor.monitor("set paging on")
    monitor.send("help\r")
    monitor.expect("--More--")
    assert monitor.before.count("\r\n") == 1 + 23
    monitor.send(" ")
    while monitor.session.expect([r"quit .*\r\n\(trestle\) ", "--More--"]):
        monitor.send(" ")
    monitor.send("info pic\r")
    monitor.expect(r"pic1: .*\r\n\(trestle\) ")
    monitor.send("help\r")
    monitor.expect("--More--")
    # The console is whose the line is, without a key for the text.
    monitor.send(ESCAPE + "c" + "hello")
    monitor.expect("hello")
