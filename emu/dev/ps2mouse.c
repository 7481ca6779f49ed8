/* The PS/2 mouse, with the IntelliMouse wheel. See ps2.h. */
#include <string.h>

#include "emu/dev/ps2.h"
#include "emu/state.h"

enum command {
    CMD_SCALE_1_1 = 0xe6,
    CMD_SCALE_2_1 = 0xe7,
    CMD_RESOLUTION = 0xe8,
    CMD_STATUS = 0xe9,
    CMD_STREAM = 0xea,
    CMD_READ_DATA = 0xeb,
    CMD_RESET_WRAP = 0xec,
    CMD_WRAP = 0xee,
    CMD_REMOTE = 0xf0,
    CMD_READ_ID = 0xf2,
    CMD_RATE = 0xf3,
    CMD_ENABLE = 0xf4,
    CMD_DISABLE = 0xf5,
    CMD_DEFAULTS = 0xf6,
    CMD_RESEND = 0xfe,
    CMD_RESET = 0xff,
};

enum { ID_PLAIN = 0, ID_WHEEL = 3, ID_FIVE_BUTTONS = 4 };

/* Movement that piles up beyond this is lost, as in a real counter. */
#define PILE_MAX 4096

static int clamp(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

/* The mouse's 2:1 scaling table, for stream mode. */
static int scale(const struct ps2_mouse *s, int v)
{
    static const int8_t small[6] = { 0, 1, 1, 3, 6, 9 };
    int size = v < 0 ? -v : v;

    if (!s->scaled || s->remote)
        return v;
    size = size < 6 ? small[size] : 2 * size;
    return v < 0 ? -size : size;
}

static void put_packet(struct ps2_mouse *s)
{
    int dx = clamp(s->dx, -127, 127), dy = clamp(s->dy, -127, 127);
    int dz = clamp(s->dz, -8, 7);
    int x = clamp(scale(s, dx), -255, 255), y = clamp(scale(s, dy), -255, 255);

    ps2_put(&s->queue, (uint8_t)((s->buttons & 7) | 0x08 |
                                 (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0)));
    ps2_put(&s->queue, (uint8_t)x);
    ps2_put(&s->queue, (uint8_t)y);
    if (s->id == ID_WHEEL)
        ps2_put(&s->queue, (uint8_t)dz);
    else if (s->id == ID_FIVE_BUTTONS)
        ps2_put(&s->queue, (uint8_t)((dz & 0x0f) | (s->buttons & 0x18) << 1));
    s->dx -= dx;
    s->dy -= dy;
    s->dz = s->id == ID_PLAIN ? 0 : s->dz - dz;
    s->reported_buttons = s->buttons;
}

/* In stream mode a packet goes out when something changed; one at a time. */
static void stream(struct ps2_mouse *s)
{
    if (!s->reporting || s->remote || s->wrap || s->command || s->queue.count)
        return;
    if (s->dx || s->dy || s->dz || s->buttons != s->reported_buttons)
        put_packet(s);
}

void ps2_mouse_move(struct ps2_mouse *s, int dx, int dy, int dz,
                    unsigned buttons)
{
    if (!s->reporting && !s->remote)
        return;
    s->dx = clamp(s->dx + clamp(dx, -PILE_MAX, PILE_MAX), -PILE_MAX, PILE_MAX);
    s->dy = clamp(s->dy + clamp(dy, -PILE_MAX, PILE_MAX), -PILE_MAX, PILE_MAX);
    s->dz = clamp(s->dz + clamp(dz, -PILE_MAX, PILE_MAX), -PILE_MAX, PILE_MAX);
    s->buttons = buttons & 0x1f;
    stream(s);
}

static void set_defaults(struct ps2_mouse *s)
{
    s->rate = 100;
    s->resolution = 2;
    s->scaled = s->reporting = s->remote = false;
    s->dx = s->dy = s->dz = 0;
    s->reported_buttons = s->buttons;
}

void ps2_mouse_reset(struct ps2_mouse *s)
{
    memset(s, 0, sizeof *s);
    set_defaults(s);
}

/* Rates 200, 100, 80 in a row ask for the wheel; 200, 200, 80 for more. */
static void set_rate(struct ps2_mouse *s, uint8_t v)
{
    const uint8_t *h = s->rate_history;

    if (h[0] == 200 && h[1] == 100 && v == 80)
        s->id = ID_WHEEL;
    else if (h[0] == 200 && h[1] == 200 && v == 80)
        s->id = ID_FIVE_BUTTONS;
    s->rate_history[0] = s->rate_history[1];
    s->rate_history[1] = v;
    s->rate = v;
}

static void put_status(struct ps2_mouse *s)
{
    uint8_t b = s->buttons;

    /* Here the buttons are left, middle, right from bit 2 down. */
    ps2_put(&s->queue, (uint8_t)((b & 1) << 2 | (b & 4) >> 1 | (b & 2) >> 1 |
                                 s->scaled << 4 | s->reporting << 5 |
                                 s->remote << 6));
    ps2_put(&s->queue, s->resolution);
    ps2_put(&s->queue, s->rate);
}

static void write_command(struct ps2_mouse *s, uint8_t v)
{
    s->queue.count = 0;
    if (v == CMD_RESEND) {
        ps2_put(&s->queue, s->last);
        return;
    }
    if (v < CMD_SCALE_1_1 || v == 0xed || v == 0xef || v == 0xf1 ||
        (v > CMD_DEFAULTS && v < CMD_RESEND)) {
        ps2_put(&s->queue, PS2_RESEND);
        return;
    }
    ps2_put(&s->queue, PS2_ACK);
    switch (v) {
    case CMD_SCALE_1_1:
    case CMD_SCALE_2_1:
        s->scaled = v == CMD_SCALE_2_1;
        break;
    case CMD_RESOLUTION:
    case CMD_RATE:
        s->command = v;
        break;
    case CMD_STATUS:
        put_status(s);
        break;
    case CMD_STREAM:
    case CMD_REMOTE:
        s->remote = v == CMD_REMOTE;
        s->dx = s->dy = s->dz = 0;
        break;
    case CMD_READ_DATA:
        put_packet(s);
        break;
    case CMD_WRAP:
        s->wrap = true;
        break;
    case CMD_READ_ID:
        ps2_put(&s->queue, s->id);
        break;
    case CMD_ENABLE:
    case CMD_DISABLE:
        s->reporting = v == CMD_ENABLE;
        s->dx = s->dy = s->dz = 0;
        break;
    case CMD_DEFAULTS:
        set_defaults(s);
        break;
    case CMD_RESET:
        ps2_mouse_reset(s);
        ps2_put(&s->queue, PS2_ACK);
        ps2_put(&s->queue, PS2_SELF_TEST_OK);
        ps2_put(&s->queue, ID_PLAIN);
        break;
    }
}

void ps2_mouse_write(struct ps2_mouse *s, uint8_t v)
{
    uint8_t command = s->command;

    s->command = 0;
    if (s->wrap && v != CMD_RESET && v != CMD_RESET_WRAP) {
        ps2_put(&s->queue, v);
        return;
    }
    s->wrap = false;
    if (command && v < CMD_SCALE_1_1) {
        if (command == CMD_RATE)
            set_rate(s, v);
        else
            s->resolution = v & 3;
        ps2_put(&s->queue, PS2_ACK);
    } else {
        write_command(s, v);
    }
}

bool ps2_mouse_has_data(const struct ps2_mouse *s)
{
    return s->queue.count;
}

int ps2_mouse_take(struct ps2_mouse *s)
{
    int byte = ps2_take(&s->queue);

    if (byte >= 0)
        s->last = (uint8_t)byte;
    stream(s);
    return byte;
}

static void pile_state(struct state *s, int *v)
{
    int64_t wide = *v;

    state_within(s, &wide, PILE_MAX, "the mouse's movement");
    *v = (int)wide;
}

void ps2_mouse_state(struct ps2_mouse *mouse, struct state *s)
{
    ps2_queue_state(&mouse->queue, s);
    state_u8(s, &mouse->last);
    state_u8(s, &mouse->command);
    state_u8(s, &mouse->id);
    state_u8(s, &mouse->rate);
    state_u8(s, &mouse->resolution);
    state_bytes(s, mouse->rate_history, sizeof mouse->rate_history);
    state_bool(s, &mouse->remote);
    state_bool(s, &mouse->wrap);
    state_bool(s, &mouse->reporting);
    state_bool(s, &mouse->scaled);
    state_u8(s, &mouse->buttons);
    state_u8(s, &mouse->reported_buttons);
    pile_state(s, &mouse->dx);
    pile_state(s, &mouse->dy);
    pile_state(s, &mouse->dz);
}
