/* See usb.h. Descriptors are a list: the first byte of each is its length, the
 * second its type (9.5). */
#include <string.h>

#include "drivers/usb/usb.h"
#include "drivers/usb/usb_regs.h"

static unsigned get16(const uint8_t *p) { return p[0] | p[1] << 8; }

/* 5.7.3; of more than one packet at a time nothing is known here. */
static bool is_interrupt_packet(enum usb_speed speed, unsigned bytes)
{
    unsigned most = speed == USB_LOW ? 8 : speed == USB_FULL ? 64 : 1024;

    return bytes && bytes <= most;
}

/* 5.7.4, 9.6.6: 1 to 255 frames, or the exponent and 1. The next lower power of
 * two of 125 us. */
static uint8_t period_of(enum usb_speed speed, uint8_t interval)
{
    if (speed == USB_LOW || speed == USB_FULL)
        return (uint8_t)(3 + (interval ? 31 - __builtin_clz(interval) : 0));
    return interval && interval <= 16 ? (uint8_t)(interval - 1) : 3;
}

/* 5.5.3, 5.8.3; 9.6.6 of USB 3.2. */
static bool is_bulk_packet(enum usb_speed speed, unsigned bytes)
{
    switch (speed) {
    case USB_FULL:
        return bytes == 8 || bytes == 16 || bytes == 32 || bytes == 64;
    case USB_HIGH:
        return bytes == 512;
    case USB_SUPER:
        return bytes == 1024;
    case USB_LOW:
        break;
    }
    return false;
}

bool usb_describe_packet0(struct usb_device *d, uint8_t byte)
{
    unsigned bytes = d->speed == USB_SUPER ? 512 : byte;
    bool good = true;

    switch (d->speed) {
    case USB_LOW:
        good = byte == 8;
        break;
    case USB_FULL:
        good = byte == 8 || byte == 16 || byte == 32 || byte == 64;
        break;
    case USB_HIGH:
        good = byte == 64;
        break;
    case USB_SUPER:             /* the exponent: 9.6.1 of USB 3.2 */
        good = byte == 9;
        break;
    }
    if (good)
        d->endpoint[0].max_packet = (uint16_t)bytes;
    return good;
}

/* ---- The configuration --------------------------------------------------- */

static bool is_boot(const uint8_t *i)
{
    return i[5] == USB_CLASS_HID && i[6] == USB_HID_BOOT &&
           (i[7] == USB_HID_KEYBOARD || i[7] == USB_HID_MOUSE);
}

/* `d` has no interface yet, or keyboards and mice, which there is room for one
 * more of, or which what is of more use takes the place of. */
static bool is_ours(const struct usb_device *d, bool found, const uint8_t *i)
{
    bool has_hid = found && d->interface_class == USB_CLASS_HID;

    if (i[3])                   /* an alternate setting that is not the first */
        return false;
    if (found && !has_hid)
        return false;
    return i[5] == USB_CLASS_HUB ||
           (is_boot(i) && d->endpoints < USB_ENDPOINTS) ||
           (i[5] == USB_CLASS_STORAGE && i[6] == USB_STORAGE_SCSI &&
            i[7] == USB_STORAGE_BOT);
}

static void no_endpoints(struct usb_device *d)
{
    memset(d->endpoint + 1, 0, sizeof d->endpoint - sizeof *d->endpoint);
    d->endpoints = 1;
}

static void take_interface(struct usb_device *d, const uint8_t *i)
{
    if (i[5] != USB_CLASS_HID)
        no_endpoints(d);
    d->interface = i[2];
    d->interface_class = i[5];
    d->interface_subclass = i[6];
    d->interface_protocol = i[7];
}

/* The interface that is looked at has its endpoint. */
static bool has_boot(const struct usb_device *d)
{
    return d->endpoints > 1 &&
           d->boot[d->endpoints - 2].interface == d->interface;
}

/* Of mass storage the first bulk endpoint of each direction, [1] from the
 * device; of a keyboard or mouse the first interrupt endpoint from it. */
static struct usb_endpoint *place_of(struct usb_device *d, const uint8_t *p)
{
    bool is_in = p[2] & 0x80;

    if (d->interface_class == USB_CLASS_STORAGE)
        return (p[3] & 3) == USB_BULK ? &d->endpoint[is_in ? 1 : 2] : NULL;
    if (d->interface_class == USB_CLASS_HID && d->endpoints < USB_ENDPOINTS)
        return (p[3] & 3) == USB_INTERRUPT && is_in && !has_boot(d)
                   ? &d->endpoint[d->endpoints] : NULL;
    return NULL;
}

