"""Pictures of the guest's screen: what a BIOS and tests/guests/screens.c show,
against the font and the formula that they were drawn from, and against QEMU."""
import socket
import time

import pexpect
import pytest

from pictures import MODES, drawn, font, read_png, read_ppm, text_drawn
from printed import decode


# ---- What the screen of text has ---------------------------------------------

def characters(width, height, pixels):
    """The text of a screen of 9x16 cells, white or grey on black."""
    assert (width, height) == (720, 400)
    glyphs = {}
    for c, lines in enumerate(font()):
        glyphs.setdefault(lines, chr(c) if 32 < c < 127 else " ")
    rows = []
    for row in range(25):
        text = ""
        for column in range(80):
            lines = bytes(
                sum((pixels[(16 * row + y) * width + 9 * column + x] != 0)
                    << (7 - x) for x in range(8)) for y in range(16))
            text += glyphs.get(lines, " ")      # the cursor is none
        rows.append(text.rstrip())
    return "\n".join(rows).rstrip()


def test_text_of_the_bios(trestle, tmp_path):
    """A file, and what is printed by way of the manual's pipeline."""
    t = trestle("-m", 16, "-boot", "c")
    t.to_monitor()
    end = time.time() + 50
    while "No bootable device" not in (text := t.monitor("info screen")):
        assert time.time() < end, text
        time.sleep(0.2)
    assert "SeaBIOS (version" in text
    t.monitor("stop")
    assert t.monitor(f"screendump {tmp_path}/x.png") == ""
    picture = read_png((tmp_path / "x.png").read_bytes())
    assert characters(*picture) == text.rstrip()
    printed = t.monitor("screendump")
    assert "begin-base64 644 screen.png" in printed
    assert read_png(decode(printed)) == picture


# ---- What screens.c draws -------------------------------------------------------

def go_to(session, letter):
    session.send(letter)
    session.expect(f"mode {letter}\r")
    assert "no " not in session.before


def same(picture, wanted):
    assert picture[:2] == wanted[:2]
    width = picture[0]
    differ = [i for i, (a, b) in enumerate(zip(picture[2], wanted[2]))
              if a != b]
    assert not differ, (
        f"{len(differ)}, first at {differ[0] % width},{differ[0] // width}: "
        f"{picture[2][differ[0]]:06x}, not {wanted[2][differ[0]]:06x}")


def test_each_mode(trestle, tmp_path, guest):
    wanted = {letter: drawn(letter) for letter in MODES}
    wanted["0"], wanted["3"] = text_drawn(40, 2), text_drawn(80, 1)
    t = trestle("-m", 16, "-hda", guest("screens"), limit=300)
    t.expect("ready")
    for letter, picture in wanted.items():
        go_to(t, letter)
        t.to_monitor()
        assert t.monitor(f"screendump {tmp_path}/{letter}.ppm") == ""
        if letter == "v":
            assert "1024 x 768" in t.monitor("info screen")
            assert t.monitor(f"screendump -f png {tmp_path}/v") == ""
            same(read_png((tmp_path / "v").read_bytes()), picture)
        t.to_console()
        same(read_ppm((tmp_path / f"{letter}.ppm").read_bytes()), picture)


# ---- The same in QEMU --------------------------------------------------------------

class Qemu:
    """The same guest, VGA BIOS and kind of VGA."""

    def __init__(self, image, folder):
        path = str(folder / "monitor")
        self.session = pexpect.spawn("timeout", [
            "--foreground", "-k", "5", "300", "qemu-system-x86_64", "-m", "16",
            "-vga", "std", "-display", "none", "-serial", "stdio",
            "-drive", f"file={image},format=raw,snapshot=on",
            "-monitor", f"unix:{path},server=on,wait=off"],
            timeout=100, echo=False, encoding="latin-1")
        self.session.delaybeforesend = None
        self.session.expect("ready")
        self.monitor = socket.socket(socket.AF_UNIX)
        self.monitor.settimeout(20)
        self.monitor.connect(path)
        self.wait()

    def wait(self):
        got = b""
        while not got.endswith(b"(qemu) "):
            got += self.monitor.recv(4096)

    def screendump(self, path):
        self.monitor.sendall(f"screendump {path}\n".encode())
        self.wait()

    def close(self):
        self.monitor.close()
        self.session.close(force=True)


# Not 0, which QEMU shows with 8 dots; not p, which it shows black; and in 3 it
# has a ninth dot from B0h on, which the VGA has from C0h (IBM VGA Technical
# Reference, attribute mode control).
@pytest.mark.parametrize("letters", ["346de21x", "ghijv"])
def test_like_qemu(trestle, tmp_path, guest, letters):
    """QEMU widens colours otherwise: those bits are left out."""
    image = guest("screens")
    t = trestle("-m", 16, "-hda", image, limit=300)
    q = Qemu(image, tmp_path)
    t.expect("ready")
    try:
        for letter in letters:
            mask = 0xf8f8f8 if letter in "hi" else 0xfcfcfc
            go_to(t, letter)
            go_to(q.session, letter)
            q.screendump(tmp_path / "theirs")
            t.to_monitor()
            t.monitor(f"screendump {tmp_path}/ours")
            t.to_console()
            ours = read_ppm((tmp_path / "ours").read_bytes())
            theirs = read_ppm((tmp_path / "theirs").read_bytes())
            if letter == "3":
                for i in range(len(ours[2])):
                    cell = i // 720 // 16 * 80 + i % 720 // 9
                    if i % 9 == 8 and 0xb0 <= cell & 255 <= 0xbf:
                        theirs[2][i] = ours[2][i]
            same((*ours[:2], [p & mask for p in ours[2]]),
                 (*theirs[:2], [p & mask for p in theirs[2]]))
    finally:
        q.close()
