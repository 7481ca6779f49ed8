/*
 * See ehci_host.h: endpoints as queue heads in the controller's asynchronous
 * list (4.8), and transfers as their descriptors (4.10). A queue ends at a
 * descriptor that is not active; the next transfer begins with that one, and
 * its first becomes active last. What failed or is cancelled is taken from the
 * list, and is done when the controller has answered the doorbell (4.8.2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/usb/ehci_host.h"
#include "drivers/usb/usb_regs.h"

#define DOORBELL_NS (1000 * USB_MS)
#define ADDRESS_NS (10 * USB_MS)        /* 9.2.6.3 of USB 2.0: 2 ms */
#define QTDS_AT offsetof(struct ehci_queue, qtd)

_Static_assert(sizeof(struct ehci_qtd) == 64, "aligned to 32 bytes");
_Static_assert(sizeof(struct ehci_qh) == 128, "aligned to 32 bytes");
_Static_assert(USB_ENDPOINTS * sizeof(struct ehci_queue) <= USB_PAGE, "fits");

enum { STEP_NONE, STEP_ASKED, STEP_APART, STEP_WAIT };

static uint32_t load(const uint32_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *at, uint32_t v)
{
    __atomic_store_n(at, v, __ATOMIC_RELEASE);
}

/* ---- Endpoints ----------------------------------------------------------- */

static uint32_t qtd_phys(const struct ehci_pipe *p, unsigned i)
{
    return p->phys + (uint32_t)(QTDS_AT + i % EHCI_QTDS *
                                sizeof(struct ehci_qtd));
}

static struct ehci_qtd *qtd(const struct ehci_pipe *p, unsigned i)
{
    return &p->queue->qtd[i % EHCI_QTDS];
}

/* It stops at descriptor `i`. */
static void end_at(struct ehci_pipe *p, unsigned i)
{
    p->idle = i % EHCI_QTDS;
    memset(qtd(p, i), 0, sizeof(struct ehci_qtd));
    qtd(p, i)->next = qtd(p, i)->alternate = LINK_END;
}

/* Apart from the list: its queue is empty, with that toggle. */
static void make_empty(struct ehci_pipe *p, uint32_t toggle)
{
    struct ehci_qh *qh = &p->queue->qh;

    end_at(p, p->idle);
    memset(&qh->current, 0, sizeof *qh - offsetof(struct ehci_qh, current));
    qh->next = qtd_phys(p, p->idle);
    qh->alternate = LINK_END;
    qh->token = toggle;
}

static struct ehci_device *device_of(struct ehci *e, struct usb_device *d)
{
    const struct bus *bus = e->bus;
    struct ehci_device *x = d->host_data;
    uint8_t *memory;
    uint64_t phys;

    if (x)
        return x;
    x = calloc(1, sizeof *x);
    memory = x ? bus->dma_alloc(bus->ctx, USB_PAGE, e->host.dma_below, &phys)
               : NULL;
    if (!memory) {
        free(x);
        return NULL;
    }
    for (unsigned i = 0; i < USB_ENDPOINTS; i++) {
        size_t at = i * sizeof(struct ehci_queue);

        x->pipe[i].queue = (struct ehci_queue *)(memory + at);
        x->pipe[i].phys = (uint32_t)(phys + at);
    }
    d->host_data = x;
    return x;
}

static struct ehci_pipe *pipe_of(const struct usb_device *d,
                                 const struct usb_endpoint *endpoint)
{
    struct ehci_device *x = d->host_data;

    return &x->pipe[endpoint - d->endpoint];
}

/* ---- The list (4.8.1) ---------------------------------------------------- */

void ehci_list_begin(struct ehci *e)
{
    struct ehci_qh *qh = &e->head.queue->qh;

    memset(qh, 0, sizeof *qh);
    qh->link = e->head.phys | LINK_QH;
    qh->endpoint = QH_HEAD | QH_HIGH_SPEED | QH_PACKET(64);
    qh->hub = QH_ONE_PACKET;
    qh->next = qh->alternate = LINK_END;
    qh->token = QTD_HALTED;
    e->head.next = NULL;
}

