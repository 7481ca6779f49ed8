/* See local_keys.h. */
#include "kernel/console/local_keys.h"

#include <errno.h>

#include "kernel/console/local.h"
#include "kernel/guest.h"
#include "kernel/keymap/keymap.h"

#define HOLD_MS 10u             /* a key that is typed */
#define RETRY_NS 100000000u     /* a guest that has to read first */
#define STILL_NS 500000000u     /* and reads none */
#define CONTROL_TO_LETTER 0x40u

enum { KEY_CTRL = 0x1d, KEY_SHIFT = 0x2a, KEY_ALT = 0x38 };

/* Scan code set 1; bit 7: behind E0h. */
static const guest_key keys_of[] = {
    [VT_KEY_UP] = 0xc8, [VT_KEY_DOWN] = 0xd0, [VT_KEY_RIGHT] = 0xcd,
    [VT_KEY_LEFT] = 0xcb, [VT_KEY_HOME] = 0xc7, [VT_KEY_END] = 0xcf,
    [VT_KEY_INSERT] = 0xd2, [VT_KEY_DELETE] = 0xd3, [VT_KEY_PAGE_UP] = 0xc9,
    [VT_KEY_PAGE_DOWN] = 0xd1, [VT_KEY_F1] = 0x3b, [VT_KEY_F2] = 0x3c,
    [VT_KEY_F3] = 0x3d, [VT_KEY_F4] = 0x3e, [VT_KEY_F5] = 0x3f,
    [VT_KEY_F6] = 0x40, [VT_KEY_F7] = 0x41, [VT_KEY_F8] = 0x42,
    [VT_KEY_F9] = 0x43, [VT_KEY_F10] = 0x44, [VT_KEY_F11] = 0x57,
    [VT_KEY_F12] = 0x58, [VT_KEY_BACKSPACE] = 0x0e, [VT_KEY_TAB] = 0x0f,
    [VT_KEY_RETURN] = 0x1c,
};

/* The modifiers' keys, behind those that are there already. */
static unsigned add_modifiers(unsigned modifiers, guest_key *keys)
{
    unsigned n = 0;

    if (modifiers & VT_CTRL)
        keys[n++] = KEY_CTRL;
    if (modifiers & VT_ALT)
        keys[n++] = KEY_ALT;
    if (modifiers & VT_SHIFT)
        keys[n++] = KEY_SHIFT;
    return n;
}

static bool press(struct local *l, const guest_key *keys, unsigned count)
{
    return guest_keys_press(local_guest(l), keys, count, HOLD_MS) != -ENOSPC;
}

static bool type_to_guest(struct local *l, uint32_t c, unsigned modifiers)
{
    struct keymap_stroke stroke[KEYMAP_STROKES];
    guest_key keys[3 + KEYMAP_STROKES * KEYMAP_STROKE_KEYS];
    unsigned count = keymap_strokes(local_guest(l)->options->keymap, c, stroke);

    if (guest_keys_room(local_guest(l)) < count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        unsigned n = add_modifiers(modifiers, keys);

        press(l, keys, n + keymap_stroke_keys(&stroke[i], keys + n));
    }
    return true;
}

static bool type_character(struct local *l, uint32_t character,
                           unsigned modifiers, uint64_t now)
{
    struct consoles *c = local_consoles(l);
    bool is_control = character < ' ';

    if (consoles_type(c, is_control ? character | CONTROL_TO_LETTER : character,
                      is_control ? modifiers | VT_CTRL : modifiers, now))
        return true;
    return type_to_guest(l, character, modifiers);
}

static bool type_key(struct local *l, enum vt_key key, unsigned modifiers,
                     uint64_t now)
{
    guest_key keys[4];
    unsigned n;

    if (consoles_key(local_consoles(l), key, modifiers, now))
        return true;
    n = add_modifiers(modifiers, keys);
    keys[n++] = keys_of[key];
    return press(l, keys, n);
}

/* False: the guest has to read what it has first. */
static bool type(struct local *l, const struct local_typed *t, uint64_t now)
{
    return t->is_key ? type_key(l, t->key, t->modifiers, now)
                     : type_character(l, t->character, t->modifiers, now);
}

/* ---- What waits ----------------------------------------------------------- */

static void drop_others(struct local_keys *k, struct local *l)
{
    if (!k->count || (k->console == local_consoles(l)->shown &&
                      k->boots == k->guest->boots))
        return;
    k->guest->keys.lost += k->count;
    k->count = 0;
}

static void add(struct local_keys *k, struct local *l,
                const struct local_typed *t, uint64_t now)
{
    if (!k->count) {
        k->guest = local_guest(l);
        k->console = local_consoles(l)->shown;
        k->boots = k->guest->boots;
        k->took_ns = now;
    }
    if (k->count == LOCAL_KEYS_WAIT)
        k->guest->keys.lost++;
    else
        k->waits[(k->head + k->count++) % LOCAL_KEYS_WAIT] = *t;
}

void local_keys_type(struct local_keys *k, struct local *l,
                     struct local_typed typed, uint64_t now)
{
    drop_others(k, l);
    if (k->count || !type(l, &typed, now))
        add(k, l, &typed, now);
}

uint64_t local_keys_poll(struct local_keys *k, struct local *l, uint64_t now)
{
    drop_others(k, l);
    while (k->count && type(l, &k->waits[k->head], now)) {
        k->head = (k->head + 1) % LOCAL_KEYS_WAIT;
        k->count--;
        k->took_ns = now;
    }
    return k->count ? now + RETRY_NS : UINT64_MAX;
}

bool local_keys_wants(const struct local_keys *k, uint64_t now)
{
    return k->count < LOCAL_KEYS_WAIT || now - k->took_ns >= STILL_NS;
}
