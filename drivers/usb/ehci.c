/* See ehci.h: the controller as a whole, and its ports. Section numbers are
 * those of EHCI 1.0. */
#include "drivers/usb/ehci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/usb/ehci_host.h"

#define BELOW_4G (UINT64_C(1) << 32)
#define ALL_ONES 0xffffffffu
#define RESET_NS (50 * USB_MS)          /* 7.1.7.5 of USB 2.0 */
#define ENABLE_NS (5 * USB_MS)          /* 2.3.9: 2 ms */
#define ARMED (STS_TRANSFER | STS_ERROR | STS_PORT | STS_HSE | STS_ADVANCE)

static struct ehci *ehci_of(struct usb_host *h) { return (struct ehci *)h; }

static bool is_pulled_out(struct usb_host *h)
{
    return ehci_get(ehci_of(h), EHCI_USBSTS) == ALL_ONES;
}

/* ---- From the firmware to its reset (5.1) -------------------------------- */

static uint32_t legacy(const struct ehci *e)
{
    return e->legacy ? e->bus->config_read32(e->bus->ctx, e->legacy) : 0;
}

static bool firmware_has(struct usb_host *h)
{
    return legacy(ehci_of(h)) & LEGACY_FIRMWARE;
}

static void claim(struct usb_host *h)
{
    const struct ehci *e = ehci_of(h);

    e->bus->config_write32(e->bus->ctx, e->legacy, legacy(e) | LEGACY_OS);
}

static void silence(struct usb_host *h)
{
    const struct ehci *e = ehci_of(h);

    if (e->legacy)
        e->bus->config_write32(e->bus->ctx, e->legacy + LEGACY_CONTROL,
                               LEGACY_SMI_ACK);
}

static void halt(struct usb_host *h)
{
    ehci_put(ehci_of(h), EHCI_USBINTR, 0);
    ehci_put(ehci_of(h), EHCI_USBCMD, CMD_THRESHOLD_1);
}

static bool is_halted(struct usb_host *h)
{
    return ehci_get(ehci_of(h), EHCI_USBSTS) & STS_HALTED;
}

static void reset(struct usb_host *h)
{
    ehci_put(ehci_of(h), EHCI_USBCMD, CMD_RESET);
}

static bool is_reset(struct usb_host *h)
{
    return !(ehci_get(ehci_of(h), EHCI_USBCMD) & CMD_RESET);
}

static void forget(struct usb_host *h) { ehci_pipes_forget(ehci_of(h)); }

/* ---- Running (4.1) ------------------------------------------------------- */

static uint32_t port_reg(unsigned port) { return EHCI_PORTSC + 4 * (port - 1); }

static void start(struct usb_host *h)
{
    struct ehci *e = ehci_of(h);

    memset(e->port, 0, sizeof e->port);
    ehci_list_begin(e);
    if (e->capabilities & HCC_64)
        ehci_put(e, EHCI_SEGMENT, 0);
    ehci_put(e, EHCI_ASYNC, e->head.phys);
    ehci_put(e, EHCI_USBCMD, CMD_RUN | CMD_ASYNC | CMD_THRESHOLD_1);
    ehci_put(e, EHCI_CONFIGFLAG, 1);    /* all ports are its own, first */
    for (unsigned i = 1; i <= e->ports && e->has_power; i++)
        ehci_put(e, port_reg(i), PORT_POWER);
}

static bool poll(struct usb_host *h)
{
    struct ehci *e = ehci_of(h);
    uint32_t sts = ehci_get(e, EHCI_USBSTS);

    if (h->armed)
        ehci_put(e, EHCI_USBINTR, 0);
    h->armed = false;
    if (sts & STS_EVENTS)
        ehci_put(e, EHCI_USBSTS, sts & STS_EVENTS);
    if (sts & STS_PORT)
        usb_host_look(h);
    h->wants_restart |= sts & STS_HSE;
    return ehci_pipes_poll(e);
}

/* Events that are there raise an interrupt at once. */
static bool arm(struct usb_host *h)
{
    ehci_put(ehci_of(h), EHCI_USBINTR, ARMED);
    return false;
}

/* Keyboards and mice, whom this is for, it has none. */
static bool has_events(struct usb_host *h) { return false; }

/* ---- Ports (4.2) --------------------------------------------------------- */

/* What was read, so that it can be written back: no change is cleared. */
static uint32_t port_get(struct ehci *e, unsigned port, uint32_t *changes)
{
    uint32_t v = ehci_get(e, port_reg(port));

    *changes = v & PORT_CHANGES;
    return v & ~PORT_CHANGES;
}

/* Low speed shows at once, full speed by a reset that does not enable it: both
 * are the companion's (4.2.2). */
static void give_to_companion(struct ehci *e, unsigned port, uint32_t v)
{
    ehci_put(e, port_reg(port), v | PORT_OTHER);
}

