/*
 * The 8x16 font: code page 437 as the VGA BIOS has it, then what Latin-1 and
 * Unicode's block elements have beyond that. Made by tools/font.py.
 */
#ifndef KERNEL_SCREEN_FONT_H
#define KERNEL_SCREEN_FONT_H

#include <stdint.h>

#define FONT_WIDTH 8u
#define FONT_HEIGHT 16u
#define FONT_TEXT_GLYPHS 256u   /* that a text mode has, too */

/* Rows from the top, the leftmost pixel in bit 7. */
extern const uint8_t font_glyphs[][FONT_HEIGHT];
/* What a text mode is to show for a glyph. */
extern const uint8_t font_text_glyphs[];
/* The character of each of code page 437's glyphs. */
extern const uint16_t font_text_codes[FONT_TEXT_GLYPHS];

/* The glyph of a character; that of U+25A0, a square, where there is none. */
unsigned font_glyph(uint16_t c);

#endif
