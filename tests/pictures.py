"""Pictures: files of them, and what tests/guests/screens.c draws."""
import pathlib
import struct
import zlib

FONT_ROM = pathlib.Path("/usr/share/seabios/vgabios-stdvga.bin")
EGA = [int(c, 16) for c in (
    "000000 0000aa 00aa00 00aaaa aa0000 aa00aa aa5500 aaaaaa "
    "555555 5555ff 55ff55 55ffff ff5555 ff55ff ffff55 ffffff").split()]


# ---- Files -----------------------------------------------------------------

def read_ppm(data):
    """Width, height, and the pixels as numbers."""
    magic, size, depth, body = data.split(b"\n", 3)
    assert (magic, depth) == (b"P6", b"255")
    width, height = map(int, size.split())
    assert len(body) == 3 * width * height
    return width, height, [
        r << 16 | g << 8 | b
        for r, g, b in zip(body[0::3], body[1::3], body[2::3])]


def read_png(data):
    """The same of a PNG, all of whose chunks are checked."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, kinds = 8, b"", []
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        crc, = struct.unpack_from(">I", data, at + 8 + length)
        assert crc == zlib.crc32(kind + body)
        kinds.append(kind)
        if kind == b"IHDR":
            width, height, *how = struct.unpack(">IIBBBBB", body)
            assert how == [8, 2, 0, 0, 0]
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
    raw = zlib.decompress(packed)
    stride = 1 + 3 * width
    assert len(raw) == stride * height
    above, pixels = bytes(stride - 1), []
    for y in range(height):
        assert raw[y * stride] == 2
        line = raw[y * stride + 1:(y + 1) * stride]
        above = bytes((a + b) & 255 for a, b in zip(line, above))
        pixels += [r << 16 | g << 8 | b for r, g, b in
                   zip(above[0::3], above[1::3], above[2::3])]
    return width, height, pixels


def font():
    """The BIOS's 256 glyphs of 16 lines."""
    rom = FONT_ROM.read_bytes()
    at = rom.find(bytes(16) + bytes.fromhex("00007e81a58181bd9981817e00000000"))
    assert at > 0
    return [rom[at + 16 * c:at + 16 * c + 16] for c in range(256)]


# ---- What screens.c draws -------------------------------------------------------

def number(x, y, width, height, colors):
    """picture() there."""
    if x in (0, width - 1) or y in (0, height - 1):
        return colors - 1
    if x in (y, width - 1 - y):
        return (colors // 2 + 1) % colors
    return (x // 16 + y // 16 * 3) % colors


def wide(v, bits):
    """Of a colour's `bits` the eight that show it."""
    v &= (1 << bits) - 1
    return v << (8 - bits) | v >> (2 * bits - 8)


def by_dac(v):
    return wide(v, 6) << 16 | wide(v * 3, 6) << 8 | wide((255 - v) >> 2, 6)


def rgb555(v):
    return wide(v >> 10, 5) << 16 | wide(v >> 5, 5) << 8 | wide(v, 5)


def rgb565(v):
    return wide(v >> 11, 5) << 16 | wide(v >> 5, 6) << 8 | wide(v, 5)


CGA = [0x000000, 0x55ffff, 0xff55ff, 0xffffff]
# Letter: width, height, how wide and high a pixel is, colours, and the colour
# of a number at x, y.
MODES = {
    "4": (320, 200, 2, 2, 4, lambda v, x, y: CGA[v]),
    "6": (640, 200, 1, 2, 2, lambda v, x, y: 0xffffff * v),
    "d": (320, 200, 2, 2, 16, lambda v, x, y: EGA[v]),
    "e": (640, 350, 1, 1, 16, lambda v, x, y: EGA[v]),
    "2": (640, 480, 1, 1, 16, lambda v, x, y: EGA[v]),
    "1": (320, 200, 2, 2, 256, lambda v, x, y: by_dac(v)),
    "x": (320, 240, 2, 2, 256, lambda v, x, y: by_dac(v)),
    "p": (800, 600, 1, 1, 16, lambda v, x, y: EGA[v]),
    "g": (640, 480, 1, 1, 256, lambda v, x, y: by_dac(v)),
    "h": (640, 480, 1, 1, 256, lambda v, x, y: rgb555(v << 8 | (x + y) & 255)),
    "i": (800, 600, 1, 1, 256, lambda v, x, y: rgb565(v << 8 | (x + y) & 255)),
    "j": (640, 480, 1, 1, 256,
          lambda v, x, y: v << 16 | (x & 255) << 8 | y & 255),
    "v": (1024, 768, 1, 1, 256,
          lambda v, x, y: v << 16 | (x & 255) << 8 | y & 255),
}


def drawn(letter):
    width, height, sx, sy, colors, color = MODES[letter]
    pixels = []
    for y in range(height):
        line = []
        for x in range(width):
            line += [color(number(x, y, width, height, colors), x, y)] * sx
        pixels += line * sy
    return width * sx, height * sy, pixels


def text_drawn(columns, dot):
    """Modes 0 and 3: no cursor, 16 backgrounds."""
    glyphs, pixels = font(), []
    for y in range(400):
        for x in range(columns):
            i = y // 16 * columns + x
            attribute, c = (i * 7 + i // 80) & 255, i & 255
            bits = glyphs[c][y % 16] << 1
            if 0xc0 <= c <= 0xdf:
                bits |= bits >> 1 & 1
            for k in range(8, -1, -1):
                on = bits >> k & 1
                pixels += [EGA[attribute & 15 if on else attribute >> 4]] * dot
    return columns * 9 * dot, 400, pixels