static void port_reset(struct usb_host *h, unsigned port)
{
    struct ehci *e = ehci_of(h);
    uint32_t changes, v = port_get(e, port, &changes);

    if (PORT_LINE(v) == PORT_LINE_LOW && !(v & PORT_ENABLED)) {
        give_to_companion(e, port, v);
        return;
    }
    ehci_put(e, port_reg(port), (v & ~PORT_ENABLED) | PORT_RESET);
    e->port[port - 1].is_resetting = true;
    e->port[port - 1].until = bus_now(e->bus) + RESET_NS;
}

/* True: it goes on. */
static bool step_reset(struct ehci *e, unsigned port, uint32_t v)
{
    if (bus_now(e->bus) < e->port[port - 1].until)
        return true;
    if (v & PORT_RESET) {
        ehci_put(e, port_reg(port), v & ~(PORT_RESET | PORT_ENABLED));
        e->port[port - 1].until = bus_now(e->bus) + ENABLE_NS;
        return true;
    }
    e->port[port - 1].is_resetting = false;
    if ((v & PORT_CONNECTED) && !(v & PORT_ENABLED))
        give_to_companion(e, port, v);
    return false;
}

static void port_status(struct usb_host *h, unsigned port,
                        struct usb_port_status *st)
{
    struct ehci *e = ehci_of(h);
    uint32_t changes, v = port_get(e, port, &changes);

    if (changes)
        ehci_put(e, port_reg(port), v | changes);
    *st = (struct usb_port_status){ .speed = USB_HIGH };
    if (e->port[port - 1].is_resetting) {
        st->resetting = step_reset(e, port, v);
        v = port_get(e, port, &changes);
    }
    st->connected = v & PORT_CONNECTED;
    st->enabled = v & PORT_ENABLED;
    st->changed = changes & PORT_CSC;
    st->is_other = v & PORT_OTHER;
    if (st->is_other) {                 /* what it reads as then is nothing */
        st->connected = true;
        st->changed = false;
    }
}

static const struct usb_host_ops ops = {
    .name = "ehci", .is_pulled_out = is_pulled_out,
    .firmware_has = firmware_has, .claim = claim, .silence = silence,
    .halt = halt, .is_halted = is_halted, .reset = reset,
    .is_reset = is_reset, .start = start, .forget = forget,
    .poll = poll, .arm = arm, .has_events = has_events,
    .port_status = port_status, .port_reset = port_reset,
    .address = ehci_address, .set_packet0 = ehci_set_packet0,
    .configure = ehci_configure, .reset_endpoint = ehci_reset_endpoint,
    .detach = ehci_detach, .submit = ehci_submit, .cancel = ehci_cancel,
};

/* ---- Making one ---------------------------------------------------------- */

/* 0 or -EIO: this is none. */
static int read_parameters(struct ehci *e)
{
    uint32_t length = bus_read32(e->bus, EHCI_CAPLENGTH);
    uint32_t hcs = bus_read32(e->bus, EHCI_HCSPARAMS);

    if (length == ALL_ONES || !HCS_PORTS(hcs))
        return -EIO;
    e->op = length & 0xff;
    e->ports = HCS_PORTS(hcs);
    e->has_power = hcs & HCS_PPC;
    e->capabilities = bus_read32(e->bus, EHCI_HCCPARAMS);
    e->legacy = HCC_EECP(e->capabilities) & ~3u;
    if (e->legacy < 0x40 || (legacy(e) & 0xff) != LEGACY_ID)
        e->legacy = 0;
    return 0;
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct disk_sink *sink, struct disk_controller **out)
{
    struct ehci *e = usb_is_wanted ? calloc(1, sizeof *e) : NULL;
    uint64_t phys;
    int r;

    if (!e)
        return usb_is_wanted ? -ENOMEM : -ENOTSUP;
    e->bus = bus;
    e->host = (struct usb_host){ .ops = &ops, .bus = bus, .info = info,
                                 .sink = sink, .dma_below = BELOW_4G };
    r = read_parameters(e);
    if (!r) {
        e->head.queue = bus->dma_alloc(bus->ctx, USB_PAGE, BELOW_4G, &phys);
        e->head.phys = (uint32_t)phys;
        r = e->head.queue ? usb_host_start(&e->host, e->ports, out) : -ENOMEM;
    }
    if (r)
        free(e);
    return r;
}

/* Serial bus, USB, EHCI (PCI Code and ID Assignment). */
static const struct disk_match match[] = {
    { .class_code = 0x0c0320, .class_mask = 0xffffff },
};

const struct disk_driver ehci_driver = {
    .name = "ehci", .match = match, .match_count = 1, .create = create,
    .unsupported = USB_UNWANTED,
};
