"""The local screen, read from QEMU's dumps of it."""
import re

import pytest

from console import monitor, to_monitor
from guests import NO_GUEST, image

# GRUB's video mode: bits a pixel as the VGA BIOS has them.
FRAMEBUFFERS = ["1024x768x32", "800x600x24", "800x600x16"]
BANNER = re.compile(r"Trestle on the bare machine, build [0-9a-f]{40}\n"
                    r"[\s\S]*^trestle: engine \w+, 16 MiB$", re.M)


def test_log_in_text_mode(boot, screen):
    """QEMU draws that itself, nine dots a cell."""
    appliance = boot(NO_GUEST, extra=screen.arguments)
    appliance.expect(r"screen: VGA text, 80 columns, 25 rows")
    appliance.expect(r"engine \w+")
    screen.wait_for(re.compile(r"^trestle: engine \w+, 16 MiB$", re.M), wide=9)


@pytest.mark.parametrize("mode", FRAMEBUFFERS)
def test_log_in_a_framebuffer(boot, screen, mode):
    appliance = boot(NO_GUEST, extra=screen.arguments,
                     after=[f"set gfxpayload={mode}"])
    appliance.expect(r"screen: framebuffer, \d+ columns, \d+ rows")
    appliance.expect(r"engine \w+")
    screen.wait_for(BANNER)
    picture = screen.picture()
    assert f"{picture.width}x{picture.height}" == mode.rsplit("x", 1)[0]
    # Grey on black, and nothing else.
    assert {picture.pixel(x, y) for x in range(400) for y in range(64)} <= {
        0, 0xaaaaaa, 0xadaaad}


def test_log_by_uefi(boot, screen):
    appliance = boot(NO_GUEST, firmware="uefi", extra=screen.arguments)
    appliance.expect(r"engine \w+")
    screen.wait_for(BANNER)


# How the screen comes up, where the guest's text is on it, and how wide our
# cells are. Text mode is drawn by QEMU itself, which has nine dots a cell.
MIDDLE = {"middle": (720, 400), "wide": 9}
DISPLAYS = {
    "text": ({}, {"wide": 9}, 9),
    "framebuffer": ({"after": ["set gfxpayload=1024x768x32"]}, MIDDLE, 8),
    "uefi": ({"firmware": "uefi"}, MIDDLE, 8),
}


@pytest.mark.parametrize("display", DISPLAYS)
def test_consoles(boot, screen, display):
    """Chosen and typed at by the PC's keyboard; the serial line has its own."""
    how, vga, wide = DISPLAYS[display]
    appliance = boot("-m 8 -hda guest.img", extra=screen.arguments,
                     modules=[("guest.img", image("uart_echo"))], **how)
    appliance.expect(r"uart_echo ready\r\n")
    screen.wait_for(re.compile(r"^Booting from Hard Disk\.\.\.$", re.M), **vga)
    screen.keep("vga")
    appliance.send("to both\r")
    appliance.expect("to both\r")
    screen.keys("ctrl-alt-3")
    screen.wait_for(re.compile(r"uart_echo ready +3 serial line$\n^to both$",
                               re.M), wide=wide)
    screen.type("From Here\n")
    appliance.expect("From Here\r")
    screen.keep("serial")
    screen.keys("ctrl-alt-2")
    screen.wait_for(re.compile(r"^trestle: engine \w+, 8 MiB[\s\S]*"
                               r"^Trestle \S+ \(\w+\) monitor - type[\s\S]*"
                               r"^\(trestle\)", re.M), wide=wide)
    screen.type("info status\n")
    screen.wait_for(re.compile(r"^\(trestle\) info status$\n"
                               r"^VM status: running$[\s\S]*^\(trestle\)$",
                               re.M), wide=wide)
    screen.keep("monitor")
    screen.type("help\n")
    screen.wait_for(re.compile(r"^quit  -- .*$\n^\(trestle\)$", re.M),
                    wide=wide)
    screen.keys("ctrl-pgup", "ctrl-up")
    screen.wait_for(re.compile(r"^.* 2 monitor, \d+ lines back$", re.M),
                    wide=wide)
    screen.keep("back")
    screen.keys("ctrl-alt-1")
    screen.wait_for(re.compile(r"^Booting from Hard Disk\.\.\.$", re.M), **vga)
    to_monitor(appliance)
    monitor(appliance, "console 3")
    screen.wait_for(re.compile(r"^From Here$", re.M), wide=wide)


def test_serial_port_on_the_screen(boot, screen):
    """-serial vc: a console of its own, behind those of the machine."""
    appliance = boot("-m 8 -hda guest.img -serial mon:stdio -serial vc",
                     extra=screen.arguments, after=DISPLAYS["framebuffer"][0][
                         "after"], modules=[("guest.img", image("uart_four"))])
    appliance.expect("port 0 ready")
    to_monitor(appliance)
    assert "serial1: filename=vc:80Cx24C" in monitor(appliance, "info chardev")
    assert "4 serial1" in monitor(appliance, "console")
    monitor(appliance, "console 4")
    screen.wait_for(re.compile(r"^port 1 ready$", re.M))
    screen.keep("vc")
