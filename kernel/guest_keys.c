/* See guest_keys.h. */
#include "kernel/guest_keys.h"

#include <errno.h>

#include "emu/machine.h"
#include "kernel/guest.h"
#include "kernel/platform.h"

#define EXTENDED 0x80u
#define PREFIX 0xe0u
#define RELEASE 0x80u
#define LOOK_AGAIN_NS 100000000u         /* at one that takes no keys now */

struct key_call {
    const struct guest_key_event *event;
    bool waits;
};

static void do_key(struct guest *g, void *arg)
{
    /* Make and break in one (IBM PS/2 Technical Reference, Keyboard). */
    static const uint8_t pause[] = { 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5 };
    struct key_call *c = arg;
    const struct guest_key_event *e = c->event;

    /* One that is pressed may be lost, but none is down for ever. */
    c->waits = e->is_release && g->state == GUEST_ON &&
               !machine_key_has_room(g->machine);
    if (c->waits)
        return;
    if (e->key == GUEST_KEY_PAUSE) {
        for (unsigned i = 0; i < sizeof pause && !e->is_release; i++)
            machine_key(g->machine, pause[i]);
        return;
    }
    if (e->key & EXTENDED)
        machine_key(g->machine, PREFIX);
    machine_key(g->machine, (uint8_t)((e->key & ~EXTENDED) |
                                      (e->is_release ? RELEASE : 0)));
}

static void add(struct guest_keys *k, guest_key key, bool is_release,
                uint64_t at_ns)
{
    k->event[(k->head + k->count++) % GUEST_KEYS_EVENTS] =
        (struct guest_key_event){ at_ns, key, is_release };
}

int guest_keys_press(struct guest *g, const guest_key *keys, unsigned count,
                     unsigned hold_ms)
{
    struct guest_keys *k = &g->keys;
    uint64_t at = platform_now_ns();

    if (count > GUEST_KEYS_AT_ONCE)
        return -E2BIG;
    if (GUEST_KEYS_EVENTS - k->count < 2 * count)
        return -ENOSPC;
    if (k->count) {             /* a key that is down again is another press */
        uint64_t last = k->event[(k->head + k->count - 1) %
                                 GUEST_KEYS_EVENTS].at_ns;

        if (last >= at)
            at = last + (hold_ms < GUEST_KEYS_HOLD_MS
                             ? hold_ms : GUEST_KEYS_HOLD_MS) * 1000000ull;
    }
    for (unsigned i = 0; i < count; i++)
        add(k, keys[i], false, at);
    for (unsigned i = count; i-- > 0;)
        add(k, keys[i], true, at + hold_ms * 1000000ull);
    return 0;
}

unsigned guest_keys_room(const struct guest *g)
{
    return (GUEST_KEYS_EVENTS - g->keys.count) / (2 * GUEST_KEYS_AT_ONCE);
}

bool guest_keys_put(struct guest *g, guest_key key, bool is_down)
{
    struct guest_keys *k = &g->keys;
    uint64_t at = platform_now_ns();

    if (k->count == GUEST_KEYS_EVENTS ||
        (is_down && k->count >= GUEST_KEYS_EVENTS / 2))
        return false;
    if (k->count) {
        uint64_t last = k->event[(k->head + k->count - 1) %
                                 GUEST_KEYS_EVENTS].at_ns;

        at = last > at ? last : at;
    }
    add(k, key, !is_down, at);
    return true;
}

uint64_t guest_keys_poll(struct guest *g, uint64_t now)
{
    struct guest_keys *k = &g->keys;

    if (k->count && g->is_lent)
        return now + LOOK_AGAIN_NS;
    while (k->count && k->event[k->head].at_ns <= now) {
        struct key_call c = { &k->event[k->head], false };

        /* A machine that does not answer misses it, as one that is off. */
        guest_ask(g, do_key, &c);
        if (c.waits)
            return now + LOOK_AGAIN_NS;
        k->head = (k->head + 1) % GUEST_KEYS_EVENTS;
        k->count--;
    }
    return k->count ? k->event[k->head].at_ns : UINT64_MAX;
}

struct mouse_call { int dx, dy, dz; };

static void do_mouse(struct guest *g, void *arg)
{
    const struct mouse_call *c = arg;

    machine_mouse(g->machine, c->dx, c->dy, c->dz, g->keys.buttons);
}

bool guest_mouse_move(struct guest *g, int dx, int dy, int dz)
{
    struct mouse_call c = { dx, dy, dz };

    return guest_ask(g, do_mouse, &c);
}

bool guest_mouse(struct guest *g, int dx, int dy, int dz, unsigned buttons)
{
    g->keys.buttons = buttons;
    return guest_mouse_move(g, dx, dy, dz);
}

bool guest_mouse_buttons(struct guest *g, unsigned buttons)
{
    return guest_mouse(g, 0, 0, 0, buttons);
}
