/* A model of an EHCI controller with one device at its port 2, the stick or hub
 * of fake_usb.h, beside disk_driver_harness.h. Its list is gone through
 * whenever its status is read. */
#ifndef TESTS_UNIT_FAKE_EHCI_H
#define TESTS_UNIT_FAKE_EHCI_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"

extern struct fake_ehci {
    bool firmware_stays;
    uint32_t legacy, cmd, sts, intr, list, configflag;
    uint32_t port;              /* PORTSC of port 2 */
    unsigned starts;
    bool deaf_doorbell;
    bool full_speed;            /* what is plugged in; a companion's */
    bool lies;                  /* of how much is left */
} fake_ehci;

extern const struct bus fake_ehci_bus;

void fake_ehci_make(void);
void fake_ehci_plugged(void);

#endif
