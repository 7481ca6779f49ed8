/*
 * A model of a stick, alone or behind a hub, as a model of a host controller
 * sees it: control and bulk transfers, mass storage, faults. Failures are
 * cmocka's.
 */
#ifndef TESTS_UNIT_FAKE_USB_H
#define TESTS_UNIT_FAKE_USB_H

#include <stdbool.h>
#include <stdint.h>

#define FAKE_USB_BYTES (1u << 18)
#define FAKE_USB_CONFIG 96u

enum fake_usb_result { FAKE_OK, FAKE_STALL, FAKE_ERROR, FAKE_BABBLE,
                       FAKE_NAK };

struct fake_usb_device {
    bool is_there;
    bool answers_0;             /* its port was reset: it has address 0 */
    uint8_t address;
    uint8_t configured;
};

extern struct fake_usb {
    struct fake_usb_device device[2];   /* at the root; behind the hub, */
    bool has_hub;                       /* if the first is one */
    bool changed;                       /* the hub's port 2 */
    bool hub_powered;
    bool is_low_speed;                  /* what is behind it */
    uint8_t descriptor[18], config[FAKE_USB_CONFIG];
    uint8_t serial[64];                 /* string 3 */
    unsigned speed;                     /* of the stick, as enum usb_speed */
    /* Transfers of the stick, and what the n-th of them is instead: */
    unsigned transfers, fault_at;
    unsigned fault_count;               /* and so many more */
    enum fake_usb_result fault;
    bool unplugs;                       /* the fault is that it goes */
    /* The disk: */
    uint8_t data[FAKE_USB_BYTES];
    uint32_t block_bytes;
    uint64_t blocks;
    bool read_only, no_flush, no_capacity_10;
    uint8_t sense[16][3];               /* of the next commands */
    unsigned senses, senses_told;
    uint8_t last_sense[3];
    uint8_t max_lun, inquiry_type;
    unsigned reads, writes, flushes, resets;
    bool short_read;                    /* reads give a block less */
    /* The status, once: */
    bool bad_tag, bad_signature, bad_residue, phase_error, short_status,
        empty_status;
    /* Bulk-only transport */
    uint8_t cdb[16];
    uint32_t tag, left;
    bool is_from_device;
    uint64_t at;
    uint32_t answer_bytes;
    uint8_t answer[256];
    uint8_t status;
    enum { FAKE_COMMAND, FAKE_IN, FAKE_OUT, FAKE_STATUS } phase;
    bool halted[2];                     /* in, out */
} fake_usb;

void fake_usb_make(void);
/* Behind a high-speed hub, its port 2. */
void fake_usb_add_hub(void);
void fake_usb_plug(bool in);
/* The root port is reset. */
void fake_usb_reset(void);
/* `which` of the devices; `data` is read or written; *actual bytes of it. */
enum fake_usb_result fake_usb_control(unsigned which, const uint8_t *setup,
                                      uint8_t *data, uint32_t *actual);
enum fake_usb_result fake_usb_bulk(unsigned which, uint8_t endpoint,
                                   uint8_t *data, uint32_t len,
                                   uint32_t *actual);

#endif
