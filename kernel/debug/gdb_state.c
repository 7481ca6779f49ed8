/* See gdb_session.h: the guest's registers, memory and places to stop at. */
#include "kernel/debug/gdb_internal.h"

#include <errno.h>
#include <string.h>

#include "kernel/debug/gdb_registers.h"

#define MEMORY_MAX ((GDB_PACKET - 1) / 2)       /* bytes in a reply */
#define PAGE 4096u

/* ---- Registers ----------------------------------------------------------- */

struct registers_call {
    bool wide;
    unsigned first, count;
    unsigned refused;           /* of those written */
    uint8_t data[MEMORY_MAX];
    size_t len;
};

static void get_registers(struct cpu *c, void *arg)
{
    struct registers_call *call = arg;

    for (unsigned i = 0; i < call->count; i++) {
        unsigned n = call->first + i;

        gdb_register_get(c, call->wide, n, call->data + call->len);
        call->len += gdb_register_bytes(call->wide, n);
    }
}

static void set_registers(struct cpu *c, void *arg)
{
    struct registers_call *call = arg;

    for (unsigned i = 0; i < call->count; i++) {
        unsigned n = call->first + i;

        if (!gdb_register_set(c, call->wide, n, call->data + call->len))
            call->refused++;
        call->len += gdb_register_bytes(call->wide, n);
    }
}

/* All of them for `g`, which is `n` for how many and bytes in all. */
static size_t all_registers(bool wide, unsigned *n)
{
    unsigned bytes;
    size_t len = 0;

    for (*n = 0; (bytes = gdb_register_bytes(wide, *n)); (*n)++)
        len += bytes;
    return len;
}

static void send_registers(struct gdb_session *s, struct registers_call *call)
{
    char text[GDB_PACKET + 1];
    int r = s->target->cpu(s->ctx, false, get_registers, call);

    if (r) {
        gdb_reply_error(s, r);
        return;
    }
    gdb_to_hex(text, call->data, call->len);
    gdb_reply_bytes(s, text, 2 * call->len);
}

void gdb_cmd_get_all(struct gdb_session *s, const char *args)
{
    struct registers_call call = { .wide = s->target->is_64bit(s->ctx) };

    all_registers(call.wide, &call.count);
    send_registers(s, &call);
}

/* What the CPU refused stays as it was. */
static void write_registers(struct gdb_session *s, struct registers_call *call)
{
    int r = s->target->cpu(s->ctx, true, set_registers, call);

    s->refused_writes += call->refused;
    gdb_reply_error(s, r ? r : call->refused ? -EPERM : 0);
}

/* "G", by a client that has them all. */
void gdb_cmd_set_all(struct gdb_session *s, const char *args)
{
    struct registers_call call = { .wide = s->target->is_64bit(s->ctx) };
    size_t len = all_registers(call.wide, &call.count);

    if (strlen(args) != 2 * len || !gdb_from_hex(call.data, args, len))
        gdb_reply_error(s, -EINVAL);
    else
        write_registers(s, &call);
}

/* Of "p" and "P": the register's number. */
static bool one_register(const char **args, struct registers_call *call)
{
    uint64_t n;

    if (!gdb_number(args, &n) || n > 0xff ||
        !gdb_register_bytes(call->wide, (unsigned)n))
        return false;
    call->first = (unsigned)n;
    call->count = 1;
    return true;
}

void gdb_cmd_get_one(struct gdb_session *s, const char *args)
{
    struct registers_call call = { .wide = s->target->is_64bit(s->ctx) };

    if (one_register(&args, &call) && !*args)
        send_registers(s, &call);
    else
        gdb_reply_error(s, -EINVAL);
}

void gdb_cmd_set_one(struct gdb_session *s, const char *args)
{
    struct registers_call call = { .wide = s->target->is_64bit(s->ctx) };
    unsigned bytes;

    if (!one_register(&args, &call) || *args++ != '=') {
        gdb_reply_error(s, -EINVAL);
        return;
    }
    bytes = gdb_register_bytes(call.wide, call.first);
    if (strlen(args) != 2 * bytes || !gdb_from_hex(call.data, args, bytes)) {
        gdb_reply_error(s, -EINVAL);
        return;
    }
    write_registers(s, &call);
}

