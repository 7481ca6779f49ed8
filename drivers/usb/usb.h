/*
 * USB: what lies between the drivers of host controllers (xhci.c, ehci.c) and
 * those of devices (usb_storage.c, hubs). Section numbers in drivers/usb are
 * those of USB 2.0 unless another standard is named.
 *
 * Everything belongs to the I/O core, is polled, and never waits for longer
 * than a few milliseconds: what takes time is asked for again until it does not
 * say -EAGAIN any more. Devices are hostile: what they say of themselves is
 * checked before it is used.
 */
#ifndef DRIVERS_USB_USB_H
#define DRIVERS_USB_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/block/disk_driver.h"
#include "drivers/bus.h"

#define USB_DEVICES 32u         /* of a controller, hubs included */
#define USB_ROOT_PORTS 64u
#define USB_HUB_PORTS 15u       /* that are used: a route has 4 bits of each */
#define USB_TIERS 5u            /* hubs in a row: 4.1.1 */
#define USB_ENDPOINTS 4u        /* of a device, that are used; 0 is control */
#define USB_BOOTS (USB_ENDPOINTS - 1)   /* keyboards and mice in one device */
#define USB_PAGE 4096u
#define USB_MAX_TRANSFER (64u * 1024)
#define USB_MS UINT64_C(1000000)        /* nanoseconds */

/* As xHCI numbers them (7.2.2.1.1 of its specification). */
enum usb_speed { USB_FULL = 1, USB_LOW, USB_HIGH, USB_SUPER };

/* bmAttributes of an endpoint (9.6.6). */
enum usb_kind { USB_CONTROL, USB_ISOCHRONOUS, USB_BULK, USB_INTERRUPT };

/* A control transfer's first packet (9.3). */
struct usb_setup {
    uint8_t request_type;       /* 80h: data from the device */
    uint8_t request;
    uint16_t value, index, length;
};

struct usb_device;
struct usb_host;
struct usb_hub;

struct usb_endpoint {
    uint8_t address;            /* its number; 80h: from the device */
    enum usb_kind kind;
    uint16_t max_packet;
    uint8_t max_burst;          /* packets - 1, of SuperSpeed (9.6.7 of 3.2) */
    uint8_t period;             /* USB_INTERRUPT: every 125 us << period */
    struct usb_transfer *transfer;      /* under way; the host driver's */
};

/*
 * One transfer, of whom makes it; from usb_submit until `is_done` it and its
 * buffer are the host driver's. Of control transfers, `length` is
 * setup.length.
 */
struct usb_transfer {
    struct usb_device *device;
    struct usb_endpoint *endpoint;
    struct usb_setup setup;     /* of a control transfer */
    uint64_t phys;              /* contiguous, below the host's dma_below */
    uint32_t length;            /* at most USB_MAX_TRANSFER */
    uint64_t deadline;          /* on bus_now's clock; see usb_transfer_poll */
    bool is_cancelled;          /* it was asked to end */

    bool is_done;
    uint32_t actual;            /* bytes of data that were moved */
    /* 0 (a short packet, too); -EPIPE: the device stalled it; -EIO: it does not
     * answer as it should; -EOVERFLOW: it sent more than it was asked for;
     * -ETIMEDOUT: cancelled; -ENODEV: it is gone. */
    int error;
};

struct usb_port_status {
    bool connected, enabled, resetting;
    bool changed;               /* connected changed since the last look */
    bool is_other;              /* a companion controller has it: 4.2 of EHCI */
    enum usb_speed speed;       /* once it is enabled */
};

/*
 * A host controller's driver. What returns int is called until it is not
 * -EAGAIN; nothing else is asked for that device meanwhile. Then 0 or -errno.
 */
struct usb_host_ops {
    const char *name;           /* "xhci" */
    bool (*is_pulled_out)(struct usb_host *h);  /* its registers read ones */
    /* Whose it is, and to ask for it; then it makes no SMIs any more. */
    bool (*firmware_has)(struct usb_host *h);
    void (*claim)(struct usb_host *h);
    void (*silence)(struct usb_host *h);
    void (*halt)(struct usb_host *h);
    bool (*is_halted)(struct usb_host *h);
    void (*reset)(struct usb_host *h);
    bool (*is_reset)(struct usb_host *h);
    /* It was reset: let it run, with no devices and power at its ports. */
    void (*start)(struct usb_host *h);
    /* It reaches no memory: what is known of devices is not any more. */
    void (*forget)(struct usb_host *h);
    /* Take what has ended, go on with whatever is under way; set wants_restart
     * if it has failed. True: something happened. */
    bool (*poll)(struct usb_host *h);
    /* The next event is an interrupt. True: there is one already. */
    bool (*arm)(struct usb_host *h);
    /* There is something to poll for, as far as memory alone tells. */
    bool (*has_events)(struct usb_host *h);
    /* Root ports, from 1. What has changed is told once. */
    void (*port_status)(struct usb_host *h, unsigned port,
                        struct usb_port_status *st);
    /* Begin one: `resetting` tells when it is over. */
    void (*port_reset)(struct usb_host *h, unsigned port);
    /* The device answers at address 0: give it one. */
    int (*address)(struct usb_host *h, struct usb_device *d);
    /* endpoint[0].max_packet is known now. */
    int (*set_packet0)(struct usb_host *h, struct usb_device *d);
    /* Open endpoint[1..], which no driver has opened yet; of a hub, its
     * hub_ports are known. -ENOTSUP: not of those kinds. */
    int (*configure)(struct usb_host *h, struct usb_device *d);
    /* Its data toggle begins anew; nothing is under way on it. */
    int (*reset_endpoint)(struct usb_host *h, struct usb_device *d,
                          struct usb_endpoint *e);
    /* All of its transfers are done, and it is forgotten. */
    int (*detach)(struct usb_host *h, struct usb_device *d);
    /* Begin `t`; nothing is under way on its endpoint. */
    void (*submit)(struct usb_host *h, struct usb_transfer *t);
    /* End `t` early: it is done some time later. */
    void (*cancel)(struct usb_host *h, struct usb_transfer *t);
};

