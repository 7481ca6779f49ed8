"""USB keyboards and mice at an xHCI controller, as QEMU has them."""
import re

from guests import image
from ps2 import READY, check_keys, check_mouse

MACHINE = "q35,i8042=off"
XHCI = ("-device", "qemu-xhci", "-device", "usb-kbd,id=keyboard",
        "-device", "usb-mouse")
# Full speed, as its devices then are, too.
HUB = ("-device", "qemu-xhci", "-device", "usb-hub,port=1",
       "-device", "usb-mouse,port=1.2", "-device", "usb-kbd,port=1.3")
PROMPT = r"^\(trestle\) "
EMPTY = r"^\(trestle\)$"


def asks(screen, command, answer):
    """A command of the monitor, typed at the keyboard."""
    screen.type(command + "\n")
    screen.shows(rf"{PROMPT}{re.escape(command)}\n{answer}")


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
    screen.shows(EMPTY)
    asks(screen, "info status", "VM status: running")
    asks(screen, "info input", "keyboard: USB\nmouse: USB\n"
                               "events: 0 lost; USB: 0 bad reports, "
                               "0 refused LEDs")
    screen.type("zq1")                  # by its own layout: yq1
    screen.keys("shift-7", "minus")
    screen.shows(PROMPT + "yq1/ß$")
    screen.keys(*["backspace"] * 5)
    asks(screen, "stop", EMPTY)
    screen.hold("a")
    screen.shows(PROMPT + "aaaa+$")
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
    appliance.expect(READY)
    check_keys(appliance, screen)
    check_mouse(appliance, screen)
