/* See usb.h: ports, those of the controller and those of hubs, and what becomes
 * of what is plugged into them. */
#include <errno.h>
#include <stdlib.h>

#include "drivers/usb/usb.h"

#define DEBOUNCE_NS (100 * USB_MS)      /* 7.1.7.3 */
#define RESET_NS (1000 * USB_MS)
#define RECOVERY_NS (20 * USB_MS)       /* 7.1.7.5: 10 ms */
#define BUSY_LOOK_NS (1 * USB_MS)
#define LOOK_NS (250 * USB_MS)
#define TRIES 3u

static uint64_t now(const struct usb_hub *hub)
{
    return bus_now(hub->host->bus);
}

struct usb_hub *usb_hub_new(struct usb_host *h, struct usb_device *d,
                            unsigned ports)
{
    struct usb_hub *hub = calloc(1, sizeof *hub + ports * sizeof *hub->port);

    if (!hub)
        return NULL;
    hub->host = h;
    hub->device = d;
    hub->ports = ports;
    return hub;
}

void usb_hub_start(struct usb_hub *hub, uint64_t quiet_ns)
{
    hub->at = hub->step = 0;
    hub->wants_reset = false;
    hub->next_look = 0;
    hub->quiet_until = now(hub) + quiet_ns;
    for (unsigned i = 0; i < hub->ports; i++) {
        hub->port[i].state = USB_PORT_EMPTY;
        hub->port[i].device = NULL;
        hub->port[i].tries = 0;
    }
}

/* ---- One port ------------------------------------------------------------ */

static void enter(struct usb_hub *hub, struct usb_port *p,
                  enum usb_port_state state, uint64_t ns)
{
    p->state = state;
    p->deadline = now(hub) + ns;
}

static bool is_late(const struct usb_hub *hub, const struct usb_port *p)
{
    return now(hub) >= p->deadline;
}

static void not_busy(struct usb_hub *hub, struct usb_port *p)
{
    if (hub->host->busy == p)
        hub->host->busy = NULL;
}

/* Once more, or not. */
static void again(struct usb_hub *hub, struct usb_port *p, const char *why)
{
    not_busy(hub, p);
    if (++p->tries < TRIES) {
        enter(hub, p, USB_PORT_DEBOUNCE, DEBOUNCE_NS);
        return;
    }
    usb_port_tell(hub, hub->at + 1, "%s", why);
    p->state = USB_PORT_LEFT;
}

static void step_debounce(struct usb_hub *hub, struct usb_port *p,
                          const struct usb_port_status *st)
{
    if (st->changed)
        enter(hub, p, USB_PORT_DEBOUNCE, DEBOUNCE_NS);
    if (!is_late(hub, p) || (hub->host->busy && hub->host->busy != p))
        return;
    hub->host->busy = p;
    hub->wants_reset = true;
    enter(hub, p, USB_PORT_RESET, RESET_NS);
}

static void step_reset(struct usb_hub *hub, struct usb_port *p,
                       const struct usb_port_status *st)
{
    if (st->is_other) {
        not_busy(hub, p);
        usb_port_tell(hub, hub->at + 1, "full or low speed: a companion "
                      "controller has it, which nobody drives");
        p->state = USB_PORT_LEFT;
    } else if (!st->resetting && st->enabled) {
        enter(hub, p, USB_PORT_RECOVERY, RECOVERY_NS);
    } else if (is_late(hub, p)) {
        again(hub, p, "its port cannot be reset");
    }
}

static void step_recovery(struct usb_hub *hub, struct usb_port *p,
                          const struct usb_port_status *st)
{
    if (!is_late(hub, p))
        return;
    if (!st->enabled) {
        again(hub, p, "its port does not stay enabled");
        return;
    }
    p->device = usb_device_new(hub, hub->at + 1, st->speed);
    if (p->device) {
        p->state = USB_PORT_DEVICE;
        return;
    }
    not_busy(hub, p);
    usb_port_tell(hub, hub->at + 1, "too many devices, or no memory");
    p->state = USB_PORT_LEFT;
}

static void let_go(struct usb_port *p, enum usb_port_state after)
{
    p->after = after;
    p->state = USB_PORT_DETACHING;
}

