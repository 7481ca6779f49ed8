/*
 * Keyboards and mice: what their drivers tell of them, joined into one stream
 * of events for whoever sits behind it, and what that one tells them.
 *
 * A driver adds a keyboard or a mouse when it has found it, says what happens
 * to it, and takes it away when it is gone. Keys of several keyboards are those
 * of one: a key is down while any has it down. Devices are hostile: what they
 * say is checked by their drivers; any events, in any order, are harmless.
 * I/O core; nothing here waits.
 */
#ifndef DRIVERS_INPUT_INPUT_H
#define DRIVERS_INPUT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A key by its code in scan code set 1 (IBM PS/2 Technical Reference,
 * Keyboard), 01h to 7Fh, with bit 7 for the prefix E0h. Pause is E1h 1Dh 45h
 * there, and Print Screen E0h 37h.
 */
typedef uint8_t input_key;
#define INPUT_KEY_PAUSE 0xc5u
#define INPUT_KEYS 256u

/* A set of keys. */
typedef uint8_t input_keys[INPUT_KEYS / 8];

static inline bool input_has(const input_keys keys, unsigned key)
{
    return keys[key / 8] & 1u << key % 8;
}

static inline void input_set(input_keys keys, unsigned key, bool on)
{
    if (on)
        keys[key / 8] |= (uint8_t)(1u << key % 8);
    else
        keys[key / 8] &= (uint8_t)~(1u << key % 8);
}

/* The LEDs, as a PS/2 keyboard has them. */
enum { INPUT_SCROLL_LOCK = 1, INPUT_NUM_LOCK = 2, INPUT_CAPS_LOCK = 4 };

/* A mouse's buttons, as a PS/2 mouse has them. */
enum { INPUT_LEFT = 1, INPUT_RIGHT = 2, INPUT_MIDDLE = 4, INPUT_BUTTONS = 7 };

#define INPUT_EVENTS 256u
#define INPUT_REPEAT_DELAY_NS UINT64_C(500000000)
#define INPUT_REPEAT_NS UINT64_C(33000000)

enum input_kind { INPUT_KEY, INPUT_MOUSE };

struct input_event {
    enum input_kind kind;
    /* INPUT_KEY */
    input_key key;
    bool is_down, is_repeat;    /* it was down already, and is held */
    /* INPUT_MOUSE: since the event before, and all buttons as they are. */
    int16_t dx, dy, dz;         /* right, up, wheel towards the user */
    uint8_t buttons;
};

struct input;

/* Its driver's; the first fields are set by it. */
struct input_keyboard {
    const char *name;           /* "PS/2" */
    /* These LEDs are to be on. NULL: it has none. */
    void (*set_leds)(struct input_keyboard *k, unsigned leds);
    void *driver;

    struct input *input;        /* that it was added to, or NULL */
    struct input_keyboard *next;
    input_keys down;
    input_key held;             /* that input_repeat repeats; 0: none */
    uint64_t repeat_ns;
};

struct input_mouse {
    const char *name;
    void *driver;

    struct input *input;
    struct input_mouse *next;
    uint8_t buttons;
};

/* Where they are joined; the platform has one. All zero at first. */
struct input {
    struct input_keyboard *keyboards;
    struct input_mouse *mice;
    struct input_event event[INPUT_EVENTS];     /* a ring */
    unsigned head, count;
    input_keys down;            /* of what was told */
    uint8_t buttons;
    unsigned leds;
    bool is_behind;             /* events were lost: see input_take */
    uint64_t lost;
    uint64_t bad_reports;       /* of USB devices, that were none */
    uint64_t refused_leds;      /* by USB keyboards, which go on without */
};

/* ---- For drivers --------------------------------------------------------- */

/* It is there: its LEDs are set at once. */
void input_add_keyboard(struct input *in, struct input_keyboard *k);
void input_add_mouse(struct input *in, struct input_mouse *m);
/* It is gone: all of its keys are up. Nothing, if it was not added. */
void input_remove_keyboard(struct input_keyboard *k);
void input_remove_mouse(struct input_mouse *m);

/*
 * A key goes down or up. One that is down already is repeated: a keyboard that
 * does that itself tells of each time; for others there is input_repeat.
 * Nothing, for the key 0, and for one that is up already.
 */
void input_key_event(struct input_keyboard *k, input_key key, bool is_down);
/* All of its keys are up. */
void input_release_all(struct input_keyboard *k);
/*
 * The key that was pressed last, if it is down still, is repeated when it is
 * time for that. When (as `now`, in nanoseconds) to call again; UINT64_MAX:
 * when another key is pressed.
 */
uint64_t input_repeat(struct input_keyboard *k, uint64_t now);

/* Moved by so much, and `buttons` are down now; others than INPUT_BUTTONS are
 * left out. */
void input_mouse_event(struct input_mouse *m, int dx, int dy, int dz,
                       unsigned buttons);

/* ---- For whom they are there for ----------------------------------------- */

/*
 * The next event; false: there is none. Where too many were waiting, some were
 * lost; then keys and buttons that are up meanwhile are told to be so.
 */
bool input_take(struct input *in, struct input_event *e);
/* The LEDs of all keyboards, and of those that come. */
void input_set_leds(struct input *in, unsigned leds);
/* Which there are, and how many events were lost: lines, cut at `size` > 0. */
void input_info(const struct input *in, char *text, size_t size);

#endif