/* A driver of devices. */
struct usb_class {
    /* Device `d` is configured, its endpoints are open. 0; else it is left
     * out. */
    int (*attach)(struct usb_device *d);
    bool (*poll)(struct usb_device *d); /* True: something happened. */
    /* It is gone, all of its transfers are done. */
    void (*gone)(struct usb_device *d);
};

enum usb_device_state {
    USB_FREE,
    USB_ADDRESS, USB_DESCRIPTOR_8, USB_PACKET_0, USB_DESCRIPTOR,
    USB_LANGUAGES, USB_SERIAL, USB_CONFIG_HEAD, USB_CONFIG,
    USB_SET_CONFIG, USB_HUB_DESCRIPTOR, USB_OPEN,
    USB_UP,
    USB_LEFT,                   /* nobody drives it */
    USB_FAILED,                 /* its port may try once more */
    USB_DETACHING,
};

struct usb_device {
    struct usb_host *host;
    enum usb_device_state state;
    struct usb_hub *parent;     /* where it is plugged in, */
    unsigned port;              /* from 1 */
    unsigned root_port;
    unsigned depth;             /* hubs before it */
    uint32_t route;             /* 8.9 of USB 3.2, without the root port */
    char path[24];              /* "2.1": root port, ports of hubs */
    enum usb_speed speed;
    struct usb_device *tt;      /* the hub that translates, or NULL: 11.14 */
    unsigned tt_port;
    uint8_t address;            /* of EHCI; 0: none yet */

    uint16_t vendor, product;
    char serial[21];            /* the last characters of it */
    uint8_t config, interface;
    uint8_t interface_class, interface_subclass, interface_protocol;
    uint8_t hub_ports, hub_think;       /* of a hub */
    uint8_t hub_power_ms;
    struct usb_endpoint endpoint[USB_ENDPOINTS];
    unsigned endpoints;         /* with 0 */
    /* Of a keyboard or mouse: its interfaces; endpoint[i + 1] is that of i. */
    struct usb_boot {
        uint8_t interface, protocol;
    } boot[USB_BOOTS];

    const struct usb_class *class;
    void *class_data;
    bool class_settled;         /* the class driver knows what it is */

    /* Memory that DMA reaches: of the enumeration, then of the class. */
    uint8_t *page;
    uint64_t phys;
    struct usb_transfer control;        /* likewise */
    uint64_t deadline;
    unsigned serial_index;
    int language;
    void *host_data;            /* the host driver's, kept with the page */
};

enum usb_port_state {
    USB_PORT_EMPTY,
    USB_PORT_DEBOUNCE,
    USB_PORT_RESET,
    USB_PORT_RECOVERY,
    USB_PORT_DEVICE,
    USB_PORT_DETACHING,
    USB_PORT_LEFT,              /* what is there is not tried again */
};

struct usb_port {
    enum usb_port_state state, after;   /* USB_PORT_DETACHING */
    uint64_t deadline;
    struct usb_device *device;
    unsigned tries;
    unsigned told;              /* lines in the log */
};

/* The root hub, or a device that is one. */
struct usb_hub {
    struct usb_host *host;
    struct usb_device *device;  /* NULL: the root hub */
    unsigned ports;
    unsigned at;                /* the port that is looked at, from 0 */
    bool wants_reset;           /* that port's reset is asked for */
    uint64_t next_look;
    uint64_t quiet_until;       /* what is plugged in may not show before */
    /* Of a device: */
    struct usb_transfer transfer;
    unsigned step;              /* usb_hub.c's */
    uint16_t changes;           /* that are still to be cleared */
    uint16_t status;
    bool changed;
    struct usb_port port[];
};

struct usb_counters {
    uint64_t bad_descriptors, bad_events, resets, restarts;
};