static void step_detaching(struct usb_hub *hub, struct usb_port *p)
{
    if (p->device && !usb_device_detach(p->device))
        return;
    p->device = NULL;
    not_busy(hub, p);
    p->state = p->after;
    if (p->state == USB_PORT_DEBOUNCE)
        again(hub, p, "it does not answer as it should");
}

static void step_device(struct usb_hub *hub, struct usb_port *p)
{
    if (p->device->state == USB_FAILED)
        let_go(p, USB_PORT_DEBOUNCE);
    else if (usb_device_is_settled(p->device))
        p->tries = 0;
}

static void unplugged(struct usb_hub *hub, struct usb_port *p)
{
    p->tries = 0;
    if (p->device) {
        let_go(p, USB_PORT_EMPTY);
        return;
    }
    not_busy(hub, p);
    p->state = USB_PORT_EMPTY;
}

static void step_port(struct usb_hub *hub, struct usb_port *p,
                      const struct usb_port_status *st)
{
    bool is_new = st->changed && (p->state == USB_PORT_DEVICE ||
                                  p->state == USB_PORT_LEFT);

    if ((!st->connected || is_new) && p->state != USB_PORT_EMPTY &&
        p->state != USB_PORT_DETACHING)
        unplugged(hub, p);
    switch (p->state) {
    case USB_PORT_EMPTY:
        if (st->connected)
            enter(hub, p, USB_PORT_DEBOUNCE, DEBOUNCE_NS);
        break;
    case USB_PORT_DEBOUNCE:
        step_debounce(hub, p, st);
        break;
    case USB_PORT_RESET:
        step_reset(hub, p, st);
        break;
    case USB_PORT_RECOVERY:
        step_recovery(hub, p, st);
        break;
    case USB_PORT_DEVICE:
        step_device(hub, p);
        break;
    case USB_PORT_DETACHING:
        step_detaching(hub, p);
        break;
    case USB_PORT_LEFT:
        break;
    }
}

/* ---- All of a hub's ------------------------------------------------------ */

static int port_status(struct usb_hub *hub, struct usb_port_status *st)
{
    if (hub->device)
        return usb_hub_status(hub, st);
    hub->host->ops->port_status(hub->host, hub->at + 1, st);
    return 0;
}

static int port_reset(struct usb_hub *hub)
{
    if (hub->device)
        return usb_hub_reset(hub);
    hub->host->ops->port_reset(hub->host, hub->at + 1);
    return 0;
}

/* -EAGAIN, or an error of the hub's. */
static int look_at_port(struct usb_hub *hub)
{
    struct usb_port_status st = { .connected = false };
    int error;

    if (!hub->wants_reset) {
        error = port_status(hub, &st);
        if (error)
            return error;
        step_port(hub, &hub->port[hub->at], &st);
    }
    if (hub->wants_reset) {
        error = port_reset(hub);
        if (error)
            return error;
        hub->wants_reset = false;
    }
    hub->at++;
    return 0;
}

bool usb_hub_poll(struct usb_hub *hub)
{
    int error = 0;

    if (!hub->at && !hub->step && !hub->wants_reset &&
        now(hub) < hub->next_look)
        return false;
    while (hub->at < hub->ports && !error && hub->host->is_up)
        error = look_at_port(hub);
    if (error == -EAGAIN || !hub->host->is_up)
        return false;
    if (error)
        usb_device_failed(hub->device);
    hub->at = 0;
    hub->next_look = now(hub) +
                     (usb_hub_is_settled(hub) ? LOOK_NS : BUSY_LOOK_NS);
    return true;
}

static bool port_is_settled(const struct usb_port *p)
{
    switch (p->state) {
    case USB_PORT_EMPTY:
    case USB_PORT_LEFT:
        return true;
    case USB_PORT_DEVICE:
        return usb_device_is_settled(p->device);
    default:
        return false;
    }
}

bool usb_hub_is_settled(const struct usb_hub *hub)
{
    if (now(hub) < hub->quiet_until)
        return false;
    for (unsigned i = 0; i < hub->ports; i++)
        if (!port_is_settled(&hub->port[i]))
            return false;
    return true;
}

bool usb_hub_detach(struct usb_hub *hub)
{
    bool all = true;

    for (unsigned i = 0; i < hub->ports; i++) {
        struct usb_port *p = &hub->port[i];

        not_busy(hub, p);
        if (p->device && usb_device_detach(p->device))
            p->device = NULL;
        all &= !p->device;
    }
    return all;
}
