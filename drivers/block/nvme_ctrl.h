/*
 * Inside the NVMe driver: the controller (nvme.c: its states; nvme_ask.c: what
 * it is asked before it is ready) and its disks (nvme_disk.c).
 */
#ifndef DRIVERS_BLOCK_NVME_CTRL_H
#define DRIVERS_BLOCK_NVME_CTRL_H

#include "drivers/block/disk_driver.h"
#include "drivers/block/disk_queue.h"
#include "drivers/block/nvme_queue.h"

#define NVME_DISKS 16u          /* namespaces of a controller that are used */
#define NVME_MAX_BYTES (128u * 1024)    /* of a request */
/* Pages of it that a PRP list names: all but the first. */
#define NVME_LIST (NVME_MAX_BYTES / NVME_PAGE)

enum nvme_state {
    NVME_SETTLING,              /* enabled by somebody, not ready yet */
    NVME_STOPPING,              /* disabled, still ready */
    NVME_STARTING,              /* enabled, not ready yet */
    NVME_ASKING,                /* identify, queues */
    NVME_READY,
    NVME_SHUTTING,              /* told to shut down */
    NVME_OFF,                   /* nobody has it open */
    NVME_FAILED,                /* given up, disabled as far as that goes */
    NVME_GONE,
};

enum nvme_step {                /* of NVME_ASKING */
    NVME_ASK_CONTROLLER,
    NVME_ASK_QUEUES,
    NVME_ASK_CQ,
    NVME_ASK_SQ,
    NVME_ASK_LIST,
    NVME_ASK_NAMESPACE,
};

struct nvme_disk {
    struct disk disk;
    struct nvme *nvme;
    uint32_t nsid;
    unsigned under_way;         /* its requests that the controller has, or
                                 * gets once more */
    struct disk_queue ended;    /* within submit: done at the next poll */
    bool is_known;              /* since the last start: as it was */
};

/* A request that the controller has. */
struct nvme_slot {
    struct disk_request *req;
    struct nvme_disk *disk;
    unsigned tries;             /* before this one */
};

/* One that failed, and that it gets once more. */
struct nvme_retry {
    struct nvme_slot slot;
    uint64_t when;              /* on bus_now's clock */
};

struct nvme_counters {
    uint64_t media_errors, command_errors, last_status, retries;
    uint64_t bad_completions, fatal;
};

struct nvme {
    struct disk_controller controller;
    struct disk_sink *sink;
    const struct bus *bus;
    const struct bus_info *info;
    bool has_msix;
    enum nvme_state state;
    uint64_t deadline;          /* of the state, on bus_now's clock */
    uint64_t timeout_ns;        /* for CSTS.RDY */
    struct nvme_queue admin, io;
    bool armed;
    unsigned polls;
    /* Asking */
    enum nvme_step step;
    uint8_t *page;              /* of what it is asked */
    uint64_t page_phys;
    uint32_t nsids[NVME_DISKS];
    unsigned nsid_count, nsid_at;
    bool others_told;           /* of namespaces that are too many */
    /* The controller, as it says */
    char model[41], serial[21];
    uint32_t namespaces;        /* the highest id */
    uint32_t max_bytes;         /* of a request */
    bool has_cache;             /* volatile, so that flushes are sent */
    struct nvme_disk *disks[NVME_DISKS];
    unsigned disk_count;
    /* Requests */
    struct nvme_slot slot[NVME_SLOTS];
    struct nvme_retry retry[NVME_SLOTS];
    unsigned retries;           /* in use */
    uint64_t (*list)[NVME_LIST];        /* PRP lists, by slot */
    uint64_t list_phys;
    struct nvme_counters counters;
};

/* ---- nvme.c ------------------------------------------------------------------ */

/* Disable it and begin anew. All requests are done with -EIO as soon as it
 * cannot reach their buffers. */
void nvme_restart(struct nvme *n);
/* Give up until somebody opens a disk, and say why: all requests are done with
 * -ENODEV, when as above. */
void nvme_fail(struct nvme *n, const char *why);
/* Begin anew if it is off, failed or gone. 0 or -ENODEV. */
int nvme_wake_up(struct nvme *n);
/* Tell it to shut down, as no disk is open. */
void nvme_shut_down(struct nvme *n);
/* All that poll has to do. True: something happened. */
bool nvme_poll(struct nvme *n, bool look);
/* Wake the platform at the next completion. */
void nvme_arm(struct nvme *n);

/* ---- nvme_ask.c -------------------------------------------------------------- */

/* It is enabled: ask what it is; nvme_ask_poll goes on until READY. */
void nvme_ask(struct nvme *n);
bool nvme_ask_poll(struct nvme *n);

/* ---- nvme_disk.c ------------------------------------------------------------- */

/* Namespace `nsid` is as `page` says (5.15.2.1): a disk is added, or an earlier
 * one known again; or why not is told. */
void nvme_disk_found(struct nvme *n, uint32_t nsid, const uint8_t *page);
/* Take what has ended. True: there was something. */
bool nvme_disk_complete(struct nvme *n);
/* Whether there is something to do without the controller's telling so. */
bool nvme_disk_has_more(const struct nvme *n);
/* The requests that it has not are done: with `error` those that it would get
 * once more, without one those that had ended within submit. */
void nvme_disk_give_others(struct nvme *n, int error);
/* The requests that the controller had are done with `error`; both queues are
 * empty again. */
void nvme_disk_give_back(struct nvme *n, int error);

#endif
