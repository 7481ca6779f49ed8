/*
 * What a machine said on a serial port, the newest 1 MiB, from power-on: a
 * reset of the guest, other consoles and slow lines change nothing about it.
 * The first port's is the machine's (guest.log), which there is without a port,
 * too; the host may put lines of its own into it. I/O core only.
 */
#ifndef KERNEL_CONSOLE_SERIAL_LOG_H
#define KERNEL_CONSOLE_SERIAL_LOG_H

#include <stddef.h>
#include <stdint.h>

#define SERIAL_LOG_BYTES (1u << 20)

struct serial_log;

/* NULL: out of memory. */
struct serial_log *serial_log_create(void);
/* `l` may be NULL. */
void serial_log_destroy(struct serial_log *l);

/* Bytes as the guest said them. */
void serial_log_put(struct serial_log *l, const void *data, size_t len);
/*
 * A line of the host's own, without its end; it begins a line, and what the
 * guest says then begins the next. Cut at 255 bytes.
 */
void serial_log_note(struct serial_log *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Places are bytes since power-on. The end, which goes on; the oldest byte that
 * is kept; where the last `lines` lines begin.
 */
uint64_t serial_log_end(const struct serial_log *l);
uint64_t serial_log_start(const struct serial_log *l);
uint64_t serial_log_last(const struct serial_log *l, unsigned lines);

/*
 * Copy from place *at on, which moves on behind it, and first to the oldest
 * byte that is kept if it lies before that. How many; 0: *at is the end.
 */
size_t serial_log_read(const struct serial_log *l, uint64_t *at, void *buf,
                       size_t size);

/*
 * All from place `at` on as text, malloc's: without escape sequences and
 * control characters but line ends and tabs. NULL: out of memory.
 */
char *serial_log_text(const struct serial_log *l, uint64_t at);

#endif
