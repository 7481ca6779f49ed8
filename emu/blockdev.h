/*
 * A disk as the emulated controllers see it. The owner (kernel/disk) decides
 * what lies behind: a file, a module in RAM, an overlay, a physical disk.
 */
#ifndef EMU_BLOCKDEV_H
#define EMU_BLOCKDEV_H

#include <stdbool.h>
#include <stdint.h>

#define BLOCK_SECTOR_SIZE 512u

enum block_op {
    BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH,
    /*
     * The machine was reset: the disk's owner may look again how large it is to
     * be. `sectors` changes only while such a request is under way.
     */
    BLOCK_RESIZE,
};

struct block_request {
    enum block_op op;
    uint64_t sector;            /* first sector, in units of 512 bytes */
    uint32_t count;             /* sectors; 0 for FLUSH and RESIZE */
    uint8_t *buf;               /* count * 512 bytes, the requester's */
    /*
     * Called once on the guest's core, from inside submit or from a later
     * machine_run. `error` is 0 or negative errno. A FLUSH completes only
     * when all writes that completed before it are on the medium.
     */
    void (*done)(struct block_request *req, int error);
    void *ctx;                  /* the requester's */
};

struct blockdev {
    const char *name;           /* what the user called it */
    uint64_t sectors;           /* in units of 512 bytes */
    bool read_only;
    void *ctx;
    /*
     * Start `req`, which stays the requester's and must live until done.
     * A range beyond `sectors` completes with -EINVAL, a write to a
     * read-only disk with -EROFS.
     */
    void (*submit)(struct blockdev *dev, struct block_request *req);
    /*
     * Call `done` of the requests that have finished; guest's core. NULL
     * where submit always calls it itself.
     */
    void (*poll)(struct blockdev *dev);
};

#endif
