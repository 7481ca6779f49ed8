/* See usb_storage.h: what is asked of a device before it is a disk. */
#include "drivers/usb/usb_storage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/usb/usb_disk.h"
#include "drivers/usb/usb_regs.h"

#define ANSWER_NS (10000 * USB_MS)
#define PATIENCE_NS (15000 * USB_MS)    /* disks that spin up */
#define AGAIN_NS (100 * USB_MS)
#define MEDIUM_NS (1000 * USB_MS)       /* a reader is looked at so often */
#define TRIES 5u
#define DIRECT_ACCESS 0u                /* device types: SPC-4, 6.4 */
#define SIMPLIFIED 0x0eu
#define NO_UNIT 0x60u                   /* peripheral qualifier 011b */

static uint64_t now(const struct usb_storage *s)
{
    return bus_now(s->device->host->bus);
}

/* ---- Questions ----------------------------------------------------------- */

static void question(struct usb_storage *s, uint8_t opcode, uint32_t bytes)
{
    struct bot_command c = {
        .from_device = true, .bytes = bytes, .timeout_ns = ANSWER_NS,
        .phys = s->device->phys + BOT_DATA_AT,
    };

    c.cdb_bytes = (uint8_t)scsi_cdb(c.cdb, opcode);
    memset(s->device->page + BOT_DATA_AT, 0, SCSI_MODE_BYTES);
    bot_begin(&s->bot, &c);
}

static void ask(struct usb_storage *s, enum storage_state state)
{
    s->state = state;
    switch (state) {
    case STORAGE_INQUIRY:
        question(s, SCSI_INQUIRY, SCSI_INQUIRY_BYTES);
        break;
    case STORAGE_READY:
        question(s, SCSI_TEST_UNIT_READY, 0);
        break;
    case STORAGE_CAPACITY:
        question(s, SCSI_READ_CAPACITY_10, SCSI_CAPACITY_10_BYTES);
        break;
    case STORAGE_CAPACITY_16:
        question(s, SCSI_SERVICE_ACTION_IN_16, SCSI_CAPACITY_16_BYTES);
        break;
    case STORAGE_PROTECTION:
        question(s, SCSI_MODE_SENSE_6, SCSI_MODE_BYTES);
        break;
    case STORAGE_SENSE:
        question(s, SCSI_REQUEST_SENSE, SCSI_SENSE_BYTES);
        break;
    default:
        break;
    }
}

static void leave(struct usb_storage *s, const char *why)
{
    usb_port_tell(s->device->parent, s->device->port, "%s", why);
    s->state = STORAGE_OUT;
}

static void wait_and_ask(struct usb_storage *s, enum storage_state asked,
                         uint64_t ns)
{
    s->asked = asked;
    s->state = STORAGE_WAIT;
    s->until = now(s) + ns;
}

/* ---- Answers ------------------------------------------------------------- */

/* SPC-4, 6.4.2. */
static void inquired(struct usb_storage *s)
{
    const uint8_t *p = s->device->page + BOT_DATA_AT;
    unsigned type = p[0] & 0x1f;
    char maker[9], product[17];

    if ((p[0] & 0xe0) == NO_UNIT ||
        (type != DIRECT_ACCESS && type != SIMPLIFIED)) {
        leave(s, "mass storage that is no disk");
        return;
    }
    disk_text(maker, sizeof maker, p + 8, s->bot.moved < 16 ? 0 : 8);
    disk_text(product, sizeof product, p + 16,
              s->bot.moved < SCSI_INQUIRY_BYTES ? 0 : 16);
    snprintf(s->model, sizeof s->model, "%s%s%s", maker,
             *maker && *product ? " " : "", product);
    s->patience = now(s) + PATIENCE_NS;
    ask(s, STORAGE_READY);
}

/* NULL, or why it cannot be used. */
static const char *check_capacity(const struct scsi_capacity *c)
{
    if (c->block_bytes != 512 && c->block_bytes != 4096)
        return "its blocks are neither of 512 nor of 4096 bytes";
    if (!c->blocks || c->blocks > (uint64_t)INT64_MAX / c->block_bytes)
        return "its capacity is impossible";
    return NULL;
}

static void sized(struct usb_storage *s, bool is_16)
{
    const uint8_t *p = s->device->page + BOT_DATA_AT;
    const char *why;

    if (!scsi_read_capacity(p, s->bot.moved, is_16, &s->capacity)) {
        leave(s, "it does not say how large it is");
        return;
    }
    if (!is_16 && !s->capacity.blocks) {
        ask(s, STORAGE_CAPACITY_16);
        return;
    }
    why = check_capacity(&s->capacity);
    if (why)
        leave(s, why);
    else
        ask(s, STORAGE_PROTECTION);
}

/* `knows`: it answered; SPC-4, 7.5.5, and SBC-3, 6.4.1: WP. */
static void all_asked(struct usb_storage *s, bool knows)
{
    s->read_only = knows && s->bot.moved >= 4 &&
                   (s->device->page[BOT_DATA_AT + 2] & 0x80);
    s->state = STORAGE_UP;
    s->disk = usb_disk_plugged(s);
    if (!s->disk)
        leave(s, "too many disks, or no memory");
}

