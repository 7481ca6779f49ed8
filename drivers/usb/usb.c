/* See usb.h: transfers, and devices from their first answer until a class's
 * driver has them. */
#include "drivers/usb/usb.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/usb/usb_hid.h"
#include "drivers/usb/usb_regs.h"
#include "drivers/usb/usb_storage.h"

#define CONTROL_NS (5000 * USB_MS)      /* 9.2.6.1 */
#define PORT_LINES 8u           /* of one port, in the log */
#define CONFIG_MAX 1024u        /* bytes of a configuration that are read */
#define US_ENGLISH 0x0409

/* ---- Telling ------------------------------------------------------------- */

static void port_path(char *out, size_t size, const struct usb_hub *hub,
                      unsigned port)
{
    if (hub->device)
        snprintf(out, size, "%.19s.%u", hub->device->path, port);
    else
        snprintf(out, size, "%u", port);
}

static void tell(struct usb_hub *hub, unsigned port, const char *verb,
                 const char *what)
{
    char path[24];

    if (hub->port[port - 1].told == PORT_LINES)
        return;
    hub->port[port - 1].told++;
    port_path(path, sizeof path, hub, port);
    usb_host_tell(hub->host, "port %s%s: %s", path, verb, what);
}

void usb_port_tell(struct usb_hub *hub, unsigned port, const char *fmt, ...)
{
    char what[120];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    tell(hub, port, " left out", what);
}

void usb_port_found(const struct usb_device *d, const char *what)
{
    tell(d->parent, d->port, "", what);
}

/* ---- Transfers ----------------------------------------------------------- */

void usb_submit(struct usb_transfer *t)
{
    struct usb_device *d = t->device;

    t->is_done = t->is_cancelled = false;
    t->actual = 0;
    t->error = 0;
    if (d->host->is_up && d->state != USB_DETACHING &&
        d->state != USB_FAILED && d->state != USB_FREE) {
        d->host->ops->submit(d->host, t);
        return;
    }
    t->is_done = true;
    t->error = -ENODEV;
}

int usb_transfer_poll(struct usb_transfer *t)
{
    struct usb_host *h = t->device->host;

    if (t->is_done)
        return t->error;
    if (!t->is_cancelled && bus_now(h->bus) >= t->deadline) {
        t->is_cancelled = true;
        h->ops->cancel(h, t);
    }
    return t->is_done ? t->error : -EAGAIN;
}

void usb_control(struct usb_device *d, struct usb_transfer *t,
                 struct usb_setup setup, uint64_t phys)
{
    *t = (struct usb_transfer){
        .device = d, .endpoint = &d->endpoint[0], .setup = setup,
        .phys = phys, .length = setup.length,
        .deadline = bus_now(d->host->bus) + CONTROL_NS,
    };
    usb_submit(t);
}

/* ---- Devices come and go ------------------------------------------------- */

static struct usb_device *free_device(struct usb_host *h)
{
    for (unsigned i = 0; i < USB_DEVICES; i++) {
        struct usb_device *d = &h->device[i];

        if (d->state != USB_FREE)
            continue;
        if (!d->page)
            d->page = h->bus->dma_alloc(h->bus->ctx, USB_PAGE, h->dma_below,
                                        &d->phys);
        return d->page ? d : NULL;
    }
    return NULL;
}

/* What translates between its speed and the hub's (11.14). */
static void find_translator(struct usb_device *d)
{
    struct usb_device *hub = d->parent->device;

    if (!hub || (d->speed != USB_LOW && d->speed != USB_FULL))
        return;
    d->tt = hub->speed == USB_HIGH ? hub : hub->tt;
    d->tt_port = hub->speed == USB_HIGH ? d->port : hub->tt_port;
}

struct usb_device *usb_device_new(struct usb_hub *parent, unsigned port,
                                  enum usb_speed speed)
{
    struct usb_device *d = free_device(parent->host), *hub = parent->device;

    if (!d)
        return NULL;
    *d = (struct usb_device){
        .host = parent->host, .state = USB_ADDRESS, .parent = parent,
        .port = port, .speed = speed, .page = d->page, .phys = d->phys,
        .host_data = d->host_data, .endpoints = 1,
        .root_port = hub ? hub->root_port : port,
        .depth = hub ? hub->depth + 1 : 0,
        .route = hub ? hub->route | port << 4 * hub->depth : 0,
    };
    d->endpoint[0].max_packet = speed == USB_SUPER ? 512
                                : speed == USB_HIGH ? 64 : 8;
    port_path(d->path, sizeof d->path, parent, port);
    find_translator(d);
    return d;
}