static bool is_taken(const struct usb_device *d, uint8_t address)
{
    for (unsigned i = 1; i < USB_ENDPOINTS; i++)
        if (d->endpoint[i].address == address)
            return true;
    return false;
}

static const char *take_endpoint(struct usb_device *d, const uint8_t *p)
{
    struct usb_endpoint *e = place_of(d, p);
    unsigned bytes = get16(p + 4) & 0x7ff;
    bool is_bulk = (p[3] & 3) == USB_BULK;

    if (!e || e->address)
        return NULL;
    if (!(p[2] & 0xf) || (p[2] & 0x70))
        return "an endpoint has an impossible number";
    if (is_taken(d, p[2]))
        return "two endpoints have the same number";
    if (is_bulk ? !is_bulk_packet(d->speed, bytes)
                : !is_interrupt_packet(d->speed, bytes))
        return "an endpoint has packets of an impossible size";
    *e = (struct usb_endpoint){
        .address = p[2], .kind = p[3] & 3, .max_packet = (uint16_t)bytes,
        .period = is_bulk ? 0 : period_of(d->speed, p[6]),
    };
    if (!is_bulk)
        d->boot[d->endpoints++ - 1] =
            (struct usb_boot){ d->interface, d->interface_protocol };
    return NULL;
}

static void take_companion(struct usb_device *d, uint8_t address,
                           const uint8_t *p)
{
    for (unsigned i = 1; i < USB_ENDPOINTS; i++)
        if (address && d->endpoint[i].address == address)
            d->endpoint[i].max_burst = p[2] < 16 ? p[2] : 15;
}

static const char *finish(struct usb_device *d, bool found)
{
    if (!found) {
        d->interface_class = 0;
        return NULL;
    }
    if (d->interface_class == USB_CLASS_HUB)
        return NULL;
    if (d->interface_class == USB_CLASS_HID)
        return d->endpoints > 1 ? NULL : "a keyboard or mouse without an "
                                         "endpoint";
    if (!d->endpoint[1].address || !d->endpoint[2].address)
        return "mass storage without an endpoint for each direction";
    d->endpoints = 3;
    return NULL;
}

/* Shortest lengths of the types that are looked at. */
static unsigned shortest(uint8_t type)
{
    switch (type) {
    case USB_DT_CONFIG:
        return USB_CONFIG_BYTES;
    case USB_DT_INTERFACE:
        return USB_INTERFACE_BYTES;
    case USB_DT_ENDPOINT:
        return USB_ENDPOINT_BYTES;
    case USB_DT_COMPANION:
        return USB_COMPANION_BYTES;
    }
    return 2;
}

const char *usb_describe(struct usb_device *d, const uint8_t *config,
                         size_t len)
{
    bool found = false, inside = false;
    uint8_t last_endpoint = 0;
    const char *why = NULL;

    no_endpoints(d);
    if (len < USB_CONFIG_BYTES || config[1] != USB_DT_CONFIG || !config[5])
        return "its configuration is none";     /* 0: not configured */
    d->config = config[5];
    for (const uint8_t *p = config; len && !why; len -= p[0], p += p[0]) {
        if (len < 2 || p[0] > len || p[0] < shortest(p[1]))
            return "a descriptor is too long or too short";
        if (p[1] == USB_DT_INTERFACE) {
            inside = is_ours(d, found, p);
            found |= inside;
            if (inside)
                take_interface(d, p);
        } else if (p[1] == USB_DT_ENDPOINT && inside) {
            last_endpoint = p[2];
            why = take_endpoint(d, p);
        } else if (p[1] == USB_DT_COMPANION && inside) {
            take_companion(d, last_endpoint, p);
        }
    }
    return why ? why : finish(d, found);
}

/* ---- Strings (9.6.7) ----------------------------------------------------- */

void usb_describe_string(char *out, size_t size, const uint8_t *string,
                         size_t len)
{
    size_t count, n = 0;

    if (len < 2 || string[1] != USB_DT_STRING) {
        *out = 0;
        return;
    }
    count = (string[0] < len ? string[0] : len) / 2;
    for (size_t i = count > size ? count - size + 1 : 1; i < count; i++) {
        unsigned c = get16(string + 2 * i);

        out[n++] = c > ' ' && c <= '~' ? (char)c : c == ' ' || !c ? ' ' : '?';
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = 0;
}
