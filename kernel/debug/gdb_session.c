/* See gdb_session.h: bytes and packets, and what stops and goes. */
#include "kernel/debug/gdb_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "emu/cpu/cpu.h"

#define SIGINT_GDB 2u
#define SIGTRAP_GDB 5u

/* ---- Replies ------------------------------------------------------------- */

static void put(struct gdb_session *s, const char *data, size_t len)
{
    if (len > sizeof s->out - s->out_len)
        return;                 /* it asked for more than it takes */
    memcpy(s->out + s->out_len, data, len);
    s->out_len += len;
}

static void send_frame(struct gdb_session *s)
{
    char frame[GDB_FRAME];

    put(s, frame, gdb_frame(frame, s->reply, s->reply_len));
}

void gdb_reply_bytes(struct gdb_session *s, const char *data, size_t len)
{
    s->reply_len = len < GDB_PACKET ? len : GDB_PACKET;
    memmove(s->reply, data, s->reply_len);
    send_frame(s);
}

void gdb_reply(struct gdb_session *s, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gdb_reply_bytes(s, text, strlen(text));
}

/* OK, or the error's number. */
void gdb_reply_error(struct gdb_session *s, int r)
{
    if (r)
        gdb_reply(s, "E%02x", (unsigned)-r & 0xff);
    else
        gdb_reply(s, "OK");
}

void gdb_unsupported(struct gdb_session *s) { gdb_reply(s, "%s", ""); }

/* ---- Why it stopped ------------------------------------------------------ */

static void reply_stop(struct gdb_session *s, enum gdb_state state,
                       const struct cpu_stops *stops)
{
    static const char *const words[] = {
        [CPU_STOP_BREAK] = "", [CPU_STOP_WRITE] = "watch",
        [CPU_STOP_READ] = "rwatch", [CPU_STOP_ACCESS] = "awatch",
    };

    if (state == GDB_ENDED)
        gdb_reply(s, "W00");
    else if (state != GDB_STOPPED)
        gdb_reply(s, "T%02xthread:01;", SIGINT_GDB);
    else if (stops->reason == CPU_WATCHED)
        gdb_reply(s, "T%02xthread:01;%s:%llx;", SIGTRAP_GDB,
              words[stops->hit.kind], (unsigned long long)stops->hit.addr);
    else if (stops->reason == CPU_BROKE && s->swbreak)
        gdb_reply(s, "T%02xthread:01;swbreak:;", SIGTRAP_GDB);
    else
        gdb_reply(s, "T%02xthread:01;", SIGTRAP_GDB);
}

void gdb_session_poll(struct gdb_session *s)
{
    struct cpu_stops stops;
    enum gdb_state state;

    if (s->over)
        return;
    /* Somebody else may have let it go on, and it has stopped again. */
    state = s->target->state(s->ctx, &stops);
    if (!s->running || state == GDB_RUNS)
        return;
    s->running = false;
    reply_stop(s, state, &stops);
}

/* "?" */
static void cmd_why(struct gdb_session *s, const char *args)
{
    struct cpu_stops stops;
    enum gdb_state state = s->target->state(s->ctx, &stops);

    if (state == GDB_RUNS)
        s->target->halt(s->ctx);
    s->running = false;
    reply_stop(s, state, &stops);
}

/* ---- Running ------------------------------------------------------------- */

static void set_rip(struct cpu *c, void *arg)
{
    c->rip = *(const uint64_t *)arg;
}

static void resume(struct gdb_session *s, bool step)
{
    int r = s->target->run(s->ctx, step);

    if (r)
        gdb_reply_error(s, r);
    else
        s->running = true;      /* and the reply is why it stops */
}

/* "[ADDR]" */
static void resume_at(struct gdb_session *s, const char *args, bool step)
{
    bool has_rip = *args;
    uint64_t rip;
    int r = 0;

    if (has_rip && (!gdb_number(&args, &rip) || *args || !cpu_canonical(rip)))
        r = -EINVAL;
    else if (has_rip)
        r = s->target->cpu(s->ctx, true, set_rip, &rip);
    if (r)
        gdb_reply_error(s, r);
    else
        resume(s, step);
}

