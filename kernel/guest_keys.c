/* See guest_keys.h. */
#include "kernel/guest_keys.h"

#include <errno.h>
#include <string.h>

#include "emu/machine.h"
#include "kernel/guest.h"
#include "kernel/platform.h"

#define EXTENDED 0x80u
#define PREFIX 0xe0u
#define RELEASE 0x80u
#define LOOK_AGAIN_NS 100000000u         /* at one that takes no keys now */
#define PATIENCE_NS 5000000000u          /* with one that reads none */
#define LOOK_LATER_NS 1000000000u        /* at that one */
/* At one whose core does not answer: to ask costs two of them (cores_call). */
#define ASK_AGAIN_NS 10000000000u
/* The others are for releases. */
#define PRESSES_MAX (GUEST_KEYS_EVENTS / 2)

struct key_call {
    const struct guest_key_event *event;
    bool waits;
};

static bool is_told(const struct guest_keys *k, guest_key key)
{
    return k->told[key / 8] & 1u << key % 8;
}

static void set_told(struct guest_keys *k, guest_key key, bool is_down)
{
    uint8_t bit = (uint8_t)(1u << key % 8), *byte = &k->told[key / 8];

    *byte = is_down ? *byte | bit : *byte & (uint8_t)~bit;
}

/* As guest_ask, but that one that did not answer is not asked for a while. */
static bool ask(struct guest *g, void (*fn)(struct guest *g, void *arg),
                void *arg, uint64_t now)
{
    if (g->is_lent || now < g->keys.ask_ns)
        return false;
    if (guest_ask(g, fn, arg))
        return true;
    g->keys.ask_ns = now + ASK_AGAIN_NS;
    return false;
}

static void do_key(struct guest *g, void *arg)
{
    /* Make and break in one (IBM PS/2 Technical Reference, Keyboard). */
    static const uint8_t pause[] = { 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5 };
    struct key_call *c = arg;
    const struct guest_key_event *e = c->event;

    c->waits = false;
    /* A repeat is lost, whole, and the release of what it never heard of. */
    if (g->state == GUEST_ON && !machine_key_has_room(g->machine)) {
        c->waits = e->is_release == is_told(&g->keys, e->key);
        g->keys.lost += !e->is_release && !c->waits;
        return;
    }
    if (e->key != GUEST_KEY_PAUSE)
        set_told(&g->keys, e->key, !e->is_release);
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

/* What waits is not for the guest's next boot; a reset released all keys. */
static void look_at_boot(struct guest *g)
{
    struct guest_keys *k = &g->keys;
    unsigned boots = g->boots;

    if (boots == k->boots)
        return;
    if (k->boots) {
        k->head = k->count = 0;
        k->waits_ns = k->look_ns = 0;
        memset(k->told, 0, sizeof k->told);
    }
    k->boots = boots;
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

    look_at_boot(g);
    if (count > GUEST_KEYS_AT_ONCE)
        return -E2BIG;
    if (k->count + 2 * count > PRESSES_MAX)
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
    unsigned count = g->keys.count < PRESSES_MAX ? g->keys.count : PRESSES_MAX;

    return (PRESSES_MAX - count) / (2 * GUEST_KEYS_AT_ONCE);
}

bool guest_keys_put(struct guest *g, guest_key key, bool is_down)
{
    struct guest_keys *k = &g->keys;
    uint64_t at = platform_now_ns();

    look_at_boot(g);
    if (k->count == GUEST_KEYS_EVENTS ||
        (is_down && k->count >= PRESSES_MAX))
        return false;
    if (k->count) {
        uint64_t last = k->event[(k->head + k->count - 1) %
                                 GUEST_KEYS_EVENTS].at_ns;

        at = last > at ? last : at;
    }
    add(k, key, !is_down, at);
    return true;
}

/* Of what waits, only what the guest has to hear of stays: its keys are up. */
static void give_up(struct guest_keys *k)
{
    unsigned count = k->count, first = k->head;

    k->count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct guest_key_event e = k->event[(first + i) % GUEST_KEYS_EVENTS];
        bool is_again = false;

        for (unsigned n = 0; n < k->count && e.is_release; n++)
            is_again |= k->event[(first + n) % GUEST_KEYS_EVENTS].key == e.key;
        k->lost += !e.is_release;
        if (e.is_release && is_told(k, e.key) && !is_again)
            add(k, e.key, true, e.at_ns);
    }
}

/* The first of them cannot be told now. When to look again. */
static uint64_t wait_for_guest(struct guest_keys *k, uint64_t now)
{
    if (!k->waits_ns)
        k->waits_ns = now;
    k->look_ns = now + LOOK_AGAIN_NS;
    if (now - k->waits_ns >= PATIENCE_NS) {
        give_up(k);
        k->look_ns = now + LOOK_LATER_NS;
    }
    if (k->look_ns < k->ask_ns)
        k->look_ns = k->ask_ns;
    return k->look_ns;
}

static uint64_t poll_keys(struct guest *g, uint64_t now)
{
    struct guest_keys *k = &g->keys;

    if (k->count && g->is_lent) {
        k->waits_ns = 0;
        return now + LOOK_AGAIN_NS;
    }
    if (k->count && now < k->look_ns)
        return k->look_ns;
    while (k->count && k->event[k->head].at_ns <= now) {
        struct key_call c = { &k->event[k->head], true };

        ask(g, do_key, &c, now);
        if (c.waits)
            return wait_for_guest(k, now);
        k->waits_ns = 0;
        k->head = (k->head + 1) % GUEST_KEYS_EVENTS;
        k->count--;
    }
    return k->count ? k->event[k->head].at_ns : UINT64_MAX;
}

/* ---- The mouse ------------------------------------------------------------ */

struct mouse_call { int dx, dy, dz; };

static void do_mouse(struct guest *g, void *arg)
{
    const struct mouse_call *c = arg;

    machine_mouse(g->machine, c->dx, c->dy, c->dz, g->keys.buttons);
    g->keys.told_buttons = g->keys.buttons;
}

static bool move(struct guest *g, struct mouse_call c, uint64_t now)
{
    return ask(g, do_mouse, &c, now);
}

bool guest_mouse_move(struct guest *g, int dx, int dy, int dz)
{
    return move(g, (struct mouse_call){ dx, dy, dz }, platform_now_ns());
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

/* Buttons that it could not be told of. */
static uint64_t poll_buttons(struct guest *g, uint64_t now)
{
    struct guest_keys *k = &g->keys;

    if (k->buttons == k->told_buttons ||
        move(g, (struct mouse_call){ 0 }, now))
        return UINT64_MAX;
    return k->ask_ns > now ? k->ask_ns : now + LOOK_AGAIN_NS;
}

uint64_t guest_keys_poll(struct guest *g, uint64_t now)
{
    uint64_t keys, buttons;

    look_at_boot(g);
    keys = poll_keys(g, now);
    buttons = poll_buttons(g, now);
    return keys < buttons ? keys : buttons;
}
