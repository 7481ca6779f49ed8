/* The local screen's consoles: the monitor on it, and what is on the line too. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "emu/machine_internal.h"
#include "kernel/chardev/vc.h"
#include "kernel/console/local.h"
#include "kernel/console/local_keys.h"
#include "kernel/platform.h"
#include "tests/unit/console_harness.h"
#include "tests/unit/vga_modes.h"

#define COLUMNS 80u
#define ROWS 25u

static uint8_t memory[COLUMNS * ROWS * 2];
static struct canvas canvas;
static bool has_screen;
static struct local *local;
static uint64_t now;
static void (*log_line)(const char *line, size_t len);

/* In place of the hosted platform's, which has none. */
struct canvas *platform_screen(void (*log)(const char *line, size_t len))
{
    log_line = log;
    return has_screen ? &canvas : NULL;
}

uint64_t platform_screen_poll(struct local *l, uint64_t at)
{
    return UINT64_MAX;
}

void platform_screen_show(void) {}
int platform_vnc_info(char *text, size_t size) { return -ENOTSUP; }
int platform_vnc_password(const char *password) { return -ENOTSUP; }

static int setup(void **state)
{
    const struct surface surface = { .memory = memory, .is_text = true,
                                     .pitch = COLUMNS * 2, .width = COLUMNS,
                                     .height = ROWS };

    if (console_setup(state))
        return -1;
    has_screen = canvas_init(&canvas, &surface);
    now = platform_now_ns();
    local = local_create(guests, *state ? 2 : 1, &mux, NULL);
    monitor.local = local;
    return local ? 0 : -1;
}

static int teardown(void **state)
{
    local_destroy(local);
    return console_teardown(state);
}

/* All text of console `number`, once it has been drawn. */
static const char *shown(unsigned number)
{
    static char text[COLUMNS * ROWS + 1];
    unsigned len = 0;

    assert_true(consoles_show(local_consoles(local), number, now));
    for (unsigned i = 0; i < 3; i++)
        local_poll(local, now += 5000000000u);
    for (unsigned i = 0; i < COLUMNS * ROWS; i++)
        text[len++] = (char)memory[i * 2];
    return text;
}

static void keys(const char *text)
{
    for (; *text; text++) {
        if (*text == '\r')
            assert_true(consoles_key(local_consoles(local), VT_KEY_RETURN, 0,
                                     now));
        else
            assert_true(consoles_type(local_consoles(local), (uint8_t)*text,
                                      0, now));
    }
}

/* What the guest has to read. */
static const char *got(unsigned i)
{
    static char text[256];
    size_t n = byte_ring_get(&guests[i]->serial[0]->to_guest,
                             (uint8_t *)text, sizeof text - 1);

    text[n] = '\0';
    return text;
}

static void test_monitor(void **state)
{
    assert_shows(shown(2), "Trestle test monitor - type 'help'");
    keys("info version\r");
    assert_shows(shown(2), "(trestle) info version");
    assert_shows(shown(2), "test on hosted, engine");
    assert_string_equal(type(""), "");          /* not on the line */
    assert_shows(type("\001cinfo status\r"), "VM status: running");
    assert_null(strstr(shown(2), "VM status"));
    keys("stop\rinfo status\r");                /* the same machine */
    assert_shows(shown(2), "VM status: paused");
    assert_shows(type("info status\r"), "VM status: paused");
    assert_false(local_wants_end(local));
    keys("quit\r");
    shown(2);
    assert_true(local_wants_end(local));
}

/* Not in the line that is typed, which goes on behind it. */
static void test_log(void **state)
{
    const char *text;

    shown(2);
    keys("info ver");
    shown(2);
    log_line("a line of the log", 17);
    log_line("and another", 11);
    text = shown(2);
    assert_shows(text, "a line of the log");
    text = strstr(text, "(trestle) info ver");
    assert_memory_equal(text + COLUMNS, "a line of the log ", 18);
    assert_memory_equal(text + 2 * COLUMNS, "and another ", 12);
    assert_memory_equal(text + 3 * COLUMNS, "(trestle) info ver ", 19);
    keys("sion\r");
    assert_shows(shown(2), "test on hosted, engine");
}

