/* Virtual consoles in VGA's text memory: which is shown, what, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/screen/consoles.h"

#define COLUMNS 40u
#define ROWS 6u
#define STARS "****************************************"
#define SECOND UINT64_C(1000000000)

static uint8_t memory[COLUMNS * ROWS * 2];
static struct canvas canvas;
static struct consoles consoles;
static struct vt *vt[2];
static char typed[64];
static unsigned draws, draws_of_all;
static uint64_t now;

static void take_input(void *ctx, const uint8_t *data, size_t len)
{
    size_t used = strlen(typed);

    assert_true(used + len < sizeof typed);
    memcpy(typed + used, data, len);
    typed[used + len] = '\0';
    assert_true(ctx == &vt[0] || ctx == &vt[1]);
}

/* A guest's picture: over everything, past the canvas. */
static void draw_picture(void *ctx, struct canvas *on, bool all)
{
    draws++;
    draws_of_all += all;
    for (unsigned i = 0; i < sizeof memory; i += 2) {
        memory[i] = '*';
        memory[i + 1] = 1;
    }
}

static int setup(void **state)
{
    const struct surface surface = { .memory = memory, .is_text = true,
                                     .pitch = COLUMNS * 2, .width = COLUMNS,
                                     .height = ROWS };
    const struct vt_config config = { .columns = 30, .rows = 5,
                                      .history = 20 };
    struct console_source source = { .name = "picture",
                                     .draw = draw_picture };

    memset(memory, 0, sizeof memory);
    memset(typed, 0, sizeof typed);
    draws = draws_of_all = 0;
    now = 1000 * SECOND;
    assert_true(canvas_init(&canvas, &surface));
    consoles_init(&consoles, &canvas);
    assert_int_equal(consoles_add(&consoles, &source), 1);
    source.input = take_input;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(source.name, sizeof source.name, i ? "serial" : "monitor");
        source.vt = vt[i] = vt_create(&config);
        source.ctx = &vt[i];
        assert_int_equal(consoles_add(&consoles, &source), i + 2);
    }
    return 0;
}

static int teardown(void **state)
{
    vt_destroy(vt[0]);
    vt_destroy(vt[1]);
    return 0;
}

static void say(unsigned terminal, const char *text)
{
    vt_write(vt[terminal], (const uint8_t *)text, strlen(text));
}

/* Poll until nothing is due for 10 s. */
static void settle(void)
{
    uint64_t end = now + 10 * SECOND, next;

    while ((next = consoles_poll(&consoles, now)) < end)
        now = next;
    now = end;
}

static const char *row_text(unsigned row)
{
    static char text[COLUMNS + 1];
    unsigned end = 0;

    for (unsigned i = 0; i < COLUMNS; i++) {
        text[i] = (char)memory[(row * COLUMNS + i) * 2];
        if (text[i] != ' ')
            end = i + 1;
    }
    text[end] = '\0';
    return text;
}

static unsigned attribute(unsigned row, unsigned column)
{
    return memory[(row * COLUMNS + column) * 2 + 1];
}

static void test_terminal(void **state)
{
    say(0, "one\r\ntwo");
    assert_true(consoles_show(&consoles, 2, now));
    assert_true(consoles_poll(&consoles, now) < now + 3 * SECOND);
    assert_string_equal(row_text(0), "one                           2 monitor");
    assert_string_equal(row_text(1), "two");
    assert_string_equal(row_text(5), "");
    assert_int_equal(attribute(1, 3), 0x70);    /* the cursor */
    assert_int_equal(attribute(1, 4), 0x07);
    settle();
    assert_string_equal(row_text(0), "one");
    assert_int_equal(attribute(0, 39), 0x07);
    say(0, "\x1b[H");
    settle();
    assert_int_equal(attribute(1, 3), 0x07);
    assert_int_equal(attribute(0, 0), 0x70);
    say(0, "\x1b[?25l");
    settle();
    assert_int_equal(attribute(0, 0), 0x07);
}

