/*
 * Snapshots of a whole machine; see machine.h for the contract and state.h for
 * the file. The order of sections is that of whole_machine below.
 *
 * A snapshot is read twice: once to check all of it, when each thing is filled
 * into a copy, and once to load it. Between the two nothing is left that the
 * machine could refuse.
 */
#include "emu/machine_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/dev/ide.h"
#include "emu/dev/vga.h"
#include "emu/state.h"

#define TEXT 64u                /* a name in the header */
/* A processor's TSC, at least and at most. */
#define TSC_HZ_MIN 1000000ull
#define TSC_HZ_MAX 100000000000ull
#define REQUESTS ((1u << MACHINE_REQ_COUNT) - 1)

/* What is the machine's own, apart from its parts. */
struct board {
    uint64_t now, when[TIMER_COUNT];
    bool a20;
    uint32_t requests;
};

/* ---- The header: is it such a machine? ----------------------------------- */

/* A text that has to be the same there and here, or (`any`) need not. */
static void text_state(struct state *s, const char *text, bool any,
                       const char *what)
{
    char there[TEXT] = { 0 };

    snprintf(there, sizeof there, "%s", text);
    state_bytes(s, there, sizeof there);
    if (state_saving(s) || s->error)
        return;
    there[TEXT - 1] = 0;
    for (char *c = there; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    if (!any && strncmp(there, text, TEXT - 1))
        state_refuse(s, "%s is '%s' there, '%s' here", what, there, text);
}

/* "uart", or "uart.1" for the second one. */
static void device_name(const struct machine *m, unsigned n, char *name)
{
    const char *kind = m->devices[n]->ops->name;
    unsigned before = 0;

    for (unsigned i = 0; i < n; i++)
        before += !strcmp(m->devices[i]->ops->name, kind);
    if (before)
        snprintf(name, STATE_NAME, "%.10s.%u", kind, before % 100);
    else
        snprintf(name, STATE_NAME, "%.15s", kind);
}

/* Devices that have state: a debug port more or less is none. */
static void device_list_state(struct machine *m, struct state *s)
{
    unsigned count = 0;

    for (unsigned i = 0; i < m->device_count; i++)
        count += m->devices[i]->ops->state != NULL;
    state_same(s, count, "the number of devices");
    for (unsigned i = 0; i < m->device_count && !s->error; i++) {
        char name[STATE_NAME];

        if (!m->devices[i]->ops->state)
            continue;
        device_name(m, i, name);
        text_state(s, name, false, "a device");
    }
}

static void header_state(struct machine *m, struct state *s)
{
    state_begin(s, "header", 1);
    text_state(s, m->name, true, "the name");
    text_state(s, m->cpu.model->name, false, "the CPU model");
    state_same(s, m->config.ram_bytes >> 20, "the memory in MiB");
    device_list_state(m, s);
    state_end(s);
}

/* ---- The board: time, timers, A20 ---------------------------------------- */

static void timer_state(struct machine *m, struct state *s, unsigned id,
                        uint64_t *when)
{
    bool armed = *when != UINT64_MAX;

    state_bool(s, &armed);
    if (!armed) {
        *when = UINT64_MAX;
        return;
    }
    state_u64(s, when);
    state_check(s, m->timer[id].fire != NULL,
                "a timer of a device that is not there");
}

static void board_state(struct machine *m, struct state *s, struct board *b)
{
    uint32_t timers = TIMER_COUNT;

    state_begin(s, "board", 1);
    state_u64(s, &b->now);
    state_check(s, b->now <= MACHINE_TIME_MAX, "the time is out of range");
    state_bool(s, &b->a20);
    b->requests = state_choice(s, b->requests, REQUESTS, "the requests");
    timers = state_choice(s, timers, TIMER_COUNT, "the number of timers");
    for (unsigned i = 0; i < TIMER_COUNT; i++)
        if (i < timers)
            timer_state(m, s, i, &b->when[i]);
        else
            b->when[i] = UINT64_MAX;
    state_end(s);
}

static void board_now(struct machine *m, struct board *b)
{
    b->now = machine_now(m);
    for (unsigned i = 0; i < TIMER_COUNT; i++)
        b->when[i] = m->timer[i].when;
    b->a20 = m->a20_mask == ~0ull;
    b->requests = m->requests;
}

/* ---- All of it ----------------------------------------------------------- */

static void check_cpu(struct machine *m, struct state *s)
{
    struct cpu *copy = malloc(sizeof *copy);

    if (!copy) {
        state_error(s, -ENOMEM, "no memory to check section 'cpu'");
        return;
    }
    *copy = m->cpu;
    cpu_state(copy, s);
    free(copy);
}

/*
 * The guest has measured its TSC: an engine in software goes on at that rate,
 * the processor's own cannot.
 */
static void load_tsc_rate(struct machine *m, uint64_t hz)
{
    struct cpu *c = &m->cpu;

    if (hz == c->model->tsc_hz)
        return;
    if (!m->config.engine->counts_insns) {
        machine_log(m, "the TSC ran at %llu kHz when the snapshot was saved, "
                    "now at %llu", (unsigned long long)hz / 1000,
                    (unsigned long long)c->model->tsc_hz / 1000);
        return;
    }
    if (c->model != &c->fitted)
        c->fitted = *c->model;
    c->fitted.tsc_hz = hz;
    c->model = &c->fitted;
}

static void cpu_section(struct machine *m, struct state *s)
{
    uint64_t hz = m->cpu.model->tsc_hz;

    state_begin(s, "cpu", CPU_STATE_VERSION);
    if (s->mode == STATE_CHECK)
        check_cpu(m, s);
    else if (!s->error)
        cpu_state(&m->cpu, s);
    state_u64(s, &hz);
    state_check(s, hz >= TSC_HZ_MIN && hz <= TSC_HZ_MAX, "the TSC's rate");
    state_end(s);
    if (s->mode == STATE_LOAD && !s->error)
        load_tsc_rate(m, hz);
}

static void whole_machine(struct machine *m, struct state *s, struct board *b)
{
    size_t vram_bytes;
    uint8_t *vram = vga_memory(m->d.vga, &vram_bytes);

    header_state(m, s);
    board_state(m, s, b);
    cpu_section(m, s);
    for (unsigned i = 0; i < m->device_count && !s->error; i++) {
        char name[STATE_NAME];

        device_name(m, i, name);
        state_device(s, m->devices[i], name);
    }
    state_memory(s, "video memory", vram, vram_bytes);
    state_memory(s, "memory", m->config.ram, m->config.ram_bytes);
    state_finish(s);
}

/* May it be saved or loaded now? 0 or -errno. */
static int is_ready(struct machine *m, char *why, size_t size)
{
    ide_poll(m->d.ide);
    if (m->error) {
        snprintf(why, size, "the machine has failed: %s", m->error);
        return -EINVAL;
    }
    if (!ide_is_idle(m->d.ide)) {
        snprintf(why, size, "a disk of the machine is at work");
        return -EBUSY;
    }
    return 0;
}

/* Close and free `s`; its error, in words in `why`. */
static int finish(struct state *s, char *why, size_t size)
{
    int error = state_close(s);

    if (error)
        snprintf(why, size, "%s", s->why);
    free(s);
    return error;
}

static struct state *new_state(char *why, size_t size)
{
    struct state *s = malloc(sizeof *s);

    if (!s)
        snprintf(why, size, "no memory for a snapshot");
    return s;
}

int machine_save(struct machine *m, const struct state_sink *sink, char *why,
                 size_t size)
{
    int error = is_ready(m, why, size);
    struct board b;
    struct state *s;

    if (error)
        return error;
    s = new_state(why, size);
    if (!s)
        return -ENOMEM;
    board_now(m, &b);
    state_open_save(s, sink);
    whole_machine(m, s, &b);
    return finish(s, why, size);
}

static int read_all(struct machine *m, enum state_mode mode,
                    const struct state_source *source, struct board *b,
                    char *why, size_t size)
{
    struct state *s = new_state(why, size);

    if (!s)
        return -ENOMEM;
    state_open_read(s, mode, source);
    if (!s->error)
        whole_machine(m, s, b);
    return finish(s, why, size);
}

/* All fields are as they were: now what follows from them. */
static void loaded(struct machine *m, const struct board *b)
{
    uint64_t base = m->cpu.apic_base;

    machine_time_load(m, b->now, b->when);
    machine_log_init(m);
    machine_set_a20(m, b->a20);
    machine_memory_apic(m, base & APIC_BASE_ENABLE ? base & ~0xfffull
                                                   : MACHINE_NO_PAGE);
    for (unsigned i = 0; i < m->device_count; i++)
        if (m->devices[i]->ops->loaded)
            m->devices[i]->ops->loaded(m->devices[i]);
    m->requests = b->requests;
    m->config.engine->map_changed(m->engine);
}

int machine_check(struct machine *m, const struct state_source *source,
                  char *why, size_t size)
{
    int error = is_ready(m, why, size);
    struct board b;

    if (error)
        return error;
    board_now(m, &b);
    return read_all(m, STATE_CHECK, source, &b, why, size);
}

int machine_load(struct machine *m, const struct state_source *source,
                 char *why, size_t size)
{
    int error = machine_check(m, source, why, size);
    struct board b;

    if (error)
        return error;
    board_now(m, &b);
    error = read_all(m, STATE_LOAD, source, &b, why, size);
    if (error) {
        machine_reset_now(m);
        snprintf(why, size, "the snapshot changed while it was being loaded: "
                 "the machine has been reset");
        return -EIO;
    }
    loaded(m, &b);
    return 0;
}
