/*
 * A physical disk of the host. Polled; interrupts are only a reason to wake up.
 *
 * Everything here belongs to the I/O core. A sector has 512 bytes, whatever the
 * disk's own blocks are. A driver writes to a disk only what it was given as a
 * DISK_WRITE; finding and opening a disk only asks what it is.
 *
 * Waiting: at most a few milliseconds at a time (bus_delay); what may take
 * longer goes on from poll, by bus_now.
 */
#ifndef DRIVERS_BLOCK_DISK_H
#define DRIVERS_BLOCK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_SECTOR 512u

enum disk_op {
    DISK_READ,
    DISK_WRITE,
    DISK_FLUSH,                 /* no sector, count, buf and phys */
};

/*
 * One request. Whoever makes it owns it and its buffer, but from a submit that
 * returned 0 until `done` is called they are the driver's. `done` is called
 * once, from any of the driver's functions but submit; it may submit again,
 * this one, too.
 */
struct disk_request {
    enum disk_op op;
    uint64_t sector;
    uint32_t count;             /* sectors, 1 to disk->max_sectors */
    void *buf;                  /* memory from dma_alloc, contiguous; */
    uint64_t phys;              /* its bus address, a multiple of 4,
                                 * all of it below disk->dma_below */
    /*
     * 0, or -EIO: the medium or the device failed (of a write it is not known
     * what is on the medium), -ENODEV: the disk is gone, -EROFS: the device
     * says that it is write-protected.
     */
    void (*done)(struct disk_request *req, int error);
    void *ctx;                  /* for done() */
    struct disk_request *next;  /* the driver's, as long as it has it */
};

/* Of requests that ended, but for the last two lines. */
struct disk_counters {
    uint64_t reads, writes, flushes;
    uint64_t sectors_read, sectors_written;     /* without an error */
    uint64_t read_errors, write_errors, flush_errors;
    uint64_t refused;           /* submit: -EINVAL, -EROFS */
    uint64_t resets;            /* of the device or its port, after the start */
    uint64_t resets_unanswered; /* and so bus mastering was turned off */
    uint64_t dma_unstopped;     /* which failed: the chip keeps its buffers */
};

struct disk;

struct disk_ops {
    const char *name;           /* "ahci", "nvme", ... */
    /*
     * Make ready for requests. 0; -ENODEV: it is gone or another disk is in its
     * place (one that was given up is looked for again, from poll); -EIO: it
     * does not answer. What takes longer goes on from poll, and submit says
     * -EBUSY until then.
     */
    int (*open)(struct disk *disk);
    /* Requests come back with -EIO; those whose buffers the chip cannot be kept
     * from at once come back when it can, from whatever is called then. */
    void (*close)(struct disk *disk);
    /*
     * Start `req`. 0: it is the driver's until done. Else still the caller's:
     * -EBUSY: nothing is free now, try again after a poll; -ENODEV: not open,
     * or gone; and what disk_refuse says: -EINVAL, -EROFS.
     * Requests under way at the same time are done in any order; a flush is for
     * the writes that were done before it was submitted.
     */
    int (*submit)(struct disk *disk, struct disk_request *req);
    /*
     * Call done for what has ended, go on with resets, note that a disk is gone
     * (is_gone: all requests are done with -ENODEV). True: something happened.
     */
    bool (*poll)(struct disk *disk);
    /* Ask for a wake-up (platform interrupt) when the next request ends. NULL:
     * there is none, so poll soon again. */
    void (*arm)(struct disk *disk);
    /*
     * The caller saw no request end for too long (the driver has no timeouts of
     * its own for them): reset what is needed, and all requests are done with
     * -EIO. May leave the disk busy (-EBUSY), or gone.
     */
    void (*recover)(struct disk *disk);
    /*
     * What only this kind counts: the name and *value of the i-th, NULL behind
     * the last. May be NULL.
     */
    const char *(*counter)(const struct disk *disk, unsigned i,
                           uint64_t *value);
};

/* Filled in by the driver before it adds the disk; lives for ever. */
struct disk {
    const struct disk_ops *ops;
    char label[64];             /* "ahci port 0 at 00:1f.2" */
    char slot[16];              /* "00:1f.2", of the controller */
    unsigned unit;              /* which of the controller's: port, namespace */
    char model[41];             /* as disk_text leaves them, "" if the disk */
    char serial[21];            /* does not say */
    uint64_t sectors;
    uint32_t block_bytes;       /* 512 or 4096: requests are of whole blocks */
    uint32_t max_sectors;       /* of a request, whole blocks */
    uint64_t dma_below;         /* e.g. 1 << 32, UINT64_MAX */
    bool read_only;
    bool removable;             /* a stick, say */
    bool loses_irqs;            /* set by the platform: requests may end without
                                 * a wake-up; poll soon again all the same */
    bool is_open;
    bool is_gone;               /* pulled out, or given up: it is not open, and
                                 * not again before somebody opens it */
    struct disk_counters counters;
    void *driver;               /* the driver's own */
};

/*
 * What is wrong with `req` for `disk`, whoever drives it, and counts it: 0;
 * -EINVAL: not of whole blocks, none or too many, past the end, or its buffer
 * out of reach; -EROFS. Drivers begin their submit with it.
 */
int disk_refuse(struct disk *disk, const struct disk_request *req);
/* Count `req`, which ended with `error`, and call its done. It must be in no
 * list of the driver's any more. */
void disk_done(struct disk *disk, struct disk_request *req, int error);
/* Note that it is gone. */
void disk_gone(struct disk *disk);
/*
 * `len` bytes of text as devices give it (ATA, SCSI, NVMe: padded with blanks
 * or zeros) into `out` of `size` bytes, cut to fit: blanks at both ends go,
 * what is not printable ASCII becomes '?'.
 */
void disk_text(char *out, size_t size, const void *bytes, size_t len);

#endif
