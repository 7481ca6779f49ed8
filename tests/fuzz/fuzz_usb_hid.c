/* Devices that say they are keyboards, mice and hubs, and then say and do
 * anything, at a host controller that does as it is asked. */
// covers: drivers/usb/usb.c drivers/usb/usb_describe.c drivers/usb/usb_port.c
// covers: drivers/usb/usb_hub.c drivers/usb/usb_hid.c
// covers: drivers/usb/usb_hid_report.c
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/usb/usb.h"
#include "drivers/usb/usb_hid.h"
#include "drivers/usb/usb_regs.h"

#define PORTS 2u
#define HUB_PORTS 2u
#define FIRST_ROUNDS 60u        /* until it may be there */
#define ROUNDS 600u
#define LAST_ROUNDS 60u         /* all is pulled out, until nothing is left */
#define CONFIG_BYTES 84u        /* of three parts */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct usb_host host;
    struct input inputs;        /* (tests/fuzz/input.h has one of that name) */
    struct disk_controller *controller;
    struct disk_sink sink;
    uint64_t now;
    bool connected[PORTS], changed[PORTS], enabled[PORTS];
    struct usb_transfer *waiting[USB_DEVICES][USB_ENDPOINTS];
    uint8_t down[INPUT_KEYS];
    const uint8_t *data;        /* what is left of it */
    size_t left;
} rig;

static uint8_t take(void)
{
    if (!rig.left)
        return 0;
    rig.left--;
    return *rig.data++;
}

static void *dma_alloc(void *ctx, size_t bytes, uint64_t below, uint64_t *phys)
{
    void *p = calloc(1, bytes);

    *phys = (uintptr_t)p;
    return p;
}

static uint64_t now_ns(void *ctx) { return rig.now; }

static void left_out(struct disk_sink *sink, const char *what)
{
    if (!*what)
        abort();
}

static const struct bus bus = { .dma_alloc = dma_alloc, .now_ns = now_ns };

/* ---- What a device says -------------------------------------------------- */

/* Three of keyboards and mice, a hub, or mass storage; then some bytes are
 * others. */
static void make_config(uint8_t *p)
{
    static const uint8_t part[25] = {
        9, 4, 0, 0, 1, 3, 1, 1, 0,  9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0,
        7, 5, 0x81, 3, 8, 0, 7,
    };
    static const uint8_t storage[25] = {
        9, 4, 0, 0, 2, USB_CLASS_STORAGE, USB_STORAGE_SCSI, USB_STORAGE_BOT, 0,
        7, 5, 0x81, 2, 0, 2, 0,  7, 5, 0x02, 2, 0, 2, 0,  2, 0,
    };
    static const uint8_t head[9] = { 9, 2, CONFIG_BYTES, 0, 3, 1, 0, 0xa0, 50 };
    uint8_t kind = take();

    memcpy(p, head, sizeof head);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *at = p + sizeof head + i * sizeof part;

        memcpy(at, part, sizeof part);
        at[2] = (uint8_t)i;
        at[7] = (kind >> i & 1) + 1;
        at[20] = (uint8_t)(0x81 + i);
    }
    if (kind & 8)
        p[9 + 5] = USB_CLASS_HUB;
    if ((kind & 0x18) == 0x10)
        memcpy(p + sizeof head, storage, sizeof storage);
    for (unsigned n = kind >> 5; n; n--)
        p[take() % CONFIG_BYTES] = take();
}

static void make_answer(const struct usb_transfer *t, uint8_t *p)
{
    static const uint8_t device[18] = { 18, 1, 0, 2, 0, 0, 0, 8 };
    static const uint8_t hub[7] = { 7, 0x29, HUB_PORTS, 0, 0, 1, 0 };
    unsigned type = t->setup.value >> 8;

    memset(p, 0, 1024);
    if (t->setup.request == USB_GET_STATUS) {
        for (unsigned i = 0; i < 4; i++)
            p[i] = take();
    } else if (type == USB_DT_DEVICE) {
        memcpy(p, device, sizeof device);
        p[7] = t->device->speed == USB_SUPER ? 9
               : t->device->speed == USB_HIGH ? 64 : 8;
        p[16] = take() & 1;             /* it has a serial number */
    } else if (type == USB_DT_STRING) {
        p[0] = take();
        p[1] = USB_DT_STRING;
        for (unsigned i = take() % 64; i; i--)
            p[2 * i] = take();
    } else if (type == USB_DT_CONFIG) {
        make_config(p);
    } else if (type == USB_DT_HUB || type == USB_DT_SS_HUB) {
        memcpy(p, hub, sizeof hub);
        p[1] = (uint8_t)type;
    }
    for (unsigned n = take(); n > 250; n--)
        p[take()] = take();
}

/* ---- The controller ------------------------------------------------------ */

static struct usb_transfer **place_of(const struct usb_transfer *t)
{
    return &rig.waiting[t->device - rig.host.device]
                       [t->endpoint - t->device->endpoint];
}

static void end(struct usb_transfer *t, int error, uint32_t actual)
{
    *place_of(t) = t->endpoint->transfer = NULL;
    t->actual = actual;
    t->error = error;
    t->is_done = true;
}

static void submit(struct usb_host *h, struct usb_transfer *t)
{
    uint8_t *page = t->device->page;

    if (*place_of(t) || t->endpoint->transfer)
        abort();                /* something was under way */
    if (t->length &&
        (t->phys < t->device->phys ||
         t->phys - t->device->phys + t->length > USB_PAGE || !page))
        abort();                /* memory of others' */
    *place_of(t) = t->endpoint->transfer = t;
}

static void cancel(struct usb_host *h, struct usb_transfer *t)
{
    if (*place_of(t) == t)
        end(t, -ETIMEDOUT, 0);
}

