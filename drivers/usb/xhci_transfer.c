/* See xhci_host.h: transfers, one at a time on each endpoint. */
#include <errno.h>

#include "drivers/usb/usb_regs.h"
#include "drivers/usb/xhci_host.h"

#define TD_SIZE_MAX 31u

unsigned xhci_dci(const struct usb_endpoint *e)
{
    unsigned number = e->address & 0xf;

    return number ? 2 * number + (e->address >> 7) : 1;
}

static struct xhci_pipe *pipe_of(const struct usb_transfer *t,
                                 struct xhci_slot **slot)
{
    *slot = t->device->host_data;
    return &(*slot)->pipe[t->endpoint - t->device->endpoint];
}

/* ---- Beginning one (4.11.2) ---------------------------------------------- */

/* How much of `left` bytes at `phys` one TRB can have. */
static uint32_t piece(uint64_t phys, uint32_t left)
{
    uint32_t most = TRB_BYTES_MAX - (uint32_t)(phys % TRB_BYTES_MAX);

    return left < most ? left : most;
}

static unsigned pieces(const struct usb_transfer *t)
{
    uint32_t n;
    unsigned count = 0;

    for (uint32_t done = 0; done < t->length; done += n, count++)
        n = piece(t->phys + done, t->length - done);
    return count;
}

/* Packets that follow this TRB: 4.11.2.4. */
static uint32_t td_size(const struct usb_transfer *t, uint32_t left)
{
    uint32_t packet = t->endpoint->max_packet;
    uint32_t packets = (left + packet - 1) / packet;

    return (packets < TD_SIZE_MAX ? packets : TD_SIZE_MAX) << TRB_TD_SIZE_SHIFT;
}

/* `type` is that of the first TRB; `last` goes into the last one. */
static void put_data(struct xhci_ring *r, const struct usb_transfer *t,
                     uint32_t type, uint32_t last)
{
    uint32_t n, end;

    for (uint32_t done = 0; done < t->length; done = end) {
        n = piece(t->phys + done, t->length - done);
        end = done + n;
        xhci_ring_put(r, t->phys + done, n | td_size(t, t->length - end),
                      type | TRB_SHORT | (end < t->length ? TRB_CHAIN : last));
        type = TRB_TYPE(TRB_NORMAL);
    }
}

static void put_control(struct xhci_ring *r, const struct usb_transfer *t)
{
    const struct usb_setup *s = &t->setup;
    bool is_in = s->request_type & USB_FROM_DEVICE;
    uint64_t setup = s->request_type | (uint32_t)s->request << 8 |
                     (uint32_t)s->value << 16 | (uint64_t)s->index << 32 |
                     (uint64_t)s->length << 48;

    xhci_ring_put(r, setup, 8, TRB_TYPE(TRB_SETUP) | TRB_INLINE |
                  (!t->length ? 0 : is_in ? TRB_TRT_IN : TRB_TRT_OUT));
    put_data(r, t, TRB_TYPE(TRB_DATA) | (is_in ? TRB_FROM_DEVICE : 0), 0);
    xhci_ring_put(r, 0, 0, TRB_TYPE(TRB_STATUS) | TRB_IOC |
                  (is_in && t->length ? 0 : TRB_FROM_DEVICE));
}

void xhci_submit(struct usb_host *h, struct usb_transfer *t)
{
    struct xhci *x = (struct xhci *)h;
    struct xhci_slot *slot;
    struct xhci_pipe *p = pipe_of(t, &slot);
    bool is_control = t->endpoint->kind == USB_CONTROL;

    p->count = pieces(t) + (is_control ? 2 : 0);
    xhci_ring_reserve(&p->ring, p->count);
    p->first = p->ring.at;
    p->state = PIPE_RUNNING;
    p->transfer = t->endpoint->transfer = t;
    p->wants_stop = p->is_over = p->actual_known = false;
    p->actual = 0;
    if (is_control)
        put_control(&p->ring, t);
    else
        put_data(&p->ring, t, TRB_TYPE(TRB_NORMAL), TRB_IOC);
    bus_write32(x->bus, x->doorbell + 4u * slot->id, xhci_dci(t->endpoint));
}

/* ---- Ending one ---------------------------------------------------------- */

static void finish(struct xhci_pipe *p)
{
    struct usb_transfer *t = p->transfer;

    p->state = PIPE_IDLE;
    p->transfer = t->endpoint->transfer = NULL;
    t->actual = p->actual;
    t->error = p->is_over ? p->error : -ETIMEDOUT;
    t->is_done = true;
}

static void begin_step(struct xhci_slot *slot, struct xhci_pipe *p,
                       enum xhci_pipe_state state)
{
    const struct usb_endpoint *e = p->transfer->endpoint;
    uint32_t which = TRB_SLOT(slot->id) | TRB_ENDPOINT(xhci_dci(e));

    p->state = state;
    if (state == PIPE_STOPPING)
        xhci_command(slot->xhci, &p->command, TRB_STOP_ENDPOINT, 0, which);
    else if (state == PIPE_RESETTING)
        xhci_command(slot->xhci, &p->command, TRB_RESET_ENDPOINT, 0, which);
    else
        xhci_command(slot->xhci, &p->command, TRB_SET_TR_DEQUEUE,
                     xhci_ring_dequeue(&p->ring), which);
}