static void answered(struct usb_storage *s)
{
    s->tries = 0;
    switch (s->state) {
    case STORAGE_INQUIRY:
        inquired(s);
        break;
    case STORAGE_READY:
        s->no_medium = false;
        ask(s, STORAGE_CAPACITY);
        break;
    case STORAGE_CAPACITY:
        sized(s, false);
        break;
    case STORAGE_CAPACITY_16:
        sized(s, true);
        break;
    default:
        all_asked(s, true);
        break;
    }
}

/* ---- Questions that failed ----------------------------------------------- */

static void not_ready(struct usb_storage *s, const struct scsi_sense *sense)
{
    if (sense->asc == SCSI_ASC_NO_MEDIUM) {
        s->no_medium = true;
        wait_and_ask(s, STORAGE_READY, MEDIUM_NS);
        s->patience = s->until + PATIENCE_NS;
    } else if (now(s) < s->patience) {
        wait_and_ask(s, STORAGE_READY, AGAIN_NS);
    } else {
        leave(s, "it does not get ready");
    }
}

static void failed(struct usb_storage *s)
{
    struct scsi_sense sense = scsi_read_sense(
        s->device->page + BOT_DATA_AT, s->bot.moved);

    if (sense.key == SCSI_NOT_READY && s->asked != STORAGE_INQUIRY)
        not_ready(s, &sense);
    else if (s->asked == STORAGE_PROTECTION &&
             sense.key != SCSI_UNIT_ATTENTION)
        all_asked(s, false);
    else if (++s->tries < TRIES)
        wait_and_ask(s, s->asked, AGAIN_NS);
    else
        leave(s, "it refuses to say what it is");
}

static bool step_question(struct usb_storage *s)
{
    int error = bot_poll(&s->bot);

    if (error == -EAGAIN)
        return false;
    if (error == -ENODEV || s->bot.is_broken) {
        s->state = STORAGE_OUT;
        usb_device_failed(s->device);
    } else if (s->state == STORAGE_SENSE) {
        s->bot.moved = error ? 0 : s->bot.moved;
        failed(s);
    } else if (!error) {
        answered(s);
    } else if (error == -EPROTO) {
        s->asked = s->state;
        ask(s, STORAGE_SENSE);
    } else {                            /* recovered; not all know MODE SENSE */
        s->asked = s->state;
        s->bot.moved = 0;
        failed(s);
    }
    return true;
}

/* ---- Units (Bulk-Only Transport 3.2) ------------------------------------- */

static bool step_max_lun(struct usb_storage *s)
{
    int error = usb_transfer_poll(&s->device->control);

    if (error == -EAGAIN)
        return false;
    if (error && error != -EPIPE) {
        s->state = STORAGE_OUT;
        usb_device_failed(s->device);
        return true;
    }
    if (!error && s->device->control.actual == 1 && s->device->page[0])
        usb_port_tell(s->device->parent, s->device->port,
                      "all units of it but the first of %u",
                      s->device->page[0] + 1u);
    ask(s, STORAGE_INQUIRY);
    return true;
}

static int attach(struct usb_device *d)
{
    struct usb_storage *s = calloc(1, sizeof *s);

    if (!s)
        return -ENOMEM;
    d->class_data = s;
    s->device = d;
    s->bot.device = d;
    s->bot.counters = &s->counters;
    s->state = STORAGE_MAX_LUN;
    usb_control(d, &d->control, (struct usb_setup){
        .request_type = USB_FROM_DEVICE | USB_TYPE_CLASS | USB_TO_INTERFACE,
        .request = BOT_REQUEST_MAX_LUN, .index = d->interface, .length = 1,
    }, d->phys);
    return 0;
}

void usb_storage_ask_again(struct usb_storage *s)
{
    s->disk = NULL;
    s->tries = 0;
    s->bot.counters = &s->counters;
    s->patience = now(s) + PATIENCE_NS;
    wait_and_ask(s, STORAGE_READY, 0);
}

static bool step(struct usb_storage *s)
{
    switch (s->state) {
    case STORAGE_MAX_LUN:
        return step_max_lun(s);
    case STORAGE_WAIT:
        if (now(s) < s->until)
            return false;
        ask(s, s->asked);
        return true;
    case STORAGE_UP:
        return usb_disk_step(s->disk);
    case STORAGE_OUT:
        return false;
    default:
        return step_question(s);
    }
}

static bool poll(struct usb_device *d)
{
    struct usb_storage *s = d->class_data;
    bool any = false;

    for (unsigned i = 0; i < 8 && d->state == USB_UP && step(s); i++)
        any = true;
    d->class_settled = s->state == STORAGE_UP || s->state == STORAGE_OUT ||
                       s->no_medium;
    return any;
}

static void gone(struct usb_device *d)
{
    struct usb_storage *s = d->class_data;

    if (s->disk)
        usb_disk_unplugged(s->disk);
    free(s);
    d->class_data = NULL;
}

const struct usb_class usb_storage_class = {
    .attach = attach, .poll = poll, .gone = gone,
};