/* ---- Memory -------------------------------------------------------------- */

bool gdb_range(const char **p, uint64_t *addr, uint64_t *len)
{
    return gdb_number(p, addr) && *(*p)++ == ',' && gdb_number(p, len);
}

/* The protocol lets a reply be short: as far as there is memory. */
void gdb_cmd_read(struct gdb_session *s, const char *args)
{
    uint8_t data[MEMORY_MAX];
    char text[GDB_PACKET + 1];
    uint64_t addr, len;
    int r;

    if (!gdb_range(&args, &addr, &len) || *args) {
        gdb_reply_error(s, -EINVAL);
        return;
    }
    if (len > sizeof data)
        len = sizeof data;
    r = s->target->memory(s->ctx, addr, data, len, false);
    if (r == -EFAULT && len > PAGE - addr % PAGE) {
        len = PAGE - addr % PAGE;
        r = s->target->memory(s->ctx, addr, data, len, false);
    }
    if (r) {
        gdb_reply_error(s, r);
        return;
    }
    gdb_to_hex(text, data, len);
    gdb_reply_bytes(s, text, 2 * len);
}

static void write_memory(struct gdb_session *s, uint64_t addr, uint8_t *data,
                         size_t len)
{
    int r = len ? s->target->memory(s->ctx, addr, data, len, true) : 0;

    gdb_reply_error(s, r);
}

void gdb_cmd_write(struct gdb_session *s, const char *args)
{
    uint8_t data[MEMORY_MAX];
    uint64_t addr, len;

    if (!gdb_range(&args, &addr, &len) || *args++ != ':' || len > sizeof data ||
        strlen(args) != 2 * len || !gdb_from_hex(data, args, len))
        gdb_reply_error(s, -EINVAL);
    else
        write_memory(s, addr, data, len);
}

/* Binary: } and a byte stand for that byte ^ 20h. */
static bool unescape(uint8_t *out, size_t len, const char *text, size_t n)
{
    size_t k = 0;

    for (size_t i = 0; i < n; i++, k++) {
        bool escaped = text[i] == '}';

        i += escaped;
        if (k == len || i == n)
            return false;
        out[k] = (uint8_t)(text[i] ^ (escaped ? 0x20 : 0));
    }
    return k == len;
}

void gdb_cmd_write_binary(struct gdb_session *s, const char *args)
{
    const char *end = s->reader.data + s->reader.len;
    uint8_t data[GDB_PACKET];
    uint64_t addr, len;

    if (!gdb_range(&args, &addr, &len) || *args++ != ':' || len > sizeof data ||
        !unescape(data, len, args, (size_t)(end - args)))
        gdb_reply_error(s, -EINVAL);
    else
        write_memory(s, addr, data, len);
}

/* ---- Breakpoints --------------------------------------------------------- */

/* "TYPE,ADDR,KIND"; conditions and commands behind it were not offered. */
static void cmd_place(struct gdb_session *s, const char *args, bool insert)
{
    static const uint8_t kinds[] = { CPU_STOP_BREAK, CPU_STOP_BREAK,
                                     CPU_STOP_WRITE, CPU_STOP_READ,
                                     CPU_STOP_ACCESS };
    unsigned type = (uint8_t)*args - '0';
    uint64_t addr, len;
    int r;

    if (type >= sizeof kinds) {
        gdb_unsupported(s);
        return;
    }
    args++;
    if (*args++ != ',' || !gdb_range(&args, &addr, &len) || *args) {
        gdb_reply_error(s, -EINVAL);
        return;
    }
    r = s->target->place(s->ctx, (enum cpu_stop_kind)kinds[type], addr, len,
                         insert);
    /* Taking away what is not there is no error, says the manual. */
    gdb_reply_error(s, !insert && r == -ENOENT ? 0 : r);
}

void gdb_cmd_insert(struct gdb_session *s, const char *args)
{
    cmd_place(s, args, true);
}

void gdb_cmd_remove(struct gdb_session *s, const char *args)
{
    cmd_place(s, args, false);
}