static void cmd_continue(struct gdb_session *s, const char *args)
{
    resume_at(s, args, false);
}

static void cmd_step(struct gdb_session *s, const char *args)
{
    resume_at(s, args, true);
}

/* With a signal, which nobody here has a use for. */
static void cmd_continue_signal(struct gdb_session *s, const char *args)
{
    resume(s, false);
}

static void cmd_step_signal(struct gdb_session *s, const char *args)
{
    resume(s, true);
}

/* ";ACTION[:THREAD]...": there is one thread, so the first is for it. */
static void v_cont(struct gdb_session *s, const char *args)
{
    if (*args++ != ';' || !*args)
        gdb_reply_error(s, -EINVAL);
    else if (*args == 'c' || *args == 'C')
        resume(s, false);
    else if (*args == 's' || *args == 'S')
        resume(s, true);
    else
        gdb_reply_error(s, -EINVAL);
}

static void cmd_v(struct gdb_session *s, const char *args)
{
    if (!strcmp(args, "Cont?"))
        gdb_reply(s, "vCont;c;C;s;S");
    else if (!strncmp(args, "Cont", 4))
        v_cont(s, args + 4);
    else
        gdb_unsupported(s);
}

static void cmd_detach(struct gdb_session *s, const char *args)
{
    s->target->detach(s->ctx);
    s->over = true;
    gdb_reply(s, "OK");
}

static void cmd_kill(struct gdb_session *s, const char *args)
{
    s->target->kill(s->ctx);
    s->over = true;
}

/* ---- Packets ------------------------------------------------------------- */

static const struct command {
    char name;
    void (*run)(struct gdb_session *s, const char *args);
} commands[] = {
    { '?', cmd_why }, { 'g', gdb_cmd_get_all }, { 'G', gdb_cmd_set_all },
    { 'p', gdb_cmd_get_one }, { 'P', gdb_cmd_set_one }, { 'm', gdb_cmd_read },
    { 'M', gdb_cmd_write }, { 'X', gdb_cmd_write_binary },
    { 'c', cmd_continue },
    { 's', cmd_step }, { 'C', cmd_continue_signal }, { 'S', cmd_step_signal },
    { 'v', cmd_v }, { 'Z', gdb_cmd_insert }, { 'z', gdb_cmd_remove },
    { 'H', gdb_cmd_thread }, { 'T', gdb_cmd_thread }, { 'D', cmd_detach },
    { 'k', cmd_kill }, { 'q', gdb_cmd_query }, { 'Q', gdb_cmd_query },
};

static void run_command(struct gdb_session *s)
{
    const char *data = s->reader.data;

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (commands[i].name == *data) {
            commands[i].run(s, data + 1);
            return;
        }
    gdb_unsupported(s);
}

/* The guest runs, and the client wants it back. */
static void interrupt(struct gdb_session *s)
{
    if (s->running)
        s->target->halt(s->ctx);        /* told by the next poll */
}

static void take(struct gdb_session *s, enum gdb_input in)
{
    switch (in) {
    case GDB_MORE:
        break;
    case GDB_COMMAND:
        if (!s->no_ack)
            put(s, "+", 1);
        run_command(s);
        break;
    case GDB_DAMAGED:
        s->bad_packets++;
        if (!s->no_ack)
            put(s, "-", 1);
        break;
    case GDB_NAK:
        if (!s->no_ack && s->reply_len)
            send_frame(s);
        break;
    case GDB_INTERRUPT:
        interrupt(s);
        break;
    }
}

size_t gdb_session_input(struct gdb_session *s, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t i = 0;

    /* A command's reply fits in what is empty: see GDB_MONITOR_BYTES. */
    while (i < len && !s->over && !s->out_len)
        take(s, gdb_reader_take(&s->reader, p[i++]));
    return s->over ? len : i;
}

void gdb_session_init(struct gdb_session *s, const struct gdb_target *target,
                      void *ctx, bool is_reliable)
{
    memset(s, 0, sizeof *s);
    s->target = target;
    s->ctx = ctx;
    s->is_reliable = is_reliable;
}

void gdb_session_sent(struct gdb_session *s, size_t n)
{
    s->out_len -= n;
    memmove(s->out, s->out + n, s->out_len);
}
