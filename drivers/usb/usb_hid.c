/*
 * See usb_hid.h: what is asked of keyboards and mice before they tell anything,
 * then their reports, one after the other, and a keyboard's LEDs. Section
 * numbers are those of HID 1.11. What goes over endpoint 0 is one request at a
 * time of all that are in the device.
 */
#include "drivers/usb/usb_hid.h"

#include <errno.h>
#include <stdlib.h>

#include "drivers/usb/usb_regs.h"

#define REPORT_AT 1024u         /* in the device's page; requests' before it */
#define REPORT_MAX 1024u
#define REPORTS_AT_ONCE 8u
#define ERRORS_MAX 8u           /* in a row */
#define AGAIN_NS (100 * USB_MS)

_Static_assert(REPORT_AT + USB_BOOTS * REPORT_MAX <= USB_PAGE, "they fit");

/* 7.2 */
enum { SET_REPORT = 0x09, SET_IDLE = 0x0a, SET_PROTOCOL = 0x0b };
#define OUTPUT_REPORT 0x0200u
#define BOOT_PROTOCOL 0u

enum part_state {
    PART_PROTOCOL, PART_IDLE,   /* requests, that may wait for others */
    PART_UP,                    /* a report is waited for */
    PART_WAIT,                  /* after an error, for a while */
    PART_CLEAR, PART_RESTART,   /* its endpoint begins anew */
    PART_OUT,
};

/* One keyboard or mouse. */
struct hid_part {
    struct usb_hid *hid;
    enum part_state state;
    bool is_keyboard;
    bool wants_leds;
    bool has_no_leds;           /* it refused them once */
    uint8_t leds;               /* of a report */
    unsigned errors;
    uint64_t until;             /* PART_WAIT */
    struct usb_transfer in;
    struct hid_keys keys;
    struct input_keyboard keyboard;
    struct input_mouse mouse;
};

struct usb_hid {
    struct usb_device *device;
    struct hid_part part[USB_BOOTS];
    unsigned count;
    struct hid_part *asking;    /* whose request is under way, or NULL */
    bool is_leds;               /* it is that one */
};

static unsigned index_of(const struct hid_part *p)
{
    return (unsigned)(p - p->hid->part);
}

static uint64_t now(const struct usb_hid *hid)
{
    return bus_now(hid->device->host->bus);
}

/* ---- Requests ------------------------------------------------------------ */

static void ask(struct hid_part *p, struct usb_setup setup)
{
    struct usb_device *d = p->hid->device;

    p->hid->asking = p;
    p->hid->is_leds = setup.request == SET_REPORT;
    usb_control(d, &d->control, setup, d->phys);
}

static void ask_class(struct hid_part *p, uint8_t request, uint16_t value,
                      uint16_t length)
{
    ask(p, (struct usb_setup){
        .request_type = USB_TYPE_CLASS | USB_TO_INTERFACE,
        .request = request, .value = value, .length = length,
        .index = p->hid->device->boot[index_of(p)].interface,
    });
}

/* What `p` wants to be asked, if nothing is under way. */
static void ask_next(struct hid_part *p)
{
    struct usb_device *d = p->hid->device;

    switch (p->state) {
    case PART_PROTOCOL:
        ask_class(p, SET_PROTOCOL, BOOT_PROTOCOL, 0);
        break;
    case PART_IDLE:             /* 0: a report is a change */
        ask_class(p, SET_IDLE, 0, 0);
        break;
    case PART_CLEAR:
        ask(p, (struct usb_setup){
            .request_type = USB_TO_ENDPOINT, .request = USB_CLEAR_FEATURE,
            .value = USB_ENDPOINT_HALT, .index = p->in.endpoint->address });
        break;
    case PART_UP:
        if (!p->wants_leds)
            break;
        p->wants_leds = false;
        d->page[0] = p->leds;
        ask_class(p, SET_REPORT, OUTPUT_REPORT, 1);
        break;
    default:
        break;
    }
}

/* ---- Its place among the inputs ------------------------------------------ */

static void set_leds(struct input_keyboard *k, unsigned leds)
{
    struct hid_part *p = k->driver;

    p->leds = hid_leds(leds);
    p->wants_leds = !p->has_no_leds;
    p->hid->device->host->input_next = 0;
}

static void add(struct hid_part *p)
{
    const struct usb_device *d = p->hid->device;
    struct input *in = d->host->sink->input;

    usb_port_found(d, p->is_keyboard ? "keyboard" : "mouse");
    if (p->is_keyboard) {
        p->keyboard = (struct input_keyboard){
            .name = "USB", .set_leds = set_leds, .driver = p };
        input_add_keyboard(in, &p->keyboard);
    } else {
        p->mouse = (struct input_mouse){ .name = "USB", .driver = p };
        input_add_mouse(in, &p->mouse);
    }
}

static void take_away(struct hid_part *p)
{
    if (p->is_keyboard)
        input_remove_keyboard(&p->keyboard);
    else
        input_remove_mouse(&p->mouse);
}

static void leave(struct hid_part *p, const char *why)
{
    const struct usb_device *d = p->hid->device;

    take_away(p);
    p->state = PART_OUT;
    usb_port_tell(d->parent, d->port, "%s: %s",
                  p->is_keyboard ? "keyboard" : "mouse", why);
}

/* ---- Reports ------------------------------------------------------------- */

static void wait_for_report(struct hid_part *p)
{
    struct usb_device *d = p->hid->device;
    unsigned i = index_of(p);

    p->state = PART_UP;
    p->in = (struct usb_transfer){
        .device = d, .endpoint = &d->endpoint[i + 1],
        .phys = d->phys + REPORT_AT + i * REPORT_MAX,
        .length = d->endpoint[i + 1].max_packet, .deadline = UINT64_MAX,
    };
    usb_submit(&p->in);
}