static void link_in(struct ehci *e, struct ehci_pipe *p,
                    const struct usb_transfer *t)
{
    struct ehci_qh *qh = &p->queue->qh;
    bool is_control = t->endpoint->kind == USB_CONTROL;

    qh->endpoint = t->device->address |
                   QH_ENDPOINT(t->endpoint->address & 0xf) | QH_HIGH_SPEED |
                   (is_control ? QH_OWN_TOGGLE : 0) |
                   QH_PACKET(t->endpoint->max_packet) | QH_NAKS_4;
    qh->hub = QH_ONE_PACKET;
    qh->link = e->head.queue->qh.link;
    p->next = e->head.next;
    p->state = EHCI_PIPE_LINKED;
    e->head.next = p;
    store(&e->head.queue->qh.link, p->phys | LINK_QH);
}

/* The controller may look at it until the doorbell is answered. */
static void take_out(struct ehci *e, struct ehci_pipe *p)
{
    struct ehci_pipe *before = &e->head;

    if (p->state != EHCI_PIPE_LINKED)
        return;
    while (before->next != p)
        before = before->next;
    store(&before->queue->qh.link, p->queue->qh.link);
    before->next = p->next;
    p->state = EHCI_PIPE_UNLINKED;
}

/* ---- Beginning a transfer ------------------------------------------------ */

static void put_qtd(struct ehci_pipe *p, unsigned i, uint64_t phys,
                    uint32_t bytes, uint32_t token, unsigned if_short)
{
    struct ehci_qtd *q = qtd(p, i);
    uint32_t page = (uint32_t)phys;

    memset(q, 0, sizeof *q);
    q->next = qtd_phys(p, i + 1);
    q->alternate = qtd_phys(p, if_short);
    for (unsigned j = 0; j < 5; j++, page = (page & ~(USB_PAGE - 1)) + USB_PAGE)
        q->page[j] = page;
    q->token = token | QTD_BYTES(bytes) | QTD_TRIES_3 |
               (i == p->first ? 0 : QTD_ACTIVE);
}

/* The setup packet lies in the padding of its own descriptor. */
static uint64_t put_setup(struct ehci_pipe *p, const struct usb_setup *s)
{
    struct ehci_qtd *q = qtd(p, p->first);
    uint32_t words[2] = {
        s->request_type | (uint32_t)s->request << 8 | (uint32_t)s->value << 16,
        s->index | (uint32_t)s->length << 16,
    };

    memcpy(q->pad, words, sizeof words);
    return qtd_phys(p, p->first) + offsetof(struct ehci_qtd, pad);
}

/* Whole packets but for the last, each descriptor with 16 KiB. */
static unsigned put_data(struct ehci_pipe *p, const struct usb_transfer *t,
                         unsigned i, uint32_t token, unsigned end)
{
    uint32_t n, packet = t->endpoint->max_packet;

    p->data = i;
    for (uint32_t done = 0; done < t->length; done += n, i++) {
        n = t->length - done < QTD_BYTES_MAX ? t->length - done : QTD_BYTES_MAX;
        put_qtd(p, i, t->phys + done, n,
                token | (done / packet % 2 ? 0 : QTD_TOGGLE), end);
    }
    return i;
}

void ehci_submit(struct usb_host *h, struct usb_transfer *t)
{
    struct ehci *e = (struct ehci *)h;
    struct ehci_pipe *p = pipe_of(t->device, t->endpoint);
    unsigned pieces = (t->length + QTD_BYTES_MAX - 1) / QTD_BYTES_MAX;
    bool is_control = t->endpoint->kind == USB_CONTROL;
    bool is_in = (is_control ? t->setup.request_type : t->endpoint->address) &
                 USB_FROM_DEVICE;
    unsigned end;

    p->first = p->idle;
    p->count = pieces + (is_control ? 2 : 0);
    p->transfer = t->endpoint->transfer = t;
    p->is_over = false;
    p->actual = 0;
    end = p->first + p->count;
    if (is_control) {
        put_qtd(p, p->first, 0, 8, QTD_SETUP, end);
        qtd(p, p->first)->page[0] = (uint32_t)put_setup(p, &t->setup);
        put_data(p, t, p->first + 1, is_in ? QTD_IN : QTD_OUT, end - 1);
        put_qtd(p, end - 1, 0, 0, QTD_TOGGLE | QTD_IOC |
                (is_in && t->length ? QTD_OUT : QTD_IN), end);
    } else {
        put_data(p, t, p->first, is_in ? QTD_IN : QTD_OUT, end);
        qtd(p, end - 1)->token |= QTD_IOC;
    }
    end_at(p, end);
    if (p->state == EHCI_PIPE_APART)
        link_in(e, p, t);
    store(&qtd(p, p->first)->token, qtd(p, p->first)->token | QTD_ACTIVE);
}

