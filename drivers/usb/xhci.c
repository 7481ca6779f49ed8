/* See xhci.h: the controller as a whole, and its ports. Section numbers are
 * those of xHCI 1.2. */
#include "drivers/usb/xhci.h"

#include <errno.h>
#include <stdlib.h>

#include "drivers/usb/xhci_host.h"

#define BELOW_4G (UINT64_C(1) << 32)
#define ALL_ONES 0xffffffffu

static struct xhci *xhci_of(struct usb_host *h) { return (struct xhci *)h; }

static bool is_pulled_out(struct usb_host *h)
{
    return xhci_get(xhci_of(h), XHCI_USBSTS) == ALL_ONES;
}

/* ---- From the firmware to its reset (4.22.1, 7.1) ------------------------ */

static bool firmware_has(struct usb_host *h)
{
    struct xhci *x = xhci_of(h);

    return x->legacy && (bus_read32(x->bus, x->legacy) & LEGACY_FIRMWARE);
}

static void claim(struct usb_host *h)
{
    struct xhci *x = xhci_of(h);

    bus_write32(x->bus, x->legacy,
                bus_read32(x->bus, x->legacy) | LEGACY_OS);
}

static void silence(struct usb_host *h)
{
    struct xhci *x = xhci_of(h);
    uint32_t at = x->legacy + LEGACY_CONTROL;

    if (x->legacy)
        bus_write32(x->bus, at, (bus_read32(x->bus, at) & LEGACY_SMI_KEPT) |
                                LEGACY_SMI_ACK);
}

static void halt(struct usb_host *h)
{
    xhci_put(xhci_of(h), XHCI_USBCMD, 0);
}

static bool is_halted(struct usb_host *h)
{
    return xhci_get(xhci_of(h), XHCI_USBSTS) & STS_HALTED;
}

static void reset(struct usb_host *h)
{
    xhci_put(xhci_of(h), XHCI_USBCMD, CMD_RESET);
}

static bool is_reset(struct usb_host *h)
{
    struct xhci *x = xhci_of(h);

    return !(xhci_get(x, XHCI_USBCMD) & CMD_RESET) &&
           !(xhci_get(x, XHCI_USBSTS) & STS_CNR);
}

static void forget(struct usb_host *h)
{
    struct xhci *x = xhci_of(h);

    x->first = NULL;
    x->is_sent = false;
    xhci_slots_forget(x);
}

/* ---- Running (4.2) ------------------------------------------------------- */

static void start_rings(struct xhci *x)
{
    struct xhci_trb *segment =
        (struct xhci_trb *)(x->contexts + XHCI_SLOTS + 1);

    xhci_ring_begin(&x->commands, x->commands.trb, x->commands.phys,
                    XHCI_PAGE_TRBS);
    xhci_ring_begin(&x->events, x->events.trb, x->events.phys,
                    XHCI_PAGE_TRBS);
    segment->parameter = x->events.phys;        /* 6.5: one of them */
    segment->status = XHCI_PAGE_TRBS;
    segment->control = 0;
    xhci_put(x, XHCI_CONFIG, x->slots);
    xhci_put64(x, x->op + XHCI_DCBAAP, x->contexts_phys);
    xhci_put64(x, x->op + XHCI_CRCR, x->commands.phys | CRCR_CYCLE);
    bus_write32(x->bus, x->run + XHCI_ERSTSZ, 1);
    xhci_put64(x, x->run + XHCI_ERDP, x->events.phys | ERDP_BUSY);
    xhci_put64(x, x->run + XHCI_ERSTBA, x->segment_phys);
    bus_write32(x->bus, x->run + XHCI_IMOD, 0);
}

static uint32_t port_reg(unsigned port)
{
    return XHCI_PORTSC + XHCI_PORT_STRIDE * (port - 1);
}

static void start(struct usb_host *h)
{
    struct xhci *x = xhci_of(h);

    x->contexts[0] = x->scratch_phys;
    start_rings(x);
    xhci_put(x, XHCI_USBCMD, CMD_RUN | CMD_INTE);
    for (unsigned i = 1; i <= x->ports; i++)
        xhci_put(x, port_reg(i),
                 (xhci_get(x, port_reg(i)) & PORT_KEPT) | PORT_POWER);
}

static bool poll(struct usb_host *h)
{
    struct xhci *x = xhci_of(h);
    bool any;

    if (h->armed)
        bus_write32(x->bus, x->run + XHCI_IMAN, IMAN_PENDING);
    h->armed = false;
    h->wants_restart |= xhci_get(x, XHCI_USBSTS) & (STS_HSE | STS_HCE);
    any = xhci_events_poll(x);
    xhci_pipes_poll(x);
    xhci_commands_poll(x);
    return any;
}

