"""USB keyboards and mice at an xHCI controller, as QEMU has them."""
import re

import pytest

from guests import image
from screen import Screen

MACHINE = "q35,i8042=off"
XHCI = ("-device", "qemu-xhci", "-device", "usb-kbd,id=keyboard",
        "-device", "usb-mouse")
# Full speed, as its devices then are, too.
HUB = ("-device", "qemu-xhci", "-device", "usb-hub,port=1",
       "-device", "usb-mouse,port=1.2", "-device", "usb-kbd,port=1.3")
PROMPT = r"^\(trestle\) "
EMPTY = r"^\(trestle\)$"


@pytest.fixture
def screen(tmp_path):
    return Screen(tmp_path)


def on_screen(screen, text):
    screen.wait_for(re.compile(text, re.M), wide=9)


def asks(screen, command, answer):
    """A command of the monitor, typed at the keyboard."""
    screen.type(command + "\n")
    on_screen(screen, rf"{PROMPT}{re.escape(command)}\n{answer}")


def test_typing(boot, screen):
    """The monitor's commands, by a German layout: Y and Z have each other's
    place. The keyboard is pulled out with a key down, and another comes."""
    appliance = boot("-m 8 -k de -hda guest.img", machine=MACHINE,
                     extra=(*screen.arguments, *XHCI),
                     modules=[("guest.img", image("uart_echo"))])
    appliance.expect(r"xhci at \S+: port \d+: keyboard\r\n")
    appliance.expect(r"xhci at \S+: port \d+: mouse\r\n")
    appliance.expect(r"uart_echo ready\r\n")
    screen.keys("ctrl-alt-2")
    on_screen(screen, EMPTY)
    asks(screen, "info status", "VM status: running")
    asks(screen, "info input", "keyboard: USB\nmouse: USB\n"
                               "events: 0 lost; USB: 0 bad reports")
    screen.type("zq1")                  # by its own layout: yq1
    screen.keys("shift-7", "minus")
    on_screen(screen, PROMPT + "yq1/ß$")
    screen.keys(*["backspace"] * 5)
    asks(screen, "stop", EMPTY)
    screen.hold("a")
    on_screen(screen, PROMPT + "aaaa+$")
    screen.keep("held")
    screen.command("device_del", id="keyboard")
    screen.command("device_add", driver="usb-kbd", id="another")
    appliance.expect(r"xhci at \S+: port \d+: keyboard\r\n")
    screen.release("a")
    screen.keys("ctrl-u")
    asks(screen, "info status", r"VM status: paused")


def test_guest_behind_a_hub(boot, screen):
    """Keys, LEDs' locks and movements reach the guest's PS/2 devices."""
    appliance = boot("-m 8 -hda guest.img", machine=MACHINE,
                     extra=(*screen.arguments, *HUB),
                     modules=[("guest.img", image("ps2_echo"))])
    appliance.expect(r"xhci at \S+: port \d+\.2: mouse\r\n")
    appliance.expect(r"xhci at \S+: port \d+\.3: keyboard\r\n")
    appliance.expect(r"ps2_echo ready\r\n")
    screen.keys("a", "shift-b", "up", "alt_r", "kp_enter")
    codes = "1e 9e 2a 30 b0 aa e0 48 e0 c8 e0 38 e0 b8 e0 1c e0 9c"
    appliance.expect("".join(rf"key {c}\r\n" for c in codes.split()))
    screen.move(5, -3)
    appliance.expect(r"mouse 5 3 0 0\r\n")
    screen.move(button=("left", True))
    appliance.expect(r"mouse 0 0 0 1\r\n")
    screen.move(wheel=2)
    appliance.expect(r"mouse 0 0 (1|2) 1\r\n")
