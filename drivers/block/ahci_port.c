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
    ahci_put(p, PX_SERR, ~0u);
    ahci_put(p, PX_IS, ~0u);
    bus_write32(p->hba->bus, AHCI_IS, 1u << p->index);
}

/* ---- Stopping (10.1.2, 6.2.2) -------------------------------------------- */

/* The current request is then done with `error`, or with 0 issued again. */
static void stop(struct ahci_port *p, enum ahci_port_state after, int error)
{
    ahci_put(p, PX_CMD, ahci_get(p, PX_CMD) & ~(uint32_t)CMD_ST);
    p->after = after;
    if (error)
        p->error = error;
    enter(p, PORT_STOPPING, STOP_NS);
}

static void comreset(struct ahci_port *p)
{
    if (p->disk)
        p->disk->counters.resets++;
    ahci_put(p, PX_SCTL, SCTL_DET_INIT);
    enter(p, PORT_COMRESET, COMRESET_NS);
}

static void give_up(struct ahci_port *p)
{
    p->given_up = true;
    enter(p, PORT_EMPTY, 0);
    if (!p->disk)
        return;
    disk_gone(p->disk);
    p->lost = p->unflushed = false;
    if (p->current)
        ahci_finish(p, -ENODEV);
    ahci_fail_waiting(p, -ENODEV);
}

static void run(struct ahci_port *p)
{
    clear_events(p);
    ahci_put(p, PX_CMD, ahci_get(p, PX_CMD) | CMD_ST);
}

static bool step_stopping(struct ahci_port *p)
{
    if (ahci_get(p, PX_CMD) & CMD_CR) {
        if (is_late(p) && !p->wants_hba_reset) {
            p->wants_hba_reset = true;
            p->hba->controller.is_settled = false;
        }
        return false;
    }
    p->issued = false;
    if (p->after == PORT_UP && (ahci_get(p, PX_TFD) & (ATA_BSY | ATA_DRQ)))
        p->after = PORT_COMRESET;       /* 6.2.2.1 */
    if (p->after == PORT_UP) {
        run(p);
        enter(p, PORT_UP, 0);
    } else if (p->after == PORT_COMRESET) {
        comreset(p);
    } else {
        give_up(p);
    }
    ahci_finish_stopped(p);
    return true;
}

/* ---- What is there ------------------------------------------------------- */

static unsigned det(const struct ahci_port *p)
{
    return ahci_get(p, PX_SSTS) & DET_MASK;
}

static bool step_comreset(struct ahci_port *p)
{
    if (!is_late(p))
        return false;
    ahci_put(p, PX_SCTL, SCTL_DET_NONE);
    enter(p, PORT_LINK, LINK_SLOW_NS);
    return true;
}

static bool step_link(struct ahci_port *p)
{
    unsigned d = det(p);

    if (d == DET_UP) {
        ahci_put(p, PX_SERR, ~0u);
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

/* What is there now cannot be used, and why is told. */
static void leave_out(struct ahci_port *p, const char *why)
{
    char text[80];

    snprintf(text, sizeof text, "port %u left out: %s", p->index, why);
    p->hba->sink->left_out(p->hba->sink, text);
}

static void ask(struct ahci_port *p)
{
    static const struct ata_command identify = { .command = ATA_IDENTIFY };

    run(p);
    enter(p, PORT_IDENTIFY, IDENTIFY_NS);
    memset(p->memory->identity, 0, sizeof p->memory->identity);
    ahci_issue(p, &identify,
               p->phys + offsetof(struct ahci_memory, identity),
               sizeof p->memory->identity);
}

static bool step_ready(struct ahci_port *p)
{
    uint32_t tfd = ahci_get(p, PX_TFD);

    if (!(tfd & (ATA_BSY | ATA_DRQ)) && det(p) == DET_UP) {
        uint32_t sig = ahci_get(p, PX_SIG);

        if (sig == SIG_ATA)
            ask(p);
        else
            give_up(p);
        if (sig == SIG_MULTIPLIER)
            leave_out(p, "port multipliers are not supported");
        return true;
    }
    if (!is_late(p))
        return false;
    leave_out(p, "it does not get ready");
    give_up(p);
    return true;
}

/* ---- Its disk ---------------------------------------------------------- */

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
    const char *why;
    uint32_t is;
    enum outcome outcome = ahci_look(p, &is);

    if (outcome == RUNNING && !is_late(p))
        return false;
    if (outcome != ENDED) {
        bool again = p->identify_retries++ < MAX_RETRIES;

        if (!again)
            leave_out(p, "it does not say what it is");
        stop(p, again ? PORT_COMRESET : PORT_EMPTY, 0);
        return true;
    }
    p->issued = false;
    p->identify_retries = 0;
    p->counts = p->memory->list[0].prdbc == p->bytes;
    why = p->counts || ata_disk_identify_is_sure(words)
              ? ata_disk_identify(words, &id)
              : "what it says of itself is cut off";
    if (why) {
        leave_out(p, why);
        stop(p, PORT_EMPTY, 0);
    } else {
        use(p, &id);
    }
    return true;
}

/* ---- At work ------------------------------------------------------------- */

static void ended(struct ahci_port *p)
{
    bool is_short = p->counts && p->memory->list[0].prdbc != p->bytes;

    p->issued = false;
    p->short_transfers += is_short;
    ahci_finish(p, is_short ? -EIO : 0);
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
    enum outcome outcome = ahci_look(p, &is);

    if (is & IS_LINK) {
        if (outcome == ENDED)
            ended(p);
        link_changed(p);
        return true;
    }
    if (outcome == RUNNING)
        return ahci_start_next(p, true);
    if (outcome == ENDED)
        ended(p);
    else
        failed(p, is);
    ahci_start_next(p, true);
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
    ahci_finish_stopped(p);
    ahci_put(p, PX_CLB, (uint32_t)p->phys);
    ahci_put(p, PX_CLBU, (uint32_t)(p->phys >> 32));
    ahci_put(p, PX_FB, (uint32_t)received);
    ahci_put(p, PX_FBU, (uint32_t)(received >> 32));
    ahci_put(p, PX_IE, 0);
    ahci_put(p, PX_CMD, CMD_ICC_ACTIVE | CMD_FRE | CMD_POD | CMD_SUD);
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
    ahci_fail_waiting(p, -EIO);
    if (p->issued || p->state == PORT_STOPPING)
        stop(p, p->state == PORT_STOPPING ? p->after : PORT_COMRESET, -EIO);
    else if (p->current)
        ahci_finish(p, -EIO);
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
    ahci_start_next(p, false);
    return 0;
}

static bool ahci_poll(struct disk *disk)
{
    struct ahci_port *p = port_of(disk);

    if (!p)
        return false;
    if (p->armed) {
        ahci_put(p, PX_IE, 0);
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
    ahci_put(p, PX_IE, IS_DONE | IS_LINK | IS_ERRORS);
    bus_write32(bus, AHCI_GHC, GHC_AE | GHC_IE);
    /* What ended since the last poll raises none. */
    if (p->issued && !(ahci_get(p, PX_CI) & 1) && bus->wake)
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
