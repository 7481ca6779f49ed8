/* See input.h. */
#include "drivers/input/input.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool is_held(const struct input *in, unsigned key)
{
    for (const struct input_keyboard *k = in->keyboards; k; k = k->next)
        if (input_has(k->down, key))
            return true;
    return false;
}

static uint8_t all_buttons(const struct input *in)
{
    uint8_t buttons = 0;

    for (const struct input_mouse *m = in->mice; m; m = m->next)
        buttons |= m->buttons;
    return buttons;
}

/* ---- The stream ---------------------------------------------------------- */

static bool put(struct input *in, const struct input_event *e)
{
    if (in->count == INPUT_EVENTS) {
        in->is_behind = true;
        in->lost++;
        return false;
    }
    in->event[(in->head + in->count++) % INPUT_EVENTS] = *e;
    return true;
}

/* What was lost can only have left something down that is up now. */
static bool catch_up(struct input *in, struct input_event *e)
{
    for (unsigned key = 0; key < INPUT_KEYS; key++)
        if (input_has(in->down, key) && !is_held(in, key)) {
            input_set(in->down, key, false);
            *e = (struct input_event){ .kind = INPUT_KEY,
                                       .key = (input_key)key };
            return true;
        }
    in->is_behind = false;
    if (in->buttons == all_buttons(in))
        return false;
    in->buttons = all_buttons(in);
    *e = (struct input_event){ .kind = INPUT_MOUSE, .buttons = in->buttons };
    return true;
}

bool input_take(struct input *in, struct input_event *e)
{
    if (!in->count)
        return in->is_behind && catch_up(in, e);
    *e = in->event[in->head];
    in->head = (in->head + 1) % INPUT_EVENTS;
    in->count--;
    return true;
}

/* ---- Keys ---------------------------------------------------------------- */

static void tell_key(struct input *in, input_key key, bool is_down)
{
    const struct input_event e = {
        .kind = INPUT_KEY, .key = key, .is_down = is_down,
        .is_repeat = is_down && input_has(in->down, key),
    };

    if (!is_down && (!input_has(in->down, key) || is_held(in, key)))
        return;
    if (put(in, &e))
        input_set(in->down, key, is_down);
}

void input_key_event(struct input_keyboard *k, input_key key, bool is_down)
{
    if (!k->input || !key || (!is_down && !input_has(k->down, key)))
        return;
    if (!input_has(k->down, key) || k->held == key) {
        k->held = is_down && key != INPUT_KEY_PAUSE ? key : 0;
        k->repeat_ns = 0;
    }
    input_set(k->down, key, is_down);
    tell_key(k->input, key, is_down);
}

void input_release_all(struct input_keyboard *k)
{
    for (unsigned key = 0; key < INPUT_KEYS; key++)
        input_key_event(k, (input_key)key, false);
}

uint64_t input_repeat(struct input_keyboard *k, uint64_t now)
{
    if (!k->input || !k->held)
        return UINT64_MAX;
    if (!k->repeat_ns)
        k->repeat_ns = now + INPUT_REPEAT_DELAY_NS;
    if (now >= k->repeat_ns) {
        tell_key(k->input, k->held, true);
        k->repeat_ns = now + INPUT_REPEAT_NS;
    }
    return k->repeat_ns;
}

/* ---- Mice ---------------------------------------------------------------- */

static int16_t limited(int n)
{
    return (int16_t)(n < INT16_MIN ? INT16_MIN : n > INT16_MAX ? INT16_MAX : n);
}

/* It moves faster than events are taken: one of both. */
static bool add_to_last(struct input *in, const struct input_event *e)
{
    struct input_event *last =
        &in->event[(in->head + in->count - 1) % INPUT_EVENTS];

    if (!in->count || last->kind != INPUT_MOUSE || last->buttons != e->buttons)
        return false;
    last->dx = limited(last->dx + e->dx);
    last->dy = limited(last->dy + e->dy);
    last->dz = limited(last->dz + e->dz);
    return true;
}

void input_mouse_event(struct input_mouse *m, int dx, int dy, int dz,
                       unsigned buttons)
{
    struct input *in = m->input;
    struct input_event e = { .kind = INPUT_MOUSE, .dx = limited(dx),
                             .dy = limited(dy), .dz = limited(dz) };

    if (!in)
        return;
    m->buttons = buttons & INPUT_BUTTONS;
    e.buttons = all_buttons(in);
    if (!add_to_last(in, &e) && put(in, &e))
        in->buttons = e.buttons;
}

/* ---- Which there are ----------------------------------------------------- */

void input_add_keyboard(struct input *in, struct input_keyboard *k)
{
    memset(k->down, 0, sizeof k->down);
    k->held = 0;
    k->input = in;
    k->next = in->keyboards;
    in->keyboards = k;
    if (k->set_leds)
        k->set_leds(k, in->leds);
}

void input_remove_keyboard(struct input_keyboard *k)
{
    struct input_keyboard **at;

    if (!k->input)
        return;
    input_release_all(k);
    for (at = &k->input->keyboards; *at != k; at = &(*at)->next)
        ;
    *at = k->next;
    k->input = NULL;
}

void input_add_mouse(struct input *in, struct input_mouse *m)
{
    m->buttons = 0;
    m->input = in;
    m->next = in->mice;
    in->mice = m;
}

void input_remove_mouse(struct input_mouse *m)
{
    struct input_mouse **at;

    if (!m->input)
        return;
    input_mouse_event(m, 0, 0, 0, 0);
    for (at = &m->input->mice; *at != m; at = &(*at)->next)
        ;
    *at = m->next;
    m->input = NULL;
}

void input_set_leds(struct input *in, unsigned leds)
{
    in->leds = leds;
    for (struct input_keyboard *k = in->keyboards; k; k = k->next)
        if (k->set_leds)
            k->set_leds(k, leds);
}

static void tell(char *text, size_t size, const char *what, const char *name)
{
    size_t len = strlen(text);

    snprintf(text + len, size - len, "%s%s\n", what, name);
}

void input_info(const struct input *in, char *text, size_t size)
{
    size_t len;

    *text = '\0';
    for (const struct input_keyboard *k = in->keyboards; k; k = k->next)
        tell(text, size, "keyboard: ", k->name);
    for (const struct input_mouse *m = in->mice; m; m = m->next)
        tell(text, size, "mouse: ", m->name);
    if (!*text)
        tell(text, size, "no keyboard, no mouse", "");
    len = strlen(text);
    snprintf(text + len, size - len, "events: %llu lost; USB: %llu bad "
             "reports, %llu refused LEDs\n", (unsigned long long)in->lost,
             (unsigned long long)in->bad_reports,
             (unsigned long long)in->refused_leds);
}
