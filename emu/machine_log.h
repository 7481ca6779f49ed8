/*
 * What a machine tells of its guest on request, item by item, as qemu's -d does.
 * Nothing is told at first.
 */
#ifndef EMU_MACHINE_LOG_H
#define EMU_MACHINE_LOG_H

struct machine;

enum machine_log_item {
    MACHINE_LOG_GUEST_ERRORS = 1,       /* what was refused and counted */
    MACHINE_LOG_UNIMP = 2,      /* of that, what its devices do not have */
    MACHINE_LOG_CPU_RESET = 4,  /* the registers before each reset */
    MACHINE_LOG_ALL = 7
};

/*
 * From now on, and over resets, lines of these items go to
 * machine_host.log_item, at machine_log's rate (a reset's registers as one).
 * Those that were too many are counted, as "log: lines left out".
 */
void machine_log_items(struct machine *m, unsigned items);

#endif
