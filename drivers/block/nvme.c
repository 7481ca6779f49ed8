/* See nvme.h. The controller and its states; numbers in comments are sections of
 * NVMe 1.4. */
#include "drivers/block/nvme.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/block/disk_dma.h"
#include "drivers/block/nvme_ctrl.h"
#include "drivers/pci/pci_caps.h"

#define MS UINT64_C(1000000)            /* nanoseconds */
#define LOOK_POLLS 64u                  /* registers are read at every n-th */
#define STOP_TRIES 50u                  /* what may be waited for at once */
#define STOP_STEP_US 100u
#define SHUTDOWN_NS (10000 * MS)
#define ADMIN_ENTRIES 8u

/* ---- Registers --------------------------------------------------------------- */

static uint32_t csts(const struct nvme *n)
{
    return bus_read32(n->bus, NVME_CSTS);
}

static void set_state(struct nvme *n, enum nvme_state state, uint64_t ns)
{
    n->state = state;
    n->deadline = bus_now(n->bus) + ns;
}

static bool is_over(const struct nvme *n)
{
    return bus_now(n->bus) >= n->deadline;
}

/* ---- Stopping ---------------------------------------------------------------- */

/* Disabled, it has no queues any more (7.3.2). True: it says that it is. */
static bool disable(struct nvme *n)
{
    bus_write32(n->bus, NVME_CC, 0);
    for (unsigned i = 0; csts(n) & NVME_CSTS_RDY; i++) {
        if (i == STOP_TRIES)
            return false;
        bus_delay(n->bus, STOP_STEP_US);
    }
    return true;
}

/* Whether it reaches no memory any more: counted for all of its open disks. */
static bool dma_ended(struct nvme *n, bool answered)
{
    struct disk_counters c = { .resets = 0 };
    bool ended = disk_dma_ended(&c, n->bus, answered);

    for (unsigned i = 0; i < n->disk_count; i++) {
        struct disk *disk = &n->disks[i]->disk;

        if (!disk->is_open)
            continue;
        disk->counters.resets_unanswered += c.resets_unanswered;
        disk->counters.dma_unstopped += c.dma_unstopped;
    }
    return ended;
}

/* Whatever state follows is set before: done() may submit more. */
static void give_back(struct nvme *n, bool ended, int error)
{
    n->armed = false;
    nvme_disk_give_others(n, error);
    if (ended)
        nvme_disk_give_back(n, error);
}

void nvme_restart(struct nvme *n)
{
    bool ended;

    if (n->state == NVME_FAILED)
        nvme_wake_up(n);
    /* While it is being started, no request is under way. */
    if (n->state != NVME_READY && n->state != NVME_ASKING)
        return;
    for (unsigned i = 0; i < n->disk_count; i++)
        n->disks[i]->disk.counters.resets += n->disks[i]->disk.is_open;
    n->controller.is_settled = false;
    set_state(n, NVME_STOPPING, n->timeout_ns);
    ended = disable(n);
    give_back(n, dma_ended(n, ended), -EIO);
}

static void all_gone(struct nvme *n)
{
    for (unsigned i = 0; i < n->disk_count; i++)
        disk_gone(&n->disks[i]->disk);
    n->controller.is_settled = true;
}

void nvme_fail(struct nvme *n, const char *why)
{
    char what[120];
    bool ended = dma_ended(n, disable(n));

    n->state = NVME_FAILED;
    all_gone(n);
    snprintf(what, sizeof what, "nvme at %.8s left out: %s", n->info->slot,
             why);
    n->sink->left_out(n->sink, what);
    give_back(n, ended, -ENODEV);
}

/* All registers read ones. */
static void gone(struct nvme *n)
{
    bool ended = dma_ended(n, false);

    n->state = NVME_GONE;
    all_gone(n);
    give_back(n, ended, -ENODEV);
}

