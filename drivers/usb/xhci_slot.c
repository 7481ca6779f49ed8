/* See xhci_host.h: devices, which the controller knows by slots and contexts
 * (4.3, 6.2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/usb/usb_regs.h"
#include "drivers/usb/xhci_host.h"

#define INPUT_AT USB_PAGE
#define RINGS_AT (2 * USB_PAGE)
#define RING_BYTES (XHCI_RING_TRBS * sizeof(struct xhci_trb))

_Static_assert(USB_ENDPOINTS * RING_BYTES <= USB_PAGE, "rings fit");
_Static_assert(XHCI_CONTEXTS * 64 <= USB_PAGE, "contexts fit");

enum { STEP_NONE, STEP_ENABLE, STEP_ADDRESS, STEP_PACKET, STEP_CONFIGURE,
       STEP_STOP, STEP_DISABLE };

/* Its memory is kept for the next device in the same place. */
static struct xhci_slot *slot_of(struct xhci *x, struct usb_device *d)
{
    const struct bus *bus = x->bus;
    struct xhci_slot *slot = d->host_data;

    if (slot) {
        slot->device = d;
        return slot;
    }
    slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    slot->xhci = x;
    slot->device = d;
    slot->memory = bus->dma_alloc(bus->ctx, 3 * USB_PAGE, x->host.dma_below,
                                  &slot->phys);
    if (!slot->memory) {
        free(slot);
        return NULL;
    }
    d->host_data = slot;
    return slot;
}

static void begin_ring(struct xhci_slot *slot, unsigned i)
{
    size_t at = RINGS_AT + i * RING_BYTES;

    xhci_ring_begin(&slot->pipe[i].ring, slot->memory + at, slot->phys + at,
                    XHCI_RING_TRBS);
}

/* ---- Contexts ------------------------------------------------------------ */

/* 0 is the control context, 1 the slot's, then by DCI. */
static uint32_t *input(const struct xhci_slot *slot, unsigned i)
{
    return (uint32_t *)(slot->memory + INPUT_AT +
                        i * slot->xhci->context_bytes);
}

static void clear_input(const struct xhci_slot *slot)
{
    memset(slot->memory + INPUT_AT, 0, USB_PAGE);
}

static uint32_t speed_of(const struct xhci *x, const struct usb_device *d)
{
    return d->depth ? d->speed : x->speed[d->root_port - 1];
}

static uint8_t slot_id(const struct usb_device *d)
{
    const struct xhci_slot *slot = d->host_data;

    return slot->id;
}

/* 6.2.2; `entries` is the highest DCI. */
static void put_slot(const struct xhci_slot *slot, unsigned entries)
{
    const struct usb_device *d = slot->device;
    uint32_t *c = input(slot, 1);

    c[0] = d->route | speed_of(slot->xhci, d) << SLOT_SPEED_SHIFT |
           (uint32_t)entries << SLOT_ENTRIES_SHIFT |
           (d->hub_ports ? SLOT_HUB : 0);
    c[1] = d->root_port << SLOT_ROOT_PORT_SHIFT |
           (uint32_t)d->hub_ports << SLOT_PORTS_SHIFT;
    if (d->tt)
        c[2] = slot_id(d->tt) | d->tt_port << SLOT_TT_PORT_SHIFT;
    c[2] |= (uint32_t)d->hub_think << SLOT_THINK_SHIFT;
    input(slot, 0)[1] |= 1;
}

/* 6.2.3 */
static void put_endpoint(struct xhci_slot *slot, unsigned i)
{
    const struct usb_endpoint *e = &slot->device->endpoint[i];
    unsigned dci = xhci_dci(e);
    bool is_periodic = e->kind == USB_INTERRUPT;
    uint32_t type = e->kind == USB_CONTROL ? EP_CONTROL
                    : is_periodic ? EP_INTERRUPT_IN
                    : e->address & 0x80 ? EP_BULK_IN : EP_BULK_OUT;
    uint64_t dequeue = xhci_ring_dequeue(&slot->pipe[i].ring);
    uint32_t *c = input(slot, dci + 1);

    c[0] = (uint32_t)e->period << EP_INTERVAL_SHIFT;
    c[1] = EP_ERRORS_3 | type << EP_TYPE_SHIFT |
           (uint32_t)e->max_burst << EP_BURST_SHIFT |
           (uint32_t)e->max_packet << EP_PACKET_SHIFT;
    c[2] = (uint32_t)dequeue;
    c[3] = (uint32_t)(dequeue >> 32);
    c[4] = e->kind == USB_CONTROL ? 8 : e->max_packet;  /* average */
    if (is_periodic)                    /* 4.14.2: Max ESIT Payload */
        c[4] |= (uint32_t)e->max_packet * (e->max_burst + 1u) << EP_ESIT_SHIFT;
    input(slot, 0)[1] |= 1u << dci;
}

/* ---- Commands ------------------------------------------------------------ */

static int begin(struct xhci_slot *slot, unsigned step, unsigned type)
{
    slot->step = step;
    xhci_command(slot->xhci, &slot->command, type,
                 type == TRB_ENABLE_SLOT || type == TRB_DISABLE_SLOT
                     ? 0 : slot->phys + INPUT_AT, TRB_SLOT(slot->id));
    return -EAGAIN;
}

/* What came of the step, or -EAGAIN. */
static int outcome(struct xhci_slot *slot)
{
    if (slot->command.state == COMMAND_WAITING)
        return -EAGAIN;
    slot->step = STEP_NONE;
    return slot->command.code == CODE_SUCCESS ? 0 : -EIO;
}