/* However much is said, it is drawn once in 33 ms. */
static void test_pace(void **state)
{
    consoles_show(&consoles, 2, now);
    settle();
    say(0, "first");
    assert_int_equal(consoles_poll(&consoles, now), UINT64_MAX);
    assert_string_equal(row_text(0), "first");
    say(0, " second");
    assert_int_equal(consoles_poll(&consoles, now + 1),
                     now + CONSOLES_DRAW_NS);
    assert_string_equal(row_text(0), "first");
    say(1, "not shown");
    assert_int_equal(consoles_poll(&consoles, now + CONSOLES_DRAW_NS),
                     UINT64_MAX);
    assert_string_equal(row_text(0), "first second");
    memset(memory, 0, sizeof memory);
    assert_int_equal(consoles_poll(&consoles, now + SECOND), UINT64_MAX);
    assert_int_equal(memory[0], 0);             /* nothing is drawn twice */
    say(0, "\rF");
    consoles_poll(&consoles, now + SECOND);
    assert_int_equal(memory[0], 'F');
    assert_int_equal(memory[2], 'i');           /* under the cursor */
    assert_int_equal(memory[4], 0);
}

static void test_switch(void **state)
{
    say(0, "monitor's");
    say(1, "serial's");
    settle();                                   /* the picture, as the first */
    assert_string_equal(row_text(3), STARS);
    assert_true(consoles_type(&consoles, '3', VT_CTRL | VT_ALT, now));
    settle();
    assert_string_equal(row_text(0), "serial's");
    assert_string_equal(row_text(3), "");
    assert_true(consoles_type(&consoles, '2', VT_CTRL | VT_ALT, now));
    settle();
    assert_string_equal(row_text(0), "monitor's");
    assert_true(consoles_type(&consoles, '9', VT_CTRL | VT_ALT, now));
    settle();
    assert_string_equal(row_text(0), "monitor's");
    assert_string_equal(typed, "");
    assert_false(consoles_show(&consoles, 0, now));
    assert_false(consoles_show(&consoles, 4, now));
}

static void test_picture(void **state)
{
    uint64_t next = consoles_poll(&consoles, now);

    assert_int_equal(next, now + CONSOLES_DRAW_NS);
    assert_int_equal(draws_of_all, 1);
    consoles_poll(&consoles, now + 1);
    assert_int_equal(draws, 1);
    consoles_poll(&consoles, next);
    assert_int_equal(draws, 2);
    assert_int_equal(draws_of_all, 1);
    assert_false(consoles_type(&consoles, 'x', 0, now));
    assert_false(consoles_key(&consoles, VT_KEY_PAGE_UP, VT_CTRL, now));
    assert_false(consoles_keypad(&consoles, '5', now));
    consoles_show(&consoles, 1, now);
    for (unsigned i = 0; i < 3; i++) {          /* over each picture */
        now = consoles_poll(&consoles, now);
        assert_memory_equal(row_text(0) + 28, "* 1 picture", 11);
    }
    now += 3 * SECOND;
    consoles_poll(&consoles, now);
    assert_string_equal(row_text(0), STARS);
}

static void test_typing(void **state)
{
    consoles_show(&consoles, 3, now);
    assert_true(consoles_type(&consoles, 'l', 0, now));
    assert_true(consoles_type(&consoles, 's', 0, now));
    assert_true(consoles_key(&consoles, VT_KEY_RETURN, 0, now));
    assert_true(consoles_key(&consoles, VT_KEY_UP, 0, now));
    assert_true(consoles_keypad(&consoles, '7', now));
    assert_true(consoles_type(&consoles, '1', VT_CTRL, now));
    assert_string_equal(typed, "ls\r\x1b[A7");
}

static void scroll(enum vt_key key)
{
    assert_true(consoles_key(&consoles, key, VT_CTRL, now));
    settle();
}

