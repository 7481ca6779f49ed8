/*
 * The two devices behind the keyboard controller, as byte streams: the
 * controller writes commands to them and takes their bytes one at a time.
 * (IBM PS/2 Technical Reference, Keyboard 101/102 and Mouse.)
 */
#ifndef EMU_DEV_PS2_H
#define EMU_DEV_PS2_H

#include <stdbool.h>
#include <stdint.h>

#define PS2_QUEUE_SIZE 64u
#define PS2_KEY_BYTES 12u       /* room for any key: Pause, and what it wants */

enum ps2_reply {
    PS2_ACK = 0xfa,
    PS2_RESEND = 0xfe,
    PS2_SELF_TEST_OK = 0xaa,
};

struct ps2_queue {
    uint8_t data[PS2_QUEUE_SIZE];
    unsigned head, count;
};

static inline unsigned ps2_room(const struct ps2_queue *q)
{
    return PS2_QUEUE_SIZE - q->count;
}

/* Bytes beyond the queue's room are dropped; ask ps2_room first. */
static inline void ps2_put(struct ps2_queue *q, uint8_t byte)
{
    if (q->count < PS2_QUEUE_SIZE)
        q->data[(q->head + q->count++) % PS2_QUEUE_SIZE] = byte;
}

/* The next byte, or -1. */
static inline int ps2_take(struct ps2_queue *q)
{
    int byte = -1;

    if (q->count) {
        byte = q->data[q->head];
        q->head = (q->head + 1) % PS2_QUEUE_SIZE;
        q->count--;
    }
    return byte;
}

struct ps2_kbd {
    struct ps2_queue reply;     /* goes before scan codes */
    struct ps2_queue codes;
    uint8_t last;               /* for RESEND */
    uint8_t command;            /* waits for its parameter, or 0 */
    uint8_t set;                /* scan code set, 1..3 */
    uint8_t leds;               /* scroll, num, caps */
    bool scanning;
    uint8_t prefix;             /* of the key being fed in: 0, E0h, E1h */
    uint8_t breaks[32];         /* set 3: keys that send break codes */
};

/* Fields of a snapshot (emu/state.h). */
struct state;
void ps2_queue_state(struct ps2_queue *q, struct state *s);
void ps2_kbd_state(struct ps2_kbd *k, struct state *s);

void ps2_kbd_reset(struct ps2_kbd *k);
void ps2_kbd_write(struct ps2_kbd *k, uint8_t byte);
bool ps2_kbd_has_data(const struct ps2_kbd *k);
int ps2_kbd_take(struct ps2_kbd *k);
/* One byte of set 1. False if the buffer is full: the byte is lost. */
bool ps2_kbd_key(struct ps2_kbd *k, uint8_t set1);
/* What a translating controller makes of one byte of set 2. */
uint8_t ps2_set2_to_set1(uint8_t byte);

struct ps2_mouse {
    struct ps2_queue queue;
    uint8_t last;
    uint8_t command;
    uint8_t id;                 /* 0 plain, 3 with wheel, 4 five buttons */
    uint8_t rate, resolution;
    uint8_t rate_history[2];    /* for the IntelliMouse sequences */
    bool remote, wrap, reporting, scaled;
    uint8_t buttons, reported_buttons;
    int dx, dy, dz;             /* not yet reported */
};

void ps2_mouse_reset(struct ps2_mouse *s);
void ps2_mouse_state(struct ps2_mouse *mouse, struct state *s);
void ps2_mouse_write(struct ps2_mouse *s, uint8_t byte);
bool ps2_mouse_has_data(const struct ps2_mouse *s);
int ps2_mouse_take(struct ps2_mouse *s);
/* x right, y up, z towards the user; buttons bit 0 left, 1 right, 2 middle. */
void ps2_mouse_move(struct ps2_mouse *s, int dx, int dy, int dz,
                    unsigned buttons);

#endif