enum usb_host_state {
    USB_HOST_HANDOFF, USB_HOST_HALTING, USB_HOST_RESETTING, USB_HOST_UP,
    USB_HOST_DEAD,
};

/* A host controller; the first fields are set by its driver. */
struct usb_host {
    const struct usb_host_ops *ops;
    const struct bus *bus;
    const struct bus_info *info;
    struct disk_sink *sink;
    uint64_t dma_below;

    struct disk_controller controller;
    enum usb_host_state state;
    uint64_t deadline;          /* of the state */
    bool is_up;                 /* ports and transfers can be asked for */
    bool is_told;               /* USB_HOST_DEAD: the sink was */
    bool armed;
    bool wants_restart;
    struct usb_hub *root;
    struct usb_port *busy;      /* whose device answers at address 0 */
    struct usb_device device[USB_DEVICES];
    void *disks;                /* usb_disk.c's */
    unsigned inputs;            /* keyboards and mice */
    uint64_t input_next;        /* when they want to be polled */
    struct usb_counters counters;
    struct disk_counters *dma_counters; /* of a disk, or its own */
    struct disk_counters no_disk;
};

/* ---- usb_host.c ---------------------------------------------------------- */

/* Begin with it, with `ports` root ports. 0 or -ENOMEM. */
int usb_host_start(struct usb_host *h, unsigned ports,
                   struct disk_controller **out);
/* All that there is to do. True: something happened. */
bool usb_host_poll(struct usb_host *h);
/* The next event wakes the platform. */
void usb_host_arm(struct usb_host *h);
/* Ports may have changed. */
void usb_host_look(struct usb_host *h);
/* A line in the log. */
void usb_host_tell(struct usb_host *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Once, at the start: false leaves all controllers to the firmware. */
extern bool usb_is_wanted;
#define USB_UNWANTED "left to the firmware, by -host-usb off"

/* ---- usb.c: devices ------------------------------------------------------ */

/* A device that answers at address 0. NULL: too many. */
struct usb_device *usb_device_new(struct usb_hub *parent, unsigned port,
                                  enum usb_speed speed);
/* Go on with it. True: something happened. */
bool usb_device_step(struct usb_device *d);
bool usb_device_is_settled(const struct usb_device *d);
/* Let it go: until true. */
bool usb_device_detach(struct usb_device *d);
/* Nothing of it is under way any more. */
void usb_device_forget(struct usb_device *d);
/* It does not do what it should: reset its port and begin anew. */
void usb_device_failed(struct usb_device *d);
/* A line in the log, of what is at a port, while there are not too many. */
void usb_port_tell(struct usb_hub *hub, unsigned port, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of something that is used. */
void usb_port_found(const struct usb_device *d, const char *what);

/* Begin `t`, whose first fields are set. */
void usb_submit(struct usb_transfer *t);
/* -EAGAIN, or its error. Past its deadline it is cancelled. */
int usb_transfer_poll(struct usb_transfer *t);
/* Begin a control transfer over `phys`. */
void usb_control(struct usb_device *d, struct usb_transfer *t,
                 struct usb_setup setup, uint64_t phys);

/* ---- usb_describe.c: what a device says of itself ------------------------ */

/* `config` of `len` bytes is all of its configuration's descriptors. NULL, or
 * what is wrong with it. Its interface is one of mass storage or a hub, or
 * there are some of boot keyboards and mice; else class 0 and no endpoints. Of
 * keyboards and mice besides one of the former nothing is known. */
const char *usb_describe(struct usb_device *d, const uint8_t *config,
                         size_t len);
/* Its endpoint 0's packets, by byte 7 of its descriptor. False: impossible. */
bool usb_describe_packet0(struct usb_device *d, uint8_t byte);
/* A string descriptor of `len` bytes as ASCII, the last characters of it. */
void usb_describe_string(char *out, size_t size, const uint8_t *string,
                         size_t len);

/* ---- usb_port.c: what is plugged in where -------------------------------- */

/* `d` is NULL for the root hub. NULL: no memory. */
struct usb_hub *usb_hub_new(struct usb_host *h, struct usb_device *d,
                            unsigned ports);
/* Its ports have power; what is plugged in shows within `quiet_ns`. */
void usb_hub_start(struct usb_hub *hub, uint64_t quiet_ns);
bool usb_hub_poll(struct usb_hub *hub);
bool usb_hub_is_settled(const struct usb_hub *hub);
/* Devices at it are let go: until true. */
bool usb_hub_detach(struct usb_hub *hub);

/* ---- usb_hub.c: devices that are hubs ------------------------------------ */

extern const struct usb_class usb_hub_class;
/* Of port hub->at, as the host's port_status and port_reset: until not
 * -EAGAIN. */
int usb_hub_status(struct usb_hub *hub, struct usb_port_status *st);
int usb_hub_reset(struct usb_hub *hub);

#endif
