/* Keys and the mouse to the console that is shown: what a guest, or a program
 * at a terminal, has of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emu/machine_internal.h"
#include "kernel/console/keyboard.h"
#include "kernel/platform.h"
#include "tests/unit/console_harness.h"

#define COLUMNS 80u
#define ROWS 25u
#define SECOND UINT64_C(1000000000)
enum { STATUS = 0x64, DATA = 0x60, FULL = 1 };
enum { CTRL = 0x1d, SHIFT = 0x2a, ALT = 0x38, ALTGR = 0xb8, CAPS = 0x3a,
       NUM = 0x45, A = 0x1e, B = 0x30, C = 0x2e, Q = 0x10, DEL = 0xd3,
       PGUP = 0xc9 };

static uint8_t memory[COLUMNS * ROWS * 2];
static struct canvas canvas;
static struct consoles consoles;
static struct keyboard keyboard;
static struct vt *vt;
static char typed[256];
static size_t typed_len;
static unsigned pc_leds, guest_leds;
static struct options layout;

/* In place of the hosted platform's. */
struct input hosted_input;
bool platform_input_take(struct input_event *e) { return false; }
uint64_t platform_input_poll(void) { return UINT64_MAX; }
void platform_input_leds(unsigned leds) { pc_leds = leds; }
void platform_input_info(char *text, size_t size) { *text = '\0'; }

static void take_input(void *ctx, const uint8_t *data, size_t len)
{
    assert_true(typed_len + len < sizeof typed);
    memcpy(typed + typed_len, data, len);
    typed_len += len;
    typed[typed_len] = '\0';
}

/* Another console's. */
static void take_serial(void *ctx, const uint8_t *data, size_t len)
{
    take_input(ctx, data, len);
}

static void draw(void *ctx, struct canvas *on, bool all) {}

static unsigned leds_of_guest(void *ctx) { return guest_leds; }

static void write_port(unsigned i, uint16_t port, uint8_t v)
{
    machine_io_write(guests[i]->machine, port, 1, v);
}

/* Each machine's VGA and two terminals; the first's VGA is shown. */
static int setup(void **state)
{
    const struct surface surface = { .memory = memory, .is_text = true,
                                     .pitch = COLUMNS * 2, .width = COLUMNS,
                                     .height = ROWS };
    const struct vt_config config = { .columns = COLUMNS, .rows = ROWS,
                                      .history = 100 };

    if (console_setup(state) || !canvas_init(&canvas, &surface) ||
        !(vt = vt_create(&config)))
        return -1;
    layout = *guest->options;
    consoles_init(&consoles, &canvas);
    for (unsigned i = 0; i < (*state ? 2 : 1); i++) {
        struct console_source vga = { .draw = draw, .guest = guests[i],
                                      .leds = leds_of_guest };
        struct console_source text = { .vt = vt, .input = take_input,
                                       .guest = guests[i] };

        guests[i]->options = &layout;
        write_port(i, STATUS, 0xae);
        write_port(i, STATUS, 0xa8);
        consoles_add(&consoles, &vga);
        consoles_add(&consoles, &text);
        text.input = take_serial;
        consoles_add(&consoles, &text);
    }
    typed_len = guest_leds = 0;
    pc_leds = 99;
    keyboard_init(&keyboard, &consoles);
    return 0;
}

static int teardown(void **state)
{
    vt_destroy(vt);
    return console_teardown(state);
}

/* What guest i reads of its controller, a byte in a tenth of a second. */
static const char *got(unsigned i)
{
    static uint64_t later = 100 * SECOND;
    static char text[4096];
    unsigned looks = 0;         /* in vain; a busy host makes few in a while */
    size_t n = 0;
    uint64_t end;

    end = platform_now_ns() + SECOND / 50;
    text[0] = '\0';
    while (platform_now_ns() < end || looks++ < 2000) {
        guest_keys_poll(guests[i], platform_now_ns() + later);
        if (!(machine_io_read(guests[i]->machine, STATUS, 1) & FULL))
            continue;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%02x",
                              n ? " " : "",
                              machine_io_read(guests[i]->machine, DATA, 1));
        later += SECOND / 10;
        looks = 0;
        end = platform_now_ns() + SECOND / 50;
    }
    return text;
}

