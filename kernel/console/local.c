/* See local.h. */
#include "kernel/console/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/chardev/vc.h"
#include "kernel/console/keyboard.h"
#include "kernel/console/monitor.h"
#include "kernel/guest.h"
#include "kernel/platform.h"
#include "kernel/screen/guest_screen.h"

/* What programs on a serial line take their terminal for. */
#define SERIAL_COLUMNS 80u
#define SERIAL_ROWS 24u
#define HISTORY 1000u           /* lines of each terminal */
#define OWNER_NAME 28u          /* of a machine's name, in a back end's */

struct local_machine {
    struct local *local;
    unsigned number;
    struct guest *guest;
    struct guest_screen *screen;
    struct vt *vt;              /* of its serial line */
};

struct local {
    struct consoles consoles;
    struct keyboard keyboard;
    struct local_machine machine[OPTIONS_MACHINES];
    unsigned count;
    struct mux *serial;
    /* The monitor: a line that is a terminal. */
    struct chardev line;
    struct byte_ring typed;
    struct vt *vt;
    struct mux mux;
    struct monitor monitor;
    unsigned shown;             /* of the consoles, as last looked at */
    bool log_came;              /* where its prompt was */
};

static struct local *logged;    /* who shows the log, or NULL */

/* ---- The monitor's line ------------------------------------------------ */

static size_t line_write(void *ctx, const uint8_t *data, size_t len)
{
    struct local *l = ctx;

    vt_write(l->vt, data, len);
    return len;
}

static size_t line_read(void *ctx, uint8_t *buf, size_t len)
{
    struct local *l = ctx;

    return byte_ring_get(&l->typed, buf, len);
}

static void type_to_monitor(void *ctx, const uint8_t *data, size_t len)
{
    struct local *l = ctx;

    byte_ring_put(&l->typed, data, len);
}

static void show_log(const char *line, size_t len)
{
    static const uint8_t end[] = "\r\n", over[] = "\r\x1b[K";
    unsigned row, column;

    if (!logged)
        return;
    vt_cursor(logged->vt, &row, &column);
    if (column && !logged->monitor.edit.len)
        vt_write(logged->vt, over, sizeof over - 1);
    else if (column)
        vt_write(logged->vt, end, sizeof end - 1);
    vt_write(logged->vt, (const uint8_t *)line, len);
    vt_write(logged->vt, end, sizeof end - 1);
    logged->log_came = true;
}

/* What the log had before there were consoles. */
static void show_earlier_log(void)
{
    static char text[8192];
    size_t n = platform_log_read(text, sizeof text), start = 0;

    for (size_t i = 0; i < n; i++)
        if (text[i] == '\n') {
            show_log(text + start, i - start);
            start = i + 1;
        }
}

/* ---- A machine's serial line ------------------------------------------- */

static void show_serial(void *ctx, const uint8_t *data, size_t len)
{
    struct local_machine *m = ctx;

    vt_write(m->vt, data, len);
}

static void type_to_machine(void *ctx, const uint8_t *data, size_t len)
{
    struct local_machine *m = ctx;

    mux_type(m->local->serial, m->number, data, len);
}

static void answer_machine(void *ctx, const uint8_t *data, size_t len)
{
    struct local_machine *m = ctx;

    mux_answer(m->local->serial, m->number, data, len);
}

/* ---- Made -------------------------------------------------------------- */

static unsigned most(unsigned a, unsigned b) { return a > b ? a : b; }

static bool make_terminals(struct local_machine *m)
{
    const struct vt_config config = {
        .columns = SERIAL_COLUMNS, .rows = SERIAL_ROWS, .history = HISTORY,
        .reply = answer_machine, .ctx = m,
    };

    m->vt = vt_create(&config);
    m->screen = guest_screen_create(m->guest);
    return m->vt && m->screen;
}

static void add_console(struct local *l, struct guest *guest,
                        const char *what, const struct console_source *source)
{
    struct console_source named = *source;

    named.guest = guest;
    if (l->count > 1)
        snprintf(named.name, sizeof named.name, "%s, %s",
                 guest->options->name, what);
    else
        snprintf(named.name, sizeof named.name, "%s", what);
    consoles_add(&l->consoles, &named);
}

static void add_machine(struct local *l, struct local_machine *m,
                        struct guest *guest)
{
    const struct console_source vga = { .draw = guest_screen_draw,
                                        .leds = guest_screen_leds,
                                        .ctx = m->screen };
    const struct console_source monitor = { .vt = l->vt, .ctx = l,
                                            .input = type_to_monitor };
    const struct console_source serial = { .vt = m->vt, .ctx = m,
                                           .input = type_to_machine };

    add_console(l, guest, "VGA", &vga);
    add_console(l, guest, "monitor", &monitor);
    add_console(l, guest, "serial line", &serial);
    mux_tee(l->serial, m->number, show_serial, m);
}