void nvme_shut_down(struct nvme *n)
{
    uint32_t cc = bus_read32(n->bus, NVME_CC);

    if (n->state != NVME_READY)
        return;
    set_state(n, NVME_SHUTTING, SHUTDOWN_NS);
    bus_write32(n->bus, NVME_CC,
                (cc & ~NVME_CC_SHN) | NVME_CC_SHN_NORMAL);      /* 7.6.2 */
    for (unsigned i = 0; i < STOP_TRIES; i++) {
        nvme_poll(n, false);
        if (n->state != NVME_SHUTTING)
            return;
        bus_delay(n->bus, STOP_STEP_US);
    }
}

/* ---- Starting ---------------------------------------------------------------- */

static void put64(const struct nvme *n, uint32_t reg, uint64_t v)
{
    bus_write32(n->bus, reg, (uint32_t)v);
    bus_write32(n->bus, reg + 4, v >> 32);
}

static void enable(struct nvme *n)
{
    uint32_t last = n->admin.size - 1u;

    disk_dma_allow(n->bus);
    give_back(n, true, -EIO);
    if (!n->has_msix)
        bus_write32(n->bus, NVME_INTMS, ~0u);
    bus_write32(n->bus, NVME_AQA, last << 16 | last);
    put64(n, NVME_ASQ, n->admin.sq_phys);
    put64(n, NVME_ACQ, n->admin.cq_phys);
    bus_write32(n->bus, NVME_CC, NVME_CC_ENTRIES | NVME_CC_EN);
    set_state(n, NVME_STARTING, n->timeout_ns);
}

/* Whoever had it before (firmware) may have left it in any state. Disabled
 * while it is not ready yet, it may do anything (3.1.5, EN). */
static void begin(struct nvme *n)
{
    bool is_enabled = bus_read32(n->bus, NVME_CC) & NVME_CC_EN;

    n->controller.is_settled = false;
    if (is_enabled && !(csts(n) & (NVME_CSTS_RDY | NVME_CSTS_CFS))) {
        set_state(n, NVME_SETTLING, n->timeout_ns);
        return;
    }
    bus_write32(n->bus, NVME_CC, 0);
    set_state(n, NVME_STOPPING, n->timeout_ns);
}

int nvme_wake_up(struct nvme *n)
{
    if (n->state != NVME_OFF && n->state != NVME_FAILED &&
        n->state != NVME_GONE && n->state != NVME_SHUTTING)
        return 0;
    if (csts(n) == NVME_ALL_ONES)
        return -ENODEV;
    begin(n);
    return 0;
}

/* One step of whatever it is in. True: it came further. */
static bool step(struct nvme *n, uint32_t s)
{
    static const char has_failed[] = "it says that it has failed: CSTS.CFS";

    switch (n->state) {
    case NVME_SETTLING:
        if (!(s & (NVME_CSTS_RDY | NVME_CSTS_CFS)) && !is_over(n))
            return false;
        bus_write32(n->bus, NVME_CC, 0);
        set_state(n, NVME_STOPPING, n->timeout_ns);
        return true;
    case NVME_STOPPING:
        if (!(s & NVME_CSTS_RDY))
            enable(n);
        else if (is_over(n))
            nvme_fail(n, "it does not stop: CSTS.RDY stays");
        else
            return false;
        return true;
    case NVME_STARTING:
        if (s & NVME_CSTS_CFS)
            nvme_fail(n, has_failed);
        else if (s & NVME_CSTS_RDY)
            nvme_ask(n);
        else if (is_over(n))
            nvme_fail(n, "it does not become ready: CSTS.RDY stays 0");
        else
            return false;
        return true;
    case NVME_SHUTTING:
        if ((s & NVME_CSTS_SHST) != NVME_CSTS_SHST_DONE && !is_over(n))
            return false;
        n->state = NVME_OFF;
        return true;
    case NVME_ASKING:
        if (!(s & NVME_CSTS_CFS))
            return nvme_ask_poll(n);
        nvme_fail(n, has_failed);
        return true;
    default:
        return false;
    }
}

/* ---- At work ----------------------------------------------------------------- */

