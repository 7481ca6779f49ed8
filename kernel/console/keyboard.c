/* See keyboard.h. */
#include "kernel/console/keyboard.h"

#include <string.h>

#include "kernel/guest.h"
#include "kernel/keymap/keymap.h"
#include "kernel/platform.h"

/* Scan codes of set 1, 80h: behind E0h. */
enum {
    KEY_ESCAPE = 0x01, KEY_1 = 0x02, KEY_0 = 0x0b, KEY_BACKSPACE = 0x0e,
    KEY_TAB = 0x0f, KEY_RETURN = 0x1c, KEY_CTRL = 0x1d, KEY_SHIFT = 0x2a,
    KEY_SHIFT_R = 0x36, KEY_PAD_STAR = 0x37, KEY_ALT = 0x38,
    KEY_CAPS_LOCK = 0x3a, KEY_F1 = 0x3b, KEY_F10 = 0x44, KEY_NUM_LOCK = 0x45,
    KEY_SCROLL_LOCK = 0x46, KEY_PAD_7 = 0x47, KEY_PAD_DEL = 0x53,
    KEY_F11 = 0x57, KEY_F12 = 0x58, KEY_PAD_ENTER = 0x9c, KEY_CTRL_R = 0x9d,
    KEY_PAD_SLASH = 0xb5, KEY_ALT_R = 0xb8, KEY_DEL = 0xd3,
};
#define EXTENDED 0x80u
#define DIGITS 9u               /* that choose a console, from 1 */
#define NO_KEY UINT8_MAX        /* an enum vt_key that is none */

static const input_key modifier_keys[] = {
    KEY_CTRL, KEY_CTRL_R, KEY_SHIFT, KEY_SHIFT_R, KEY_ALT, KEY_ALT_R,
};

/* From the keypad's 7, where the cursor block's keys are, too, behind E0h. */
static const uint8_t cursor_keys[] = {
    VT_KEY_HOME, VT_KEY_UP, VT_KEY_PAGE_UP, NO_KEY, VT_KEY_LEFT, NO_KEY,
    VT_KEY_RIGHT, NO_KEY, VT_KEY_END, VT_KEY_DOWN, VT_KEY_PAGE_DOWN,
    VT_KEY_INSERT, VT_KEY_DELETE,
};

_Static_assert(sizeof cursor_keys == KEY_PAD_DEL - KEY_PAD_7 + 1,
               "the keypad's keys");

/* ---- Keys that are down -------------------------------------------------- */

static bool ctrl(const struct keyboard *k)
{
    return input_has(k->down, KEY_CTRL) || input_has(k->down, KEY_CTRL_R);
}

static bool any_alt(const struct keyboard *k)
{
    return input_has(k->down, KEY_ALT) || input_has(k->down, KEY_ALT_R);
}

static bool shift(const struct keyboard *k)
{
    return input_has(k->down, KEY_SHIFT) || input_has(k->down, KEY_SHIFT_R);
}

static bool is_modifier(input_key key)
{
    return memchr(modifier_keys, key, sizeof modifier_keys);
}

static const struct console_source *source(const struct keyboard *k)
{
    return &k->consoles->console[k->consoles->shown].source;
}

/* ---- A guest's ----------------------------------------------------------- */

static void put(struct keyboard *k, input_key key, bool is_down)
{
    if (guest_keys_put(k->guest, key, is_down))
        input_set(k->guest_down, key, is_down);
}

static void leave_guest(struct keyboard *k)
{
    for (unsigned key = 0; key < INPUT_KEYS; key++)
        if (input_has(k->guest_down, key))
            put(k, (input_key)key, false);
    memset(k->guest_down, 0, sizeof k->guest_down);     /* the next one's */
    if (k->guest_buttons)
        guest_mouse(k->guest, 0, 0, 0, 0);
    k->guest_buttons = 0;
}

/* So many keys waited that it could not be told. */
static void release_rest(struct keyboard *k)
{
    for (unsigned i = 0; i < sizeof k->guest_down; i++)
        for (unsigned key = 8 * i;
             k->guest_down[i] & ~k->down[i] && key < 8 * (i + 1); key++)
            if (input_has(k->guest_down, key) && !input_has(k->down, key))
                put(k, (input_key)key, false);
}

/* It was not told of those that were down before its console was shown. */
static void tell_modifiers(struct keyboard *k)
{
    for (unsigned i = 0; i < sizeof modifier_keys; i++)
        if (input_has(k->down, modifier_keys[i]) &&
            !input_has(k->guest_down, modifier_keys[i]))
            put(k, modifier_keys[i], true);
}

