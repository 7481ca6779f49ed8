/* A model of an xHCI controller with one device at its port 2, the stick or hub
 * of fake_usb.h, beside disk_driver_harness.h. */
#ifndef TESTS_UNIT_FAKE_XHCI_H
#define TESTS_UNIT_FAKE_XHCI_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "drivers/usb/xhci_regs.h"

#define FAKE_XHCI_SLOTS 8u
#define FAKE_XHCI_BYTES 0x2100u /* of registers */

struct fake_xhci_endpoint {
    uint64_t at;                /* dequeue pointer */
    bool cycle;
    uint32_t context[5];
    enum { FAKE_EP_OFF, FAKE_EP_RUNNING, FAKE_EP_HALTED,
           FAKE_EP_STOPPED } state;
};

struct fake_xhci_slot {
    bool enabled;
    unsigned which;             /* of fake_usb's devices */
    uint32_t context[3];        /* the slot's, as it was addressed */
    struct fake_xhci_endpoint endpoint[32];
};

extern struct fake_xhci {
    uint32_t context_bytes;
    bool firmware;              /* has it, */
    bool firmware_stays;        /* and keeps it */
    uint32_t op, run, doorbell, xecp;   /* where it says that they are */
    uint32_t legacy, cmd, sts, config, iman;
    uint32_t port;              /* PORTSC of port 2 */
    uint64_t crcr, dcbaap, erstba, erdp;
    uint64_t command_at;
    bool command_cycle;
    uint64_t event_at;
    bool event_cycle;
    struct fake_xhci_slot slot[FAKE_XHCI_SLOTS + 1];
    unsigned starts, interrupts, commands;
    unsigned accesses;          /* of registers */
    uint8_t fail_type;          /* commands of that type get: */
    uint8_t fail_code;          /* 0: no answer */
    unsigned fail_count;
    bool bad_pointers;          /* of transfer events */
} fake_xhci;

extern const struct bus fake_xhci_bus;

void fake_xhci_make(void);
/* Its interrupt endpoints may have something to say. */
void fake_xhci_ready(void);
/* Plug in or out what fake_usb has. */
void fake_xhci_plugged(void);
void fake_xhci_event(uint64_t parameter, uint32_t status, uint32_t control);

#endif