static void key(input_key key, bool is_down)
{
    const struct input_event e = {
        .kind = INPUT_KEY, .key = key, .is_down = is_down,
        .is_repeat = is_down && keyboard.down[key / 8] & 1u << key % 8 };

    keyboard_event(&keyboard, &e, platform_now_ns());
}

/* Down in this order, up in the other; up to a 0. */
static void press(const input_key *keys)
{
    unsigned n = 0;

    for (; keys[n]; n++)
        key(keys[n], true);
    while (n-- > 0)
        key(keys[n], false);
}

#define PRESS(...) press((const input_key[]){ __VA_ARGS__, 0 })
#define SHOW(digit) PRESS(CTRL, ALT, digit + 1)

/* What a program at the terminal has of what was pressed. */
static const char *has(void)
{
    typed[typed_len] = '\0';
    typed_len = 0;
    return typed;
}

/* ---- A guest's VGA ------------------------------------------------------- */

static void test_guest_keys(void **state)
{
    PRESS(A);
    assert_string_equal(got(0), "1e 9e");
    PRESS(SHIFT, A);
    PRESS(0xc8);
    PRESS(INPUT_KEY_PAUSE);
    assert_string_equal(got(0),
                        "2a 1e 9e aa e0 48 e0 c8 e1 1d 45 e1 9d c5");
    key(A, true);
    key(A, true);               /* held: as the keyboard repeats it */
    key(A, true);
    key(A, false);
    assert_string_equal(got(0), "1e 1e 1e 9e");
    PRESS(CTRL, ALT, DEL);
    assert_string_equal(got(0), "1d 38 e0 53 e0 d3 b8 9d");
    PRESS(CAPS);                /* the guest's business, and its LED */
    assert_string_equal(got(0), "3a ba");
    assert_string_equal(has(), "");
}

static void test_choice(void **state)
{
    SHOW(2);
    assert_int_equal(consoles.shown, 1);
    assert_string_equal(got(0), "1d 38 9d b8"); /* up before it is left */
    PRESS(A);
    assert_string_equal(has(), "a");
    SHOW(3);
    assert_int_equal(consoles.shown, 2);
    SHOW(4);                    /* there is none */
    PRESS(CTRL, ALT, 0x0b);
    assert_int_equal(consoles.shown, 2);
    assert_string_equal(got(0), "");
    has();
    SHOW(1);
    SHOW(4);                    /* it may mean something to the guest */
    assert_string_equal(got(0), "1d 38 05 85 b8 9d");
    PRESS(ALTGR, CTRL, 3);
    assert_int_equal(consoles.shown, 1);
}

/* What is held when another console is shown says nothing there. */
static void test_held_over(void **state)
{
    key(A, true);
    consoles_show(&consoles, 3, platform_now_ns());     /* by the monitor */
    keyboard_poll(&keyboard);
    assert_string_equal(got(0), "1e 9e");
    key(A, true);
    key(A, true);
    key(C, true);
    key(C, false);
    key(A, false);
    assert_string_equal(has(), "c");
    PRESS(A);
    assert_string_equal(has(), "a");
    /* Back, with Ctrl and Alt down still: the guest hears of them. */
    key(CTRL, true);
    key(ALT, true);
    PRESS(2);
    assert_int_equal(consoles.shown, 0);
    key(ALT, true);             /* it repeats */
    assert_string_equal(got(0), "");
    PRESS(DEL);
    key(ALT, false);
    key(CTRL, false);
    assert_string_equal(got(0), "1d 38 e0 53 e0 d3 b8 9d");
}

static void test_several_machines(void **state)
{
    SHOW(4);
    assert_int_equal(consoles.shown, 3);
    got(0);
    PRESS(A);
    assert_string_equal(got(1), "1e 9e");
    key(A, true);
    PRESS(CTRL, ALT, 0x0b);
    assert_int_equal(consoles.shown, 0);
    key(A, false);
    assert_string_equal(got(1), "1e 1d 38 9d 9e b8");
    assert_string_equal(got(0), "");
    SHOW(6);
    got(0);
    PRESS(CTRL, ALT, 0x0b);
    assert_int_equal(consoles.shown, 2);
    SHOW(5);
    PRESS(CTRL, ALT, DEL);      /* of a terminal, to its machine */
    assert_string_equal(got(0), "");
    assert_string_equal(got(1), "1d 38 e0 53 e0 d3 b8 9d");
}

