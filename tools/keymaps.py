#!/usr/bin/env python3
"""Write the keyboard layouts as assembly (kernel/keymap/keymap.h).

usage: keymaps.py > keymaps.S

Layouts are those of Debian's xkb-data, as libxkbcommon compiles them; what a
dead key makes of the next one is libx11-data's Compose file, as it reads it.
The names are those of qemu's -k, with the layout and variant that qemu 7.2
takes for each.
"""
import ctypes
import sys

# What qemu calls it: xkb's layout, variant and model.
LAYOUTS = {
    "ar": ("ara",), "bepo": ("fr", "dvorak"), "cz": ("cz",), "da": ("dk",),
    "de": ("de", "nodeadkeys"), "de-ch": ("ch",), "en-gb": ("gb",),
    "en-us": ("us",), "es": ("es",), "et": ("ee",), "fi": ("fi",),
    "fo": ("fo",), "fr": ("fr", "nodeadkeys"), "fr-be": ("be",),
    "fr-ca": ("ca", "fr"), "fr-ch": ("ch", "fr"), "hr": ("hr",),
    "hu": ("hu",), "is": ("is",), "it": ("it",), "ja": ("jp", "", "jp106"),
    "lt": ("lt",), "lv": ("lv",), "mk": ("mk",), "nl": ("nl",),
    "nl-be": ("be",), "no": ("no",), "pl": ("pl",), "pt": ("pt",),
    "pt-br": ("br", "", "abnt2"), "ru": ("ru",), "sl": ("si",), "sv": ("se",),
    "th": ("th",), "tr": ("tr",),
}
COMPOSE = b"/usr/share/X11/locale/en_US.UTF-8/Compose"

# Scan code set 1 (80h: behind E0h), and Linux's number where it is another.
EVDEV = {0x73: 89, 0x7d: 124, 0x7e: 121, 0xb5: 98}
MAIN = [*range(0x02, 0x0e), *range(0x10, 0x1c), *range(0x1e, 0x2a),
        *range(0x2b, 0x36), 0x39, 0x56, 0x73, 0x7d]
KEYPAD = [0x37, *range(0x47, 0x54), 0x7e, 0xb5]
XKB_OF_EVDEV = 8

# Bits of a main key's state, as in keymap.h, and the real modifiers of each.
STATES = ("Shift", "Mod5", "Lock")
NUM = "Mod2"

DEAD_FIRST, DEAD_LAST = 0xfe50, 0xfe93  # xkbcommon-keysyms.h
DEAD = 0xe000                           # KEYMAP_DEAD
PRIVATE = range(0xd800, 0xf900)         # surrogates and private use
COMPOSED = 2                            # XKB_COMPOSE_COMPOSED
NAME_SIZE, TITLE_SIZE = 8, 48


class Names(ctypes.Structure):
    _fields_ = [(n, ctypes.c_char_p) for n in
                ("rules", "model", "layout", "variant", "options")]


def open_library():
    lib = ctypes.CDLL("libxkbcommon.so.0")
    pointers = ("xkb_context_new", "xkb_keymap_new_from_names",
                "xkb_state_new", "xkb_compose_table_new_from_file",
                "xkb_compose_state_new")
    for name in pointers:
        getattr(lib, name).restype = ctypes.c_void_p
    lib.xkb_keymap_layout_get_name.restype = ctypes.c_char_p
    return lib


LIB = open_library()
CONTEXT = ctypes.c_void_p(LIB.xkb_context_new(0))


def pointer(value, what):
    if not value:
        sys.exit(f"keymaps.py: no {what}: are xkb-data and libx11-data "
                 "installed?")
    return ctypes.c_void_p(value)


def character(sym):
    """A keysym as a 16-bit character or dead key; 0: neither."""
    if DEAD_FIRST <= sym <= DEAD_LAST:
        return DEAD + sym - DEAD_FIRST
    c = LIB.xkb_keysym_to_utf32(sym)
    return 0 if c < 0x20 or c == 0x7f or c > 0xffff or c in PRIVATE else c


