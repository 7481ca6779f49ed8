/*
 * What a machine does when its watchdog expires, or its guest panics. Both are
 * told to machine_host.event, too.
 */
#ifndef EMU_MACHINE_WATCHDOG_H
#define EMU_MACHINE_WATCHDOG_H

struct machine;

enum machine_reaction {
    MACHINE_REACT_RESET,
    MACHINE_REACT_SHUTDOWN,     /* the power button */
    MACHINE_REACT_POWEROFF,
    MACHINE_REACT_PAUSE,        /* machine_stop */
    MACHINE_REACT_NONE,
    MACHINE_REACT_NMI,
};

/* The first is MACHINE_REACT_RESET, that to a panic MACHINE_REACT_NONE. */
void machine_on_watchdog(struct machine *m, enum machine_reaction what);
void machine_on_panic(struct machine *m, enum machine_reaction what);

#endif
