/*
 * What -serial and -monitor name beside the administrator's line: for each a
 * back end (kernel/chardev), and what moves bytes between that and a guest's
 * port, or a monitor, or both (mon:). A slow reader of one holds up that port's
 * output alone. I/O core only.
 */
#ifndef KERNEL_CONSOLE_LINES_H
#define KERNEL_CONSOLE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backend;
struct config;
struct guest;
struct local;

/*
 * Open all that the guests' options name; the first guest's have the monitors.
 * 0, or negative errno with the option and what is wrong in `why`: then none is
 * open.
 */
int lines_open(struct guest *const *guests, unsigned count,
               struct config *config, char *why, size_t size);
void lines_close(void);
/* What their monitors' `console` is for; or NULL. */
void lines_set_local(struct local *local);

/* Move bytes both ways. True: something moved. */
bool lines_poll(void);
/* When (platform_now_ns) to call that again at the latest. */
uint64_t lines_deadline(void);
/* Output waits for who can take it at all. */
bool lines_output_waits(void);
/* One of them waits for its first client before `g` may start (wait=on). */
bool lines_hold(const struct guest *g);
/* A monitor was told to end Trestle. */
bool lines_want_end(void);

/* Port `serial` of that guest; NULL: it is at the administrator's line. */
struct backend *lines_port(const struct guest *g, unsigned serial);
/* The i-th monitor that has a line of its own, and its name; NULL: no more. */
struct backend *lines_monitor(unsigned i, const char **id);
/* Port `serial` has a monitor, too. */
bool lines_is_mux(const struct guest *g, unsigned serial);

#endif