/* Nearly all that there are, but for modifiers and C. */
static void all_keys(bool is_down)
{
    const uint8_t others[] = { CTRL, SHIFT, 0x36, ALT, 0x9d, ALTGR,
                               GUEST_KEY_PAUSE, C };

    for (unsigned i = 0x02; i <= 0xd8; i++) {
        if ((i & 0x7f) >= 0x02 && (i & 0x7f) <= 0x58 &&
            !memchr(others, (int)i, sizeof others))
            key((uint8_t)i, is_down);
        if (is_down && i % 64 == 0)
            got(0);             /* as many as may wait */
    }
}

static bool knows_none(void)
{
    const uint8_t none[sizeof guest->keys.told] = { 0 };

    return !memcmp(guest->keys.told, none, sizeof none);
}

/* More keys than may wait: those that are up are so in the end. */
static void test_many_keys(void **state)
{
    const char *text;

    key(A, true);
    key(B, true);
    got(0);
    guest->is_lent = true;      /* it takes none */
    for (unsigned i = 0; i < 2 * GUEST_KEYS_EVENTS; i++)
        PRESS(C);
    while (!guest_keys_press(guest, (const guest_key[]){ Q }, 1, 1))
        continue;
    key(A, false);
    key(B, false);
    guest->is_lent = false;
    text = got(0);
    assert_memory_equal(text, "2e ae 2e ae ", 12);
    assert_string_equal(text + strlen(text) - 8, "ae 9e b0");
    all_keys(true);
    got(0);
    guest->is_lent = true;
    for (unsigned i = 0; i < GUEST_KEYS_EVENTS; i++)
        PRESS(C);
    all_keys(false);
    guest->is_lent = false;
    got(0);
    assert_false(knows_none());
    keyboard_poll(&keyboard);
    got(0);
    assert_true(knows_none());
}

/* As many as may wait, by the monitor: the next machine has no release of it. */
static void test_left_when_full(void **state)
{
    key(A, true);
    assert_string_equal(got(0), "1e");
    while (!guest_keys_press(guest, (const guest_key[]){ Q }, 1, 1))
        continue;
    consoles_show(&consoles, 4, platform_now_ns());
    keyboard_poll(&keyboard);
    key(A, false);
    keyboard_poll(&keyboard);
    assert_string_equal(got(1), "");
    assert_non_null(strstr(got(0), " 9e"));
}

/* Its core does not answer, which takes the I/O core seconds each time. */
static void test_no_answer(void **state)
{
    struct input_event e = { .kind = INPUT_MOUSE, .dx = 5 };
    uint64_t now, asked;

    key(A, true);
    got(0);
    key(A, false);
    PRESS(B);
    guest->core = 1;
    now = platform_now_ns();
    assert_true(guest_keys_poll(guest, now) >= now + 5 * SECOND);
    asked = platform_now_ns();
    assert_true(asked - now >= SECOND);
    for (unsigned i = 0; i < 10; i++)
        assert_true(guest_keys_poll(guest, asked) > asked);
    keyboard_event(&keyboard, &e, asked);
    assert_true(platform_now_ns() - asked < SECOND);
    guest->core = 0;
    assert_string_equal(got(0), "9e 30 b0");
}

/* One that has to read first is looked at ten times a second, then less. */
static void test_reads_nothing(void **state)
{
    uint64_t now, due;
    const char *text;

    guest->state = GUEST_ON;
    key(SHIFT, true);
    for (unsigned i = 0; i < 40; i++)
        PRESS(A);
    key(SHIFT, false);
    now = platform_now_ns();
    due = guest_keys_poll(guest, now);
    assert_true(due > now && due <= now + SECOND / 10);
    guest->run.poked = false;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(guest_keys_poll(guest, now), due);
    assert_false(guest->run.poked);
    for (; due < now + 6 * SECOND; due = guest_keys_poll(guest, due))
        assert_true(guest->keys.count);
    assert_in_range(guest->keys.count, 1, 2);   /* Shift's release, and A's */
    assert_true(guest->keys.lost > 10);
    text = got(0);
    assert_memory_equal(text, "2a 1e 9e 1e", 11);
    assert_string_equal(text + strlen(text) - 5, "9e aa");
}

/* The next boot has none of those before it. */
static void test_reset(void **state)
{
    guest->state = GUEST_ON;
    guest->boots = 1;
    for (unsigned i = 0; i < 40; i++)
        PRESS(A);
    guest_keys_poll(guest, platform_now_ns());
    assert_true(guest_reset(guest));
    PRESS(B);
    write_port(0, STATUS, 0xae);
    assert_string_equal(got(0), "30 b0");
}