static void take_report(struct hid_part *p)
{
    struct usb_device *d = p->hid->device;
    const uint8_t *report = d->page + REPORT_AT + index_of(p) * REPORT_MAX;
    bool good = p->is_keyboard
                    ? hid_keyboard_report(&p->keys, &p->keyboard, report,
                                          p->in.actual)
                    : hid_mouse_report(&p->mouse, report, p->in.actual);

    d->host->sink->input->bad_reports += !good;
}

/* It may be that it is being pulled out: nothing is down meanwhile. */
static void failed(struct hid_part *p)
{
    if (++p->errors > ERRORS_MAX) {
        leave(p, "it does not tell what happens to it");
        return;
    }
    p->keys = (struct hid_keys){ 0 };
    if (p->is_keyboard)
        input_release_all(&p->keyboard);
    else
        input_mouse_event(&p->mouse, 0, 0, 0, 0);
    p->until = now(p->hid) + AGAIN_NS;
    p->state = PART_WAIT;
}

/* An answer to a report's transfer. True: there was one. */
static bool step_report(struct hid_part *p)
{
    int error = usb_transfer_poll(&p->in);

    if (error == -EAGAIN)
        return false;
    if (!error) {
        p->errors = 0;
        take_report(p);
        wait_for_report(p);
    } else if (error == -ENODEV) {
        p->state = PART_OUT;
    } else {
        failed(p);
    }
    return true;
}

/* ---- Steps --------------------------------------------------------------- */

/* What `p` asked is answered; -EPIPE: it refuses. */
static void answered(struct hid_part *p, int error)
{
    switch (p->state) {
    case PART_PROTOCOL:
        if (error)
            leave(p, "it refuses the boot protocol");
        else
            p->state = PART_IDLE;
        break;
    case PART_IDLE:                     /* mice may refuse it: 7.2.4 */
        add(p);
        wait_for_report(p);
        break;
    case PART_CLEAR:
        p->state = PART_RESTART;
        break;
    default:
        break;
    }
}

/* Whoever refuses them, or says nothing, is not asked again. If more than that
 * is wrong with it, its reports tell. */
static void leds_answered(struct hid_part *p, int error)
{
    p->has_no_leds = error;
    p->hid->device->host->sink->input->refused_leds += error != 0;
}

/* What is under way on endpoint 0. False: it is still. */
static bool step_request(struct usb_hid *hid)
{
    struct hid_part *p = hid->asking;
    int error = usb_transfer_poll(&hid->device->control);

    if (error == -EAGAIN)
        return false;
    hid->asking = NULL;
    if (hid->is_leds && error != -ENODEV)
        leds_answered(p, error);
    else if (error && error != -EPIPE)
        usb_device_failed(hid->device);
    else
        answered(p, error);
    return true;
}

static void restart(struct hid_part *p)
{
    struct usb_device *d = p->hid->device;
    int error = d->host->ops->reset_endpoint(d->host, d, p->in.endpoint);

    if (!error)
        wait_for_report(p);
    else if (error != -EAGAIN)
        usb_device_failed(d);
}

/* usb.h: nothing else is asked for the device meanwhile. */
static bool is_restarting(const struct usb_hid *hid)
{
    for (unsigned i = 0; i < hid->count; i++)
        if (hid->part[i].state == PART_RESTART)
            return true;
    return false;
}

static bool step(struct hid_part *p)
{
    bool any = false;

    if (p->state == PART_WAIT && now(p->hid) >= p->until)
        p->state = PART_CLEAR;
    if (p->state == PART_RESTART)
        restart(p);
    for (unsigned i = 0; p->state == PART_UP && i < REPORTS_AT_ONCE &&
                         step_report(p); i++)
        any = true;
    if (!p->hid->asking && !is_restarting(p->hid))
        ask_next(p);
    return any;
}

/* When `p` has something to do by itself. */
static uint64_t deadline(struct hid_part *p)
{
    if (p->state == PART_WAIT)
        return p->until;
    return p->is_keyboard && p->state != PART_OUT
               ? input_repeat(&p->keyboard, now(p->hid)) : UINT64_MAX;
}

static bool poll(struct usb_device *d)
{
    struct usb_hid *hid = d->class_data;
    bool any = hid->asking && step_request(hid), settled = true;

    for (unsigned i = 0; i < hid->count && d->state == USB_UP; i++) {
        struct hid_part *p = &hid->part[i];
        uint64_t next;

        any |= step(p);
        next = deadline(p);
        if (next < d->host->input_next)
            d->host->input_next = next;
        settled &= p->state >= PART_UP;
    }
    d->class_settled = settled;
    return any;
}

/* ---- The class ----------------------------------------------------------- */

static int attach(struct usb_device *d)
{
    struct usb_hid *hid = calloc(1, sizeof *hid);

    if (!hid)
        return -ENOMEM;
    hid->device = d;
    hid->count = d->endpoints - 1;
    for (unsigned i = 0; i < hid->count; i++) {
        hid->part[i].hid = hid;
        hid->part[i].is_keyboard = d->boot[i].protocol == USB_HID_KEYBOARD;
    }
    d->class_data = hid;
    d->host->inputs++;
    return 0;
}

static void gone(struct usb_device *d)
{
    struct usb_hid *hid = d->class_data;

    for (unsigned i = 0; i < hid->count; i++)
        take_away(&hid->part[i]);
    free(hid);
    d->class_data = NULL;
    d->host->inputs--;
}

const struct usb_class usb_hid_class = {
    .attach = attach, .poll = poll, .gone = gone,
};
