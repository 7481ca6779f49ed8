/* See commands_keys.h. */
#include "kernel/console/commands_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/commands.h"
#include "kernel/console/key_names.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/options.h"

#define HOLD_MAX_MS 60000
#define MOVE_MAX 10000
/* qemu's buttons, and a PS/2 mouse's (emu/machine.h). */
enum { LEFT = 1, MIDDLE = 2, RIGHT = 4 };
enum { PS2_LEFT = 1, PS2_RIGHT = 2, PS2_MIDDLE = 4 };

/* The next word of *args as a number; false: it is none from min to max. */
static bool number(char **args, int min, int max, int *n)
{
    char *word = monitor_word(args), *end;
    long v = strtol(word, &end, 0);

    *n = (int)v;
    return *word && !*end && v >= min && v <= max;
}

/* The one character of UTF-8, of up to 16 bits, that `name` is; 0: none. */
static uint32_t one_character(const char *name)
{
    const uint8_t *p = (const uint8_t *)name;
    size_t len = strlen(name);

    if (len == 1)
        return p[0] < 0x80 ? p[0] : 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if (len == 2 && (p[0] & 0xe0) == 0xc0)
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    if (len == 3 && (p[0] & 0xf0) == 0xe0)
        return (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    return 0;
}

/* Keys that are pressed together. */
struct chord {
    guest_key key[GUEST_KEYS_AT_ONCE];
    unsigned count;
};

static int add_key(struct chord *c, guest_key key)
{
    if (memchr(c->key, key, c->count))
        return 0;               /* Shift of more than one character */
    if (c->count == GUEST_KEYS_AT_ONCE)
        return -E2BIG;
    c->key[c->count++] = key;
    return 0;
}

static int add_stroke(struct chord *c, const struct keymap_stroke *stroke)
{
    guest_key keys[KEYMAP_STROKE_KEYS];
    unsigned count = keymap_stroke_keys(stroke, keys);
    int r = 0;

    for (unsigned i = 0; i < count && !r; i++)
        r = add_key(c, keys[i]);
    return r;
}

/* The keys that type `character`, behind a dead key where that is needed, which
 * goes first. 0, or -errno; -ENOENT was told. */
static int add_character(struct monitor *mon, struct chord *c,
                         const char *character, bool is_alone, unsigned hold)
{
    struct guest *g = mux_guest(mon->mux);
    const struct keymap *map = g->options->keymap;
    struct keymap_stroke stroke[KEYMAP_STROKES];
    struct chord dead = { .count = 0 };
    unsigned n = keymap_strokes(map, one_character(character), stroke);
    int r;

    if (!n || (n > 1 && !is_alone)) {
        monitor_printf(mon, n ? "'%s' is two keys, one after the other, with "
                       "the layout %s\n"
                       : "'%s' cannot be typed with the layout %s\n",
                       character, keymap_name(map));
        return -ENOENT;
    }
    if (n == 1)
        return add_stroke(c, &stroke[0]);
    add_stroke(&dead, &stroke[0]);
    r = guest_keys_press(g, dead.key, dead.count, hold);
    return r ? r : add_stroke(c, &stroke[1]);
}

static int add_name(struct monitor *mon, struct chord *c, const char *name,
                    bool is_alone, unsigned hold)
{
    guest_key key;
    int r;

    if (one_character(name))
        return add_character(mon, c, name, is_alone, hold);
    r = key_by_name(name, &key);
    if (!r)
        return add_key(c, key);
    monitor_printf(mon, "there is no key '%.40s'; Tab lists them\n", name);
    return r;
}

void cmd_sendkey(struct monitor *mon, char *args)
{
    char *names = monitor_word(&args), *name = names;
    struct chord chord = { .count = 0 };
    int hold = GUEST_KEYS_HOLD_MS, r = 0;

    if (!*names || (*args && (!number(&args, 1, HOLD_MAX_MS, &hold) ||
                              *args))) {
        monitor_printf(mon, "use sendkey KEY[-KEY...] [MS], 1 to %d ms\n",
                       HOLD_MAX_MS);
        return;
    }
    while (name && !r) {
        char *next = strchr(name, '-');

        if (next)
            *next++ = '\0';
        r = add_name(mon, &chord, name, name == names && !next,
                     (unsigned)hold);
        name = next;
    }
    if (!r)
        r = guest_keys_press(mux_guest(mon->mux), chord.key, chord.count,
                             (unsigned)hold);
    if (r == -E2BIG)
        monitor_printf(mon, "%u keys at once, no more\n", GUEST_KEYS_AT_ONCE);
    if (r == -ENOSPC)
        monitor_printf(mon, "so many keys wait already that this one has no "
                       "room; try again\n");
}

/* On the screen down is more, and of qemu's wheel up: a PS/2 mouse's less. */
void cmd_mouse_move(struct monitor *mon, char *args)
{
    int dx, dy, dz = 0;

    if (!number(&args, -MOVE_MAX, MOVE_MAX, &dx) ||
        !number(&args, -MOVE_MAX, MOVE_MAX, &dy) ||
        (*args && !number(&args, -MOVE_MAX, MOVE_MAX, &dz)) || *args)
        monitor_printf(mon, "use mouse_move DX DY [DZ], each up to %d\n",
                       MOVE_MAX);
    else
        monitor_answered(mon, guest_mouse_move(mux_guest(mon->mux), dx, -dy,
                                               -dz));
}

void cmd_mouse_button(struct monitor *mon, char *args)
{
    int state;

    if (!number(&args, 0, LEFT | MIDDLE | RIGHT, &state) || *args)
        monitor_printf(mon, "use mouse_button N, the sum of 1 left, 2 middle, "
                       "4 right; 0: none is down\n");
    else
        monitor_answered(mon, guest_mouse_buttons(
            mux_guest(mon->mux), (state & LEFT ? PS2_LEFT : 0) |
            (state & MIDDLE ? PS2_MIDDLE : 0) |
            (state & RIGHT ? PS2_RIGHT : 0)));
}

void info_mice(struct monitor *mon)
{
    monitor_printf(mon, "* Mouse #0: PS/2 mouse\n");
}

void cmd_mouse_set(struct monitor *mon, char *args)
{
    int n;

    if (!number(&args, 0, 0, &n) || *args)
        monitor_printf(mon, "there is one mouse, number 0\n");
}

static void do_powerdown(struct guest *g, void *arg)
{
    machine_power_button(g->machine);
}

void cmd_system_powerdown(struct monitor *mon, char *args)
{
    struct guest *g = mux_guest(mon->mux);

    if (g->state != GUEST_ON)
        monitor_printf(mon, "it does not run; system_reset switches it on\n");
    else
        monitor_answered(mon, guest_ask(g, do_powerdown, NULL));
}
