/* See usb_bot.h. */
#include "drivers/usb/usb_bot.h"

#include <errno.h>
#include <string.h>

#include "drivers/usb/usb_regs.h"

#define FOR_EVER UINT64_MAX

static struct usb_endpoint *in_of(struct usb_bot *b)
{
    return &b->device->endpoint[1];
}

static struct usb_endpoint *out_of(struct usb_bot *b)
{
    return &b->device->endpoint[2];
}

static struct usb_endpoint *data_of(struct usb_bot *b)
{
    return b->command.from_device ? in_of(b) : out_of(b);
}

static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, sizeof v); }

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static void bulk(struct usb_bot *b, enum bot_state state,
                 struct usb_endpoint *e, uint64_t phys, uint32_t bytes)
{
    uint64_t limit = b->command.timeout_ns;

    b->state = state;
    b->transfer = (struct usb_transfer){
        .device = b->device, .endpoint = e, .phys = phys, .length = bytes,
        .deadline = b->is_aborted ? 0
                    : limit ? bus_now(b->device->host->bus) + limit
                            : FOR_EVER,
    };
    usb_submit(&b->transfer);
}

static void control(struct usb_bot *b, enum bot_state state,
                    struct usb_setup setup)
{
    b->state = state;
    usb_control(b->device, &b->transfer, setup, 0);
}

static void clear_halt(struct usb_bot *b, enum bot_state state,
                       const struct usb_endpoint *e)
{
    control(b, state, (struct usb_setup){
        .request_type = USB_TO_ENDPOINT, .request = USB_CLEAR_FEATURE,
        .value = USB_ENDPOINT_HALT, .index = e->address });
}

/* 5.3.4 */
static void recover(struct usb_bot *b)
{
    b->counters->recoveries++;
    control(b, BOT_RESET, (struct usb_setup){
        .request_type = USB_TYPE_CLASS | USB_TO_INTERFACE,
        .request = BOT_REQUEST_RESET, .index = b->device->interface });
}

/* ---- Command (5.1), data, status (5.2) ----------------------------------- */

void bot_begin(struct usb_bot *b, const struct bot_command *command)
{
    uint8_t *cbw = b->device->page;

    b->command = *command;
    b->moved = 0;
    b->status_again = b->is_aborted = false;
    memset(cbw, 0, BOT_CBW_BYTES);
    put32(cbw, BOT_SIGNATURE_CBW);
    put32(cbw + 4, ++b->tag);
    put32(cbw + 8, command->bytes);
    cbw[12] = command->from_device && command->bytes ? BOT_FROM_DEVICE : 0;
    cbw[14] = command->cdb_bytes;
    memcpy(cbw + 15, command->cdb, command->cdb_bytes);
    bulk(b, BOT_COMMAND, out_of(b), b->device->phys, BOT_CBW_BYTES);
}

static void ask_status(struct usb_bot *b)
{
    memset(b->device->page + BOT_CSW_AT, 0, BOT_CSW_BYTES);
    bulk(b, BOT_STATUS, in_of(b), b->device->phys + BOT_CSW_AT,
         BOT_CSW_BYTES);
}

/* 6.3: valid and meaningful. -EAGAIN: recovery has begun. */
static int read_status(struct usb_bot *b)
{
    const uint8_t *csw = b->device->page + BOT_CSW_AT;
    uint32_t residue = get32(csw + 8), bytes = b->command.bytes;
    bool is_valid = b->transfer.actual == BOT_CSW_BYTES &&
                    get32(csw) == BOT_SIGNATURE_CSW;
    bool is_ours = get32(csw + 4) == b->tag;

    if (!is_valid || !is_ours || csw[12] > BOT_PHASE_ERROR ||
        (csw[12] != BOT_PHASE_ERROR && residue > bytes)) {
        *(is_valid && !is_ours ? &b->counters->bad_tags
                               : &b->counters->bad_status) += 1;
        recover(b);
        return -EAGAIN;
    }
    if (csw[12] == BOT_PHASE_ERROR) {
        b->counters->phase_errors++;
        recover(b);
        return -EAGAIN;
    }
    b->counters->residues += residue != 0;
    if (b->moved > bytes - residue)
        b->moved = bytes - residue;
    b->state = BOT_IDLE;
    return csw[12] == BOT_PASSED ? 0 : -EPROTO;
}

