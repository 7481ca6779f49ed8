/* What a watchdog device says about itself. */
#ifndef EMU_DEV_WATCHDOG_H
#define EMU_DEV_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

struct watchdog_status {
    bool running;
    unsigned stage;             /* 1 or 2; 0: it has none */
    uint64_t ends;              /* virtual ns, while it runs */
    bool locked;                /* nobody can stop it */
    bool no_output;             /* it runs, but does nothing at its end */
    uint64_t expired;           /* how often it did, ever */
};

#endif
