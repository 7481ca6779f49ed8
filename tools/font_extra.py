"""Glyphs beyond code page 437, for font.py: Latin-1, DEC's scan lines, blocks.

A glyph is 16 bytes, a row each, the leftmost pixel in bit 7.
"""
HEIGHT, BASE = 16, 12           # rows; the first one below the base line

# Letters that are drawn: the first row, the rows, and what a text mode shows.
DRAWN = {
    "¤": (4, "##...##. .#####.. ##...##. ##...##. ##...##. .#####.. ##...##.",
          "☼"),
    "¦": (2, "...##... ...##... ...##... ...##... ........ ........ ...##... "
             "...##... ...##... ...##...", "|"),
    "©": (2, ".#####.. #.....#. #..##.#. #.#...#. #.#...#. #.#...#. #..##.#. "
             "#.....#. .#####..", "C"),
    "®": (2, ".#####.. #.....#. #.###.#. #.#.#.#. #.##..#. #.#.#.#. #.#.#.#. "
             "#.....#. .#####..", "R"),
    "¯": (1, "########", "-"),
    "³": (1, "####.... ....#... ..##.... ....#... ####....", "3"),
    "¹": (1, ".##..... ###..... .##..... .##..... ####....", "1"),
    "×": (5, "##...##. .##.##.. ..###... .##.##.. ##...##.", "x"),
    "Ø": (1, "......#. .#####.. ##..###. ##..###. ##.####. ##.#.##. ##.#.##. "
             "####.##. ###..##. ###..##. .#####.. #.......", "O"),
    "ø": (4, "......#. .#####.. ##..###. ##.####. ##.#.##. ####.##. ###..##. "
             ".#####.. #.......", "o"),
    "Þ": (2, "####.... .##..... .#####.. .##..##. .##..##. .##..##. .#####.. "
             ".##..... .##..... ####....", "P"),
    "þ": (2, "###..... .##..... .##..... .#####.. .##..##. .##..##. .##..##. "
             ".##..##. .##..##. .#####.. .##..... .##..... ####....", "p"),
    "ð": (2, "..##.#.. ...##... ..#.##.. ....##.. .#####.. ##..##.. ##..##.. "
             "##..##.. ##..##.. .####...", "d"),
    "⎺": (1, "########", "-"),
    "⎻": (4, "########", "-"),
    "⎼": (10, "########", "_"),
    "⎽": (13, "########", "_"),
}

# Letter and accent; the accent as it is on a letter of the code page.
ACCENTS = {"`": "è", "´": "é", "^": "ê", "~": "ñ", "¨": "ë"}
CAPITALS = {
    "À": "A`", "Á": "A´", "Â": "A^", "Ã": "A~", "È": "E`", "Ê": "E^",
    "Ë": "E¨", "Ì": "I`", "Í": "I´", "Î": "I^", "Ï": "I¨", "Ò": "O`",
    "Ó": "O´", "Ô": "O^", "Õ": "O~", "Ù": "U`", "Ú": "U´", "Û": "U^",
    "Ý": "Y´",
}
SMALL = {"ã": "a~", "õ": "o~", "ý": "y´"}
MARKS = {"´": "'", "¨": '"'}

# What looks alike, or nearly so.
ALIASES = {
    "\u00ad": "-", "β": "ß", "μ": "µ", "\u2126": "Ω", "∈": "ε", "◆": "♦",
    "‘": "'", "’": "'", "“": '"', "”": '"', "‹": "<", "›": ">", "…": ".",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "∕": "/",
    "●": "•", "◦": "○", "▶": "►", "◀": "◄", "△": "▲", "▽": "▼", "★": "*",
    "✓": "√", "✔": "√", "✗": "x", "✘": "x", "∣": "|", "□": "■", "▪": "■",
    **dict(zip("╭╮╯╰", "┌┐┘└")),
    **dict(zip("━┃┏┓┗┛┣┫┳┻╋", "─│┌┐└┘├┤┬┴┼")),
    **dict(zip("┄┅┈┉╌╍╴╶╸╺╼╾", "─" * 12)),
    **dict(zip("┆┇┊┋╎╏╵╷╹╻╽╿", "│" * 12)),
}


