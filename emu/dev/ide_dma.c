/*
 * The bus master of a channel ("Programming Interface for Bus Master IDE
 * Controller" 1.0). The status bits at the end of a command follow its table
 * of how the two can end: a PRD table longer than the command leaves ACTIVE
 * set with INTERRUPT; one that is shorter clears ACTIVE while the drive waits
 * on.
 */
#include "emu/dev/ide_internal.h"

enum { BM_START = 0x01, BM_TO_MEMORY = 0x08 };
enum { BMS_ACTIVE = 0x01, BMS_ERROR = 0x02, BMS_INTERRUPT = 0x04,
       BMS_CAPABLE = 0x60 };
#define PRD_EOT 0x80000000u

static void bm_abort(struct ide_channel *ch, const char *why)
{
    ide_refuse(ch, why);
    ch->bm.status |= BMS_ERROR;
    ch->bm.status &= ~BMS_ACTIVE;
}

/* Fetch the next physical region descriptor; false: there is none. */
static bool bm_next(struct ide_channel *ch)
{
    struct ide_busmaster *bm = &ch->bm;
    uint8_t prd[8];
    uint32_t word;

    if (bm->last) {
        bm->status &= ~BMS_ACTIVE;
        return false;
    }
    if (machine_dma_read(ch->ide->pci.dev.machine, bm->next, prd, sizeof prd)) {
        bm_abort(ch, "ide: PRD table outside memory");
        return false;
    }
    bm->address = (prd[0] | prd[1] << 8 | prd[2] << 16 |
                   (uint32_t)prd[3] << 24) & ~1u;
    word = prd[4] | prd[5] << 8 | prd[6] << 16 | (uint32_t)prd[7] << 24;
    bm->count = word & 0xfffe;
    if (!bm->count)
        bm->count = 0x10000;
    bm->last = word & PRD_EOT;
    bm->next += sizeof prd;
    /* Forbidden by the specification; the address just counts on here. */
    if ((bm->address & 0xffff) + bm->count > 0x10000)
        ide_refuse(ch, "ide: PRD crosses 64 KiB");
    return true;
}

static bool bm_move(struct ide_channel *ch, bool in)
{
    struct ide_busmaster *bm = &ch->bm;
    struct ide_xfer *x = &ch->xfer;
    struct machine *m = ch->ide->pci.dev.machine;
    uint8_t *buf = ch->io->buf + x->pos;
    uint32_t n = x->end - x->pos;
    int error;

    if (n > bm->count)
        n = bm->count;
    error = in ? machine_dma_write(m, bm->address, buf, n)
               : machine_dma_read(m, bm->address, buf, n);
    if (error) {
        bm_abort(ch, "ide: PRD outside memory");
        return false;
    }
    bm->address += n;
    bm->count -= n;
    x->pos += n;
    return true;
}

/* Move what both the drive and the bus master are ready for. */
static void bm_run(struct ide_channel *ch)
{
    struct ide_busmaster *bm = &ch->bm;
    struct ide_xfer *x = &ch->xfer;
    bool in = x->kind == XFER_DMA_IN;

    if (!(bm->status & BMS_ACTIVE) || (!in && x->kind != XFER_DMA_OUT))
        return;
    if (!pci_bus_master(&ch->ide->pci)) {
        ide_refuse(ch, "ide: DMA without bus master enable");
        return;
    }
    if (in != !!(bm->command & BM_TO_MEMORY)) {
        bm_abort(ch, "ide: DMA direction");
        return;
    }
    while (x->pos < x->end) {
        if (!bm->count && !bm_next(ch))
            return;
        if (!bm_move(ch, in))
            return;
    }
    if (!bm->count && bm->last)
        bm->status &= ~BMS_ACTIVE;
    x->kind = XFER_NONE;
    ch->active->status = ST_BSY;
    x->then(ch);
}

void ide_dma_start(struct ide_channel *ch, bool in, uint32_t pos, uint32_t end,
                   void (*then)(struct ide_channel *ch))
{
    ch->xfer = (struct ide_xfer){
        .kind = in ? XFER_DMA_IN : XFER_DMA_OUT,
        .pos = pos,
        .end = end,
        .then = then,
    };
    /* BSY or DRQ may be set in the DMA protocol (ATA/ATAPI-6 chapter 9). */
    ch->active->status = ST_READY | ST_DRQ;
    bm_run(ch);
}

void ide_dma_reset(struct ide_channel *ch)
{
    ch->bm = (struct ide_busmaster){ .status = ch->bm.status & BMS_CAPABLE };
}

void ide_bm_interrupt(struct ide_channel *ch)
{
    ch->bm.status |= BMS_INTERRUPT;
}

uint8_t ide_bm_read(const struct ide_channel *ch, unsigned reg)
{
    switch (reg) {
    case 0:
        return ch->bm.command;
    case 2:
        return ch->bm.status;
    case 4: case 5: case 6: case 7:
        return ch->bm.table >> 8 * (reg - 4);
    default:
        return 0;
    }
}

static void bm_command(struct ide_channel *ch, uint8_t value)
{
    struct ide_busmaster *bm = &ch->bm;
    bool was_on = bm->command & BM_START;

    /* The direction must not change while it runs. */
    if (!was_on)
        bm->command = value & (BM_START | BM_TO_MEMORY);
    if (was_on && !(value & BM_START)) {
        bm->command = value & BM_TO_MEMORY;
        bm->status &= ~BMS_ACTIVE;
    } else if (!was_on && (value & BM_START)) {
        bm->next = bm->table;
        bm->count = 0;
        bm->last = false;
        bm->status |= BMS_ACTIVE;
        bm_run(ch);
    }
}

void ide_bm_write(struct ide_channel *ch, unsigned reg, uint8_t value)
{
    struct ide_busmaster *bm = &ch->bm;
    unsigned shift = 8 * (reg & 3);

    switch (reg) {
    case 0:
        bm_command(ch, value);
        break;
    case 2:
        bm->status &= ~(value & (BMS_ERROR | BMS_INTERRUPT));
        bm->status = (bm->status & ~BMS_CAPABLE) | (value & BMS_CAPABLE);
        break;
    case 4: case 5: case 6: case 7:
        bm->table &= ~(0xffu << shift);
        bm->table |= (uint32_t)value << shift;
        bm->table &= ~3u;
        break;
    default:
        break;
    }
}