/* A key that is held fills the queue: it has no half of one. */
static void test_half_a_key(void **state)
{
    const char *text;

    guest->state = GUEST_ON;
    key(B, true);               /* an odd number of bytes */
    key(SHIFT, true);
    for (unsigned i = 0; i < 60; i++) {
        key(0xc8, true);
        guest_keys_poll(guest, platform_now_ns());
    }
    key(SHIFT, false);
    key(0xc8, false);
    key(B, false);
    text = got(0);
    assert_null(strstr(text, "e0 aa"));
    assert_string_equal(text + strlen(text) - 17, "e0 48 aa e0 c8 b0");
}

static void test_mouse(void **state)
{
    struct input_event e = { .kind = INPUT_MOUSE, .dx = 5, .dy = -3,
                             .buttons = INPUT_LEFT };

    write_port(0, STATUS, 0xd4);
    write_port(0, DATA, 0xf4);
    assert_string_equal(got(0), "fa");
    keyboard_event(&keyboard, &e, 0);
    assert_string_equal(got(0), "29 05 fd");
    SHOW(2);
    assert_string_equal(got(0), "08 1d 38 9d b8 00 00");
    e.dx = 7;
    keyboard_event(&keyboard, &e, 0);
    assert_string_equal(got(0), "");
    assert_string_equal(has(), "");
}

/* A button that is up while a task has the machine is so for the guest, later. */
static void test_buttons_of_a_lent_machine(void **state)
{
    struct input_event e = { .kind = INPUT_MOUSE, .buttons = INPUT_LEFT };

    write_port(0, STATUS, 0xd4);
    write_port(0, DATA, 0xf4);
    got(0);
    keyboard_event(&keyboard, &e, 0);
    assert_string_equal(got(0), "09 00 00");
    guest->is_lent = true;
    consoles_show(&consoles, 2, platform_now_ns());
    keyboard_poll(&keyboard);
    assert_true(guest_keys_poll(guest, platform_now_ns()) != UINT64_MAX);
    guest->is_lent = false;
    assert_string_equal(got(0), "08 00 00");
    assert_true(guest_keys_poll(guest, platform_now_ns()) == UINT64_MAX);
}

static void test_leds(void **state)
{
    assert_int_equal(pc_leds, 0);
    guest_leds = INPUT_SCROLL_LOCK;
    keyboard_poll(&keyboard);
    assert_int_equal(pc_leds, INPUT_SCROLL_LOCK);
    SHOW(2);
    keyboard_poll(&keyboard);
    assert_int_equal(pc_leds, 0);
    key(CAPS, true);
    key(CAPS, true);            /* held is pressed once */
    key(CAPS, false);
    keyboard_poll(&keyboard);
    assert_int_equal(pc_leds, INPUT_CAPS_LOCK);
    SHOW(1);
    keyboard_poll(&keyboard);
    assert_int_equal(pc_leds, INPUT_SCROLL_LOCK);
}

/* ---- Terminals ----------------------------------------------------------- */

static void test_characters(void **state)
{
    SHOW(2);
    PRESS(A);
    PRESS(SHIFT, A);
    PRESS(0x36, 0x03);
    PRESS(0x39);
    assert_string_equal(has(), "aA@ ");
    PRESS(CAPS);
    PRESS(A);
    PRESS(SHIFT, A);
    PRESS(0x03);
    PRESS(CAPS);
    assert_string_equal(has(), "Aa2");
    PRESS(CTRL, C);
    PRESS(0x9d, 0x1a);          /* Ctrl-[ */
    PRESS(ALT, A);
    PRESS(ALTGR, A);            /* Alt, too, on a keyboard of the US */
    assert_string_equal(has(), "\x03\x1b\x1b" "a" "\x1b" "a");
    key(A, true);
    key(A, true);
    key(A, false);
    assert_string_equal(has(), "aa");
}

static void test_other_keys(void **state)
{
    SHOW(2);
    PRESS(0x01);
    PRESS(0x0e);
    PRESS(0x0f);
    PRESS(0x1c);
    assert_string_equal(has(), "\x1b\x7f\t\r");
    PRESS(0xc8);
    PRESS(0xd1);
    PRESS(DEL);
    PRESS(0x3b);
    PRESS(0x44);
    PRESS(0x58);
    PRESS(SHIFT, 0xcd);
    assert_string_equal(has(), "\x1b[A\x1b[6~\x1b[3~\x1bOP\x1b[21~\x1b[24~"
                               "\x1b[1;2C");
    PRESS(INPUT_KEY_PAUSE);     /* no program has a use for these */
    PRESS(0xb7);
    PRESS(0xdb);
    PRESS(0x46);
    PRESS(0xff);
    assert_string_equal(has(), "");
}

