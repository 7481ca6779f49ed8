#!/usr/bin/env python3
"""Write the 8x16 screen font as assembly.

usage: font.py VGABIOS > font.S

The 256 glyphs (code page 437) are those of Debian's VGA BIOS, which the
appliance carries anyway. They are found by the first two: an empty cell and
the smiling face.
"""
import sys

GLYPHS, HEIGHT = 256, 16
FIRST = bytes(HEIGHT) + bytes.fromhex("00007e81a58181bd9981817e00000000")


def main(argv):
    if len(argv) != 2:
        sys.exit(__doc__)
    with open(argv[1], "rb") as f:
        rom = f.read()
    at = rom.find(FIRST)
    if at < 0 or at + GLYPHS * HEIGHT > len(rom):
        sys.exit(f"font.py: no 8x16 font in {argv[1]}")
    print("        .section .rodata\n        .globl screen_font\nscreen_font:")
    for glyph in range(GLYPHS):
        rows = rom[at + glyph * HEIGHT:at + (glyph + 1) * HEIGHT]
        print("        .byte " + ",".join(f"{b:#04x}" for b in rows))
    print('        .section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    main(sys.argv)
