/*
 * See usb.h: devices that are hubs (11). A hub is asked for the state of its
 * ports every now and then, in place of its interrupt endpoint; one transfer at
 * a time.
 */
#include <errno.h>
#include <stdlib.h>

#include "drivers/usb/usb.h"
#include "drivers/usb/usb_regs.h"

#define QUIET_NS (300 * USB_MS)         /* 7.1.7.3: to signal attach */

enum { STEP_IDLE, STEP_DEPTH, STEP_POWER, STEP_STATUS, STEP_CLEAR, STEP_RESET };

static void ask(struct usb_hub *hub, unsigned step, struct usb_setup setup)
{
    hub->step = step;
    setup.request_type |= USB_TYPE_CLASS;
    usb_control(hub->device, &hub->transfer, setup, hub->device->phys);
}

/* Of port hub->at. */
static void ask_port(struct usb_hub *hub, unsigned step, uint8_t request,
                     unsigned feature)
{
    bool is_get = request == USB_GET_STATUS;

    ask(hub, step, (struct usb_setup){
        .request_type = USB_TO_OTHER | (is_get ? USB_FROM_DEVICE : 0),
        .request = request, .value = (uint16_t)feature,
        .index = (uint16_t)(hub->at + 1), .length = is_get ? 4 : 0,
    });
}

/* ---- Status (11.24.2.7) -------------------------------------------------- */

/* What clears change bit `i`: 11.24.2.2; table 10-7 of USB 3.2. */
static unsigned feature_of(const struct usb_hub *hub, unsigned i)
{
    if (hub->device->speed == USB_SUPER && i >= 5)
        return i == 5 ? 29 : i + 19u;   /* BH_PORT_RESET; LINK_STATE, ... */
    return HUB_C_CONNECTION + i;
}

static bool clear_next(struct usb_hub *hub)
{
    for (unsigned i = 0; i < 8; i++)
        if (hub->changes & 1u << i) {
            hub->changes &= (uint16_t)~(1u << i);
            ask_port(hub, STEP_CLEAR, USB_CLEAR_FEATURE, feature_of(hub, i));
            return true;
        }
    return false;
}

static int read_status(struct usb_hub *hub)
{
    const uint8_t *p = hub->device->page;

    if (hub->transfer.actual < 4)
        return -EIO;
    hub->status = (uint16_t)(p[0] | p[1] << 8);
    hub->changes = p[2];
    hub->changed = hub->changes & HUB_CHANGED;
    return 0;
}

int usb_hub_status(struct usb_hub *hub, struct usb_port_status *st)
{
    uint16_t s;
    int error;

    if (hub->step == STEP_IDLE)
        ask_port(hub, STEP_STATUS, USB_GET_STATUS, 0);
    error = usb_transfer_poll(&hub->transfer);
    if (error == -EAGAIN)
        return error;
    if (!error && hub->step == STEP_STATUS)
        error = read_status(hub);
    if (!error && clear_next(hub))
        return -EAGAIN;
    hub->step = STEP_IDLE;
    s = hub->status;
    *st = (struct usb_port_status){
        .connected = s & HUB_CONNECTED, .enabled = s & HUB_ENABLED,
        .resetting = s & HUB_RESET, .changed = hub->changed,
        .speed = hub->device->speed == USB_SUPER ? USB_SUPER
                 : s & HUB_LOW_SPEED ? USB_LOW
                 : s & HUB_HIGH_SPEED ? USB_HIGH : USB_FULL,
    };
    return error;
}

int usb_hub_reset(struct usb_hub *hub)
{
    int error;

    if (hub->step == STEP_IDLE)
        ask_port(hub, STEP_RESET, USB_SET_FEATURE, HUB_PORT_RESET);
    error = usb_transfer_poll(&hub->transfer);
    if (error != -EAGAIN)
        hub->step = STEP_IDLE;
    return error;
}

/* ---- The class ----------------------------------------------------------- */

static void power_next(struct usb_hub *hub)
{
    ask_port(hub, STEP_POWER, USB_SET_FEATURE, HUB_PORT_POWER);
}

static int attach(struct usb_device *d)
{
    struct usb_hub *hub = usb_hub_new(d->host, d, d->hub_ports);

    if (!hub)
        return -ENOMEM;
    d->class_data = hub;
    if (d->speed == USB_SUPER)          /* 10.16.2.9 of USB 3.2 */
        ask(hub, STEP_DEPTH, (struct usb_setup){
            .request = USB_SET_HUB_DEPTH, .value = (uint16_t)d->depth });
    else
        power_next(hub);
    return 0;
}

/* Power for all ports, then what is plugged in. */
static bool start(struct usb_hub *hub)
{
    struct usb_device *d = hub->device;
    int error = usb_transfer_poll(&hub->transfer);

    if (error == -EAGAIN)
        return false;
    if (error && error != -EPIPE) {     /* some refuse what is on for good */
        usb_device_failed(d);
        return true;
    }
    if (hub->step == STEP_POWER)
        hub->at++;
    if (hub->at < hub->ports) {
        power_next(hub);
        return true;
    }
    usb_hub_start(hub, d->hub_power_ms * USB_MS + QUIET_NS);
    return true;
}

static bool poll(struct usb_device *d)
{
    struct usb_hub *hub = d->class_data;
    bool any;

    if (hub->step == STEP_DEPTH || hub->step == STEP_POWER)
        return start(hub);
    any = usb_hub_poll(hub);
    d->class_settled = usb_hub_is_settled(hub);
    return any;
}

static void gone(struct usb_device *d)
{
    free(d->class_data);
    d->class_data = NULL;
}

const struct usb_class usb_hub_class = {
    .attach = attach, .poll = poll, .gone = gone,
};
