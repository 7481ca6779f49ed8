/* See ahci_port.h. Section numbers are those of AHCI 1.3.1. */
#include "drivers/block/ahci_port.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define STOP_NS (500 * MS)              /* 10.4.2 */
#define COMRESET_NS (2 * MS)            /* 10.4.2: 1 ms */
#define LINK_NS (200 * MS)              /* nothing there */
#define LINK_SLOW_NS (1000 * MS)        /* something, without a link yet */
#define READY_NS (15000 * MS)           /* a disk that spins up */
#define IDENTIFY_NS (5000 * MS)
#define PROMPT_US 5000u                 /* that close and recover may take */
#define PROMPT_STEP_US 50u
#define MAX_RETRIES 3u                  /* of a link's errors */
#define MAX_DISKS 16u
#define MAX_STEPS 16u                   /* at a time */
#define MAX_SECTORS 8192u               /* 4 MiB, one region's limit */

#define dma_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define dma_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

static uint32_t get(const struct ahci_port *p, uint32_t reg)
{
    return bus_read32(p->hba->bus, AHCI_PORT(p->index) + reg);
}

static void put(const struct ahci_port *p, uint32_t reg, uint32_t v)
{
    bus_write32(p->hba->bus, AHCI_PORT(p->index) + reg, v);
}

static uint64_t now(const struct ahci_port *p) { return bus_now(p->hba->bus); }

bool ahci_is_pulled_out(const struct ahci *hba)
{
    return bus_read32(hba->bus, AHCI_CAP) == ~0u &&
           bus_read32(hba->bus, AHCI_PI) == ~0u;
}

bool ahci_port_is_settled(const struct ahci_port *p)
{
    return (p->state == PORT_UP || p->state == PORT_EMPTY) &&
           !p->wants_hba_reset;
}

static void enter(struct ahci_port *p, enum ahci_port_state state, uint64_t ns)
{
    p->state = state;
    p->deadline = now(p) + ns;
    if (!ahci_port_is_settled(p))
        p->hba->controller.is_settled = false;
}

static bool is_late(const struct ahci_port *p)
{
    return now(p) >= p->deadline;
}

static void clear_events(const struct ahci_port *p)
{
    put(p, PX_SERR, ~0u);
    put(p, PX_IS, ~0u);
    bus_write32(p->hba->bus, AHCI_IS, 1u << p->index);
}

/* ---- Requests ------------------------------------------------------------ */

static void finish(struct ahci_port *p, int error)
{
    struct disk_request *req = p->current;

    p->current = NULL;
    p->retries = 0;
    if (!error && req->op == DISK_WRITE)
        p->unflushed = p->id.write_cache;
    if (!error && req->op == DISK_FLUSH)
        p->unflushed = false;
    disk_done(p->disk, req, error);
}

/* The command list is not looked at, and what it had is not issued any more. */
static void finish_stopped(struct ahci_port *p)
{
    p->issued = false;
    if (p->current && p->error)
        finish(p, p->error);
    p->error = 0;
}

static void fail_waiting(struct ahci_port *p, int error)
{
    if (p->disk)
        disk_queue_done(&p->waiting, p->disk, error);
}

/* 4.2, and the FIS of SATA 3.0 10.3.4. */
static void issue(struct ahci_port *p, const struct ata_command *c,
                  uint64_t addr, uint32_t bytes)
{
    struct ahci_memory *m = p->memory;
    uint64_t high = c->is_48 ? c->lba >> 24 : 0;
    uint8_t low_device = c->is_48 ? 0 : c->lba >> 24 & 0xf;
    uint8_t fis[20] = {
        FIS_TO_DEVICE, FIS_COMMAND, c->command, 0,
        (uint8_t)c->lba, (uint8_t)(c->lba >> 8), (uint8_t)(c->lba >> 16),
        c->device | low_device,
        (uint8_t)high, (uint8_t)(high >> 8), (uint8_t)(high >> 16), 0,
        (uint8_t)c->count, c->is_48 ? c->count >> 8 : 0,
    };

    memcpy(m->table.fis, fis, sizeof fis);
    m->table.addr = addr;
    m->table.last_byte = bytes ? bytes - 1 : 0;
    m->list[0] = (struct ahci_header){
        .flags = HEADER_FIS_DWORDS | (c->is_write ? HEADER_WRITE : 0) |
                 (bytes ? 1u << HEADER_PRDT_SHIFT : 0),
        .table = p->phys + offsetof(struct ahci_memory, table),
    };
    p->bytes = bytes;
    p->issued = true;
    dma_wmb();
    put(p, PX_CI, 1);
}

static bool is_empty_flush(const struct ahci_port *p)
{
    return p->current->op == DISK_FLUSH && (!p->id.write_cache || p->lost);
}

