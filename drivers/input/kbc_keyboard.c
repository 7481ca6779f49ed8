/* See kbc.h: the keyboard, and scan code set 1. */
#include <string.h>

#include "drivers/input/kbc_internal.h"

enum { SET_LEDS = 0xed, SCAN_CODES = 0xf0 };

#define RELEASE 0x80u
#define EXTENDED 0x80u          /* of input_key */
#define OVERRUN 0x00u           /* FFh too, translated */
#define CTRL 0x1du
#define NUM_LOCK 0x45u
/* 500 ms, then 30 a second. */
#define REPEAT 0x20u

enum { NO_PREFIX, AFTER_E0, AFTER_E1, AFTER_E1_1D };

#define RESET { { PS2_RESET }, 1, 1, 1000, true }
#define ID { { PS2_ID }, 1, 2, 100, false }
#define SET_REPEAT { { PS2_RATE, REPEAT }, 2, 0, 0, false }
#define ENABLE { { PS2_ENABLE }, 1, 0, 0, true }

static const struct kbc_say start[] = { RESET, ID, SET_REPEAT, ENABLE };
/* Where the controller does not translate. */
static const struct kbc_say start_set_1[] = {
    RESET, ID, { { SCAN_CODES, 1 }, 2, 0, 0, true }, SET_REPEAT, ENABLE,
};

static void answered(struct kbc_port *p, const struct kbc_say *say)
{
    if (say->byte[0] == PS2_ID)
        memcpy(p->kbc->keyboard_id, p->answer, sizeof p->answer);
}

static void set_leds(struct input_keyboard *k, unsigned leds)
{
    struct kbc *kbc = k->driver;

    kbc->leds = leds & (INPUT_SCROLL_LOCK | INPUT_NUM_LOCK | INPUT_CAPS_LOCK);
}

static void up(struct kbc_port *p)
{
    struct kbc *k = p->kbc;

    k->prefix = NO_PREFIX;
    k->leds_said = 0;
    k->keyboard.name = "PS/2";
    k->keyboard.set_leds = set_leds;
    k->keyboard.driver = k;
    input_add_keyboard(k->input, &k->keyboard);
}

static void gone(struct kbc_port *p)
{
    input_remove_keyboard(&p->kbc->keyboard);
}

static const struct kbc_say *next(struct kbc_port *p)
{
    struct kbc *k = p->kbc;

    if (k->leds == k->leds_said)
        return NULL;
    k->leds_said = k->leds;     /* if it takes them not, it has none */
    k->say_leds = (struct kbc_say){ { SET_LEDS, (uint8_t)k->leds }, 2, 0, 0,
                                    false };
    return &k->say_leds;
}

/* A key that has no release, or one that comes at once. */
static void press_and_release(struct kbc *k, input_key key)
{
    input_key_event(&k->keyboard, key, true);
    input_key_event(&k->keyboard, key, false);
}

static void take_extended(struct kbc *k, uint8_t byte)
{
    uint8_t code = byte & (uint8_t)~RELEASE;

    /* Shifts that a keyboard makes up for keys of its cursor block. */
    if (code != 0x2a && code != 0x36)
        input_key_event(&k->keyboard, code | EXTENDED, !(byte & RELEASE));
}

/* Behind E1h: 1Dh 45h is Pause, 9Dh C5h what stands for its release. */
static void take_pause(struct kbc *k, uint8_t byte)
{
    uint8_t code = byte & (uint8_t)~RELEASE;

    if (k->prefix == AFTER_E1 && code == CTRL) {
        k->prefix = AFTER_E1_1D;
        return;
    }
    if (k->prefix != AFTER_E1_1D || code != NUM_LOCK)
        k->counters.unexpected++;
    else if (!(byte & RELEASE))
        press_and_release(k, INPUT_KEY_PAUSE);
    k->prefix = NO_PREFIX;
}

/* What is no key. True: a keyboard was plugged in. */
static bool take_special(struct kbc *k, uint8_t byte)
{
    switch (byte) {
    case PS2_TEST_PASSED:
        return true;
    case OVERRUN:
    case OVERRUN ^ 0xff:
        k->counters.overruns++;         /* who knows what is up */
        input_release_all(&k->keyboard);
        return false;
    case 0xf1:                  /* Korean keyboards: keys without release */
    case 0xf2:
        press_and_release(k, byte & (uint8_t)~RELEASE);
        return false;
    default:
        k->counters.unexpected++;
        return false;
    }
}

/* The releases of some keys have the codes of answers: AAh that of left Shift.
 * They are that only while the key is down. */
static bool take(struct kbc_port *p, uint8_t byte, uint64_t now)
{
    struct kbc *k = p->kbc;
    uint8_t code = byte & (uint8_t)~RELEASE;

    if (k->prefix == AFTER_E0) {
        k->prefix = NO_PREFIX;
        take_extended(k, byte);
    } else if (k->prefix) {
        take_pause(k, byte);
    } else if (byte == 0xe0 || byte == 0xe1) {
        k->prefix = byte == 0xe0 ? AFTER_E0 : AFTER_E1;
    } else if (code && input_has(k->keyboard.down, code)) {
        input_key_event(&k->keyboard, code, !(byte & RELEASE));
    } else if (byte & RELEASE || !code) {
        return take_special(k, byte);
    } else {
        input_key_event(&k->keyboard, code, true);
    }
    return false;
}

static void damaged(struct kbc_port *p)
{
    p->kbc->prefix = NO_PREFIX;
    input_release_all(&p->kbc->keyboard);
}

#define KEYBOARD(says) \
    { .start = says, .start_count = sizeof says / sizeof *says, \
      .answered = answered, .up = up, .gone = gone, .take = take, \
      .damaged = damaged, .next = next }

const struct kbc_device kbc_keyboard = KEYBOARD(start);
const struct kbc_device kbc_keyboard_set_1 = KEYBOARD(start_set_1);
