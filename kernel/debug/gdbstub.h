/*
 * gdb's stubs, one for each machine at most: -s, -gdb and the monitor's
 * gdbserver. A listener on TCP takes one client at a time; while it is there
 * the machine is its. I/O core.
 */
#ifndef KERNEL_DEBUG_GDBSTUB_H
#define KERNEL_DEBUG_GDBSTUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest;
struct monitor;

#define GDBSTUB_TEXT 192u

/*
 * Listen there (gdb_device.h) instead of where it does; "none": nowhere. Without
 * HOST it is this host itself alone on Linux, and all addresses of the
 * appliance's. 0, or -errno with a sentence in `why`, and then it listens
 * nowhere.
 */
int gdbstub_open(struct guest *g, const char *device, char *why, size_t size);
/* A client that is there is sent away, and the machine goes on. */
void gdbstub_close(struct guest *g);
/*
 * Where it listens and to whom, "tcp:127.0.0.1:1234, nobody is there", and what
 * it refused since; or "none".
 */
void gdbstub_text(const struct guest *g, char *out, size_t size);

/* What runs a client's monitor commands (monitor_remote.h); NULL: nothing. */
typedef void gdbstub_monitor(struct monitor *mon, unsigned number, char *line,
                             char *out, size_t size);
void gdbstub_set_monitor(gdbstub_monitor *run, struct monitor *mon);

/* Tell clients what machines did. True: something happened. */
bool gdbstub_poll(struct guest *const *guests, unsigned count);
/* When (platform_now_ns) to call that again at the latest. */
uint64_t gdbstub_deadline(struct guest *const *guests, unsigned count);

#endif
