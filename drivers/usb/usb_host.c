/* See usb.h: host controllers, from the firmware's hands to work, and to the
 * next reset; what is the same for each kind. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "drivers/block/disk_dma.h"
#include "drivers/usb/usb.h"

#define HANDOFF_NS (1000 * USB_MS)      /* 4.22.1 of xHCI 1.2 */
#define HALT_NS (100 * USB_MS)          /* its 5.4.1.1: 16 ms */
#define RESET_NS (5000 * USB_MS)
#define RETRY_NS (30000 * USB_MS)       /* of one that is dead */
#define ROOT_QUIET_NS (1000 * USB_MS)
#define INPUT_NS (8 * USB_MS)           /* without interrupts */
#define INPUT_ROUNDS 8u

bool usb_is_wanted = true;

/* ---- Telling ------------------------------------------------------------- */

void usb_host_tell(struct usb_host *h, const char *fmt, ...)
{
    char what[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    h->sink->left_out(h->sink, what);
}

static void tell_taken(struct usb_host *h)
{
    static bool is_told;

    if (!is_told)
        usb_host_tell(h, "taken from the firmware (-host-usb off leaves it)");
    is_told = true;
}

/* ---- From the firmware, or a failure, to its reset ----------------------- */

static void enter(struct usb_host *h, enum usb_host_state state, uint64_t ns)
{
    h->state = state;
    h->deadline = bus_now(h->bus) + ns;
}

static bool is_late(const struct usb_host *h)
{
    return bus_now(h->bus) >= h->deadline;
}

static void begin_halt(struct usb_host *h)
{
    h->controller.is_settled = false;
    h->is_up = h->wants_restart = h->armed = false;
    h->ops->halt(h);
    enter(h, USB_HOST_HALTING, HALT_NS);
}

/* It reaches no memory any more: all transfers are done with -ENODEV, all
 * devices are gone. */
static void let_go(struct usb_host *h)
{
    h->busy = NULL;
    h->ops->forget(h);
    for (unsigned i = 0; i < USB_DEVICES * USB_ENDPOINTS; i++) {
        struct usb_device *d = &h->device[i / USB_ENDPOINTS];
        struct usb_endpoint *e = &d->endpoint[i % USB_ENDPOINTS];

        if (!e->transfer)
            continue;
        e->transfer->error = -ENODEV;
        e->transfer->is_done = true;
        e->transfer = NULL;
    }
    for (unsigned i = 0; i < USB_DEVICES; i++)
        if (h->device[i].state != USB_FREE)
            usb_device_forget(&h->device[i]);
}

static void die(struct usb_host *h, const char *why)
{
    bool ended = disk_dma_ended(h->dma_counters, h->bus, false);

    h->is_up = false;
    enter(h, USB_HOST_DEAD, RETRY_NS);
    h->controller.is_settled = true;
    if (!h->is_told)
        usb_host_tell(h, "left out: %s", why);
    h->is_told = true;
    if (ended)
        let_go(h);
}

static void handoff(struct usb_host *h)
{
    if (!h->ops->firmware_has(h)) {
        h->ops->silence(h);
        begin_halt(h);
        return;
    }
    tell_taken(h);
    h->ops->claim(h);
    enter(h, USB_HOST_HANDOFF, HANDOFF_NS);
}

static void start(struct usb_host *h)
{
    disk_dma_allow(h->bus);
    let_go(h);                          /* what it kept while it was deaf */
    h->ops->start(h);
    h->state = USB_HOST_UP;
    h->is_up = true;
    h->is_told = false;
    usb_hub_start(h->root, ROOT_QUIET_NS);
}

static void step(struct usb_host *h)
{
    switch (h->state) {
    case USB_HOST_HANDOFF:
        if (h->ops->firmware_has(h) && !is_late(h))
            return;
        h->ops->silence(h);
        begin_halt(h);
        break;
    case USB_HOST_HALTING:
        if (!h->ops->is_halted(h) && !is_late(h))
            return;
        h->ops->reset(h);
        enter(h, USB_HOST_RESETTING, RESET_NS);
        break;
    case USB_HOST_RESETTING:
        if (h->ops->is_reset(h))
            start(h);
        else if (is_late(h))
            die(h, "it does not answer its reset");
        break;
    case USB_HOST_DEAD:
        if (is_late(h) && !h->ops->is_pulled_out(h))
            begin_halt(h);
        break;
    case USB_HOST_UP:
        break;
    }
}

/* ---- At work ------------------------------------------------------------- */

static bool poll_chip(struct usb_host *h)
{
    bool any;

    if (h->state != USB_HOST_DEAD && h->ops->is_pulled_out(h)) {
        die(h, "it was pulled out");
        return true;
    }
    if (h->state != USB_HOST_UP) {
        step(h);
        return false;
    }
    any = h->ops->poll(h);
    if (!h->wants_restart)
        return any;
    h->counters.restarts++;
    begin_halt(h);
    return true;
}

void usb_host_look(struct usb_host *h) { h->root->next_look = 0; }

bool usb_host_poll(struct usb_host *h)
{
    bool any = poll_chip(h);

    h->input_next = UINT64_MAX;
    for (unsigned i = 0; i < USB_DEVICES && h->is_up; i++)
        any |= usb_device_step(&h->device[i]);
    if (h->is_up) {
        any |= usb_hub_poll(h->root);
        h->controller.is_settled = usb_hub_is_settled(h->root);
    }
    if (h->inputs)              /* whoever polled */
        usb_host_arm(h);
    return any;
}

void usb_host_arm(struct usb_host *h)
{
    if (h->armed || !h->is_up || !h->bus->arm_irq)
        return;
    h->armed = true;
    h->bus->arm_irq(h->bus->ctx);
    if (h->ops->arm(h))
        h->bus->wake(h->bus->ctx);
}

static void look(struct disk_controller *controller)
{
    struct usb_host *h = controller->driver;

    usb_host_look(h);
    usb_host_poll(h);
}

static uint64_t poll_input(struct disk_controller *controller)
{
    struct usb_host *h = controller->driver;
    uint64_t now = bus_now(h->bus);

    for (unsigned i = 0; i < INPUT_ROUNDS && h->inputs && h->is_up &&
                         (now >= h->input_next || h->ops->has_events(h)); i++)
        usb_host_poll(h);
    if (!h->inputs || !h->is_up)
        return UINT64_MAX;
    return !h->bus->arm_irq && now + INPUT_NS < h->input_next
               ? now + INPUT_NS : h->input_next;
}

int usb_host_start(struct usb_host *h, unsigned ports,
                   struct disk_controller **out)
{
    h->controller.poll = look;
    h->controller.poll_input = poll_input;
    h->controller.driver = h;
    h->dma_counters = &h->no_disk;
    for (unsigned i = 0; i < USB_DEVICES; i++)
        h->device[i].host = h;
    h->root = usb_hub_new(h, NULL, ports);
    if (!h->root)
        return -ENOMEM;
    handoff(h);
    *out = &h->controller;
    return 0;
}