/* `may_finish`: not within submit. True: something is done or begun. */
static bool start_next(struct ahci_port *p, bool may_finish)
{
    struct ata_command c;

    if (p->state != PORT_UP || p->issued)
        return false;
    if (!p->current)
        p->current = disk_queue_take(&p->waiting);
    if (!p->current)
        return false;
    if (is_empty_flush(p)) {
        bool lost = p->lost;

        if (!may_finish)
            return false;
        p->lost = false;
        finish(p, lost ? -EIO : 0);
        return true;
    }
    c = ata_disk_command(&p->id, p->current, true);
    issue(p, &c, p->current->phys, p->current->op == DISK_FLUSH
                                       ? 0 : p->current->count * DISK_SECTOR);
    return true;
}

/* ---- Stopping (10.1.2, 6.2.2) -------------------------------------------- */

/* The current request is then done with `error`, or with 0 issued again. */
static void stop(struct ahci_port *p, enum ahci_port_state after, int error)
{
    put(p, PX_CMD, get(p, PX_CMD) & ~(uint32_t)CMD_ST);
    p->after = after;
    if (error)
        p->error = error;
    enter(p, PORT_STOPPING, STOP_NS);
}

static void comreset(struct ahci_port *p)
{
    if (p->disk)
        p->disk->counters.resets++;
    put(p, PX_SCTL, SCTL_DET_INIT);
    enter(p, PORT_COMRESET, COMRESET_NS);
}

static void give_up(struct ahci_port *p)
{
    p->given_up = true;
    enter(p, PORT_EMPTY, 0);
    if (!p->disk)
        return;
    p->disk->is_gone = true;
    p->disk->is_open = false;
    p->lost = p->unflushed = false;
    if (p->current)
        finish(p, -ENODEV);
    fail_waiting(p, -ENODEV);
}

static void run(struct ahci_port *p)
{
    clear_events(p);
    put(p, PX_CMD, get(p, PX_CMD) | CMD_ST);
}

static bool step_stopping(struct ahci_port *p)
{
    if (get(p, PX_CMD) & CMD_CR) {
        if (is_late(p) && !p->wants_hba_reset) {
            p->wants_hba_reset = true;
            p->hba->controller.is_settled = false;
        }
        return false;
    }
    p->issued = false;
    if (p->after == PORT_UP && (get(p, PX_TFD) & (ATA_BSY | ATA_DRQ)))
        p->after = PORT_COMRESET;       /* 6.2.2.1 */
    if (p->after == PORT_UP) {
        run(p);
        enter(p, PORT_UP, 0);
    } else if (p->after == PORT_COMRESET) {
        comreset(p);
    } else {
        give_up(p);
    }
    finish_stopped(p);
    return true;
}

/* ---- What is there ------------------------------------------------------- */

static unsigned det(const struct ahci_port *p)
{
    return get(p, PX_SSTS) & DET_MASK;
}

static bool step_comreset(struct ahci_port *p)
{
    if (!is_late(p))
        return false;
    put(p, PX_SCTL, SCTL_DET_NONE);
    enter(p, PORT_LINK, LINK_SLOW_NS);
    return true;
}

static bool step_link(struct ahci_port *p)
{
    unsigned d = det(p);

    if (d == DET_UP) {
        put(p, PX_SERR, ~0u);
        enter(p, PORT_READY, READY_NS);
        return true;
    }
    if (is_late(p) || (d == DET_NONE &&
                       now(p) >= p->deadline - (LINK_SLOW_NS - LINK_NS))) {
        give_up(p);
        p->given_up = d != DET_NONE;
        return true;
    }
    return false;
}

static void ask(struct ahci_port *p)
{
    static const struct ata_command identify = { .command = ATA_IDENTIFY };

    run(p);
    enter(p, PORT_IDENTIFY, IDENTIFY_NS);
    memset(p->memory->identity, 0, sizeof p->memory->identity);
    issue(p, &identify, p->phys + offsetof(struct ahci_memory, identity),
          sizeof p->memory->identity);
}

static bool step_ready(struct ahci_port *p)
{
    uint32_t tfd = get(p, PX_TFD);

    if (!(tfd & (ATA_BSY | ATA_DRQ)) && det(p) == DET_UP) {
        if (get(p, PX_SIG) == SIG_ATA)
            ask(p);
        else
            give_up(p);
        return true;
    }
    if (!is_late(p))
        return false;
    give_up(p);
    return true;
}

/* ---- A transfer's end ---------------------------------------------------- */

enum outcome { RUNNING, ENDED, FAILED };

/* The list first: a command that is not in it any more has its status. */
static enum outcome look(struct ahci_port *p, uint32_t *is)
{
    uint32_t ci = get(p, PX_CI);