/* It answers, or does not; of mass storage, which has a test of its own,
 * nothing comes. */
static void answer(struct usb_transfer *t)
{
    static const int errors[] = { -EPIPE, -EIO, -EOVERFLOW };
    uint8_t how = take(), answer_bytes[1024];
    bool is_in = (t->endpoint->kind == USB_CONTROL ? t->setup.request_type
                                                   : t->endpoint->address) &
                 USB_FROM_DEVICE;
    uint32_t actual = t->length;

    if (t->device->interface_class == USB_CLASS_STORAGE ||
        (how & 0xf0) == 0xf0) {
        end(t, errors[how % 3], 0);
        return;
    }
    if ((how & 0xf0) == 0xe0 && actual)
        actual = take() % actual;
    if (is_in && t->endpoint->kind == USB_CONTROL) {
        make_answer(t, answer_bytes);
        memcpy((void *)(uintptr_t)t->phys, answer_bytes, actual);
    } else if (is_in) {
        for (uint32_t i = 0; i < actual && i < 9; i++)
            ((uint8_t *)(uintptr_t)t->phys)[i] = take();
    }
    end(t, 0, actual);
}

static void answer_all(bool control)
{
    for (unsigned i = 0; i < USB_DEVICES; i++)
        for (unsigned j = control ? 0 : 1; j < (control ? 1 : USB_ENDPOINTS);
             j++)
            if (rig.waiting[i][j])
                answer(rig.waiting[i][j]);
}

static void port_status(struct usb_host *h, unsigned port,
                        struct usb_port_status *st)
{
    *st = (struct usb_port_status){
        .connected = rig.connected[port - 1],
        .enabled = rig.enabled[port - 1], .changed = rig.changed[port - 1],
        .speed = USB_HIGH,
    };
    rig.changed[port - 1] = false;
}

static void port_reset(struct usb_host *h, unsigned port)
{
    rig.enabled[port - 1] = rig.connected[port - 1];
}

static int detach(struct usb_host *h, struct usb_device *d)
{
    for (unsigned i = 0; i < USB_ENDPOINTS; i++)
        if (rig.waiting[d - h->device][i])
            end(rig.waiting[d - h->device][i], -ENODEV, 0);
    return 0;
}

static int step(struct usb_host *h, struct usb_device *d)
{
    return take() > 252 ? -EIO : 0;
}

static int reset_endpoint(struct usb_host *h, struct usb_device *d,
                          struct usb_endpoint *e)
{
    if (e->transfer)
        abort();
    return take() > 250 ? -EAGAIN : 0;
}

static bool no(struct usb_host *h) { return false; }
static bool yes(struct usb_host *h) { return true; }
static void nothing(struct usb_host *h) { }

static const struct usb_host_ops ops = {
    .name = "fuzz", .is_pulled_out = no, .firmware_has = no, .claim = nothing,
    .silence = nothing, .halt = nothing, .is_halted = yes, .reset = nothing,
    .is_reset = yes, .start = nothing, .forget = nothing, .poll = no,
    .arm = no, .has_events = yes, .port_status = port_status,
    .port_reset = port_reset, .address = step, .set_packet0 = step,
    .configure = step, .reset_endpoint = reset_endpoint, .detach = detach,
    .submit = submit, .cancel = cancel,
};

/* ---- All of it ----------------------------------------------------------- */

static void take_events(void)
{
    struct input_event e;

    while (input_take(&rig.inputs, &e))
        if (e.kind == INPUT_KEY) {
            if (!e.key || (!e.is_down && !rig.down[e.key]))
                abort();
            rig.down[e.key] = e.is_down;
        }
}

static void round_of_all(uint8_t what)
{
    if (what & 1)
        answer_all(true);
    if (what & 2)
        answer_all(false);
    if ((what & 0x1c) == 0x1c) {
        unsigned port = what >> 5 & 1;

        rig.connected[port] = !rig.connected[port];
        rig.changed[port] = true;
        rig.enabled[port] = false;
    }
    rig.now += (what & 0x40 ? 300u : 20u) * USB_MS;
    if (what & 0x80)
        input_set_leds(&rig.inputs, what);
    rig.controller->poll(rig.controller);
    rig.controller->poll_input(rig.controller);
    take_events();
}

/* Whatever there was, nothing is down and nothing is left. */
static void pull_out(void)
{
    rig.left = 0;
    memset(rig.connected, 0, sizeof rig.connected);
    for (unsigned i = 0; i < LAST_ROUNDS; i++)
        round_of_all(0x43);
    if (rig.inputs.keyboards || rig.inputs.mice || rig.host.inputs)
        abort();
    for (unsigned i = 0; i < INPUT_KEYS; i++)
        if (rig.down[i])
            abort();
    for (unsigned i = 0; i < USB_DEVICES; i++) {
        if (rig.host.device[i].state != USB_FREE)
            abort();
        free(rig.host.device[i].page);
    }
    free(rig.host.root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(&rig, 0, sizeof rig);
    rig.data = data;
    rig.left = size;
    rig.now = USB_MS;
    rig.connected[0] = true;
    rig.sink = (struct disk_sink){ .left_out = left_out,
                                   .input = &rig.inputs };
    rig.host = (struct usb_host){ .ops = &ops, .bus = &bus, .sink = &rig.sink,
                                  .dma_below = UINT64_MAX };
    if (usb_host_start(&rig.host, PORTS, &rig.controller))
        abort();
    for (unsigned i = 0; i < ROUNDS && (rig.left || i < FIRST_ROUNDS); i++)
        round_of_all(i < FIRST_ROUNDS ? 3 : take());
    pull_out();
    return 0;
}