def drawn(top, rows):
    body = bytes(int(r.replace(".", "0").replace("#", "1"), 2)
                 for r in rows.split())
    return (bytes(top) + body).ljust(HEIGHT, b"\0")


def without_blank(rows):
    return bytes(rows).strip(b"\0")


def accent_of(glyphs, name):
    """Rows 1 to 3 of a small letter are its accent's."""
    return without_blank(glyphs[ACCENTS[name]][1:4])


def squeezed(glyph):
    """A capital in rows 3 to 11: of two alike rows, one goes."""
    rows = list(glyph[2:BASE])
    twice = [i for i in range(len(rows) - 1) if rows[i] == rows[i + 1]]
    del rows[min(twice, key=lambda i: abs(i - 4))]
    return bytes(rows)


def capital(glyphs, letter, accent):
    # The code page's own has the E for it.
    body = glyphs["É"][3:BASE] if letter == "E" else squeezed(glyphs[letter])
    mark = accent_of(glyphs, accent)
    return (mark.rjust(2, b"\0").ljust(3, b"\0") + body).ljust(HEIGHT, b"\0")


def small(glyphs, letter, accent):
    mark = accent_of(glyphs, accent).rjust(3, b"\0")
    return bytes(1) + mark + bytes(1) + glyphs[letter][5:]


def letters(glyphs):
    for c, (top, rows, instead) in DRAWN.items():
        yield c, drawn(top, rows), instead
    for c, (letter, accent) in CAPITALS.items():
        yield c, capital(glyphs, letter, accent), letter
    for c, (letter, accent) in SMALL.items():
        yield c, small(glyphs, letter, accent), letter
    for c, instead in MARKS.items():
        yield c, (bytes(1) + accent_of(glyphs, c)).ljust(HEIGHT, b"\0"), instead
    yield "¸", bytes(BASE) + glyphs["ç"][BASE:], ","
    d = bytearray(glyphs["D"])
    d[7] |= 0xf0
    yield "Ð", bytes(d), "D"
    # Three quarters: a quarter with a 3 in place of its 1.
    yield "¾", drawn(0, "###..... ..#..... .##..... ..#...#. ###..##. "
                        "....##..")[:6] + glyphs["¼"][6:], "¼"


def block(x0, x1, y0, y1):
    """Columns x0 up to x1 of rows y0 up to y1, of eighths."""
    row = (0xff >> x0) & ~(0xff >> x1) & 0xff
    return bytes(row if y0 * 2 <= y < y1 * 2 else 0 for y in range(HEIGHT))


def either(*parts):
    return bytes(sum(bits) for bits in zip(*parts))


def blocks():
    """Unicode's block elements, but those of the code page."""
    for i in (1, 2, 3, 5, 6, 7):
        yield chr(0x2580 + i), block(0, 8, 8 - i, 8), "▄" if i < 6 else "█"
        yield chr(0x2590 - i), block(0, i, 0, 8), "▌" if i < 6 else "█"
    yield "▔", block(0, 8, 0, 1), "▀"
    yield "▕", block(7, 8, 0, 8), "▐"
    quarter = {"▖": (block(0, 4, 4, 8), "▄"), "▗": (block(4, 8, 4, 8), "▄"),
               "▘": (block(0, 4, 0, 4), "▀"), "▝": (block(4, 8, 0, 4), "▀")}
    for c, (rows, instead) in quarter.items():
        yield c, rows, instead
    for c, parts in {"▙": "▖▗▘", "▚": "▘▗", "▛": "▖▘▝", "▜": "▗▘▝",
                     "▞": "▖▝", "▟": "▖▗▝"}.items():
        yield c, either(*(quarter[p][0] for p in parts)), "█"


def extra(glyphs):
    """Character, glyph and what stands for it in a text mode, one by one."""
    yield from letters(glyphs)
    yield from blocks()
