"""The local screen, read from QEMU's dumps of it."""
import re

import pytest

from guests import NO_GUEST
from screen import Screen

# GRUB's video mode: bits a pixel as the VGA BIOS has them.
FRAMEBUFFERS = ["1024x768x32", "800x600x24", "800x600x16"]
BANNER = re.compile(r"Trestle on the bare machine, build [0-9a-f]{40}\n"
                    r"[\s\S]*^trestle: engine \w+, 16 MiB$", re.M)


@pytest.fixture
def screen(tmp_path):
    return Screen(tmp_path)


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
        (0, 0, 0), (0xaa, 0xaa, 0xaa), (0xad, 0xaa, 0xad)}


def test_log_by_uefi(boot, screen):
    appliance = boot(NO_GUEST, firmware="uefi", extra=screen.arguments)
    appliance.expect(r"engine \w+")
    screen.wait_for(BANNER)