static int failed(struct usb_bot *b, int error)
{
    if (error == -ENODEV) {
        b->state = BOT_IDLE;
        return error;
    }
    b->counters->errors++;
    if (b->state >= BOT_RESET) {        /* the recovery, too */
        b->is_broken = true;
        b->state = BOT_IDLE;
        return -EIO;
    }
    recover(b);
    return -EAGAIN;
}

/* The part that was under way is over: the next, or what came of all. */
static int next(struct usb_bot *b)
{
    switch (b->state) {
    case BOT_COMMAND:
        if (b->transfer.actual != BOT_CBW_BYTES)
            return failed(b, -EIO);
        if (b->command.bytes)
            bulk(b, BOT_DATA, data_of(b), b->command.phys, b->command.bytes);
        else
            ask_status(b);
        break;
    case BOT_DATA:
        b->moved = b->transfer.actual;
        ask_status(b);
        break;
    case BOT_CLEAR_DATA:
        b->state = BOT_RESTART_DATA;
        break;
    case BOT_STATUS:
        /* An empty packet that ends the data is no status. */
        if (b->transfer.actual || b->status_again)
            return read_status(b);
        b->status_again = true;
        ask_status(b);
        break;
    case BOT_CLEAR_STATUS:
        b->state = BOT_RESTART_STATUS;
        break;
    case BOT_RESET:
        clear_halt(b, BOT_CLEAR_IN, in_of(b));
        break;
    case BOT_CLEAR_IN:
        b->state = BOT_RESTART_IN;
        break;
    case BOT_CLEAR_OUT:
        b->state = BOT_RESTART_OUT;
        break;
    default:
        break;
    }
    return -EAGAIN;
}

/* A stall is an answer (6.7): the data ends, the status is asked for once
 * more. */
static int stalled(struct usb_bot *b)
{
    b->counters->stalls++;
    if (b->state == BOT_DATA) {
        b->moved = b->transfer.actual;
        clear_halt(b, BOT_CLEAR_DATA, data_of(b));
    } else if (b->state == BOT_STATUS && !b->status_again) {
        b->status_again = true;
        clear_halt(b, BOT_CLEAR_STATUS, in_of(b));
    } else {
        return failed(b, -EPIPE);
    }
    return -EAGAIN;
}

/* Host controllers begin data toggles anew after a halt was cleared. */
static int restart(struct usb_bot *b, struct usb_endpoint *e)
{
    struct usb_host *h = b->device->host;
    int error = h->is_up ? h->ops->reset_endpoint(h, b->device, e) : -ENODEV;

    if (error == -EAGAIN)
        return error;
    if (error)
        return failed(b, error);
    if (b->state == BOT_RESTART_IN) {
        clear_halt(b, BOT_CLEAR_OUT, out_of(b));
    } else if (b->state == BOT_RESTART_OUT) {
        b->state = BOT_IDLE;
        return -EIO;
    } else {
        ask_status(b);
    }
    return -EAGAIN;
}

int bot_poll(struct usb_bot *b)
{
    int error;

    switch (b->state) {
    case BOT_IDLE:
        return -EIO;
    case BOT_RESTART_DATA:
        return restart(b, data_of(b));
    case BOT_RESTART_STATUS:
    case BOT_RESTART_IN:
        return restart(b, in_of(b));
    case BOT_RESTART_OUT:
        return restart(b, out_of(b));
    default:
        break;
    }
    error = usb_transfer_poll(&b->transfer);
    if (error == -EAGAIN)
        return error;
    if (b->is_aborted && b->state < BOT_RESET)
        return failed(b, error == -ENODEV ? error : -ETIMEDOUT);
    if (error == -EPIPE)
        return stalled(b);
    return error ? failed(b, error) : next(b);
}

void bot_abort(struct usb_bot *b)
{
    if (b->state == BOT_IDLE)
        return;
    b->is_aborted = true;
    if (b->state < BOT_RESET)
        b->transfer.deadline = 0;
}