    *is = get(p, PX_IS);
    if (*is) {
        put(p, PX_IS, *is);
        bus_write32(p->hba->bus, AHCI_IS, 1u << p->index);
    }
    if (!p->issued || ((ci & 1) && !(*is & IS_ERRORS)))
        return RUNNING;
    if ((ci & 1) || (*is & IS_ERRORS) ||
        (get(p, PX_TFD) & (ATA_BSY | ATA_DRQ | ATA_DF | ATA_ERR)))
        return FAILED;
    dma_rmb();
    return ENDED;
}

static const struct disk_ops ahci_ops;

/* One that was not there before. NULL: no memory, or there were too many. */
static struct disk *new_disk(struct ahci_port *p)
{
    struct disk *disk = p->disks < MAX_DISKS ? calloc(1, sizeof *disk) : NULL;

    if (!disk)
        return NULL;
    p->disks++;
    disk->ops = &ahci_ops;
    disk->driver = p;
    disk->unit = p->index;
    disk->dma_below = p->hba->dma_below;
    memcpy(disk->slot, p->hba->info.slot, sizeof disk->slot);
    snprintf(disk->label, sizeof disk->label, "ahci port %u at %.15s",
             p->index, disk->slot);
    ata_disk_describe(&p->id, disk, MAX_SECTORS);
    return disk;
}

/* IDENTIFY is done: it goes on with the disk that was there, or a new one. */
static void use(struct ahci_port *p, const struct ata_identity *id)
{
    struct disk *old = p->disk;

    p->id = *id;
    if (old && ata_disk_is_same(id, old)) {
        old->is_gone = false;
        enter(p, PORT_UP, 0);
        return;
    }
    give_up(p);
    p->disk = new_disk(p);
    if (!p->disk) {
        p->disk = old;
        return;
    }
    enter(p, PORT_UP, 0);
    p->hba->sink->add(p->hba->sink, p->disk);
}

static bool step_identify(struct ahci_port *p)
{
    const uint16_t *words = p->memory->identity;
    struct ata_identity id;
    uint32_t is;
    enum outcome outcome = look(p, &is);

    if (outcome == RUNNING && !is_late(p))
        return false;
    if (outcome != ENDED) {
        stop(p, p->identify_retries++ < MAX_RETRIES ? PORT_COMRESET
                                                    : PORT_EMPTY, 0);
        return true;
    }
    p->issued = false;
    p->identify_retries = 0;
    p->counts = p->memory->list[0].prdbc == p->bytes;
    if ((!p->counts && !ata_disk_identify_is_sure(words)) ||
        ata_disk_identify(words, &id))
        stop(p, PORT_EMPTY, 0);
    else
        use(p, &id);
    return true;
}

/* ---- At work ------------------------------------------------------------- */

static void ended(struct ahci_port *p)
{
    bool is_short = p->counts && p->memory->list[0].prdbc != p->bytes;

    p->issued = false;
    p->short_transfers += is_short;
    finish(p, is_short ? -EIO : 0);
}

/* The link's errors are worth another try, the disk's are not: it had its
 * own. */
static void failed(struct ahci_port *p, uint32_t is)
{
    bool by_link = is & IS_IFS;

    p->link_errors += by_link;
    stop(p, by_link ? PORT_COMRESET : PORT_UP,
         by_link && p->retries++ < MAX_RETRIES ? 0 : -EIO);
}

/*
 * The link went, or a disk has come, which may be the same without power for a
 * moment: what its cache had of earlier writes is not there any more.
 */
static void link_changed(struct ahci_port *p)
{
    p->lost |= p->unflushed;
    p->unflushed = false;
    stop(p, PORT_COMRESET, 0);
}

static bool step_up(struct ahci_port *p)
{
    uint32_t is;
    enum outcome outcome = look(p, &is);

    if (is & IS_LINK) {
        if (outcome == ENDED)
            ended(p);
        link_changed(p);
        return true;
    }
    if (outcome == RUNNING)
        return start_next(p, true);
    if (outcome == ENDED)
        ended(p);
    else
        failed(p, is);
    start_next(p, true);
    return true;
}

static bool step_empty(struct ahci_port *p)
{
    unsigned d = det(p);

    if (d == DET_NONE)
        p->given_up = false;
    if (d == DET_NONE || p->given_up)
        return false;
    stop(p, PORT_COMRESET, 0);
    return true;
}

static bool step_once(struct ahci_port *p)
{
    switch (p->state) {
    case PORT_STOPPING:
        return step_stopping(p);
    case PORT_COMRESET:
        return step_comreset(p);
    case PORT_LINK:
        return step_link(p);
    case PORT_READY:
        return step_ready(p);
    case PORT_IDENTIFY:
        return step_identify(p);
    case PORT_UP:
        return step_up(p);
    case PORT_EMPTY:
        return step_empty(p);
    case PORT_OFF:
        break;
    }
    return false;
}

