#!/usr/bin/env python3
"""Write the 8x16 screen font and its tables as assembly (kernel/screen/font.h).

usage: font.py VGABIOS > font.S

The first 256 glyphs (code page 437) are those of Debian's VGA BIOS, which the
appliance carries anyway. They are found by the first two: an empty cell and
the smiling face. What Latin-1 has beyond them is composed of their parts, or
drawn in font_extra.py.
"""
import sys

import font_extra

GLYPHS, HEIGHT = 256, 16
FIRST = bytes(HEIGHT) + bytes.fromhex("00007e81a58181bd9981817e00000000")
# What code page 437 shows for 00h to 1Fh, and 7Fh.
CONTROLS = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
HOUSE = "⌂"


def read_glyphs(path):
    with open(path, "rb") as f:
        rom = f.read()
    at = rom.find(FIRST)
    if at < 0 or at + GLYPHS * HEIGHT > len(rom):
        sys.exit(f"font.py: no 8x16 font in {path}")
    return [rom[at + i * HEIGHT:at + (i + 1) * HEIGHT] for i in range(GLYPHS)]


def code_page():
    """The character of each of the 256 glyphs."""
    text = list(bytes(range(GLYPHS)).decode("cp437"))
    text[:len(CONTROLS)] = CONTROLS
    text[0x7f] = HOUSE
    return text


def emit(name, directive, values, align=2):
    print(f"        .balign {align}\n        .globl {name}\n{name}:")
    for value in values:
        print(f"        {directive} {value}")


def main(argv):
    if len(argv) != 2:
        sys.exit(__doc__)
    glyphs, text = read_glyphs(argv[1]), code_page()
    # Glyph 0 is a space, too, but not the one that is looked for.
    index = {c: i for i, c in enumerate(text) if i}
    fallback = []
    for c, rows, instead in font_extra.extra(
            {c: glyphs[i] for c, i in index.items()}):
        index[c] = len(glyphs)
        glyphs.append(rows)
        fallback.append(text.index(instead))
    index |= {c: index[same] for c, same in font_extra.ALIASES.items()}
    codes = sorted((ord(c), i) for c, i in index.items())
    print("        .section .rodata")
    emit("font_glyphs", ".byte",
         [",".join(f"{b:#04x}" for b in rows) for rows in glyphs])
    emit("font_codes", ".short", [f"{c:#06x}, {i}" for c, i in codes])
    emit("font_code_count", ".long", [len(codes)], 4)
    emit("font_text_glyphs", ".byte", [*range(GLYPHS), *fallback])
    emit("font_text_codes", ".short", [f"{ord(c):#06x}" for c in text])
    print('        .section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    main(sys.argv)