static void give_to_guest(struct keyboard *k, const struct input_event *e)
{
    if (e->is_down && !is_modifier(e->key))
        tell_modifiers(k);
    if (e->is_down || input_has(k->guest_down, e->key))
        put(k, e->key, e->is_down);
}

static void move(struct keyboard *k, const struct input_event *e)
{
    if (!k->guest || source(k)->vt)
        return;
    k->guest_buttons = e->buttons;
    guest_mouse(k->guest, e->dx, e->dy, e->dz, e->buttons);
}

/* ---- A terminal's -------------------------------------------------------- */

static unsigned vt_modifiers(const struct keyboard *k, bool right_alt_too)
{
    return (shift(k) ? VT_SHIFT : 0) | (ctrl(k) ? VT_CTRL : 0) |
           (input_has(k->down, KEY_ALT) ||
            (right_alt_too && input_has(k->down, KEY_ALT_R)) ? VT_ALT : 0);
}

static bool toggle_lock(struct keyboard *k, const struct input_event *e)
{
    unsigned lock = e->key == KEY_CAPS_LOCK ? INPUT_CAPS_LOCK
                  : e->key == KEY_NUM_LOCK ? INPUT_NUM_LOCK
                  : e->key == KEY_SCROLL_LOCK ? INPUT_SCROLL_LOCK : 0;

    if (lock && !e->is_repeat)
        k->locks ^= lock;
    return lock;
}

/* What is no character: NO_KEY, if it is one. */
static unsigned function_key(input_key key)
{
    unsigned plain = key & ~EXTENDED;

    switch (key) {
    case KEY_BACKSPACE: return VT_KEY_BACKSPACE;
    case KEY_TAB: return VT_KEY_TAB;
    case KEY_RETURN: return VT_KEY_RETURN;
    case KEY_F11: return VT_KEY_F11;
    case KEY_F12: return VT_KEY_F12;
    }
    if (key >= KEY_F1 && key <= KEY_F10)
        return VT_KEY_F1 + (key - KEY_F1);
    if (key & EXTENDED && plain >= KEY_PAD_7 && plain <= KEY_PAD_DEL)
        return cursor_keys[plain - KEY_PAD_7];
    return NO_KEY;
}

/*
 * The keypad, as PCs have it: digits with Num Lock, keys of the cursor without.
 * The others are a VT102's without Num Lock, for programs that ask for them.
 * False: it is none of its keys.
 */
static bool keypad(struct keyboard *k, input_key key, uint64_t now)
{
    const struct keymap *map = source(k)->guest->options->keymap;
    unsigned modifiers = vt_modifiers(k, true), cursor;
    bool num = k->locks & INPUT_NUM_LOCK;
    bool is_block = key >= KEY_PAD_7 && key <= KEY_PAD_DEL;
    uint16_t c = keymap_char(map, key, (num ? KEYMAP_NUM : 0) |
                                       (shift(k) ? KEYMAP_SHIFT : 0));

    if (key == KEY_PAD_ENTER)
        c = '\r';
    else if (key != KEY_PAD_SLASH && key != KEY_PAD_STAR && !is_block)
        return false;
    if (!c) {                   /* with no character, the others are nothing */
        cursor = is_block ? cursor_keys[key - KEY_PAD_7] : NO_KEY;
        if (cursor != NO_KEY)
            consoles_key(k->consoles, (enum vt_key)cursor, modifiers, now);
    } else if (num && c == '\r') {
        consoles_key(k->consoles, VT_KEY_RETURN, modifiers, now);
    } else if (num) {
        consoles_type(k->consoles, c, modifiers & ~(unsigned)VT_SHIFT, now);
    } else {
        consoles_keypad(k->consoles, (char)c, now);
    }
    return true;
}

/* The character of a key. Right Alt is Alt where the layout has no use for it;
 * Ctrl goes with Latin letters, whatever the layout has. */
static uint16_t character(const struct keyboard *k, input_key key,
                          unsigned *modifiers)
{
    const struct keymap *map = source(k)->guest->options->keymap;
    unsigned state = (shift(k) ? KEYMAP_SHIFT : 0) |
                     (k->locks & INPUT_CAPS_LOCK ? KEYMAP_CAPS : 0);
    uint16_t plain = keymap_char(map, key, state), c = plain;

    if (input_has(k->down, KEY_ALT_R))
        c = keymap_char(map, key, state | KEYMAP_ALTGR);
    *modifiers = vt_modifiers(k, c == plain) & ~(unsigned)VT_SHIFT;
    if (*modifiers & VT_CTRL && c >= 0x80)
        c = keymap_char(keymap_find(KEYMAP_DEFAULT), key, state);
    return c;
}

