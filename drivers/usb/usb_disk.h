/*
 * Between usb_storage.c, which asks a device what it is, and usb_disk.c, its
 * disk at work. A disk outlives its device, and goes on with it when that comes
 * back.
 */
#ifndef DRIVERS_USB_USB_DISK_H
#define DRIVERS_USB_USB_DISK_H

#include "drivers/block/disk_queue.h"
#include "drivers/usb/scsi.h"
#include "drivers/usb/usb_bot.h"

enum storage_state {
    STORAGE_MAX_LUN,            /* asked how many units it has */
    STORAGE_INQUIRY, STORAGE_READY, STORAGE_CAPACITY, STORAGE_CAPACITY_16,
    STORAGE_PROTECTION,
    STORAGE_SENSE,              /* asked why a question failed */
    STORAGE_WAIT,               /* before it is asked once more */
    STORAGE_UP,
    STORAGE_OUT,                /* left out, or failed */
};

/* A device that is plugged in. */
struct usb_storage {
    struct usb_device *device;
    struct usb_bot bot;
    enum storage_state state, asked;    /* _SENSE, _WAIT: the question */
    uint64_t until;             /* STORAGE_WAIT */
    uint64_t patience;          /* for it to become ready */
    unsigned tries;
    bool no_medium;             /* as it said last */
    char model[41];
    struct scsi_capacity capacity;
    bool read_only;
    struct usb_disk *disk;      /* STORAGE_UP */
    struct bot_counters counters;
};

enum usb_disk_phase { PHASE_IDLE, PHASE_COMMAND, PHASE_SENSE, PHASE_PAUSE };

struct usb_disk {
    struct disk disk;
    struct usb_host *host;
    struct usb_storage *storage;        /* NULL: not plugged in */
    char path[24];              /* where it is, or was */
    struct disk_queue waiting;
    struct disk_request *current;
    enum usb_disk_phase phase;
    uint64_t until;             /* PHASE_PAUSE */
    unsigned tries;
    bool is_ending;             /* `current` was asked to end */
    bool unflushed;             /* writes may be in the device's cache */
    bool lost;                  /* and were lost there: the next flush fails */
    bool has_no_cache;          /* it does not know SYNCHRONIZE CACHE */
    struct bot_counters counters;
    uint64_t short_transfers, attentions;
    uint8_t last_sense[3];
    struct usb_disk *next;
};

/* The questions are answered: `s` is a new disk, or one that is known. NULL:
 * no memory, or too many. */
struct usb_disk *usb_disk_plugged(struct usb_storage *s);
/* Its device is gone, or its medium changed: all requests are done with
 * -ENODEV. */
void usb_disk_unplugged(struct usb_disk *d);
/* Go on with its requests. True: something happened. */
bool usb_disk_step(struct usb_disk *d);
/* What it is must be asked again: usb_storage.c's. */
void usb_storage_ask_again(struct usb_storage *s);

#endif
