/* A model of an NVMe controller's registers, queues and namespaces, one at a
 * time, beside disk_driver_harness.h; failures are cmocka's. */
#ifndef TESTS_UNIT_FAKE_NVME_H
#define TESTS_UNIT_FAKE_NVME_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/block/nvme_regs.h"
#include "drivers/bus.h"

#define FAKE_NVME_BYTES (1u << 18)      /* of each namespace */
#define FAKE_NVME_NAMESPACES 40u

struct fake_namespace {
    uint64_t blocks;            /* 0: not active */
    uint8_t block_bits;
    uint16_t metadata;
    bool read_only;
    uint8_t data[FAKE_NVME_BYTES];      /* the first bytes of it */
};

struct fake_nvme_queue {
    uint64_t sq, cq;
    uint16_t sq_size, cq_size, sq_head, sq_tail, cq_tail, cq_head;
    bool exists, phase, interrupts;
};

extern struct fake_nvme {
    uint64_t cap;
    uint32_t vs, cc, csts, aqa;
    uint64_t asq, acq;
    bool msix;
    bool masked;
    unsigned mask_writes;
    unsigned ready_after;       /* reads of CSTS, after CC.EN changed */
    unsigned reads_left;
    bool never_ready;
    unsigned starts, shutdowns;
    const char *serial, *model;
    uint8_t mdts, vwc;
    uint32_t nn;
    bool no_list;               /* CNS 2 is refused */
    uint8_t bad_format;         /* FLBAS, if not 0 */
    struct fake_nvme_queue q[2];
    unsigned reads, writes, flushes;
    uint16_t fail_io;           /* status of each command on queue 1 */
    uint16_t fail_admin;        /* of the admin command with the opcode */
    uint8_t fail_opcode;
    bool hold;                  /* commands on queue 1 are left where they are */
} fake_nvme;
extern struct fake_namespace fake_nvme_ns[FAKE_NVME_NAMESPACES];    /* id - 1 */

extern const struct bus fake_nvme_bus;

/* A new controller: namespace 1 of 512-byte blocks, 2 of 4096-byte ones. */
void fake_nvme_make(void);
/* The next command of queue 1 that waits, or NULL. */
struct nvme_command *fake_nvme_next(void);
/* Do `c`: its status. */
uint16_t fake_nvme_execute(unsigned queue, const struct nvme_command *c);
/* Post a completion on queue 1. */
void fake_nvme_post(uint16_t cid, uint16_t status);
void fake_nvme_post_raw(struct nvme_completion c, bool phase_is_right);
/* All that waits on queue 1. */
void fake_nvme_run(void);

#endif