/* An id that nobody has. */
static bool take_id(struct xhci_slot *slot)
{
    struct xhci *x = slot->xhci;
    uint8_t id = slot->command.slot;

    if (slot->command.code != CODE_SUCCESS)
        return false;
    if (!id || id > x->slots || x->slot[id]) {
        x->host.counters.bad_events++;
        return false;
    }
    slot->id = id;
    x->slot[id] = slot;
    memset(slot->memory, 0, USB_PAGE);
    x->contexts[id] = slot->phys;
    return true;
}

/* 4.3.3, 4.3.4 */
int xhci_address(struct usb_host *h, struct usb_device *d)
{
    struct xhci *x = (struct xhci *)h;
    struct xhci_slot *slot = slot_of(x, d);

    if (!slot)
        return -ENOMEM;
    if (slot->step == STEP_NONE) {
        slot->id = 0;
        return begin(slot, STEP_ENABLE, TRB_ENABLE_SLOT);
    }
    if (slot->step != STEP_ENABLE)
        return outcome(slot);
    if (slot->command.state == COMMAND_WAITING)
        return -EAGAIN;
    if (!take_id(slot)) {
        slot->step = STEP_NONE;
        return -EIO;
    }
    begin_ring(slot, 0);
    clear_input(slot);
    put_slot(slot, 1);
    put_endpoint(slot, 0);
    return begin(slot, STEP_ADDRESS, TRB_ADDRESS_DEVICE);
}

/* 4.3.4 */
int xhci_set_packet0(struct usb_host *h, struct usb_device *d)
{
    struct xhci_slot *slot = d->host_data;

    if (slot->step == STEP_PACKET)
        return outcome(slot);
    if (input(slot, 2)[1] >> EP_PACKET_SHIFT == d->endpoint[0].max_packet)
        return 0;
    clear_input(slot);
    put_endpoint(slot, 0);
    return begin(slot, STEP_PACKET, TRB_EVALUATE_CONTEXT);
}

/* 4.3.5 */
int xhci_configure(struct usb_host *h, struct usb_device *d)
{
    struct xhci_slot *slot = d->host_data;
    unsigned last = 1;

    if (slot->step == STEP_CONFIGURE)
        return outcome(slot);
    clear_input(slot);
    for (unsigned i = 1; i < d->endpoints; i++) {
        unsigned dci = xhci_dci(&d->endpoint[i]);

        begin_ring(slot, i);
        put_endpoint(slot, i);
        last = dci > last ? dci : last;
    }
    put_slot(slot, last);
    return begin(slot, STEP_CONFIGURE, TRB_CONFIGURE_ENDPOINT);
}

/* Stopped, it is dropped and added in one command: its toggle begins anew
 * (4.6.8). */
int xhci_reset_endpoint(struct usb_host *h, struct usb_device *d,
                        struct usb_endpoint *e)
{
    struct xhci_slot *slot = d->host_data;
    unsigned dci = xhci_dci(e), last = 1;

    if (slot->step == STEP_NONE) {
        slot->step = STEP_STOP;
        xhci_command(slot->xhci, &slot->command, TRB_STOP_ENDPOINT, 0,
                     TRB_SLOT(slot->id) | TRB_ENDPOINT(dci));
        return -EAGAIN;
    }
    if (slot->command.state == COMMAND_WAITING)
        return -EAGAIN;
    if (slot->step != STEP_STOP)
        return outcome(slot);
    for (unsigned i = 1; i < d->endpoints; i++)
        if (xhci_dci(&d->endpoint[i]) > last)
            last = xhci_dci(&d->endpoint[i]);
    clear_input(slot);
    begin_ring(slot, (unsigned)(e - d->endpoint));
    put_slot(slot, last);
    put_endpoint(slot, (unsigned)(e - d->endpoint));
    input(slot, 0)[0] = 1u << dci;
    return begin(slot, STEP_CONFIGURE, TRB_CONFIGURE_ENDPOINT);
}

/* ---- Going --------------------------------------------------------------- */

static void forget(struct xhci_slot *slot)
{
    slot->xhci->contexts[slot->id] = 0;
    slot->xhci->slot[slot->id] = NULL;
    slot->id = 0;
    slot->step = STEP_NONE;
}

/* True: nothing is under way on any endpoint. */
static bool stop_all(struct xhci_slot *slot)
{
    bool all = true;

    for (unsigned i = 0; i < USB_ENDPOINTS; i++)
        if (slot->pipe[i].transfer) {
            slot->pipe[i].wants_stop = true;
            all = false;
        }
    return all;
}

int xhci_detach(struct usb_host *h, struct usb_device *d)
{
    struct xhci_slot *slot = d->host_data;

    if (!slot)
        return 0;
    if (!stop_all(slot) || slot->command.state == COMMAND_WAITING)
        return -EAGAIN;
    if (slot->step == STEP_ENABLE)
        take_id(slot);
    if (slot->step == STEP_DISABLE) {
        slot->xhci->host.wants_restart |= slot->command.code != CODE_SUCCESS;
        forget(slot);
        return 0;
    }
    slot->step = STEP_NONE;
    return slot->id ? begin(slot, STEP_DISABLE, TRB_DISABLE_SLOT) : 0;
}

void xhci_slots_forget(struct xhci *x)
{
    for (unsigned i = 0; i < USB_DEVICES; i++) {
        struct xhci_slot *slot = x->host.device[i].host_data;

        if (!slot)
            continue;
        forget(slot);
        slot->command.state = COMMAND_IDLE;
        memset(slot->pipe, 0, sizeof slot->pipe);
    }
}
