/*
 * The serial multiplexer and the monitor over a fake line, with one or two real
 * (tiny) machines behind them that never run. For test_console*.c.
 */
#ifndef TESTS_UNIT_CONSOLE_HARNESS_H
#define TESTS_UNIT_CONSOLE_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"

extern struct guest *guests[2], *guest;         /* the first */
extern struct mux mux;
extern struct monitor monitor;

/* The line: what was typed and not yet read; what was printed. */
struct fake_line {
    const uint8_t *in;
    size_t in_len;
    char out[200000];
    size_t out_len, accept;
    bool endless;
};
extern struct fake_line line;

/* Type, poll, and return what was printed since the last call. */
const char *type(const char *text);
void assert_shows(const char *out, const char *what);

/* What guest i's code says on its serial line. */
void guest_says(unsigned i, const char *text);
/* It raises DTR and RTS, as its code would. */
void guest_listens(unsigned i);

/* What a prestate may point at. */
extern const struct console_variant {
    bool nic;
    unsigned guests;
    const char *cdrom;          /* or NULL */
    const char *drive;          /* with -icount 0; or NULL */
} with_nic, two_machines;

int console_setup(void **state);
int console_teardown(void **state);

#define TEST(f) \
    cmocka_unit_test_setup_teardown(f, console_setup, console_teardown)
#define TEST_OF(f, variant) \
    cmocka_unit_test_prestate_setup_teardown(f, console_setup, \
                                             console_teardown, \
                                             (void *)&(variant))

#endif