/* ---- Ending one ---------------------------------------------------------- */

static void finish(struct ehci_pipe *p)
{
    struct usb_transfer *t = p->transfer;

    p->transfer = t->endpoint->transfer = NULL;
    t->actual = p->actual;
    t->error = p->is_over ? p->error : -ETIMEDOUT;
    t->is_done = true;
}

void ehci_cancel(struct usb_host *h, struct usb_transfer *t)
{
    struct ehci_pipe *p = pipe_of(t->device, t->endpoint);

    if (h->is_up && p->transfer == t)
        take_out((struct ehci *)h, p);
}

/* 3.5.3: without any other bit, the device stalled it. */
static int error_of(uint32_t token)
{
    return token & QTD_BABBLE ? -EOVERFLOW
           : token & (QTD_BUFFER | QTD_ERROR) ? -EIO : -EPIPE;
}

static uint32_t bytes_asked(const struct ehci_pipe *p, unsigned i)
{
    const struct usb_transfer *t = p->transfer;
    uint32_t before = (i - p->data) * QTD_BYTES_MAX;
    bool is_data = i - p->data < p->count && before < t->length;
    uint32_t left = is_data ? t->length - before : 0;

    return left < QTD_BYTES_MAX ? left : QTD_BYTES_MAX;
}

/* What became of the transfer, if the controller has ended it. */
static void look(struct ehci *e, struct ehci_pipe *p)
{
    uint32_t token = 0, actual = 0;
    unsigned last = p->first + p->count - 1;

    for (unsigned i = p->first; i <= last; i++) {
        uint32_t asked = bytes_asked(p, i), left;

        token = load(&qtd(p, i)->token);
        if (token & QTD_ACTIVE)
            return;
        left = asked ? QTD_BYTES_OF(token) : 0; /* none: setup, status */
        if (left > asked) {
            e->host.counters.bad_events++;
            e->host.wants_restart = true;
            return;
        }
        actual += asked - left;
        if (token & QTD_HALTED)
            break;
        if (left && i < last)           /* short: the rest is skipped */
            i = p->transfer->endpoint->kind == USB_CONTROL ? last - 1 : last;
    }
    p->actual = actual;
    p->is_over = true;
    p->error = token & QTD_HALTED ? error_of(token) : 0;
    if (p->error)
        take_out(e, p);
    else
        finish(p);
}

/* The controller does not look at it any more. */
static void is_apart(struct ehci_pipe *p)
{
    uint32_t toggle = p->queue->qh.token & QTD_TOGGLE;

    p->state = EHCI_PIPE_APART;
    make_empty(p, toggle);
    if (p->transfer)
        finish(p);
}

/* ---- All of them --------------------------------------------------------- */

struct counts {
    unsigned unlinked, rung, done;
};

static struct ehci_pipe *pipe_at(struct ehci *e, unsigned i)
{
    struct ehci_device *x = e->host.device[i / USB_ENDPOINTS].host_data;

    return x ? &x->pipe[i % USB_ENDPOINTS] : NULL;
}

#define ALL_PIPES (USB_DEVICES * USB_ENDPOINTS)

/* 4.8.2: the controller clears it when it has forgotten what was taken out
 * before it was rung. */
static void ring(struct ehci *e)
{
    for (unsigned i = 0; i < ALL_PIPES; i++) {
        struct ehci_pipe *p = pipe_at(e, i);

        if (p && p->state == EHCI_PIPE_UNLINKED)
            p->state = EHCI_PIPE_RUNG;
    }
    e->doorbell_deadline = bus_now(e->bus) + DOORBELL_NS;
    ehci_put(e, EHCI_USBCMD, ehci_get(e, EHCI_USBCMD) | CMD_DOORBELL);
}

static void poll_doorbell(struct ehci *e, struct counts *n)
{
    if (n->rung && !(ehci_get(e, EHCI_USBCMD) & CMD_DOORBELL)) {
        for (unsigned i = 0; i < ALL_PIPES; i++) {
            struct ehci_pipe *p = pipe_at(e, i);

            if (p && p->state == EHCI_PIPE_RUNG)
                is_apart(p);
        }
        n->done += n->rung;
        n->rung = 0;
    }
    if (n->rung)
        e->host.wants_restart |= bus_now(e->bus) >= e->doorbell_deadline;
    else if (n->unlinked)
        ring(e);
}