static void not_busy(struct usb_device *d)
{
    if (d->host->busy && d->host->busy->device == d)
        d->host->busy = NULL;
}

void usb_device_forget(struct usb_device *d)
{
    not_busy(d);
    if (d->class)
        d->class->gone(d);
    d->class = NULL;
    d->state = USB_FREE;
}

bool usb_device_detach(struct usb_device *d)
{
    if (d->state == USB_FREE)
        return true;
    d->state = USB_DETACHING;
    if (d->class == &usb_hub_class && d->class_data &&
        !usb_hub_detach(d->class_data))
        return false;
    if (d->host->ops->detach(d->host, d) == -EAGAIN)
        return false;
    usb_device_forget(d);
    return true;
}

void usb_device_failed(struct usb_device *d)
{
    if (d->state == USB_UP)
        d->host->counters.resets++;
    if (d->state != USB_FREE && d->state != USB_DETACHING)
        d->state = USB_FAILED;
    usb_host_look(d->host);
}

bool usb_device_is_settled(const struct usb_device *d)
{
    return d->state == USB_LEFT || (d->state == USB_UP && d->class_settled);
}

/* ---- Enumeration --------------------------------------------------------- */

static void leave(struct usb_device *d, const char *why)
{
    not_busy(d);
    d->host->counters.bad_descriptors++;
    usb_port_tell(d->parent, d->port, "%s", why);
    d->state = USB_LEFT;
}

static void ask(struct usb_device *d, enum usb_device_state state,
                struct usb_setup setup)
{
    d->state = state;
    memset(d->page, 0, setup.length);
    usb_control(d, &d->control, setup, d->phys);
}

static void ask_descriptor(struct usb_device *d, enum usb_device_state state,
                           unsigned type, unsigned index, int language,
                           unsigned length)
{
    ask(d, state, (struct usb_setup){
        .request_type = USB_FROM_DEVICE, .request = USB_GET_DESCRIPTOR,
        .value = (uint16_t)(type << 8 | index), .index = (uint16_t)language,
        .length = (uint16_t)length,
    });
}

static void ask_config(struct usb_device *d)
{
    ask_descriptor(d, USB_CONFIG_HEAD, USB_DT_CONFIG, 0, 0, USB_CONFIG_BYTES);
}

static void attach(struct usb_device *d)
{
    d->state = USB_UP;
    d->class = d->interface_class == USB_CLASS_HUB ? &usb_hub_class
               : d->interface_class == USB_CLASS_HID ? &usb_hid_class
                                                     : &usb_storage_class;
    if (!d->class->attach(d))
        return;
    d->class = NULL;
    leave(d, "no memory for it, or too many");
}

/* Of what `class` is by 9.2.3, where it may say it only by its interfaces. */
static void nobody(struct usb_device *d)
{
    char why[80];

    snprintf(why, sizeof why, "no driver for the device %04x:%04x", d->vendor,
             d->product);
    leave(d, why);
    d->host->counters.bad_descriptors--;        /* nothing is wrong with it */
}

static void described(struct usb_device *d)
{
    const char *why = usb_describe(d, d->page, d->control.actual);

    if (why) {
        leave(d, why);
    } else if (!d->interface_class) {
        nobody(d);
    } else if (d->interface_class == USB_CLASS_HUB && d->depth == USB_TIERS) {
        leave(d, "too many hubs in a row");
    } else {
        ask(d, USB_SET_CONFIG, (struct usb_setup){
            .request = USB_SET_CONFIGURATION, .value = d->config });
    }
}

/* 11.23.2.1; 10.15.2.1 of USB 3.2. */
static void hub_described(struct usb_device *d)
{
    const uint8_t *p = d->page;
    uint8_t type = d->speed == USB_SUPER ? USB_DT_SS_HUB : USB_DT_HUB;

    if (d->control.actual < USB_HUB_BYTES || p[1] != type || !p[2]) {
        leave(d, "a hub that does not describe itself as one");
        return;
    }
    d->hub_ports = p[2] < USB_HUB_PORTS ? p[2] : USB_HUB_PORTS;
    d->hub_think = d->speed == USB_HIGH ? p[3] >> 5 & 3 : 0;
    d->hub_power_ms = p[5] < 127 ? 2 * p[5] : 254;
    d->state = USB_OPEN;
}