class Layout:
    """One layout: its title, and the characters of its keys."""

    def __init__(self, name):
        layout, variant, model = (*LAYOUTS[name], "", "")[:3]
        names = Names(b"evdev", (model or "pc105").encode(), layout.encode(),
                      variant.encode(), b"")
        self.map = pointer(LIB.xkb_keymap_new_from_names(
            CONTEXT, ctypes.byref(names), 0), f"layout {layout} {variant}")
        self.state = pointer(LIB.xkb_state_new(self.map), "state")
        self.title = LIB.xkb_keymap_layout_get_name(self.map, 0)
        self.main = [[self.sym(key, [m for bit, m in enumerate(STATES)
                                     if state >> bit & 1])
                      for state in range(1 << len(STATES))] for key in MAIN]
        self.keypad = [self.sym(key, [NUM]) for key in KEYPAD]

    def sym(self, key, modifiers):
        mask = 0
        for name in modifiers:
            mask |= 1 << LIB.xkb_keymap_mod_get_index(self.map, name.encode())
        LIB.xkb_state_update_mask(self.state, mask, 0, 0, 0, 0, 0)
        return LIB.xkb_state_key_get_one_sym(
            self.state, EVDEV.get(key, key) + XKB_OF_EVDEV)

    def is_latin(self):
        plain = {character(row[0]) for row in self.main}
        return set(map(ord, "abcdefghijklmnopqrstuvwxyz")) <= plain


def compositions(layouts):
    """(dead, next, result) for what can be typed with any of them."""
    table = pointer(LIB.xkb_compose_table_new_from_file(
        CONTEXT, ctypes.c_void_p(open_file(COMPOSE)), b"en_US.UTF-8", 1, 0),
        "Compose file")
    state = pointer(LIB.xkb_compose_state_new(table, 0), "compose state")
    syms = {s for l in layouts for row in l.main for s in row if character(s)}
    syms |= {ord(c) for c in map(chr, range(0x20, 0x7f))}
    found = {}
    for dead in (s for s in syms if DEAD_FIRST <= s <= DEAD_LAST):
        for following in syms:
            LIB.xkb_compose_state_reset(state)
            LIB.xkb_compose_state_feed(state, dead)
            LIB.xkb_compose_state_feed(state, following)
            if LIB.xkb_compose_state_get_status(state) != COMPOSED:
                continue
            c = character(LIB.xkb_compose_state_get_one_sym(state))
            if c:
                found[character(dead), character(following)] = c
    return [(*pair, c) for pair, c in sorted(found.items())]


def open_file(path):
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    return libc.fopen(path, b"r")


def emit(name, directive, values, align=2):
    print(f"        .balign {align}\n        .globl {name}\n{name}:")
    for value in values:
        print(f"        {directive} {value}")


def text(value, size):
    return f'.ascii "{value}"\n        .zero {size - len(value)}'


def emit_layout(name, layout):
    title = layout.title.decode("ascii")[:TITLE_SIZE - 1]
    print(f"        {text(name, NAME_SIZE)}\n        {text(title, TITLE_SIZE)}")
    print(f"        .short {int(layout.is_latin())}")
    for row in [layout.keypad, *layout.main]:
        print("        .short " + ",".join(f"{character(s):#x}" for s in row))


def main():
    layouts = {name: Layout(name) for name in sorted(LAYOUTS)}
    composed = compositions(layouts.values())
    print("        .section .rodata")
    emit("keymap_main_keys", ".byte", [f"{k:#04x}" for k in MAIN])
    emit("keymap_main_count", ".long", [len(MAIN)], 4)
    emit("keymap_keypad_keys", ".byte", [f"{k:#04x}" for k in KEYPAD])
    emit("keymap_compositions", ".short",
         [",".join(f"{c:#x}" for c in row) for row in composed])
    emit("keymap_composition_count", ".long", [len(composed)], 4)
    emit("keymap_layout_count", ".long", [len(layouts)], 4)
    emit("keymap_layouts", "", [])
    for name, layout in layouts.items():
        emit_layout(name, layout)
    print('        .section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    main()
