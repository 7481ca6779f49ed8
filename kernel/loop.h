/* The I/O loop: runs the guest and everything around it, in turn. */
#ifndef KERNEL_LOOP_H
#define KERNEL_LOOP_H

struct guest;
struct mux;
struct monitor;

enum loop_end {
    LOOP_EXIT,                  /* the administrator ended it */
    LOOP_POWEROFF,              /* the guest switched itself off */
    LOOP_REBOOT,                /* the guest rebooted under -no-reboot */
    LOOP_ERROR,                 /* the machine cannot go on (logged) */
};

/* Run until something ends it. `monitor` may be NULL. */
enum loop_end loop_run(struct guest *guest, struct mux *mux,
                       struct monitor *monitor);

#endif