static void type(struct keyboard *k, input_key key, uint64_t now)
{
    uint16_t out[2] = { 0, 0 };
    unsigned modifiers, count = 1;

    out[0] = character(k, key, &modifiers);
    if (!out[0])
        return;
    if (!modifiers)
        count = keymap_type(&k->dead, out[0], out);
    else if (keymap_is_dead(out[0]))
        return;
    for (unsigned i = 0; i < count; i++)
        consoles_type(k->consoles, out[i], modifiers, now);
}

static void give_to_terminal(struct keyboard *k, const struct input_event *e,
                             uint64_t now)
{
    unsigned key = function_key(e->key);

    if (!e->is_down || is_modifier(e->key) || toggle_lock(k, e))
        return;
    if (key != NO_KEY)
        consoles_key(k->consoles, (enum vt_key)key, vt_modifiers(k, true), now);
    else if (e->key == KEY_ESCAPE)
        consoles_type(k->consoles, 0x1b, 0, now);
    else if (!keypad(k, e->key, now))
        type(k, e->key, now);
}

/* ---- Everybody's --------------------------------------------------------- */

/* Its number: the same console of the next machine; 0: there is none. */
static unsigned next_machine(const struct keyboard *k)
{
    const struct consoles *c = k->consoles;
    const struct console_source *own = source(k);

    for (unsigned i = 1; i < c->count; i++) {
        unsigned at = (c->shown + i) % c->count;
        const struct console_source *s = &c->console[at].source;

        if (s->guest != own->guest && s->draw == own->draw &&
            s->input == own->input)
            return at + 1;
    }
    return 0;
}

/* Ctrl-Alt and another key. True: that was for us. */
static bool take_chord(struct keyboard *k, const struct input_event *e,
                       uint64_t now)
{
    static const guest_key restart[] = { KEY_CTRL, KEY_ALT, KEY_DEL };
    const struct consoles *c = k->consoles;
    unsigned digit = e->key - KEY_1;

    if (!e->is_down || !ctrl(k) || !any_alt(k))
        return false;
    if (digit < DIGITS && digit < c->count) {
        consoles_show(k->consoles, digit + 1, now);
        return true;
    }
    if (e->key == KEY_0 && consoles_show(k->consoles, next_machine(k), now))
        return true;
    if ((e->key == KEY_DEL || e->key == KEY_PAD_DEL) && source(k)->vt) {
        if (!e->is_repeat)
            guest_keys_press(source(k)->guest, restart, 3,
                             GUEST_KEYS_HOLD_MS);
        return true;
    }
    return false;
}

void keyboard_init(struct keyboard *k, struct consoles *consoles)
{
    memset(k, 0, sizeof *k);
    k->consoles = consoles;
    k->guest = source(k)->vt ? NULL : source(k)->guest;
    k->shown = consoles->shown;
    platform_input_leds(0);
}

void keyboard_poll(struct keyboard *k)
{
    const struct console_source *s = source(k);
    unsigned leds = s->leds ? s->leds(s->ctx) : k->locks;

    if (k->shown != k->consoles->shown) {
        if (k->guest)
            leave_guest(k);
        k->guest = s->vt ? NULL : s->guest;
        k->shown = k->consoles->shown;
        memcpy(k->stale, k->down, sizeof k->stale);
        k->dead = 0;
    }
    if (k->guest)
        release_rest(k);
    if (leds != k->leds)
        platform_input_leds(leds);
    k->leds = leds;
}

void keyboard_event(struct keyboard *k, const struct input_event *e,
                    uint64_t now)
{
    bool is_stale;

    keyboard_poll(k);
    is_stale = e->kind == INPUT_KEY && input_has(k->stale, e->key);
    if (e->kind == INPUT_MOUSE) {
        move(k, e);
        return;
    }
    input_set(k->down, e->key, e->is_down);
    if (!e->is_down)
        input_set(k->stale, e->key, false);
    if ((is_stale && e->is_down) || take_chord(k, e, now))
        return;
    if (k->guest)
        give_to_guest(k, e);
    else
        give_to_terminal(k, e, now);
}