static void test_scroll_back(void **state)
{
    for (unsigned i = 0; i < 12; i++) {
        const char line[] = { '\r', '\n', (char)('a' + i), '\0' };

        say(1, line);
    }
    consoles_show(&consoles, 3, now);
    settle();
    assert_string_equal(row_text(0), "h");
    scroll(VT_KEY_UP);
    assert_string_equal(row_text(0), "g                3 serial, 1 lines back");
    scroll(VT_KEY_PAGE_UP);
    assert_int_equal(row_text(0)[0], 'b');
    assert_string_equal(row_text(4), "f");
    say(1, "\r\nx\r\ny");                       /* the view stays */
    settle();
    assert_string_equal(row_text(0), "b                3 serial, 8 lines back");
    scroll(VT_KEY_PAGE_UP);
    assert_string_equal(row_text(0), "                3 serial, 10 lines back");
    assert_string_equal(row_text(1), "a");
    scroll(VT_KEY_DOWN);
    assert_int_equal(row_text(0)[0], 'a');
    scroll(VT_KEY_PAGE_DOWN);
    scroll(VT_KEY_PAGE_DOWN);
    assert_string_equal(row_text(0), "j");
    scroll(VT_KEY_PAGE_UP);
    assert_string_equal(typed, "");
    consoles_type(&consoles, '!', 0, now);      /* and it is back */
    settle();
    assert_string_equal(row_text(0), "j");
    assert_string_equal(typed, "!");
}

static void test_full(void **state)
{
    struct console_source source = { .name = "more", .draw = draw_picture };

    for (unsigned i = 4; i <= CONSOLES_MAX; i++)
        assert_int_equal(consoles_add(&consoles, &source), i);
    assert_int_equal(consoles_add(&consoles, &source), 0);
}

static void test_none(void **state)
{
    struct consoles none;

    consoles_init(&none, &canvas);
    assert_int_equal(consoles_poll(&none, now), UINT64_MAX);
    assert_false(consoles_type(&none, '1', VT_CTRL | VT_ALT, now));
    assert_false(consoles_key(&none, VT_KEY_UP, 0, now));
}

static const char *drawn(unsigned row)
{
    static char text[COLUMNS + 1];
    unsigned end = 0;

    for (unsigned i = 0; i < canvas.columns; i++) {
        text[i] = (char)canvas.drawn[row][i].c;
        if (text[i] != ' ')
            end = i + 1;
    }
    text[end] = '\0';
    return text;
}

/* A terminal that does not fit: the cursor is always seen. */
static void test_smaller_screen(void **state)
{
    assert_true(consoles_show(&consoles, 2, now));
    say(0, "one\r\ntwo\r\nthree\r\nfour\r\nfive");
    settle();
    canvas_resize(&canvas, 20, 3);
    settle();
    assert_string_equal(drawn(0), "three");
    assert_string_equal(drawn(2), "five");
    say(0, "\x1b[1;1H");
    settle();
    assert_string_equal(drawn(0), "one");
    say(0, "\x1b[2;27Hend");                /* columns 11 to 30 */
    settle();
    assert_string_equal(drawn(1), "                end");
    canvas_resize(&canvas, COLUMNS, ROWS);
    settle();
    assert_string_equal(drawn(0), "one");
    assert_string_equal(drawn(4), "five");
}

static void test_nobody_looks(void **state)
{
    assert_true(consoles_show(&consoles, 2, now));
    canvas.is_unseen = true;
    say(0, "one");
    assert_int_equal(consoles_poll(&consoles, now), UINT64_MAX);
    assert_string_equal(row_text(0), "");
    canvas.is_unseen = false;
    settle();
    assert_string_equal(row_text(0), "one");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_terminal), T(test_pace), T(test_switch), T(test_picture),
        T(test_typing), T(test_scroll_back), T(test_full), T(test_none),
        T(test_smaller_screen), T(test_nobody_looks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
