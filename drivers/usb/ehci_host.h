/* Inside the EHCI driver: the controller and its ports (ehci.c), endpoints and
 * their transfers (ehci_pipe.c). */
#ifndef DRIVERS_USB_EHCI_HOST_H
#define DRIVERS_USB_EHCI_HOST_H

#include "drivers/usb/ehci_regs.h"
#include "drivers/usb/usb.h"

#define EHCI_PORTS 15u
#define EHCI_QTDS 14u           /* of an endpoint */

/* An endpoint's memory, a fourth of a page. */
struct ehci_queue {
    struct ehci_qh qh;
    struct ehci_qtd qtd[EHCI_QTDS];
};

enum ehci_pipe_state {
    EHCI_PIPE_APART,            /* not in the controller's list */
    EHCI_PIPE_LINKED,
    EHCI_PIPE_UNLINKED,         /* the controller may still look at it */
    EHCI_PIPE_RUNG,             /* the doorbell is rung, and not answered yet */
};

struct ehci_pipe {
    struct ehci_queue *queue;
    uint32_t phys;
    enum ehci_pipe_state state;
    struct ehci_pipe *next;     /* in the controller's list */
    struct usb_transfer *transfer;
    unsigned first, count, data;        /* qtds; those of data among them */
    unsigned idle;              /* the one that the controller stops at */
    bool is_over;
    int error;
    uint32_t actual;
};

/* What there is of a device. Its memory is kept for the next. */
struct ehci_device {
    struct ehci_pipe pipe[USB_ENDPOINTS];
    struct usb_transfer transfer;       /* SET_ADDRESS */
    unsigned step;
    uint64_t until;
};

struct ehci {
    struct usb_host host;       /* first */
    const struct bus *bus;
    uint32_t op;                /* where those registers begin */
    uint32_t capabilities;      /* HCCPARAMS */
    unsigned ports, legacy;
    bool has_power;             /* its ports can be switched */
    struct {
        bool is_resetting;
        uint64_t until;
    } port[EHCI_PORTS];
    struct ehci_pipe head;      /* the list's first, of no endpoint */
    uint64_t doorbell_deadline;
};

static inline uint32_t ehci_get(const struct ehci *e, uint32_t reg)
{
    return bus_read32(e->bus, e->op + reg);
}

static inline void ehci_put(const struct ehci *e, uint32_t reg, uint32_t v)
{
    bus_write32(e->bus, e->op + reg, v);
}

/* ---- ehci_pipe.c: struct usb_host_ops ------------------------------------ */

/* A list with nothing but its head. */
void ehci_list_begin(struct ehci *e);
int ehci_address(struct usb_host *h, struct usb_device *d);
int ehci_set_packet0(struct usb_host *h, struct usb_device *d);
int ehci_configure(struct usb_host *h, struct usb_device *d);
int ehci_reset_endpoint(struct usb_host *h, struct usb_device *d,
                        struct usb_endpoint *endpoint);
int ehci_detach(struct usb_host *h, struct usb_device *d);
void ehci_submit(struct usb_host *h, struct usb_transfer *t);
void ehci_cancel(struct usb_host *h, struct usb_transfer *t);
/* What has ended. True: something has. */
bool ehci_pipes_poll(struct ehci *e);
/* The controller is reset: nothing is under way. */
void ehci_pipes_forget(struct ehci *e);

#endif
