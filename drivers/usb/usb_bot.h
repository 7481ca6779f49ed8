/*
 * USB Mass Storage Class, Bulk-Only Transport 1.0: one command at a time, each
 * a command block, data, and a status; what goes wrong with those is recovered
 * from here (5.3.3, 5.3.4, 6.7). A state machine that never waits. Section
 * numbers are that document's.
 */
#ifndef DRIVERS_USB_USB_BOT_H
#define DRIVERS_USB_USB_BOT_H

#include "drivers/usb/usb.h"

#define BOT_CBW_BYTES 31u
#define BOT_CSW_BYTES 13u
#define BOT_CDB_MAX 16u
/* The device's page: */
#define BOT_CSW_AT 64u
#define BOT_DATA_AT 1024u       /* what whoever has the bot may use */

enum { BOT_SIGNATURE_CBW = 0x43425355, BOT_SIGNATURE_CSW = 0x53425355,
       BOT_FROM_DEVICE = 0x80 };
enum { BOT_PASSED, BOT_FAILED, BOT_PHASE_ERROR };       /* 5.2 */
enum { BOT_REQUEST_RESET = 0xff, BOT_REQUEST_MAX_LUN = 0xfe };

struct bot_command {
    uint8_t cdb[BOT_CDB_MAX];
    uint8_t cdb_bytes;
    bool from_device;
    uint32_t bytes;             /* of data, at most USB_MAX_TRANSFER */
    uint64_t phys;
    uint64_t timeout_ns;        /* for each part; 0: whoever asks ends it */
};

struct bot_counters {
    uint64_t stalls, phase_errors, bad_tags, bad_status, residues;
    uint64_t errors, recoveries;
};

enum bot_state {
    BOT_IDLE,
    BOT_COMMAND, BOT_DATA, BOT_CLEAR_DATA, BOT_RESTART_DATA,
    BOT_STATUS, BOT_CLEAR_STATUS, BOT_RESTART_STATUS,
    BOT_RESET, BOT_CLEAR_IN, BOT_RESTART_IN, BOT_CLEAR_OUT, BOT_RESTART_OUT,
};

struct usb_bot {
    struct usb_device *device;
    struct usb_transfer transfer;
    enum bot_state state;
    struct bot_command command;
    uint32_t tag;
    uint32_t moved;             /* bytes of data, when it has ended */
    bool status_again;          /* 6.7.2: was asked for a second time */
    bool is_aborted;
    bool is_broken;             /* could not be recovered: reset its port */
    struct bot_counters *counters;
};

/* Nothing is under way. */
void bot_begin(struct usb_bot *b, const struct bot_command *command);
/* Until not -EAGAIN: 0; -EPROTO: it failed, and its sense tells why; -EIO: it
 * is not known what became of it; -ENODEV. */
int bot_poll(struct usb_bot *b);
/* What is under way is to end, with -EIO. */
void bot_abort(struct usb_bot *b);

#endif