/* 4.6.9, 4.6.8, 4.6.10: it is stopped, or, if it halted, reset; then what is
 * left of the transfer is skipped. */
static void step(struct xhci_slot *slot, struct xhci_pipe *p)
{
    uint8_t code = p->command.code;

    if (p->state == PIPE_RUNNING) {
        if (p->wants_stop && p->command.state != COMMAND_WAITING)
            begin_step(slot, p, PIPE_STOPPING);
        return;
    }
    if (p->state == PIPE_IDLE || p->command.state != COMMAND_DONE)
        return;
    p->command.state = COMMAND_IDLE;
    if (p->state == PIPE_STOPPING && code != CODE_SUCCESS)
        begin_step(slot, p, PIPE_RESETTING);
    else if (p->state != PIPE_MOVING)
        begin_step(slot, p, PIPE_MOVING);
    else if (code == CODE_SUCCESS)
        finish(p);
    else
        slot->xhci->host.wants_restart = true;
}

void xhci_pipes_poll(struct xhci *x)
{
    for (unsigned i = 0; i < USB_DEVICES; i++) {
        struct xhci_slot *slot = x->host.device[i].host_data;

        for (unsigned j = 0; slot && slot->id && j < USB_ENDPOINTS; j++)
            if (slot->pipe[j].transfer)
                step(slot, &slot->pipe[j]);
    }
}

void xhci_cancel(struct usb_host *h, struct usb_transfer *t)
{
    struct xhci_slot *slot;
    struct xhci_pipe *p = pipe_of(t, &slot);

    if (h->is_up && p->transfer == t)
        p->wants_stop = true;
}

/* ---- What the controller tells (4.10) ------------------------------------ */

/* Bytes of data before TRB `n` of the transfer. */
static uint32_t bytes_before(const struct xhci_pipe *p, unsigned n)
{
    const struct usb_transfer *t = p->transfer;
    uint32_t done = 0;

    for (unsigned i = t->endpoint->kind == USB_CONTROL; i < n; i++)
        done += piece(t->phys + done, t->length - done);
    return done;
}

/* What was moved when TRB `n` ended with `left` bytes to go. False: it lies. */
static bool set_actual(struct xhci_pipe *p, unsigned n, uint32_t left)
{
    const struct usb_transfer *t = p->transfer;
    uint32_t before = bytes_before(p, n);
    uint32_t size = piece(t->phys + before, t->length - before);

    if (left > size)
        return false;
    p->actual = before + size - left;
    p->actual_known = true;
    return true;
}

static int error_of(uint8_t code)
{
    switch (code) {
    case CODE_SUCCESS:
    case CODE_SHORT:
        return 0;
    case CODE_STALL:
        return -EPIPE;
    case CODE_BABBLE:
        return -EOVERFLOW;
    }
    return -EIO;
}

/* TRB `n` of what is under way has ended. */
static void ended(struct xhci_slot *slot, struct xhci_pipe *p, unsigned n,
                  const struct xhci_trb *event)
{
    const struct usb_transfer *t = p->transfer;
    bool is_control = t->endpoint->kind == USB_CONTROL;
    bool is_data = is_control ? n > 0 && n + 1 < p->count : true;
    int error = error_of((uint8_t)TRB_CODE_OF(event->status));

    if (is_data && !set_actual(p, n, TRB_LENGTH_OF(event->status))) {
        slot->xhci->host.counters.bad_events++;
        error = -EIO;
        p->wants_stop = true;           /* nothing halted it */
    }
    if (!error && is_control && n + 1 < p->count)
        return;                         /* the status is still to come */
    if (!error && is_control && !p->actual_known)
        p->actual = t->length;
    p->is_over = true;
    p->error = error;
    if (p->state != PIPE_RUNNING)
        return;                         /* step() goes on */
    if (!error)
        finish(p);
    else if (!p->wants_stop)
        begin_step(slot, p, PIPE_RESETTING);
}

static struct xhci_pipe *find(struct xhci_slot *slot, unsigned dci)
{
    for (unsigned i = 0; i < slot->device->endpoints; i++)
        if (xhci_dci(&slot->device->endpoint[i]) == dci)
            return &slot->pipe[i];
    return NULL;
}

void xhci_transfer_event(struct xhci *x, const struct xhci_trb *event)
{
    struct xhci_slot *slot = x->slot[TRB_SLOT_OF(event->control)];
    struct xhci_pipe *p =
        slot ? find(slot, TRB_ENDPOINT_OF(event->control)) : NULL;
    uint8_t code = (uint8_t)TRB_CODE_OF(event->status);
    uint64_t offset;

    if (!p) {
        x->host.counters.bad_events++;
        return;
    }
    /* Of a stop its command tells; the others are for no transfer. */
    if (!p->transfer || (code >= CODE_STOPPED && code <= CODE_STOPPED_SHORT) ||
        code == CODE_UNDERRUN || code == CODE_OVERRUN)
        return;
    offset = event->parameter - p->ring.phys;
    /* Some tell of the last TRB, too, after a short packet before it. */
    if (offset % sizeof *p->ring.trb ||
        offset / sizeof *p->ring.trb - p->first >= p->count) {
        x->host.counters.bad_events++;
        return;
    }
    if (!p->is_over)
        ended(slot, p, (unsigned)(offset / sizeof *p->ring.trb) - p->first,
              event);
}
