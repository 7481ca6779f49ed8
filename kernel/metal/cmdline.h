/* Command lines split into words, and the bare machine's own options. Pure. */
#ifndef KERNEL_METAL_CMDLINE_H
#define KERNEL_METAL_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/char/uart16550.h"

#define CMDLINE_MAX_WORDS 128u

/*
 * Split `line` at blanks into words, in place of `storage` (strlen(line) + 1
 * bytes at least). '...' and "..." keep blanks; in "..." and outside, \ keeps
 * the next byte. argv[0..] up to `max` - 1 words and a NULL. Returns their
 * number, or -1 when a quote is open or there are too many words.
 */
int cmdline_split(const char *line, char *storage, char **argv, unsigned max);

/* Options that the platform takes out of argv before kernel_main sees it. */
struct metal_options {
    struct uart16550_config uart;
    uint16_t uart_port;         /* 0: find one */
    bool uart_off;
    bool no_reboot;             /* seen, and left in argv */
    bool usb_off;               /* -host-usb off */
    const char *selftest;       /* -selftest NAME (panic.h), NULL: none */
};

/*
 * Defaults into *o, then take -uart, -host-usb and -selftest with their values out of
 * argv. Returns the new argc; a value that makes no sense is described in
 * `why` (else "") and skipped: nothing here is worth not booting for.
 */
int metal_options_take(struct metal_options *o, int argc, char **argv,
                       char *why, size_t why_size);

#endif