/* A port with -serial vc: a console behind those of the machine. */
static void test_vc(void **state)
{
    struct chardev_option o = { .kind = CHARDEV_VC, .columns = 40, .rows = 10 };
    char why[100], text[16];
    struct backend *b;
    size_t n;

    local_destroy(local);
    assert_int_equal(backend_open(&o, "serial1", NULL, NULL, &b, why,
                                  sizeof why), 0);
    local = local_create(guests, 1, &mux, NULL);
    backend_describe(b, text, sizeof text);
    assert_string_equal(text, "vc:40Cx10C");
    assert_int_equal(b->chr.write(b->chr.ctx, (const uint8_t *)"port one",
                                  8), 8);
    assert_shows(shown(4), "port one");
    assert_null(strstr(shown(3), "port one"));
    shown(4);
    keys("typed\r");
    n = b->chr.read(b->chr.ctx, (uint8_t *)text, sizeof text);
    assert_int_equal(n, 6);
    assert_memory_equal(text, "typed\r", 6);
    /* It answers what a program asks of its terminal. */
    assert_int_equal(b->chr.write(b->chr.ctx, (const uint8_t *)"\033[5n", 4),
                     4);
    n = b->chr.read(b->chr.ctx, (uint8_t *)text, sizeof text);
    assert_int_equal(n, 4);
    assert_memory_equal(text, "\033[0n", 4);
    o.columns = 1;
    assert_int_equal(backend_open(&o, "x", NULL, NULL, &b, why, sizeof why),
                     -EINVAL);
    assert_shows(why, "2 to 512 columns");
    local_destroy(local);
    backend_close(vc_next(NULL));
    assert_null(vc_next(NULL));
    local = local_create(guests, 1, &mux, NULL);
}

static void test_serial_line_on_both(void **state)
{
    guest_says(0, "\x1b[2Jlogin: ");
    assert_shows(type(""), "login: ");
    assert_shows(shown(3), "login: ");
    guest_listens(0);
    keys("root\r");
    assert_string_equal(got(0), "root\r");
    type("more");
    assert_string_equal(got(0), "more");
}

/* The line's own terminal answers, but if somebody types here this one does. */
static void test_who_answers(void **state)
{
    guest_listens(0);
    guest_says(0, "\x1b[6n");
    type("");
    assert_string_equal(got(0), "");
    shown(3);
    keys("x");
    guest_says(0, "\x1b[6n");
    type("");
    assert_string_equal(got(0), "x\x1b[1;1R");
    type("y");
    guest_says(0, "\x1b[6n");
    type("");
    assert_string_equal(got(0), "y");
}

/* A line that takes nothing loses nothing, and the screen waits with it. */
static void test_slow_line(void **state)
{
    guest_says(0, "before");
    type("");
    line.accept = 0;
    for (unsigned i = 0; i < 100; i++) {
        char block[1024];

        memset(block, 'a' + i % 26, sizeof block - 1);
        block[sizeof block - 1] = '\0';
        if (byte_ring_room(&guest->serial[0]->from_guest) >= sizeof block)
            guest_says(0, block);
        mux_poll(&mux);
    }
    assert_true(mux_output_waits(&mux));
    line.accept = SIZE_MAX;
    type("");
    guest_says(0, "after");
    assert_shows(type(""), "after");
    assert_shows(shown(3), "after");
}

static void test_two_machines(void **state)
{
    guest_says(0, "first's");
    guest_says(1, "second's");
    type("");
    assert_shows(shown(3), "first's");
    assert_shows(shown(6), "second's");
    assert_shows(shown(5), "Trestle test monitor");
    keys("info name\r");
    assert_shows(shown(5), "(trestle) info name  ");
    assert_shows(shown(5), "other  ");
    assert_shows(type("\001cconsole\r"), "6 other, serial line");
    assert_shows(type("console 4\rconsole\r"), "4 other, VGA (shown)");
    assert_shows(type("console 7\r"), "no such console: '7'");
    assert_shows(type("console x\r"), "no such console: 'x'");
}

/* A machine that is off has a screen without text. */
static void test_vga_that_shows_nothing(void **state)
{
    const char *text = shown(1);

    for (unsigned i = 0; i < COLUMNS * ROWS; i++)
        assert_int_equal(text[i], ' ');
    assert_false(consoles_type(local_consoles(local), 'x', 0, now));
    assert_shows(shown(2), "Trestle test monitor");
    text = shown(1);            /* of which nothing stays */
    for (unsigned i = 0; i < COLUMNS * ROWS; i++)
        assert_int_equal(text[i], ' ');
}

/* ---- A guest's text ------------------------------------------------------ */

static uint32_t in(struct machine *m, uint16_t port, unsigned size)
{
    return machine_io_read(m, port, size);
}

static void out(struct machine *m, uint16_t port, unsigned size,
                uint32_t value)
{
    machine_io_write(m, port, size, value);
}

