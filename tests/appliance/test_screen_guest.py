"""A guest's graphics on the local screen, several machines, and a panic there."""
import array
import hashlib
import re
import struct
import time

import pytest

from console import monitor, to_monitor
from guests import boot_machines, image
from pictures import drawn

FRAMEBUFFERS = {
    "framebuffer": {"after": ["set gfxpayload=1024x768x32"]},
    "uefi": {"firmware": "uefi"},
}
# From the cause to the end: the log between gives way where rows are few.
PANIC = re.compile(r"PANIC: exception 2[\s\S]*^backtrace:[\s\S]*"
                   r"^last log lines:[\s\S]*^halted \(-no-reboot\)$", re.M)


def bmp(width, height, pixel):
    """24 bits, uncompressed, the last line first."""
    rows = b"".join(
        b"".join(pixel(x, y).to_bytes(3, "little") for x in range(width))
        for y in reversed(range(height)))
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 54 + len(rows), 0, 54, 40,
                               width, height, 1, 24, 0, len(rows), 2835, 2835,
                               0, 0) + rows


def splash_pixel(x, y):
    return (x // 5 & 0xff) << 16 | (y // 4 & 0xff) << 8 | (x ^ y) & 0xf0


def region(picture, x, y, width, height):
    """The hash of a part of a picture."""
    sha = hashlib.sha256()
    for line in range(y, y + height):
        at = line * picture.width + x
        sha.update(array.array("I", picture.pixels[at:at + width]).tobytes())
    return sha.hexdigest()


class Drawn:
    """What a picture is to be."""

    def __init__(self, width, height, pixels):
        self.width, self.height, self.pixels = width, height, pixels


def shows(screen, width, height, pixels, timeout=60):
    """Whether it is in the middle of the screen, by hashes of its parts."""
    wanted = Drawn(width, height, pixels)
    end = time.time() + timeout
    parts = [(x, y, width // 2, height // 2) for x in (0, width // 2)
             for y in (0, height // 2)]
    hashes = [region(wanted, *part) for part in parts]
    while True:
        picture = screen.picture()
        left = (picture.width - width) // 2
        top = (picture.height - height) // 2
        if left >= 0 and top >= 0 and hashes == [
                region(picture, left + x, top + y, *size)
                for x, y, *size in parts]:
            return
        assert time.time() < end, "another picture is there"
        time.sleep(0.5)


@pytest.mark.parametrize("display", FRAMEBUFFERS)
def test_splash_and_modes(boot, screen, display):
    """SeaBIOS's boot splash, then a guest's modes, larger and as they are."""
    size = 640, 480
    splash = bmp(*size, splash_pixel)
    how = FRAMEBUFFERS[display]
    appliance = boot("-m 16 -hda guest.img -accel jit -boot menu=on,"
                     "splash=splash.bmp,splash-time=12000",
                     extra=screen.arguments, limit=240,
                     modules=[("guest.img", image("screens")),
                              ("splash.bmp", splash)], **how)
    appliance.expect(r"engine \w+")
    shows(screen, *size, [splash_pixel(x, y) for y in range(size[1])
                          for x in range(size[0])])
    screen.keep("splash")
    appliance.expect("ready")
    for letter in "1g":
        appliance.send(letter)
        appliance.expect("mode " + letter)
        shows(screen, *drawn(letter))
        screen.keep("mode-" + letter)


def test_machines_and_a_panic_in_text_mode(boot, screen):
    """Graphics are told of there; each machine has consoles of its own; and a
    panic takes the screen from them."""
    appliance = boot_machines(
        boot, {"first": ("screens",), "second": ("uart_echo",)},
        "-no-reboot", "m 8\naccel jit\n", extra=screen.arguments, limit=240)
    appliance.expect("ready")
    appliance.send("1")
    appliance.expect("mode 1")
    screen.wait_for(re.compile(r"^ +640x400 graphics mode: see it with "
                               r"GRUB's gfxpayload=auto$", re.M), wide=9)
    screen.keep("told")
    to_monitor(appliance)
    monitor(appliance, "console 4")
    screen.wait_for(re.compile(r"Booting from Hard Disk\.\.\.$", re.M), wide=9)
    monitor(appliance, "console 6")
    screen.wait_for(re.compile(r"uart_echo ready"), wide=9)
    screen.keep("second")
    screen.command("inject-nmi")
    appliance.expect(r"PANIC: exception 2")
    appliance.expect(r"halted \(-no-reboot\)")
    screen.wait_for(PANIC, wide=9)
    screen.keep("panic")


def test_panic_in_a_framebuffer(boot, screen):
    """Over the guest's graphics."""
    appliance = boot("-m 8 -hda guest.img -accel jit -no-reboot",
                     modules=[("guest.img", image("screens"))],
                     extra=screen.arguments, limit=240,
                     after=["set gfxpayload=1024x768x32"])
    appliance.expect("ready")
    appliance.send("1")
    appliance.expect("mode 1")
    shows(screen, *drawn("1"))
    screen.command("inject-nmi")
    appliance.expect(r"halted \(-no-reboot\)")
    screen.wait_for(PANIC)
    screen.keep("panic")