/* For what came since the last poll there is no interrupt. */
static bool arm(struct usb_host *h)
{
    struct xhci *x = xhci_of(h);

    bus_write32(x->bus, x->run + XHCI_IMAN, IMAN_PENDING | IMAN_ENABLE);
    return xhci_events_pending(x);
}

static bool has_events(struct usb_host *h)
{
    return xhci_events_pending(xhci_of(h));
}

/* ---- Ports (4.19) -------------------------------------------------------- */

static void port_status(struct usb_host *h, unsigned port,
                        struct usb_port_status *st)
{
    struct xhci *x = xhci_of(h);
    uint32_t v = xhci_get(x, port_reg(port));

    if (v & PORT_CHANGES)
        xhci_put(x, port_reg(port),
                 (v & PORT_KEPT) | (v & PORT_CHANGES));
    x->speed[port - 1] = PORT_SPEED(v);
    *st = (struct usb_port_status){
        .connected = v & PORT_CONNECTED, .enabled = v & PORT_ENABLED,
        .resetting = v & PORT_RESET, .changed = v & PORT_CSC,
        .speed = PORT_SPEED(v) < USB_SUPER ? PORT_SPEED(v) : USB_SUPER,
    };
}

/* 4.19.5: one of USB 3 whose link is lost needs a warm one. */
static void port_reset(struct usb_host *h, unsigned port)
{
    struct xhci *x = xhci_of(h);
    uint32_t v = xhci_get(x, port_reg(port));
    bool is_lost = PORT_LINK(v) == LINK_INACTIVE ||
                   PORT_LINK(v) == LINK_COMPLIANCE;

    xhci_put(x, port_reg(port), (v & PORT_KEPT) |
             (x->protocol[port - 1] == 3 && is_lost ? PORT_WARM : PORT_RESET));
}

static const struct usb_host_ops ops = {
    .name = "xhci", .is_pulled_out = is_pulled_out,
    .firmware_has = firmware_has, .claim = claim, .silence = silence,
    .halt = halt, .is_halted = is_halted, .reset = reset,
    .is_reset = is_reset, .start = start, .forget = forget,
    .poll = poll, .arm = arm, .has_events = has_events,
    .port_status = port_status, .port_reset = port_reset,
    .address = xhci_address, .set_packet0 = xhci_set_packet0,
    .configure = xhci_configure, .reset_endpoint = xhci_reset_endpoint,
    .detach = xhci_detach, .submit = xhci_submit, .cancel = xhci_cancel,
};

/* ---- Making one ---------------------------------------------------------- */

/* A wild offset would have other registers, or none, taken for these. */
static bool is_inside(struct xhci *x, const char *what, uint32_t at,
                      uint32_t bytes)
{
    uint32_t size = x->bus->size;

    if (at >= XHCI_CAPABILITIES && at <= size && bytes <= size - at)
        return true;
    usb_host_tell(&x->host, "left out: its %s (%u bytes at %#x) are not among "
                  "its %#x bytes of registers", what, bytes, at, size);
    return false;
}

/* 7.2: which ports are USB 2's, and which USB 3's. */
static void read_protocol(struct xhci *x, uint32_t at)
{
    uint32_t major = bus_read32(x->bus, at) >> 24;
    uint32_t ports = bus_read32(x->bus, at + 8);
    unsigned first = ports & 0xff, count = ports >> 8 & 0xff;

    for (unsigned i = first; first && i < first + count; i++)
        if (i <= x->ports)
            x->protocol[i - 1] = (uint8_t)major;
}

static uint32_t capability_bytes(uint32_t v)
{
    switch (v & 0xff) {
    case XCAP_LEGACY:
        return XCAP_LEGACY_BYTES;
    case XCAP_PROTOCOL:
        return XCAP_PROTOCOL_BYTES;
    default:
        return sizeof v;
    }
}

/* 7: a list, each with the distance to the next. False: it leads outside. */
static bool read_capabilities(struct xhci *x, uint32_t hcc)
{
    uint32_t at = (hcc >> 16) * 4, next = at;

    for (unsigned i = 0; next && i < XCAPS_MAX; i++, at += next) {
        uint32_t v;

        if (!is_inside(x, "extended capabilities", at, sizeof v))
            return false;
        v = bus_read32(x->bus, at);
        if (v == ALL_ONES)
            break;
        if (!is_inside(x, "extended capabilities", at, capability_bytes(v)))
            return false;
        if ((v & 0xff) == XCAP_LEGACY)
            x->legacy = at;
        if ((v & 0xff) == XCAP_PROTOCOL)
            read_protocol(x, at);
        next = (v >> 8 & 0xff) * 4;
    }
    return true;
}