/* The machine's screen is text, with the cursor in row 3, or without. */
static void show_text(bool cursor)
{
    const struct vga_ports p = { guest->machine, in, out };

    vga_set_mode(&p, &text_03);
    for (unsigned i = 0; i < COLUMNS * ROWS; i++)
        machine_mmio_write(guest->machine, 0xb8000 + 2 * i, 2, 0x0700 | '.');
    vga_indexed(&p, 0x3d4, 0x0a, cursor ? 0x0d : 0x20);
    vga_indexed(&p, 0x3d4, 0x0f, 3 * COLUMNS + 5);
    shown(1);
}

/* How many cells the looks of a second compare with what is there. */
static unsigned compared(void)
{
    unsigned n = 0;

    memset(canvas.drawn, 0, sizeof canvas.drawn);
    for (unsigned i = 0; i < 30; i++) {
        local_poll(local, now += CONSOLES_DRAW_NS);
        if (i % 10 == 0)
            usleep(70000);      /* the guest's side has a clock of its own */
    }
    for (unsigned y = 0; y < canvas.rows; y++)
        for (unsigned x = 0; x < canvas.columns; x++)
            n += canvas.drawn[y][x].c != 0;
    return n;
}

static void test_idle_text(void **state)
{
    show_text(false);
    assert_int_equal(shown(1)[2 * COLUMNS], '.');
    assert_int_equal(compared(), 0);
    machine_mmio_write(guest->machine, 0xb8000, 2, 0x0700 | '#');
    assert_in_range(compared(), COLUMNS, 4 * COLUMNS);  /* 256 cells, and rows */
    assert_int_equal(memory[0], '#');
    assert_int_equal(compared(), 0);
    show_text(true);
    assert_in_range(compared(), 0, COLUMNS);    /* the cursor's, as it blinks */
}

/* Shown while a task has the machine, it is drawn when that is over. */
static void test_text_of_a_lent_machine(void **state)
{
    show_text(false);
    shown(2);
    guest->is_lent = true;
    shown(1);
    guest->is_lent = false;
    local_poll(local, now += 5000000000u);
    for (unsigned i = 0; i < COLUMNS * ROWS; i++)
        assert_int_equal(memory[i * 2], '.');
}

/* ---- What is typed ------------------------------------------------------- */

static struct local_keys waiting;

static void type_many(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        local_keys_type(&waiting, local,
                        (struct local_typed){ .character = 'a' }, now);
}

/* A guest that reads none keeps nobody from what is behind its keys. */
static void test_keys_that_wait(void **state)
{
    unsigned boots = guest->boots = 1;

    memset(&waiting, 0, sizeof waiting);
    shown(1);
    type_many(LOCAL_KEYS_WAIT);
    assert_in_range(waiting.count, LOCAL_KEYS_WAIT / 2, LOCAL_KEYS_WAIT - 1);
    assert_true(local_keys_wants(&waiting, now));
    type_many(LOCAL_KEYS_WAIT);
    assert_int_equal(waiting.count, LOCAL_KEYS_WAIT);
    assert_true(guest->keys.lost > LOCAL_KEYS_WAIT / 2);
    assert_false(local_keys_wants(&waiting, now));
    assert_true(local_keys_poll(&waiting, local, now) >= now + 50000000);
    assert_true(local_keys_wants(&waiting, now + 1000000000));
    assert_true(consoles_show(local_consoles(local), 2, now));
    assert_true(local_keys_poll(&waiting, local, now) == UINT64_MAX);
    assert_null(strstr(shown(2), "aa"));        /* they are not for it */
    shown(1);
    type_many(10);
    assert_int_equal(waiting.count, 10);
    assert_true(guest_reset(guest));
    assert_int_not_equal(guest->boots, boots);
    assert_true(local_keys_poll(&waiting, local, now) == UINT64_MAX);
    assert_int_equal(waiting.count, 0);
}

static void test_input(void **state)
{
    assert_shows(type("\001cinfo input\r"), "no keyboard, no mouse\r\nevents: 0 "
                 "lost; USB: 0 bad reports, 0 refused LEDs\r\n");
    monitor.local = NULL;
    assert_shows(type("info input\r"), "are not read: there is no local");
}

static void test_no_screen(void **state)
{
    has_screen = false;
    assert_null(local_create(guests, 1, &mux, NULL));
    assert_shows(type("\001cconsole\r"), "there is no local screen");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define T2(f) cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, \
                                                       (void *)&two_machines)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_monitor), T(test_log), T(test_vc),
        T(test_serial_line_on_both),
        T(test_who_answers), T(test_slow_line), T2(test_two_machines),
        T(test_vga_that_shows_nothing), T(test_idle_text),
        T(test_text_of_a_lent_machine), T(test_keys_that_wait), T(test_input),
        TEST(test_no_screen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
