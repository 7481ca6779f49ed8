"""What a user does at Trestle's console, on a QEMU or a Bochs (`appliance`)."""
import re

ESCAPE = "\x01"                         # Ctrl-a
PROMPT = r"\(trestle\) "                # the monitor's
GREETING = r"Trestle on the bare machine, build [0-9a-f]{40}"


def ask_to_switch_off(appliance):
    """Ctrl-a x, y."""
    appliance.send(ESCAPE + "x")
    appliance.expect(r"\(y/n\)")
    appliance.send("y")


def switch_off(appliance):
    """Leave as a user does; QEMU ends with the PC."""
    ask_to_switch_off(appliance)
    assert appliance.ends() == 0


def show(appliance, digit, name):
    """The focus goes to that machine."""
    appliance.send(ESCAPE + str(digit))
    appliance.expect(rf"\[machine {digit}: {name}, [^\]]*\]\r\n")


def to_monitor(appliance):
    appliance.send(ESCAPE + "c")
    appliance.expect(PROMPT)


def monitor(appliance, command):
    """A command's answer; the focus is at the monitor and stays."""
    appliance.send(command + "\r")
    appliance.expect(re.escape(command) + r"\r\n")
    appliance.expect(PROMPT)
    return appliance.session.before


def ask_monitor(appliance, command):
    """A monitor command's answer; the focus goes there and back."""
    to_monitor(appliance)
    text = monitor(appliance, command)
    appliance.send(ESCAPE + "c")
    return text