/* Whose port it is, by its name ("router/serial1"); the first's, if it is one
 * of -chardev's. */
static struct guest *owner(struct local *l, const struct backend *b)
{
    for (unsigned i = 0; i < l->count; i++) {
        const char *name = l->machine[i].guest->options->name;
        size_t len = strcspn(b->name, "/");

        if (b->name[len] && !strncmp(b->name, name, len) &&
            (!name[len] || len == OWNER_NAME))
            return l->machine[i].guest;
    }
    return l->machine[0].guest;
}

/* What -serial vc asks for, behind the consoles of all machines. */
static void add_vcs(struct local *l)
{
    for (struct backend *b = vc_next(NULL); b; b = vc_next(b)) {
        struct console_source vc = { .vt = vc_terminal(b), .ctx = b,
                                     .input = vc_type,
                                     .guest = owner(l, b) };

        snprintf(vc.name, sizeof vc.name, "%.40s", b->name);
        consoles_add(&l->consoles, &vc);
    }
}

static bool make_monitor(struct local *l, const struct canvas *canvas,
                         struct guest *const *guests, struct config *config)
{
    const struct vt_config terminal = {
        .columns = most(canvas->columns, SERIAL_COLUMNS),
        .rows = most(canvas->rows, SERIAL_ROWS), .history = HISTORY,
    };

    l->line = (struct chardev){ l, line_write, line_read, NULL };
    l->vt = vt_create(&terminal);
    if (!l->vt || mux_init_monitor(&l->mux, &l->line, guests, l->count,
                                   &l->monitor, l->serial->escape))
        return false;
    l->mux.is_screen = true;
    l->mux.ask_before_exit = platform_exit_is_poweroff;
    monitor_init(&l->monitor, &l->mux);
    l->monitor.config = config;
    l->monitor.local = l;
    return true;
}

struct local *local_create(struct guest *const *guests, unsigned count,
                           struct mux *serial, struct config *config)
{
    struct canvas *canvas = platform_screen(show_log);
    struct local *l = canvas ? calloc(1, sizeof *l) : NULL;
    bool good;

    if (!l)
        return NULL;
    l->count = count;
    l->serial = serial;
    consoles_init(&l->consoles, canvas);
    good = make_monitor(l, canvas, guests, config);
    for (unsigned i = 0; i < count && good; i++) {
        l->machine[i].local = l;
        l->machine[i].number = i + 1;
        l->machine[i].guest = guests[i];
        good = make_terminals(&l->machine[i]);
    }
    if (!good) {
        local_destroy(l);
        return NULL;
    }
    for (unsigned i = 0; i < count; i++)
        add_machine(l, &l->machine[i], guests[i]);
    add_vcs(l);
    canvas_clear(canvas);
    logged = l;
    show_earlier_log();
    l->log_came = false;
    monitor_enter(&l->monitor);
    consoles_show(&l->consoles, 1, platform_now_ns());
    keyboard_init(&l->keyboard, &l->consoles);
    return l;
}

void local_destroy(struct local *l)
{
    logged = NULL;
    for (unsigned i = 0; i < l->count; i++) {
        mux_tee(l->serial, i + 1, NULL, NULL);
        vt_destroy(l->machine[i].vt);
        guest_screen_destroy(l->machine[i].screen);
    }
    mux_fini(&l->mux);
    vt_destroy(l->vt);
    free(l);
}

/* The monitor at a machine's place is for that machine. */
static void go_to_machine(struct local *l)
{
    const struct console_source *s =
        &l->consoles.console[l->consoles.shown].source;

    if (l->consoles.shown == l->shown)
        return;
    l->shown = l->consoles.shown;
    if (s->vt == l->vt && s->guest != mux_guest(&l->mux) &&
        mux_show(&l->mux, s->guest->number, false))
        monitor_prompt(&l->monitor);
}

uint64_t local_poll(struct local *l, uint64_t now)
{
    uint64_t screen = platform_screen_poll(l, now);
    uint64_t keys = platform_input_poll(), draw;
    struct input_event e;

    while (platform_input_take(&e))
        keyboard_event(&l->keyboard, &e, now);
    keyboard_poll(&l->keyboard);
    go_to_machine(l);
    if (l->log_came)
        monitor_prompt(&l->monitor);
    l->log_came = false;
    mux_poll(&l->mux);
    draw = consoles_poll(&l->consoles, now);
    platform_screen_show();
    draw = keys < draw ? keys : draw;
    return screen < draw ? screen : draw;
}

bool local_wants_end(const struct local *l) { return mux_wants_end(&l->mux); }

struct consoles *local_consoles(struct local *l) { return &l->consoles; }

struct guest *local_guest(struct local *l)
{
    return l->consoles.console[l->consoles.shown].source.guest;
}
