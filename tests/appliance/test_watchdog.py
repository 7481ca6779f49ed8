"""Watchdogs, crash reports and the order of starts, on the bare machine."""
import re

from console import ESCAPE, ask_monitor, monitor, show, switch_off, to_monitor
from guests import boot_machines

READY = "hang ready\r\n"


def test_watchdog_and_autostart(boot):
    appliance = boot_machines(boot, {
        "dog": ("hang", "watchdog ib700", "guard silence=100"),
        "late": ("uart_echo", "start-delay 8"),
        "never": ("uart_echo", "autostart off")}, limit=90)
    appliance.expect(READY)
    listed = ask_monitor(appliance, "info machines")
    assert re.search(r"  3 +never +not started +\w+ +0\.000 s", listed)
    appliance.send("fh")
    appliance.expect(r"dog: the guest's watchdog expired \(action: reset\)")
    appliance.expect(READY)
    # Who types next is told.
    appliance.send("x")
    appliance.expect(r"\[dog, [-0-9]{10} [:0-9]{8} UTC:\r\n the guest's "
                     r"watchdog expired \(action: reset\)\r\n")
    # The guest's echo, which would come amid what the monitor says.
    appliance.expect(r"has all of it\]\r\n")
    appliance.expect("x")
    to_monitor(appliance)
    text = monitor(appliance, "info crashes")
    assert re.search(r"1: \S+ \S+ UTC: the guest's watchdog expired .*\r\n"
                     r"EAX=\w{8}", text)
    assert "its console said last:\r\nhang ready\r\n" in text
    text = monitor(appliance, "info watchdog")
    assert "ib700: the guest does not use it; expired 1 times" in text
    assert "guard silence: grace, for " in text
    appliance.send(ESCAPE + "2")
    appliance.expect(r"\[machine 2: late, ")
    appliance.expect("uart_echo ready\r\n")
    show(appliance, 3, "never")
    ask_monitor(appliance, "cont")
    appliance.expect("uart_echo ready\r\n")
    switch_off(appliance)