/* 5.4 to 5.6: CAPLENGTH, RTSOFF and DBOFF are where the controller says. */
static bool has_registers(struct xhci *x)
{
    return is_inside(x, "operational registers (CAPLENGTH)", x->op,
                     XHCI_PORTSC + XHCI_PORT_STRIDE * x->ports) &&
           is_inside(x, "runtime registers (RTSOFF)", x->run,
                     XHCI_RUN_BYTES) &&
           is_inside(x, "doorbells (DBOFF)", x->doorbell,
                     XHCI_DOORBELL_STRIDE * (x->slots + 1));
}

/* 4.20 */
static int allocate_scratch(struct xhci *x)
{
    const struct bus *bus = x->bus;
    uint32_t v = bus_read32(bus, XHCI_HCSPARAMS2);
    unsigned count = (v >> 21 & 0x1f) << 5 | v >> 27;
    uint32_t sizes = xhci_get(x, XHCI_PAGESIZE) & 0xffff;
    size_t page = sizes ? (size_t)USB_PAGE << __builtin_ctz(sizes) : USB_PAGE;
    uint64_t *list, phys;

    if (!count)
        return 0;
    list = bus->dma_alloc(bus->ctx, count * sizeof *list, x->host.dma_below,
                          &x->scratch_phys);
    if (!list || !bus->dma_alloc(bus->ctx, (count + 1) * page,
                                 x->host.dma_below, &phys))
        return -ENOMEM;
    phys = (phys + page - 1) / page * page;
    for (unsigned i = 0; i < count; i++)
        list[i] = phys + i * page;
    return 0;
}

static int allocate(struct xhci *x)
{
    const struct bus *bus = x->bus;
    uint64_t below = x->host.dma_below;

    /* The event ring's one segment is described behind the contexts. */
    x->contexts = bus->dma_alloc(bus->ctx, USB_PAGE, below,
                                 &x->contexts_phys);
    x->commands.trb = bus->dma_alloc(bus->ctx, USB_PAGE, below,
                                     &x->commands.phys);
    x->events.trb = bus->dma_alloc(bus->ctx, USB_PAGE, below,
                                   &x->events.phys);
    x->segment_phys = x->contexts_phys +
                      (XHCI_SLOTS + 1) * sizeof *x->contexts;
    if (!x->contexts || !x->commands.trb || !x->events.trb)
        return -ENOMEM;
    return allocate_scratch(x);
}

/* 5.3. 0, or -EIO: this is none, or one that cannot be. */
static int read_parameters(struct xhci *x)
{
    uint32_t length = bus_read32(x->bus, XHCI_CAPLENGTH);
    uint32_t hcs = bus_read32(x->bus, XHCI_HCSPARAMS1);
    uint32_t hcc = bus_read32(x->bus, XHCI_HCCPARAMS1);

    if (length == ALL_ONES || hcs == ALL_ONES || !(hcs & 0xff) || !(hcs >> 24))
        return -EIO;
    x->op = length & 0xff;
    x->run = bus_read32(x->bus, XHCI_RTSOFF) & ~0x1fu;
    x->doorbell = bus_read32(x->bus, XHCI_DBOFF) & ~3u;
    x->slots = hcs & 0xff;
    x->ports = hcs >> 24 < USB_ROOT_PORTS ? hcs >> 24 : USB_ROOT_PORTS;
    x->context_bytes = hcc & HCC_CSZ ? 64 : 32;
    x->host.dma_below = hcc & HCC_AC64 ? UINT64_MAX : BELOW_4G;
    return has_registers(x) && read_capabilities(x, hcc) ? 0 : -EIO;
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct disk_sink *sink, struct disk_controller **out)
{
    struct xhci *x = usb_is_wanted ? calloc(1, sizeof *x) : NULL;
    int r;

    if (!x)
        return usb_is_wanted ? -ENOMEM : -ENOTSUP;
    x->bus = bus;
    x->host = (struct usb_host){ .ops = &ops, .bus = bus, .info = info,
                                 .sink = sink };
    r = read_parameters(x);
    if (!r)
        r = allocate(x);
    if (!r)
        r = usb_host_start(&x->host, x->ports, out);
    if (r)
        free(x);
    return r;
}

/* Serial bus, USB, xHCI (PCI Code and ID Assignment). */
static const struct disk_match match[] = {
    { .class_code = 0x0c0330, .class_mask = 0xffffff },
};

const struct disk_driver xhci_driver = {
    .name = "xhci", .match = match, .match_count = 1, .create = create,
    .unsupported = USB_UNWANTED,
};
