"""Every command of the monitor, over the serial line."""
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