bool ehci_pipes_poll(struct ehci *e)
{
    struct counts n = { 0 };

    for (unsigned i = 0; i < ALL_PIPES; i++) {
        struct ehci_pipe *p = pipe_at(e, i);

        if (!p)
            continue;
        if (p->transfer && p->state == EHCI_PIPE_LINKED) {
            look(e, p);
            n.done += !p->transfer;
        }
        n.unlinked += p->state == EHCI_PIPE_UNLINKED;
        n.rung += p->state == EHCI_PIPE_RUNG;
    }
    poll_doorbell(e, &n);
    return n.done;
}

void ehci_pipes_forget(struct ehci *e)
{
    for (unsigned i = 0; i < USB_DEVICES; i++) {
        struct ehci_device *x = e->host.device[i].host_data;

        for (unsigned j = 0; x && j < USB_ENDPOINTS; j++) {
            x->pipe[j].state = EHCI_PIPE_APART;
            x->pipe[j].transfer = NULL;
        }
        if (x)
            x->step = STEP_NONE;
    }
}

/* ---- Devices ------------------------------------------------------------- */

static void begin_pipe(struct ehci_pipe *p)
{
    p->idle = 0;
    make_empty(p, 0);
}

static uint8_t own_address(const struct usb_device *d)
{
    return (uint8_t)(d - d->host->device + 1);
}

/* It answers at address 0 until it has taken its own (9.4.6 of USB 2.0). */
static int ask_address(struct ehci_device *x, struct usb_device *d)
{
    begin_pipe(&x->pipe[0]);
    x->step = STEP_ASKED;
    usb_control(d, &x->transfer, (struct usb_setup){
        .request = USB_SET_ADDRESS, .value = own_address(d) }, 0);
    return -EAGAIN;
}

int ehci_address(struct usb_host *h, struct usb_device *d)
{
    struct ehci_device *x =
        d->speed == USB_HIGH ? device_of((struct ehci *)h, d) : NULL;
    int error;

    if (!x)
        return d->speed == USB_HIGH ? -ENOMEM : -ENOTSUP;
    switch (x->step) {
    case STEP_NONE:
        return ask_address(x, d);
    case STEP_ASKED:
        error = usb_transfer_poll(&x->transfer);
        if (error) {
            x->step = error == -EAGAIN ? STEP_ASKED : STEP_NONE;
            return error;
        }
        take_out((struct ehci *)h, &x->pipe[0]);
        x->step = STEP_APART;
        return -EAGAIN;
    case STEP_APART:
        if (x->pipe[0].state != EHCI_PIPE_APART)
            return -EAGAIN;
        d->address = own_address(d);
        x->until = bus_now(h->bus) + ADDRESS_NS;
        x->step = STEP_WAIT;
        return -EAGAIN;
    default:
        if (bus_now(h->bus) < x->until)
            return -EAGAIN;
        x->step = STEP_NONE;
        return 0;
    }
}

/* At high speed it is always the same (5.5.3 of USB 2.0). */
int ehci_set_packet0(struct usb_host *h, struct usb_device *d) { return 0; }

int ehci_configure(struct usb_host *h, struct usb_device *d)
{
    for (unsigned i = 1; i < d->endpoints; i++)
        if (d->endpoint[i].kind != USB_BULK)
            return -ENOTSUP;
    for (unsigned i = 1; i < d->endpoints; i++)
        begin_pipe(pipe_of(d, &d->endpoint[i]));
    return 0;
}

int ehci_reset_endpoint(struct usb_host *h, struct usb_device *d,
                        struct usb_endpoint *endpoint)
{
    struct ehci_pipe *p = pipe_of(d, endpoint);

    take_out((struct ehci *)h, p);
    if (p->state != EHCI_PIPE_APART)
        return -EAGAIN;
    begin_pipe(p);
    return 0;
}

int ehci_detach(struct usb_host *h, struct usb_device *d)
{
    struct ehci_device *x = d->host_data;
    bool all = true;

    for (unsigned i = 0; x && i < USB_ENDPOINTS; i++) {
        take_out((struct ehci *)h, &x->pipe[i]);
        all &= x->pipe[i].state == EHCI_PIPE_APART;
    }
    if (!all)
        return -EAGAIN;
    if (x)
        x->step = STEP_NONE;
    return 0;
}
