/*
 * Keeps a physical NIC going: one that stopped sending is closed and opened
 * again, one that closed itself is opened again, each the later the more often
 * it happens. Drivers have no clock; here is one.
 */
#ifndef KERNEL_NET_NIC_WATCH_H
#define KERNEL_NET_NIC_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/net/nic.h"

struct nic_watch {
    bool was_open;              /* seen open: it is to be open */
    bool is_closed;             /* it closed itself */
    bool is_ill;                /* said so; nothing has left since */
    bool is_waiting;            /* for `back` to change, since `since_ms` */
    uint64_t back;              /* out.back, as last looked at */
    uint32_t since_ms;
    uint32_t tried_ms;          /* when it was started anew last */
    uint32_t wait_ms;           /* from then to the next time; 0: it is well */
    uint64_t hangs;             /* sent nothing, and was closed and opened */
    uint64_t lost;              /* closed itself */
    uint64_t opened;            /* after that, with success */
};

/*
 * After each poll of `nic`, which messages call `name`; `now_ms` wraps. Its
 * buffers have come back from a NIC that was closed, or come back later.
 */
void nic_watch_look(struct nic_watch *w, struct nic *nic, const char *name,
                    uint32_t now_ms);

/* Whether a look is due within a second though nothing happens. */
bool nic_watch_needs_time(const struct nic_watch *w, const struct nic *nic);

/*
 * A NIC that hung gets a few frames to show that it sends again, lest it hold
 * what others need.
 */
bool nic_watch_takes(const struct nic_watch *w, const struct nic *nic);

#endif
