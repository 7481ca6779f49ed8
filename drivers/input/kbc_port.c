/*
 * See kbc.h: one of the controller's two wires. A command's bytes are said one
 * at a time, each when the one before was acknowledged; what is not understood
 * is said again.
 */
#include <string.h>

#include "drivers/input/kbc_internal.h"

#define TRIES 3u
#define ACKNOWLEDGE_NS (500 * KBC_MS)
#define WRITE_AGAIN_NS (1 * KBC_MS)
#define WRITE_NS (100 * KBC_MS) /* until a full controller is given up */
#define START_AGAIN_NS (1000 * KBC_MS)

static void begin(struct kbc_port *p, const struct kbc_say *say, uint64_t now)
{
    p->say = *say;
    p->said = p->answered = p->tries = 0;
    p->is_written = p->is_acknowledged = false;
    p->deadline = now + WRITE_NS;
}

static bool is_starting(const struct kbc_port *p)
{
    return p->state == KBC_STARTING;
}

static void fall_silent(struct kbc_port *p)
{
    if (p->state == KBC_UP)
        p->device->gone(p);
    p->state = KBC_ABSENT;
    p->say.bytes = 0;
}

void kbc_port_start(struct kbc_port *p)
{
    fall_silent(p);
    p->wants_start = true;
}

/* The next of those that start it, or it is up. */
static void next_step(struct kbc_port *p, uint64_t now)
{
    if (p->step < p->device->start_count) {
        begin(p, &p->device->start[p->step++], now);
        return;
    }
    p->state = KBC_UP;
    p->device->up(p);
}

static void succeed(struct kbc_port *p, uint64_t now)
{
    struct kbc_say say = p->say;

    p->say.bytes = 0;
    p->device->answered(p, &say);
    if (is_starting(p))
        next_step(p, now);
}

static void fail(struct kbc_port *p, uint64_t now)
{
    bool is_needed = p->say.is_needed;

    p->kbc->counters.unanswered++;
    p->say.bytes = 0;
    if (!is_starting(p))
        return;
    if (is_needed)
        fall_silent(p);
    else
        next_step(p, now);
}

static void say_again(struct kbc_port *p, uint64_t now)
{
    if (++p->tries == TRIES) {
        fail(p, now);
        return;
    }
    p->kbc->counters.resends++;
    p->is_written = false;
    p->deadline = now + WRITE_NS;
}

static void acknowledged(struct kbc_port *p, uint64_t now)
{
    p->tries = 0;
    p->is_written = false;
    p->deadline = now + WRITE_NS;
    if (++p->said < p->say.bytes)
        return;
    p->is_acknowledged = true;
    p->deadline = now + p->say.answer_ms * KBC_MS;
    if (!p->say.answers)
        succeed(p, now);
}

/* Behind a reset, there may come what the device had begun to say before. */
static bool is_answer(const struct kbc_port *p, uint8_t byte)
{
    return p->say.byte[0] != PS2_RESET || p->answered ||
           byte == PS2_TEST_PASSED || byte == PS2_TEST_FAILED;
}

/* True: it was for the command that is under way. */
static bool take_answer(struct kbc_port *p, uint8_t byte, uint64_t now)
{
    if (!p->say.bytes)
        return false;
    if (p->is_acknowledged) {
        if (!is_answer(p, byte))
            return false;
        p->answer[p->answered++] = byte;
        p->deadline = now + p->say.answer_ms * KBC_MS;
        if (p->answered == p->say.answers)
            succeed(p, now);
        return true;
    }
    if (!p->is_written || (byte != PS2_ACKNOWLEDGE && byte != PS2_RESEND))
        return false;
    if (byte == PS2_ACKNOWLEDGE)
        acknowledged(p, now);
    else
        say_again(p, now);
    return true;
}

void kbc_port_take(struct kbc_port *p, uint8_t byte, uint64_t now)
{
    if (take_answer(p, byte, now))
        return;
    if (p->state == KBC_ABSENT) {       /* something is there after all */
        p->wants_start = true;
    } else if (is_starting(p)) {
        p->kbc->counters.unexpected++;
    } else if (p->device->take(p, byte, now)) {
        p->kbc->counters.restarts++;
        kbc_port_start(p);
    }
}

void kbc_port_take_bad(struct kbc_port *p, uint64_t now)
{
    if (p->say.bytes && p->is_written && !p->is_acknowledged)
        say_again(p, now);
    else if (p->state == KBC_UP)
        p->device->damaged(p);
}

static uint64_t go_on(struct kbc_port *p, uint64_t now)
{
    if (!p->is_written && !p->is_acknowledged) {
        p->is_written = kbc_write_device(p->kbc, p->is_aux,
                                         p->say.byte[p->said]);
        if (p->is_written)
            p->deadline = now + ACKNOWLEDGE_NS;
        else if (now < p->deadline)
            return now + WRITE_AGAIN_NS;
    }
    if (now < p->deadline)
        return p->deadline;
    if (p->is_acknowledged)
        fail(p, now);
    else
        say_again(p, now);
    return now;
}

uint64_t kbc_port_poll(struct kbc_port *p, uint64_t now)
{
    const struct kbc_say *own;

    if (p->wants_start && now >= p->not_before) {
        p->wants_start = false;
        p->not_before = now + START_AGAIN_NS;
        p->state = KBC_STARTING;
        p->step = 0;
        next_step(p, now);
    }
    if (!p->say.bytes && p->state == KBC_UP && (own = p->device->next(p)))
        begin(p, own, now);
    if (p->say.bytes)
        return go_on(p, now);
    return p->wants_start ? p->not_before : UINT64_MAX;
}