bool ahci_port_step(struct ahci_port *p)
{
    bool any = false;

    if (ahci_is_pulled_out(p->hba)) {
        p->wants_hba_reset |= p->state != PORT_OFF;
        return false;
    }
    for (unsigned i = 0; i < MAX_STEPS && step_once(p); i++)
        any = true;
    return any;
}

void ahci_port_start(struct ahci_port *p)
{
    uint64_t received = p->phys + offsetof(struct ahci_memory, received);

    p->wants_hba_reset = p->armed = false;
    finish_stopped(p);
    put(p, PX_CLB, (uint32_t)p->phys);
    put(p, PX_CLBU, (uint32_t)(p->phys >> 32));
    put(p, PX_FB, (uint32_t)received);
    put(p, PX_FBU, (uint32_t)(received >> 32));
    put(p, PX_IE, 0);
    put(p, PX_CMD, CMD_ICC_ACTIVE | CMD_FRE | CMD_POD | CMD_SUD);
    clear_events(p);
    comreset(p);
}

void ahci_port_abandon(struct ahci_port *p)
{
    p->issued = p->wants_hba_reset = false;
    give_up(p);
    p->state = PORT_OFF;
}

/* ---- The disk's operations ----------------------------------------------- */

/* NULL: another disk is in its place. */
static struct ahci_port *port_of(const struct disk *disk)
{
    struct ahci_port *p = disk->driver;

    return p->disk == disk ? p : NULL;
}

static int ahci_open(struct disk *disk)
{
    struct ahci_port *p = port_of(disk);

    if (p && disk->is_gone) {
        p->given_up = false;
        p->identify_retries = 0;
        p->hba->controller.is_settled = false;
    }
    if (!p || disk->is_gone)
        return -ENODEV;
    p->lost = p->unflushed = false;
    disk->is_open = true;
    return 0;
}

/* All requests end with -EIO, as soon as the chip has stopped. */
static void end_all(struct ahci_port *p)
{
    fail_waiting(p, -EIO);
    if (p->issued || p->state == PORT_STOPPING)
        stop(p, p->state == PORT_STOPPING ? p->after : PORT_COMRESET, -EIO);
    else if (p->current)
        finish(p, -EIO);
    for (unsigned us = 0; p->state == PORT_STOPPING && us < PROMPT_US;
         us += PROMPT_STEP_US) {
        if (!step_stopping(p))
            bus_delay(p->hba->bus, PROMPT_STEP_US);
    }
}

static void ahci_close(struct disk *disk)
{
    struct ahci_port *p = port_of(disk);

    disk->is_open = false;
    if (p && (p->current || p->waiting.first))
        end_all(p);
}

static void ahci_recover(struct disk *disk)
{
    struct ahci_port *p = port_of(disk);

    if (p)
        end_all(p);
}

static int ahci_submit(struct disk *disk, struct disk_request *req)
{
    struct ahci_port *p = port_of(disk);
    int error;

    if (!p || disk->is_gone || !disk->is_open)
        return -ENODEV;
    error = disk_refuse(disk, req);
    if (error)
        return error;
    disk_queue_put(&p->waiting, req);
    start_next(p, false);
    return 0;
}

static bool ahci_poll(struct disk *disk)
{
    struct ahci_port *p = port_of(disk);

    if (!p)
        return false;
    if (p->armed) {
        put(p, PX_IE, 0);
        p->armed = false;
    }
    return ahci_port_step(p);
}

static void ahci_arm(struct disk *disk)
{
    struct ahci_port *p = port_of(disk);
    const struct bus *bus = p ? p->hba->bus : NULL;

    if (!p || p->armed || !bus->arm_irq)
        return;
    p->armed = true;
    bus->arm_irq(bus->ctx);
    put(p, PX_IE, IS_DONE | IS_LINK | IS_ERRORS);
    bus_write32(bus, AHCI_GHC, GHC_AE | GHC_IE);
    /* What ended since the last poll raises none. */
    if (p->issued && !(get(p, PX_CI) & 1) && bus->wake)
        bus->wake(bus->ctx);
}

static const char *ahci_counter(const struct disk *disk, unsigned i,
                                uint64_t *value)
{
    const struct ahci_port *p = disk->driver;

    if (i > 1)
        return NULL;
    *value = i ? p->short_transfers : p->link_errors;
    return i ? "short_transfers" : "link_errors";
}

static const struct disk_ops ahci_ops = {
    .name = "ahci", .open = ahci_open, .close = ahci_close,
    .submit = ahci_submit, .poll = ahci_poll, .arm = ahci_arm,
    .recover = ahci_recover, .counter = ahci_counter,
};
