/*
 * See vnc_keys.h. Keys come as keysyms (X11's keysymdef.h, RFC 6143 7.5.4), which
 * have Shift and locks in them already: so Shift and AltGr are pressed or
 * released for a key where the layout wants that, and locks are not passed on.
 * The right Alt of a client whose layout has no AltGr is Alt, and stays down.
 */
#include "kernel/hosted/vnc_keys.h"

#include <rfb/keysym.h>
#include <stddef.h>

#include "kernel/keymap/keymap.h"

#define UNICODE 0x1000000u      /* keysyms above: a character */
#define UNICODE_END 0x1110000u

enum { KEY_SHIFT = 0x2a, KEY_SHIFT_R = 0x36, KEY_ALTGR = 0xb8 };
/* RFB's buttons. */
enum { LEFT = 1, MIDDLE = 2, RIGHT = 4, WHEEL_UP = 8, WHEEL_DOWN = 16 };

static const struct {
    uint16_t keysym;
    input_key key;
} keys[] = {
    { XK_BackSpace, 0x0e }, { XK_Tab, 0x0f }, { XK_ISO_Left_Tab, 0x0f },
    { XK_Return, 0x1c }, { XK_Escape, 0x01 }, { XK_Delete, 0xd3 },
    { XK_Home, 0xc7 }, { XK_Left, 0xcb }, { XK_Up, 0xc8 }, { XK_Right, 0xcd },
    { XK_Down, 0xd0 }, { XK_Page_Up, 0xc9 }, { XK_Page_Down, 0xd1 },
    { XK_End, 0xcf }, { XK_Insert, 0xd2 }, { XK_Menu, 0xdd },
    { XK_Print, 0xb7 }, { XK_Pause, INPUT_KEY_PAUSE }, { XK_Break, 0xc6 },
    { XK_Shift_L, KEY_SHIFT }, { XK_Shift_R, KEY_SHIFT_R },
    { XK_Control_L, 0x1d }, { XK_Control_R, 0x9d }, { XK_Alt_L, 0x38 },
    { XK_Alt_R, KEY_ALTGR }, { XK_Mode_switch, KEY_ALTGR },
    { XK_ISO_Level3_Shift, KEY_ALTGR }, { XK_Meta_L, 0x38 },
    { XK_Super_L, 0xdb }, { XK_Super_R, 0xdc },
    { XK_KP_Enter, 0x9c }, { XK_KP_Home, 0xc7 }, { XK_KP_Left, 0xcb },
    { XK_KP_Up, 0xc8 }, { XK_KP_Right, 0xcd }, { XK_KP_Down, 0xd0 },
    { XK_KP_Page_Up, 0xc9 }, { XK_KP_Page_Down, 0xd1 }, { XK_KP_End, 0xcf },
    { XK_KP_Insert, 0xd2 }, { XK_KP_Delete, 0xd3 },
    { XK_KP_Multiply, 0x37 }, { XK_KP_Add, 0x4e }, { XK_KP_Subtract, 0x4a },
    { XK_KP_Divide, 0xb5 }, { XK_F11, 0x57 }, { XK_F12, 0x58 },
};

/* The character of a keysym; 0: it has none. */
static uint32_t character(uint32_t keysym)
{
    if (keysym >= XK_KP_0 && keysym <= XK_KP_9)
        return '0' + (keysym - XK_KP_0);
    if (keysym == XK_KP_Decimal)
        return '.';
    if (keysym > UNICODE && keysym < UNICODE_END)
        return keysym - UNICODE;
    return (keysym >= ' ' && keysym < 0x7f) ||
           (keysym >= 0xa0 && keysym <= 0xff) ? keysym : 0;
}

/* The strokes that make it; the last one is what is held. Their number. */
static unsigned find(const struct keymap *map, uint32_t keysym,
                     struct keymap_stroke out[KEYMAP_STROKES], bool *is_plain)
{
    uint32_t c = character(keysym);

    *is_plain = !c;             /* Shift and AltGr stay as they are */
    if (c)
        return keymap_strokes(map, c, out);
    out[0] = (struct keymap_stroke){ 0 };
    if (keysym >= XK_F1 && keysym <= XK_F10)
        out[0].key = (guest_key)(0x3b + (keysym - XK_F1));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].keysym == keysym)
            out[0].key = keys[i].key;
    return out[0].key ? 1 : 0;
}

/* ---- Keys ------------------------------------------------------------------- */

static bool is_down(const struct vnc_keys *k, input_key key)
{
    return k->keyboard.down[key / 8] & 1u << key % 8;
}

static void event(struct vnc_keys *k, input_key key, bool down)
{
    input_key_event(&k->keyboard, key, down);
}