static void device_described(struct usb_device *d)
{
    const uint8_t *p = d->page;

    if (d->control.actual < USB_DEVICE_BYTES || p[1] != USB_DT_DEVICE) {
        leave(d, "its device descriptor is none");
        return;
    }
    d->vendor = (uint16_t)(p[8] | p[9] << 8);
    d->product = (uint16_t)(p[10] | p[11] << 8);
    d->serial_index = p[16];
    if (d->serial_index)
        ask_descriptor(d, USB_LANGUAGES, USB_DT_STRING, 0, 0, 255);
    else
        ask_config(d);
}

static void config_head(struct usb_device *d)
{
    unsigned total = d->page[2] | d->page[3] << 8;

    if (d->control.actual < USB_CONFIG_BYTES ||
        d->page[1] != USB_DT_CONFIG || total < USB_CONFIG_BYTES) {
        leave(d, "its configuration is none");
        return;
    }
    ask_descriptor(d, USB_CONFIG, USB_DT_CONFIG, 0, 0,
                   total < CONFIG_MAX ? total : CONFIG_MAX);
}

/* The answer to what was asked in this state has come; `error` is -EPIPE or 0
 * (a device may do without strings). */
static void answered(struct usb_device *d, int error)
{
    const uint8_t *p = d->page;
    uint32_t len = error ? 0 : d->control.actual;

    switch (d->state) {
    case USB_DESCRIPTOR_8:
        if (len < 8 || p[1] != USB_DT_DEVICE ||
            !usb_describe_packet0(d, p[7]))
            leave(d, "its endpoint 0 has packets of an impossible size");
        else
            d->state = USB_PACKET_0;
        break;
    case USB_DESCRIPTOR:
        device_described(d);
        break;
    case USB_LANGUAGES:
        d->language = len >= 4 ? p[2] | p[3] << 8 : US_ENGLISH;
        ask_descriptor(d, USB_SERIAL, USB_DT_STRING, d->serial_index,
                       d->language, 255);
        break;
    case USB_SERIAL:
        usb_describe_string(d->serial, sizeof d->serial, p, len);
        ask_config(d);
        break;
    case USB_CONFIG_HEAD:
        config_head(d);
        break;
    case USB_CONFIG:
        described(d);
        break;
    case USB_SET_CONFIG:
        if (d->interface_class == USB_CLASS_HUB)
            ask(d, USB_HUB_DESCRIPTOR, (struct usb_setup){
                .request_type = USB_FROM_DEVICE | USB_TYPE_CLASS,
                .request = USB_GET_DESCRIPTOR, .length = USB_HUB_BYTES,
                .value = (d->speed == USB_SUPER ? USB_DT_SS_HUB
                                                : USB_DT_HUB) << 8 });
        else
            d->state = USB_OPEN;
        break;
    case USB_HUB_DESCRIPTOR:
        hub_described(d);
        break;
    default:
        break;
    }
}

static bool wait_for_answer(struct usb_device *d)
{
    int error = usb_transfer_poll(&d->control);
    bool may_stall = d->state == USB_LANGUAGES || d->state == USB_SERIAL;

    if (error == -EAGAIN)
        return false;
    if (error && !(error == -EPIPE && may_stall))
        usb_device_failed(d);
    else
        answered(d, error);
    return true;
}

/* Steps that the host controller takes. */
static bool ask_host(struct usb_device *d,
                     int (*step)(struct usb_host *, struct usb_device *))
{
    int error = step(d->host, d);

    if (error == -EAGAIN)
        return false;
    if (error == -ENOTSUP)
        leave(d, "this controller's driver does neither full and low speed "
                 "behind a hub nor keyboards");
    else if (error)
        usb_device_failed(d);
    else if (d->state == USB_ADDRESS)
        ask_descriptor(d, USB_DESCRIPTOR_8, USB_DT_DEVICE, 0, 0, 8);
    else if (d->state == USB_PACKET_0)
        ask_descriptor(d, USB_DESCRIPTOR, USB_DT_DEVICE, 0, 0,
                       USB_DEVICE_BYTES);
    else
        attach(d);
    return true;
}

bool usb_device_step(struct usb_device *d)
{
    const struct usb_host_ops *ops = d->host->ops;

    switch (d->state) {
    case USB_ADDRESS:
        if (!ask_host(d, ops->address))
            return false;
        not_busy(d);            /* the next one may have address 0 */
        return true;
    case USB_PACKET_0:
        return ask_host(d, ops->set_packet0);
    case USB_OPEN:
        return ask_host(d, ops->configure);
    case USB_UP:
        return d->class->poll(d);
    case USB_FREE:
    case USB_LEFT:
    case USB_FAILED:
    case USB_DETACHING:
        return false;
    default:
        return wait_for_answer(d);
    }
}
