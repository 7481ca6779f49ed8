/* See kbc.h: the mouse, with a wheel if it has one. */
#include <string.h>

#include "drivers/input/kbc_internal.h"

enum { SCALE_1_1 = 0xe6, RESOLUTION = 0xe8 };
#define WHEEL 3u                /* the ID, behind rates of 200, 100 and 80 */
#define PACKET_NS (500 * KBC_MS)        /* from one byte to the next */

/* The first byte of a packet. */
enum { ALWAYS = 0x08, X_SIGN = 0x10, Y_SIGN = 0x20, OVERFLOW = 0xc0 };

static const struct kbc_say start[] = {
    { { PS2_DISABLE }, 1, 0, 0, false },
    { { PS2_RESET }, 1, 2, 1000, true },
    { { PS2_RATE, 200 }, 2, 0, 0, false },
    { { PS2_RATE, 100 }, 2, 0, 0, false },
    { { PS2_RATE, 80 }, 2, 0, 0, false },
    { { PS2_ID }, 1, 1, 100, false },
    { { PS2_RATE, 100 }, 2, 0, 0, false },
    { { RESOLUTION, 2 }, 2, 0, 0, false },      /* 4 counts a millimetre */
    { { SCALE_1_1 }, 1, 0, 0, false },
    { { PS2_ENABLE }, 1, 0, 0, true },
};

static void answered(struct kbc_port *p, const struct kbc_say *say)
{
    if (say->byte[0] == PS2_RESET)
        p->kbc->mouse_id = 0;
    else if (say->byte[0] == PS2_ID)
        p->kbc->mouse_id = p->answer[0];
}

static void up(struct kbc_port *p)
{
    struct kbc *k = p->kbc;

    k->packet_bytes = 0;
    k->mouse.name = "PS/2";
    input_add_mouse(k->input, &k->mouse);
}

static void gone(struct kbc_port *p) { input_remove_mouse(&p->kbc->mouse); }

static const struct kbc_say *next(struct kbc_port *p) { return NULL; }

static void take_packet(struct kbc *k)
{
    uint8_t head = k->packet[0];
    int dx = k->packet[1] - (head & X_SIGN ? 256 : 0);
    int dy = k->packet[2] - (head & Y_SIGN ? 256 : 0);
    int dz = k->mouse_id == WHEEL ? (int8_t)k->packet[3] : 0;

    if (head & OVERFLOW) {      /* it does not know how far */
        k->counters.overruns++;
        dx = dy = 0;
    }
    input_mouse_event(&k->mouse, dx, dy, dz, head & INPUT_BUTTONS);
}

/* Packets are found by the time between them and the bit that is always set. */
static bool take(struct kbc_port *p, uint8_t byte, uint64_t now)
{
    struct kbc *k = p->kbc;

    if (now - k->packet_ns > PACKET_NS)
        k->packet_bytes = 0;
    k->packet_ns = now;
    if (!k->packet_bytes && !(byte & ALWAYS)) {
        k->counters.unexpected++;
        return false;
    }
    k->packet[k->packet_bytes++] = byte;
    /* As what a mouse says when it was plugged in; else it went too far. */
    if (k->packet_bytes == 2 && k->packet[0] == PS2_TEST_PASSED && byte == 0)
        return true;
    if (k->packet_bytes < (k->mouse_id == WHEEL ? 4 : 3))
        return false;
    k->packet_bytes = 0;
    take_packet(k);
    return false;
}

static void damaged(struct kbc_port *p) { p->kbc->packet_bytes = 0; }

const struct kbc_device kbc_mouse = {
    .start = start, .start_count = sizeof start / sizeof *start,
    .answered = answered, .up = up, .gone = gone, .take = take,
    .damaged = damaged, .next = next,
};
