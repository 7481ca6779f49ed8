/* A register model of an AHCI HBA with six ports of which five are there. */
#ifndef TESTS_UNIT_FAKE_AHCI_H
#define TESTS_UNIT_FAKE_AHCI_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "tests/unit/fake_ata.h"

#define FAKE_AHCI_PORTS 6u
#define FAKE_AHCI_IMPLEMENTED 0x37u     /* not port 3 */

struct fake_ahci_port {
    struct fake_ata *disk;      /* NULL: nothing is plugged in */
    bool is_atapi;
    bool never_ready;           /* BSY for ever */
    bool no_link;               /* DET 1 for ever */
    bool holds;                 /* commands are not begun */
    bool hangs;                 /* CR stays, whatever becomes of ST */
    bool stays_busy;            /* after an error */
    bool is_short;              /* it moves a block less than it should */
    bool no_count;              /* PRDBC stays 0 */
    unsigned link_errors;       /* this many commands end so, after IDENTIFY */

    uint32_t clb, fb, is, ie, cmd, tfd, sig, ssts, sctl, serr, ci;
    bool failed;                /* until ST is cleared */
    unsigned comresets;
};

extern struct fake_ahci {
    struct fake_ahci_port port[FAKE_AHCI_PORTS];
    uint32_t cap, ghc, is, cap2, bohc;
    bool loses_pi;              /* at a reset */
    uint32_t pi;
    unsigned resets;
    bool gave_up;               /* BIOS: it gives the HBA away when asked */
} fake_ahci;

extern const struct bus fake_ahci_bus;
/* A new one, empty; AHCI enabled, reset not yet. */
void fake_ahci_make(void);
/* Plug in, as hot-plugged if the port runs already; NULL: pull out. */
void fake_ahci_plug(unsigned port, struct fake_ata *disk);
/* Let the command that was held end. */
void fake_ahci_resume(unsigned port);

#endif
