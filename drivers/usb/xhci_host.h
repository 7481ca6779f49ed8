/*
 * Inside the xHCI driver: the controller and its states (xhci.c), its rings of
 * commands and events (xhci_ring.c), devices (xhci_slot.c) and their transfers
 * (xhci_transfer.c).
 */
#ifndef DRIVERS_USB_XHCI_HOST_H
#define DRIVERS_USB_XHCI_HOST_H

#include "drivers/usb/usb.h"
#include "drivers/usb/xhci_regs.h"

#define XHCI_RING_TRBS 64u      /* of an endpoint */
#define XHCI_PAGE_TRBS 256u     /* of commands, and of events */
#define XHCI_SLOTS 255u
#define XHCI_CONTEXTS 33u       /* of an input context */

struct xhci;

struct xhci_ring {
    struct xhci_trb *trb;
    uint64_t phys;
    unsigned count, at;
    bool cycle;
};

struct xhci_command {
    enum { COMMAND_IDLE, COMMAND_WAITING, COMMAND_DONE } state;
    uint64_t parameter;
    uint32_t control;
    uint8_t code, slot;         /* what came of it; code 0: nothing did */
    struct xhci_command *next;
};

enum xhci_pipe_state {
    PIPE_IDLE,                  /* nothing is under way */
    PIPE_RUNNING,
    PIPE_STOPPING,              /* before what is under way is done, */
    PIPE_RESETTING,             /* the controller must let go of it */
    PIPE_MOVING,
};

/* An endpoint. */
struct xhci_pipe {
    struct xhci_ring ring;
    enum xhci_pipe_state state;
    struct usb_transfer *transfer;
    unsigned first, count;      /* its TRBs */
    bool wants_stop;
    bool is_over;               /* its outcome is known */
    int error;
    uint32_t actual;
    bool actual_known;          /* of control transfers: a short packet */
    struct xhci_command command;
    unsigned step;              /* of xhci_reset_endpoint */
};

/* What the controller has of a device. Its memory is kept for the next. */
struct xhci_slot {
    struct xhci *xhci;
    struct usb_device *device;
    uint8_t id;                 /* 0: none */
    uint8_t *memory;            /* context, input context, rings: a page each */
    uint64_t phys;
    unsigned step;
    struct xhci_command command;
    struct xhci_pipe pipe[USB_ENDPOINTS];
};

struct xhci {
    struct usb_host host;       /* first */
    const struct bus *bus;
    uint32_t op, run, doorbell; /* where those registers begin */
    unsigned slots, ports, legacy;
    uint32_t context_bytes;
    uint8_t protocol[USB_ROOT_PORTS];   /* 2 or 3 */
    uint8_t speed[USB_ROOT_PORTS];      /* as PORTSC says */
    uint64_t *contexts;         /* DCBAA */
    uint64_t contexts_phys, scratch_phys;
    uint64_t segment_phys;      /* of the event ring */
    struct xhci_ring commands, events;
    struct xhci_command *first, *last;  /* commands; the first is sent */
    bool is_sent;
    bool is_aborting;
    uint64_t command_deadline;
    struct xhci_slot *slot[XHCI_SLOTS + 1];
};

/* ---- xhci.c -------------------------------------------------------------- */

static inline uint32_t xhci_get(const struct xhci *x, uint32_t reg)
{
    return bus_read32(x->bus, x->op + reg);
}

static inline void xhci_put(const struct xhci *x, uint32_t reg, uint32_t v)
{
    bus_write32(x->bus, x->op + reg, v);
}

/* 5.1: addresses, the low half first. */
static inline void xhci_put64(const struct xhci *x, uint32_t at, uint64_t v)
{
    bus_write32(x->bus, at, (uint32_t)v);
    bus_write32(x->bus, at + 4, (uint32_t)(v >> 32));
}

/* ---- xhci_ring.c --------------------------------------------------------- */

/* `count` TRBs of zeroed memory. */
void xhci_ring_begin(struct xhci_ring *r, void *trbs, uint64_t phys,
                     unsigned count);
/* Room for `count` TRBs in a row. */
void xhci_ring_reserve(struct xhci_ring *r, unsigned count);
/* The cycle bit is the ring's. */
void xhci_ring_put(struct xhci_ring *r, uint64_t parameter, uint32_t status,
                   uint32_t control);
uint64_t xhci_ring_dequeue(const struct xhci_ring *r);  /* with its cycle */
/* Its turn comes; `c` is its own until COMMAND_DONE. */
void xhci_command(struct xhci *x, struct xhci_command *c, unsigned type,
                  uint64_t parameter, uint32_t control);
/* The first that waits goes out, or what went out is late. */
void xhci_commands_poll(struct xhci *x);
/* Take what has come. True: something had. */
bool xhci_events_poll(struct xhci *x);
bool xhci_events_pending(const struct xhci *x);

/* ---- xhci_slot.c: struct usb_host_ops ------------------------------------ */

int xhci_address(struct usb_host *h, struct usb_device *d);
int xhci_set_packet0(struct usb_host *h, struct usb_device *d);
int xhci_configure(struct usb_host *h, struct usb_device *d);
int xhci_reset_endpoint(struct usb_host *h, struct usb_device *d,
                        struct usb_endpoint *e);
int xhci_detach(struct usb_host *h, struct usb_device *d);
/* The controller knows no slots any more. */
void xhci_slots_forget(struct xhci *x);

/* ---- xhci_transfer.c ----------------------------------------------------- */

/* Its number in contexts and doorbells: 4.8.1. */
unsigned xhci_dci(const struct usb_endpoint *e);
void xhci_submit(struct usb_host *h, struct usb_transfer *t);
void xhci_cancel(struct usb_host *h, struct usb_transfer *t);
void xhci_transfer_event(struct xhci *x, const struct xhci_trb *event);
/* Go on with what is being stopped. */
void xhci_pipes_poll(struct xhci *x);

#endif
