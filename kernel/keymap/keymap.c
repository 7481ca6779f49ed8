/* See keymap.h. */
#include "kernel/keymap/keymap.h"

#include <stddef.h>
#include <string.h>

#define MAIN_KEYS 51u
#define KEYPAD_KEYS 16u
#define STATES 8u               /* of SHIFT, ALTGR and CAPS */
#define PLAIN_STATES 4u         /* of SHIFT and ALTGR */

enum { ESCAPE_KEY = 0x01, BACKSPACE_KEY = 0x0e, TAB_KEY = 0x0f,
       RETURN_KEY = 0x1c, CTRL_KEY = 0x1d, SHIFT_KEY = 0x2a, ALTGR_KEY = 0xb8 };

struct keymap {
    char name[8], title[48];
    uint16_t is_latin;          /* a to z are on it */
    uint16_t keypad[KEYPAD_KEYS];       /* with NUM */
    uint16_t main[MAIN_KEYS][STATES];
};

struct composition {
    uint16_t dead, next, made;
};

extern const struct keymap keymap_layouts[];
extern const uint32_t keymap_layout_count;
extern const guest_key keymap_main_keys[MAIN_KEYS];
extern const guest_key keymap_keypad_keys[KEYPAD_KEYS];
/* In the order of dead, then next. */
extern const struct composition keymap_compositions[];
extern const uint32_t keymap_composition_count;

_Static_assert(sizeof(struct keymap) ==
                   58 + 2 * (KEYPAD_KEYS + STATES * MAIN_KEYS) &&
               sizeof(struct composition) == 6, "as tools/keymaps.py writes");

const struct keymap *keymap_find(const char *name)
{
    for (uint32_t i = 0; i < keymap_layout_count; i++)
        if (!strcmp(keymap_layouts[i].name, name))
            return &keymap_layouts[i];
    return NULL;
}

const struct keymap *keymap_at(unsigned i)
{
    return i < keymap_layout_count ? &keymap_layouts[i] : NULL;
}

const char *keymap_name(const struct keymap *map)
{
    return map->name;
}

const char *keymap_title(const struct keymap *map)
{
    return map->title;
}

/* ---- From keys to characters --------------------------------------------- */

static uint16_t main_char(const struct keymap *map, guest_key key,
                          unsigned modifiers)
{
    const guest_key *at = memchr(keymap_main_keys, key, MAIN_KEYS);

    return at ? map->main[at - keymap_main_keys][modifiers % STATES] : 0;
}

uint16_t keymap_char(const struct keymap *map, guest_key key,
                     unsigned modifiers)
{
    const guest_key *keypad = memchr(keymap_keypad_keys, key, KEYPAD_KEYS);
    unsigned other = modifiers & ~(unsigned)KEYMAP_ALTGR;
    uint16_t c;

    if (keypad) {
        /* As of old, Shift makes them keys of the cursor. */
        bool is_digit = key >= 0x47 && key <= 0x53 && key != 0x4a &&
                        key != 0x4e;

        if (is_digit && (!(modifiers & KEYMAP_NUM) ||
                         (modifiers & KEYMAP_SHIFT)))
            return 0;
        return map->keypad[keypad - keymap_keypad_keys];
    }
    c = main_char(map, key, modifiers);
    if (!map->is_latin && (modifiers & KEYMAP_ALTGR) &&
        (!c || c == main_char(map, key, other)))
        c = main_char(keymap_find(KEYMAP_DEFAULT), key, other);
    return c;
}

bool keymap_is_dead(uint16_t c)
{
    return c >= KEYMAP_DEAD && c < KEYMAP_DEAD + KEYMAP_DEAD_COUNT;
}

static uint16_t compose(uint16_t dead, uint16_t next)
{
    uint32_t low = 0, high = keymap_composition_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct composition *c = &keymap_compositions[middle];

        if (c->dead == dead && c->next == next)
            return c->made;
        if (c->dead < dead || (c->dead == dead && c->next < next))
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* A dead key by itself: what it makes of itself, else of a space. */
static uint16_t alone(uint16_t dead)
{
    uint16_t c = compose(dead, dead);

    return c ? c : compose(dead, ' ');
}

unsigned keymap_type(uint16_t *dead, uint16_t c, uint16_t out[2])
{
    uint16_t before = *dead, made = before ? compose(before, c) : 0;
    unsigned count = 0;

    *dead = 0;
    if (!c) {
        *dead = before;
        return 0;
    }
    if (made) {
        out[0] = made;
        return 1;
    }
    if (before && alone(before))
        out[count++] = alone(before);
    if (keymap_is_dead(c))
        *dead = c;
    else
        out[count++] = c;
    return count;
}

/* ---- From characters to keys --------------------------------------------- */

/* Fewest modifiers first, then the keys from the top left on. */
static bool find_stroke(const struct keymap *map, uint16_t c,
                        struct keymap_stroke *out)
{
    for (unsigned state = 0; state < PLAIN_STATES; state++)
        for (unsigned i = 0; i < MAIN_KEYS; i++)
            if (map->main[i][state] == c) {
                *out = (struct keymap_stroke){ keymap_main_keys[i],
                                               (uint8_t)state };
                return true;
            }
    return false;
}

static bool find_composed(const struct keymap *map, uint16_t c,
                          struct keymap_stroke out[KEYMAP_STROKES])
{
    for (uint32_t i = 0; i < keymap_composition_count; i++) {
        const struct composition *made = &keymap_compositions[i];

        if (made->made == c && find_stroke(map, made->dead, &out[0]) &&
            find_stroke(map, made->next, &out[1]))
            return true;
    }
    return false;
}

/* Enter and the like, which no layout moves. */
static guest_key fixed_key(uint32_t c)
{
    switch (c) {
    case '\b': case 0x7f: return BACKSPACE_KEY;
    case '\t':            return TAB_KEY;
    case '\n': case '\r': return RETURN_KEY;
    case 0x1b:            return ESCAPE_KEY;
    default:              return 0;
    }
}

unsigned keymap_strokes(const struct keymap *map, uint32_t c,
                        struct keymap_stroke out[KEYMAP_STROKES])
{
    bool is_control = c < ' ';

    if (fixed_key(c)) {
        out[0] = (struct keymap_stroke){ fixed_key(c), 0 };
        return 1;
    }
    if (c > 0xffff || keymap_is_dead((uint16_t)c))
        return 0;
    if (is_control)             /* Ctrl-a, but Ctrl-[ and Ctrl-Space as such */
        c = !c ? ' ' : c <= 26 ? c + 'a' - 1 : c + '@';
    for (;;) {
        if (find_stroke(map, (uint16_t)c, out)) {
            out[0].modifiers |= is_control ? KEYMAP_CTRL : 0;
            return 1;
        }
        if (!is_control && find_composed(map, (uint16_t)c, out))
            return 2;
        if (map->is_latin)
            return 0;
        map = keymap_find(KEYMAP_DEFAULT);
    }
}

unsigned keymap_stroke_keys(const struct keymap_stroke *stroke,
                            guest_key out[KEYMAP_STROKE_KEYS])
{
    unsigned count = 0;

    if (stroke->modifiers & KEYMAP_CTRL)
        out[count++] = CTRL_KEY;
    if (stroke->modifiers & KEYMAP_SHIFT)
        out[count++] = SHIFT_KEY;
    if (stroke->modifiers & KEYMAP_ALTGR)
        out[count++] = ALTGR_KEY;
    out[count++] = stroke->key;
    return count;
}