/* Press or release `key` for a while; true: it was the other way. */
static bool set(struct vnc_keys *k, input_key key, bool down)
{
    if (is_down(k, key) == down)
        return false;
    event(k, key, down);
    return true;
}

static bool holds(const struct vnc_keys *k, uint32_t keysym)
{
    for (unsigned i = 0; i < VNC_KEYS_DOWN; i++)
        if (k->down[i].keysym == keysym)
            return true;
    return false;
}

static void press(struct vnc_keys *k, const struct keymap_stroke *stroke)
{
    bool shift = stroke->modifiers & KEYMAP_SHIFT;
    bool altgr = stroke->modifiers & KEYMAP_ALTGR;
    bool left = false, right = false, third = false;

    if (!shift || !is_down(k, KEY_SHIFT_R))
        left = set(k, KEY_SHIFT, shift);
    if (!shift)
        right = set(k, KEY_SHIFT_R, false);
    if (altgr || !holds(k, XK_Alt_R))
        third = set(k, KEY_ALTGR, altgr);
    event(k, stroke->key, true);
    if (third)
        event(k, KEY_ALTGR, !altgr);
    if (right)
        event(k, KEY_SHIFT_R, true);
    if (left)
        event(k, KEY_SHIFT, !shift);
}

static void remember(struct vnc_keys *k, uint32_t keysym, input_key key)
{
    unsigned at = 0;

    for (unsigned i = 0; i < VNC_KEYS_DOWN; i++) {
        if (k->down[i].keysym == keysym)
            return;
        if (!k->down[i].keysym)
            at = i;
    }
    if (k->down[at].keysym)     /* more than fingers: that one is up */
        event(k, k->down[at].key, false);
    k->down[at].keysym = keysym;
    k->down[at].key = key;
}

static void key_down(struct vnc_keys *k, const struct keymap *map,
                     uint32_t keysym)
{
    struct keymap_stroke stroke[KEYMAP_STROKES];
    bool is_plain;
    unsigned count = find(map, keysym, stroke, &is_plain);

    for (unsigned i = 0; i + 1 < count; i++) {  /* a dead key */
        press(k, &stroke[i]);
        event(k, stroke[i].key, false);
    }
    if (!count)
        return;
    remember(k, keysym, stroke[count - 1].key);
    if (is_plain)
        event(k, stroke[0].key, true);
    else
        press(k, &stroke[count - 1]);
}

static void release(struct vnc_keys *k, unsigned i)
{
    event(k, k->down[i].key, false);
    k->down[i].keysym = 0;
}

/* With Shift released first, another keysym goes up than went down. */
static void key_up(struct vnc_keys *k, const struct keymap *map,
                   uint32_t keysym)
{
    struct keymap_stroke stroke[KEYMAP_STROKES];
    bool is_plain;
    unsigned count;

    for (unsigned i = 0; i < VNC_KEYS_DOWN; i++)
        if (k->down[i].keysym == keysym) {
            release(k, i);
            return;
        }
    count = find(map, keysym, stroke, &is_plain);
    for (unsigned i = 0; i < VNC_KEYS_DOWN && count; i++)
        if (k->down[i].keysym && k->down[i].key == stroke[count - 1].key)
            release(k, i);
}

/* ---- The pointer ------------------------------------------------------------- */

static void pointer(struct vnc_keys *k, const struct vnc_event *e)
{
    unsigned pressed = e->value & ~(unsigned)k->buttons;
    int dx = k->has_place ? e->x - k->x : 0;
    int dy = k->has_place ? k->y - e->y : 0;
    int dz = !!(pressed & WHEEL_DOWN) - !!(pressed & WHEEL_UP);

    k->has_place = true;
    k->x = e->x;
    k->y = e->y;
    k->buttons = e->value;
    input_mouse_event(&k->mouse, dx, dy, dz,
                      (e->value & LEFT ? INPUT_LEFT : 0) |
                      (e->value & RIGHT ? INPUT_RIGHT : 0) |
                      (e->value & MIDDLE ? INPUT_MIDDLE : 0));
}

void vnc_keys_event(struct vnc_keys *k, const struct keymap *map,
                    const struct vnc_event *e)
{
    if (e->kind == VNC_POINTER)
        pointer(k, e);
    else if (e->value)
        key_down(k, map, e->keysym);
    else
        key_up(k, map, e->keysym);
}

void vnc_keys_add(struct vnc_keys *k, struct input *in)
{
    k->keyboard.name = k->mouse.name = "VNC";
    input_add_keyboard(in, &k->keyboard);
    input_add_mouse(in, &k->mouse);
}

void vnc_keys_remove(struct vnc_keys *k)
{
    input_remove_keyboard(&k->keyboard);
    input_remove_mouse(&k->mouse);
}
