"""The PC's keyboard and mouse, as QEMU has them: what guests get of them."""
import re

import pytest

from console import monitor, to_monitor
from guests import boot_machines, image
from ps2 import READY, check_keys, check_mouse, expect_codes


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_guest(boot, screen, machine):
    """Scan codes and movements; nothing is stuck when its console goes."""
    appliance = boot("-m 8 -hda guest.img", extra=screen.arguments,
                     machine=machine,
                     modules=[("guest.img", image("ps2_echo"))])
    appliance.expect(r"keyboard: PS/2 controller\r\n")
    appliance.expect(r"keyboard: PS/2 keyboard\r\n")
    appliance.expect(r"keyboard: PS/2 mouse with a wheel\r\n")
    appliance.expect(READY)
    check_keys(appliance, screen)
    screen.keys("pause")
    expect_codes(appliance, "e1 1d 45 e1 9d c5")
    screen.keys("f12")
    screen.shows("^key d8$")
    screen.keep("keys")
    check_mouse(appliance, screen)
    screen.shows("^mouse 0 0 [12] 1$")
    # What is held is up for the guest as soon as another console is shown.
    screen.hold("x", "ctrl", "alt")
    expect_codes(appliance, "2d 1d 38")
    screen.keys("2")
    expect_codes(appliance, "9d ad b8")
    appliance.expect(r"mouse 0 0 0 0\r\n")
    screen.release("alt", "ctrl", "x")
    screen.move(9, 9, button=("left", False))
    screen.type("info status\n")
    screen.shows(r"^\(trestle\) info status\nVM status: running$")
    screen.keys("ctrl-alt-delete")      # its machine's, though it is not shown
    expect_codes(appliance, "1d 38 e0 53")
    appliance.expect(READY)
    screen.keys("ctrl-alt-1", "q")
    expect_codes(appliance, "10 90")
    screen.keys("ctrl-alt-delete")
    appliance.expect(READY)
    to_monitor(appliance)
    assert re.search(r"^PS/2: keyboard there, mouse with a wheel; 0 bytes "
                     r"damaged, 0 unexpected;",
                     monitor(appliance, "info input"), re.M)


def test_several_machines(boot, screen):
    """Six consoles; Ctrl-Alt-0 goes round the machines."""
    appliance = boot_machines(boot, {"one": ("ps2_echo",),
                                     "two": ("ps2_echo",)},
                              options="", extra=screen.arguments)
    appliance.expect(READY)
    screen.keys("ctrl-alt-4")
    screen.shows("4 two, VGA")
    screen.keys("b")
    screen.shows("^key b0$")
    screen.keys("ctrl-alt-0", "c")
    expect_codes(appliance, "2e ae")            # the first's line is shown
    screen.keys("ctrl-alt-5")
    screen.type("info name\n")
    screen.shows(r"^\(trestle\) info name\ntwo$")
    screen.keep("monitor")


def test_without_controller(boot, screen):
    appliance = boot("-m 8 -hda guest.img", machine="q35,i8042=off",
                     modules=[("guest.img", image("uart_echo"))])
    appliance.expect(r"keyboard: the firmware says that this PC has no PS/2 "
                     r"controller")
    appliance.expect(r"uart_echo ready\r\n")