static bool at_work(struct nvme *n, uint32_t s)
{
    bool any = nvme_disk_complete(n);

    if (n->state != NVME_READY)
        return any;
    if (n->io.is_broken)
        n->counters.bad_completions++;
    else if (s & NVME_CSTS_CFS)
        n->counters.fatal++;
    else
        return any;
    nvme_restart(n);
    return true;
}

bool nvme_poll(struct nvme *n, bool look)
{
    bool is_working = n->state == NVME_READY;
    uint32_t s = 0;

    if (n->state == NVME_OFF || n->state == NVME_FAILED ||
        n->state == NVME_GONE)
        return false;
    if (!is_working || look || n->armed || ++n->polls % LOOK_POLLS == 0)
        s = csts(n);
    if (n->armed && !n->has_msix)
        bus_write32(n->bus, NVME_INTMS, 1);
    n->armed = false;
    if (s == NVME_ALL_ONES) {
        gone(n);
        return true;
    }
    return is_working ? at_work(n, s) : step(n, s);
}

void nvme_arm(struct nvme *n)
{
    if (n->armed || n->state != NVME_READY)
        return;
    n->armed = true;
    if (!n->bus->arm_irq)
        return;
    n->bus->arm_irq(n->bus->ctx);
    if (!n->has_msix)
        bus_write32(n->bus, NVME_INTMC, 1);
    /* For what came since the last poll there may be no interrupt. */
    if (nvme_queue_pending(&n->io) || nvme_disk_has_more(n))
        n->bus->wake(n->bus->ctx);
}

/* ---- Making one -------------------------------------------------------------- */

/* 3.1.1. 0, -EIO, -ENOTSUP. */
static int allocate(struct nvme *n)
{
    uint32_t low = bus_read32(n->bus, NVME_CAP_LOW);
    uint32_t high = bus_read32(n->bus, NVME_CAP_HIGH);
    uint32_t stride = 4u << (high & NVME_CAPH_DSTRD);
    unsigned entries = (low & NVME_CAP_MQES) + 1, to = low >> NVME_CAP_TO_SHIFT;

    if (low == NVME_ALL_ONES || entries < 2)
        return -EIO;
    if (!(high & NVME_CAPH_CSS_NVM) || (high >> NVME_CAPH_MPSMIN_SHIFT & 0xf))
        return -ENOTSUP;
    n->timeout_ns = (to ? to : 1) * NVME_CAP_TO_MS * MS;
    if (entries > NVME_SLOTS)
        entries = NVME_SLOTS;
    n->page = n->bus->dma_alloc(n->bus->ctx, NVME_IDENTIFY_BYTES, UINT64_MAX,
                                &n->page_phys);
    n->list = n->bus->dma_alloc(n->bus->ctx, NVME_SLOTS * sizeof *n->list,
                                UINT64_MAX, &n->list_phys);
    if (!n->page || !n->list)
        return -ENOMEM;
    /* An admin queue may be of any size (3.1.8). */
    if (nvme_queue_init(&n->admin, n->bus, 0, ADMIN_ENTRIES, stride) ||
        nvme_queue_init(&n->io, n->bus, 1, entries, stride))
        return -ENOMEM;
    return 0;
}

static void look(struct disk_controller *controller)
{
    nvme_poll(controller->driver, true);
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct disk_sink *sink, struct disk_controller **out)
{
    struct nvme *n = calloc(1, sizeof *n);
    int r;

    if (!n)
        return -ENOMEM;
    n->bus = bus;
    n->info = info;
    n->sink = sink;
    n->has_msix = pci_uses_msix(bus);
    r = allocate(n);
    if (r) {
        free(n);
        return r;
    }
    n->controller.poll = look;
    n->controller.driver = n;
    begin(n);
    *out = &n->controller;
    return 0;
}

/* Mass storage, NVM, NVMe I/O controller (PCI Code and ID Assignment). */
static const struct disk_match match[] = {
    { .class_code = 0x010802, .class_mask = 0xffffff },
};

const struct disk_driver nvme_driver = {
    .name = "nvme", .match = match, .match_count = sizeof match / sizeof *match,
    .create = create,
    .unsupported = "without the NVM command set or without pages of 4 KiB",
};
