/*
 * One client of gdb's remote serial protocol and the machine that it debugs:
 * bytes in, bytes out. It knows neither sockets nor guests; what it needs of
 * the machine are the functions of struct gdb_target.
 *
 * A client can do to the guest what a debugger may, and to nothing else:
 * lengths and numbers of every packet are checked, and what is wrong or cannot
 * be done is answered by an error.
 */
#ifndef KERNEL_DEBUG_GDB_SESSION_H
#define KERNEL_DEBUG_GDB_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/cpu/stops.h"
#include "kernel/debug/gdb_packet.h"

struct cpu;

/* Replies that wait to be sent; a text of the monitor is as long as this. */
#define GDB_OUT (64u * 1024)

enum gdb_state {
    GDB_RUNS,
    GDB_STOPPED,                /* for this debugger: `stops` say why */
    GDB_PAUSED,                 /* by somebody else */
    GDB_ENDED,                  /* switched off, or failed */
};

/* Functions give 0 or negative errno. */
struct gdb_target {
    bool (*is_64bit)(void *ctx);
    /* Call fn(cpu, arg) while the CPU stands; `change`: it writes registers. */
    int (*cpu)(void *ctx, bool change, void (*fn)(struct cpu *c, void *arg),
               void *arg);
    int (*memory)(void *ctx, uint64_t addr, void *buf, size_t len, bool write);
    int (*place)(void *ctx, enum cpu_stop_kind kind, uint64_t addr,
                 uint64_t len, bool insert);
    int (*run)(void *ctx, bool step);
    int (*halt)(void *ctx);
    /* Does it still run? If not, *stops is the machine's. */
    enum gdb_state (*state)(void *ctx, struct cpu_stops *stops);
    /* A line for the monitor; what it says, `size` bytes at most, with a 0. */
    void (*monitor)(void *ctx, char *line, char *out, size_t size);
    /* The client goes, the guest goes on as if nobody had been there. */
    void (*detach)(void *ctx);
    void (*kill)(void *ctx);
};

struct gdb_session {
    const struct gdb_target *target;
    void *ctx;
    struct gdb_reader reader;
    bool is_reliable;           /* what carries it loses and damages nothing */
    bool no_ack;
    bool swbreak;               /* the client knows this word */
    bool running;               /* the client waits for a stop */
    bool over;                  /* detached or killed: only `out` is left */
    char reply[GDB_PACKET + 1]; /* the last one, for a NAK */
    size_t reply_len;
    char out[GDB_OUT];          /* to be sent: out[0] to out[out_len - 1] */
    size_t out_len;
    uint64_t bad_packets;
    uint64_t refused_writes;    /* of registers */
};

/*
 * A client has come; the machine is stopped for it already. `is_reliable`: it
 * may do without acknowledgements, as on a connection, which ends with it.
 */
void gdb_session_init(struct gdb_session *s, const struct gdb_target *target,
                      void *ctx, bool is_reliable);
/*
 * Take some of what the client sent: how many bytes. Fewer than `len`: the
 * rest again when `out` is empty.
 */
size_t gdb_session_input(struct gdb_session *s, const void *data, size_t len);
/* Look at the machine: if it has stopped, that is told. */
void gdb_session_poll(struct gdb_session *s);
/* So many bytes of `out` were sent. */
void gdb_session_sent(struct gdb_session *s, size_t n);

#endif
