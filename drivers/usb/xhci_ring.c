/* See xhci_host.h: rings (4.9), commands and events. */
#include <string.h>

#include "drivers/usb/xhci_host.h"

#define COMMAND_NS (5000 * USB_MS)
#define ABORT_NS (5000 * USB_MS)        /* 4.6.1.2 */

/* ---- Rings --------------------------------------------------------------- */

void xhci_ring_begin(struct xhci_ring *r, void *trbs, uint64_t phys,
                     unsigned count)
{
    memset(trbs, 0, count * sizeof *r->trb);
    *r = (struct xhci_ring){ .trb = trbs, .phys = phys, .count = count,
                             .cycle = true };
}

static void write_trb(struct xhci_trb *trb, uint64_t parameter,
                      uint32_t status, uint32_t control)
{
    trb->parameter = parameter;
    trb->status = status;
    __atomic_store_n(&trb->control, control, __ATOMIC_RELEASE);
}

/* All that is left is links, so that none of it looks new in the next round. */
static void go_round(struct xhci_ring *r)
{
    uint32_t link = TRB_TYPE(TRB_LINK) | TRB_TOGGLE |
                    (r->cycle ? TRB_CYCLE : 0);

    for (unsigned i = r->count; i-- > r->at;)
        write_trb(&r->trb[i], r->phys, 0, link);
    r->at = 0;
    r->cycle = !r->cycle;
}

void xhci_ring_reserve(struct xhci_ring *r, unsigned count)
{
    if (r->at + count >= r->count)
        go_round(r);
}

void xhci_ring_put(struct xhci_ring *r, uint64_t parameter, uint32_t status,
                   uint32_t control)
{
    write_trb(&r->trb[r->at++], parameter, status,
              control | (r->cycle ? TRB_CYCLE : 0));
}

uint64_t xhci_ring_dequeue(const struct xhci_ring *r)
{
    return (r->phys + r->at * sizeof *r->trb) | r->cycle;
}

/* ---- Commands (4.6) ------------------------------------------------------ */

void xhci_command(struct xhci *x, struct xhci_command *c, unsigned type,
                  uint64_t parameter, uint32_t control)
{
    *c = (struct xhci_command){ .state = COMMAND_WAITING,
                                .parameter = parameter,
                                .control = TRB_TYPE(type) | control };
    if (x->first)
        x->last->next = c;
    else
        x->first = c;
    x->last = c;
    xhci_commands_poll(x);
}

static void send(struct xhci *x)
{
    xhci_ring_reserve(&x->commands, 1);
    xhci_ring_put(&x->commands, x->first->parameter, 0, x->first->control);
    x->is_sent = true;
    x->is_aborting = false;
    x->command_deadline = bus_now(x->bus) + COMMAND_NS;
    bus_write32(x->bus, x->doorbell, 0);
}

void xhci_commands_poll(struct xhci *x)
{
    if (!x->first)
        return;
    if (!x->is_sent) {
        send(x);
    } else if (bus_now(x->bus) >= x->command_deadline) {
        x->host.wants_restart |= x->is_aborting;
        x->is_aborting = true;
        x->command_deadline = bus_now(x->bus) + ABORT_NS;
        xhci_put64(x, x->op + XHCI_CRCR, CRCR_ABORT);
    }
}

static void command_event(struct xhci *x, const struct xhci_trb *event)
{
    const struct xhci_ring *r = &x->commands;
    uint64_t sent = r->phys + (r->at - 1) * sizeof *r->trb;
    struct xhci_command *c = x->first;

    if (TRB_CODE_OF(event->status) == CODE_RING_STOPPED) {
        /* Aborted, it runs again by the next doorbell. */
        if (x->is_sent && !x->is_aborting)
            bus_write32(x->bus, x->doorbell, 0);
        return;
    }
    if (!x->is_sent || event->parameter != sent) {
        x->host.counters.bad_events++;
        return;
    }
    x->first = c->next;
    x->is_sent = x->is_aborting = false;
    c->code = (uint8_t)TRB_CODE_OF(event->status);
    c->slot = (uint8_t)TRB_SLOT_OF(event->control);
    c->state = COMMAND_DONE;
}

/* ---- Events (4.9.4) ------------------------------------------------------ */

static const struct xhci_trb *next_event(const struct xhci *x)
{
    const struct xhci_trb *trb = &x->events.trb[x->events.at];
    uint32_t control = __atomic_load_n(&trb->control, __ATOMIC_ACQUIRE);

    return (control & TRB_CYCLE) == x->events.cycle ? trb : NULL;
}

bool xhci_events_pending(const struct xhci *x) { return next_event(x); }

static void take(struct xhci *x, const struct xhci_trb *event)
{
    switch (TRB_TYPE_OF(event->control)) {
    case TRB_TRANSFER_EVENT:
        xhci_transfer_event(x, event);
        break;
    case TRB_COMMAND_EVENT:
        command_event(x, event);
        break;
    case TRB_PORT_EVENT:
        usb_host_look(&x->host);
        break;
    case TRB_HOST_EVENT:
        x->host.wants_restart |= TRB_CODE_OF(event->status) != CODE_SUCCESS;
        break;
    default:
        x->host.counters.bad_events++;
        break;
    }
}

bool xhci_events_poll(struct xhci *x)
{
    const struct xhci_trb *next;
    unsigned count = 0;

    /* No more than one round: the ring is the controller's to fill. */
    for (; count < XHCI_PAGE_TRBS && (next = next_event(x)); count++) {
        struct xhci_trb event = *next;

        if (++x->events.at == x->events.count) {
            x->events.at = 0;
            x->events.cycle = !x->events.cycle;
        }
        take(x, &event);
    }
    if (count)
        xhci_put64(x, x->run + XHCI_ERDP,
                   (x->events.phys + x->events.at * sizeof *x->events.trb) |
                   ERDP_BUSY);
    return count;
}
