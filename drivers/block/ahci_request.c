/* See ahci_port.h: requests as commands of slot 0. Section numbers are those of
 * AHCI 1.3.1. */
#include "drivers/block/ahci_port.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

void ahci_finish(struct ahci_port *p, int error)
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
void ahci_finish_stopped(struct ahci_port *p)
{
    p->issued = false;
    if (p->current && p->error)
        ahci_finish(p, p->error);
    p->error = 0;
}

void ahci_fail_waiting(struct ahci_port *p, int error)
{
    if (p->disk)
        disk_queue_done(&p->waiting, p->disk, error);
}

/* 4.2, and the FIS of SATA 3.0 10.3.4. */
void ahci_issue(struct ahci_port *p, const struct ata_command *c,
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
    __atomic_thread_fence(__ATOMIC_RELEASE);
    ahci_put(p, PX_CI, 1);
}

static bool is_empty_flush(const struct ahci_port *p)
{
    return p->current->op == DISK_FLUSH && (!p->id.write_cache || p->lost);
}

/* `may_finish`: not within submit. True: something is done or begun. */
bool ahci_start_next(struct ahci_port *p, bool may_finish)
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
        ahci_finish(p, lost ? -EIO : 0);
        return true;
    }
    c = ata_disk_command(&p->id, p->current, true);
    ahci_issue(p, &c, p->current->phys,
               p->current->op == DISK_FLUSH
                   ? 0 : p->current->count * DISK_SECTOR);
    return true;
}

/* The list first: a command that is not in it any more has its status. */
enum outcome ahci_look(struct ahci_port *p, uint32_t *is)
{
    uint32_t ci = ahci_get(p, PX_CI);

    *is = ahci_get(p, PX_IS);
    if (*is) {
        ahci_put(p, PX_IS, *is);
        bus_write32(p->hba->bus, AHCI_IS, 1u << p->index);
    }
    if (!p->issued || ((ci & 1) && !(*is & IS_ERRORS)))
        return RUNNING;
    if ((ci & 1) || (*is & IS_ERRORS) ||
        (ahci_get(p, PX_TFD) & (ATA_BSY | ATA_DRQ | ATA_DF | ATA_ERR)))
        return FAILED;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return ENDED;
}
