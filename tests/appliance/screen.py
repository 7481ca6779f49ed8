"""QEMU's screen: a dump of it, and the text on it, read by the font."""
import collections
import json
import pathlib
import re
import socket
import sys
import time

from pictures import FONT_ROM, read_ppm

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))

import font  # noqa: E402
import font_extra  # noqa: E402

HEIGHT = font.HEIGHT


def font_table():
    """Glyph (16 bytes) -> character; the most usual of several."""
    glyphs, text = font.read_glyphs(FONT_ROM), font.code_page()
    known = {c: glyphs[i] for i, c in enumerate(text) if i}
    known |= {c: rows for c, rows, _ in font_extra.extra(dict(known))}
    return {rows: c for c, rows in reversed(known.items())}


class Picture:
    """A PPM; pixels are numbers, 0xRRGGBB."""

    def __init__(self, data):
        self.width, self.height, self.pixels = read_ppm(data)

    def pixel(self, x, y):
        return self.pixels[y * self.width + x]


class Screen:
    """A QEMU's; `arguments` go to it, before it starts."""

    def __init__(self, folder):
        self.folder = folder
        self.path = str(folder / "qmp")
        self.arguments = ("-qmp", f"unix:{self.path},server=on,wait=off")
        self.table = font_table()

    def command(self, name, **arguments):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            while not pathlib.Path(self.path).exists():
                time.sleep(0.1)         # QEMU makes it
            s.connect(self.path)
            lines = s.makefile("rw")
            lines.readline()
            for words in ({"execute": "qmp_capabilities"},
                          {"execute": name, "arguments": arguments}):
                lines.write(json.dumps(words) + "\n")
                lines.flush()
                while "return" not in (answer := json.loads(lines.readline())):
                    assert "error" not in answer, answer
        return answer["return"]

    def keys(self, *chords):
        """Press and release each, "ctrl-alt-1", by QEMU's names.

        As fast as somebody types: QEMU's USB keyboard says one thing each 8 ms,
        and forgets what is more than 16 behind.
        """
        for chord in chords:
            names = chord.split("-")
            self.hold(*names)
            self.release(*names[::-1])
            time.sleep(0.1)

    def hold(self, *names, down=True):
        self.command("input-send-event", events=[
            {"type": "key",
             "data": {"key": {"type": "qcode", "data": name}, "down": down}}
            for name in names])

    def release(self, *names):
        self.hold(*names, down=False)

    def type(self, text):
        """As somebody with a US keyboard would."""
        names = {" ": "spc", "\n": "ret", "-": "minus"}
        self.keys(*(names.get(c) or ("shift-" if c.isupper() else "") +
                    c.lower() for c in text))

    def move(self, dx=0, dy=0, wheel=0, button=None):
        """Move, turn the wheel (towards the user), press or release ("left",
        True)."""
        events = [{"type": "rel", "data": {"axis": axis, "value": value}}
                  for axis, value in (("x", dx), ("y", dy)) if value]
        if button:
            events.append({"type": "btn", "data": {"button": button[0],
                                                   "down": button[1]}})
        events += [{"type": "btn", "data": {"button": "wheel-down",
                                            "down": down}}
                   for _ in range(wheel) for down in (True, False)]
        self.command("input-send-event", events=events)

    def picture(self):
        path = self.folder / "screen.ppm"
        self.command("screendump", filename=str(path))
        return Picture(path.read_bytes())

    def keep(self, name):
        """A PNG in the test's folder, for whoever wants to look at it."""
        self.command("screendump", filename=str(self.folder / f"{name}.png"),
                     format="png")

    def text(self, wide=8, middle=None):
        """The rows of text, cells `wide` pixels wide; or those of a picture of
        that size in the middle."""
        picture, x, y = self.picture(), 0, 0
        if middle:
            x = (picture.width - middle[0]) // 2
            y = (picture.height - middle[1]) // 2
        return [self.row(picture, x, top, wide).rstrip()
                for top in range(y, picture.height - HEIGHT + 1, HEIGHT)]

    def row(self, picture, x, y, wide):
        starts = [(y + r) * picture.width for r in range(HEIGHT)]
        lines = [picture.pixels[at:at + picture.width] for at in starts]
        if not any(map(any, lines)):
            return ""
        return "".join(
            self.cell([line[at:at + 8] for line in lines])
            for at in range(x, picture.width - wide + 1, wide))

    def cell(self, dots):
        """The character of a cell: the font's, in two colours."""
        colours = collections.Counter(dot for line in dots for dot in line)
        if len(colours) == 1:
            return " "
        for ground in colours:          # on which the letter is
            rows = bytes(sum((dot != ground) << (7 - i)
                             for i, dot in enumerate(line)) for line in dots)
            if rows in self.table:
                return self.table[rows]
        return "?"

    def shows(self, pattern):
        """In text mode, where ^ and $ are a line's."""
        return self.wait_for(re.compile(pattern, re.M), wide=9)

    def wait_for(self, pattern, timeout=60, **where):
        """The text (one string) once the pattern is in it."""
        end = time.time() + timeout
        while True:
            text = "\n".join(self.text(**where))
            if found := pattern.search(text):
                return found
            assert time.time() < end, f"{pattern.pattern} is not in:\n{text}"
            time.sleep(0.5)