static void test_keypad(void **state)
{
    static const char application[] = "\x1b=";

    SHOW(2);
    PRESS(0x48);
    PRESS(0x4c);
    PRESS(0x53);
    PRESS(0xb5);
    PRESS(0x37);
    PRESS(0x4a);
    PRESS(0x4e);
    PRESS(0x9c);
    assert_string_equal(has(), "\x1b[A\x1b[3~/*-+\r");
    vt_write(vt, (const uint8_t *)application, sizeof application - 1);
    PRESS(0x4e);
    PRESS(0x9c);
    PRESS(0x48);
    assert_string_equal(has(), "\x1bOk\x1bOM\x1b[A");
    PRESS(NUM);
    PRESS(0x48);
    PRESS(0x4c);
    PRESS(0x53);
    PRESS(0x4e);
    PRESS(0x9c);
    PRESS(SHIFT, 0x48);
    assert_string_equal(has(), "85.+\r\x1b[1;2A");
}

static void test_layouts(void **state)
{
    SHOW(2);
    layout.keymap = keymap_find("de");
    PRESS(0x15);                /* Z */
    PRESS(ALTGR, Q);
    PRESS(0x28);
    PRESS(ALT, 0x15);
    PRESS(NUM);
    PRESS(0x53);
    PRESS(NUM);
    assert_string_equal(has(), "z@\xc3\xa4\x1bz,");
    layout.keymap = keymap_find("es");
    PRESS(0x28);                /* an acute accent */
    PRESS(0x12);
    assert_string_equal(has(), "\xc3\xa9");
    PRESS(0x28);
    SHOW(3);                    /* forgets the accent */
    PRESS(0x12);
    PRESS(CTRL, 0x28);
    PRESS(0x12);
    assert_string_equal(has(), "ee");
    layout.keymap = keymap_find("ru");
    PRESS(A);
    PRESS(CTRL, C);
    assert_string_equal(has(), "\xd1\x84\x03");
    layout.keymap = keymap_find("fr");
    SHOW(1);                    /* by the place of the 1, whatever it types */
    assert_int_equal(consoles.shown, 0);
}

/* No layout of Debian's is like this one. */
static void test_layout_without_characters(void **state)
{
    static const _Alignas(8) uint8_t blank[8192];

    layout.keymap = (const struct keymap *)blank;
    SHOW(2);
    PRESS(0xb5);
    PRESS(0x37);
    PRESS(0x4a);
    assert_string_equal(has(), "");
}

static void test_scroll_back(void **state)
{
    static const char line[] = "line\r\n";

    for (unsigned i = 0; i < 100; i++)
        vt_write(vt, (const uint8_t *)line, sizeof line - 1);
    SHOW(2);
    PRESS(CTRL, PGUP);
    assert_int_equal(consoles.console[1].back, 24);
    PRESS(CTRL, 0xc8);
    assert_int_equal(consoles.console[1].back, 25);
    PRESS(CTRL, 0x49);          /* without Num Lock */
    assert_int_equal(consoles.console[1].back, 49);
    PRESS(CTRL, 0xd1);
    PRESS(CTRL, 0xd0);
    assert_int_equal(consoles.console[1].back, 24);
    assert_string_equal(has(), "");
    PRESS(A);
    assert_int_equal(consoles.console[1].back, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_guest_keys), T(test_choice), T(test_held_over),
        cmocka_unit_test_prestate_setup_teardown(
            test_several_machines, setup, teardown, (void *)&two_machines),
        cmocka_unit_test_prestate_setup_teardown(
            test_left_when_full, setup, teardown, (void *)&two_machines),
        T(test_many_keys), T(test_no_answer), T(test_reads_nothing),
        T(test_reset), T(test_half_a_key), T(test_mouse),
        T(test_buttons_of_a_lent_machine), T(test_leds), T(test_characters),
        T(test_other_keys), T(test_keypad), T(test_layouts),
        T(test_layout_without_characters), T(test_scroll_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
