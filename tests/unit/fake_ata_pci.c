/* See fake_ata_pci.h. */
#include "tests/unit/fake_ata_pci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/block/ata_disk.h"
#include "drivers/block/ata_regs.h"
#include "tests/unit/disk_driver_harness.h"

#define READY 0x50u
#define WANTS_DATA 0x58u

struct fake_ata_pci fake_ata_pci;

static struct fake_ata *selected(struct fake_channel *c)
{
    return c->disk[c->selected];
}

static bool is_empty(const struct fake_channel *c)
{
    return !c->disk[0] && !c->disk[1];
}

static void end(struct fake_channel *c, uint8_t error)
{
    c->error = error;
    c->status = READY | (error ? ATA_ERR : 0);
    c->left = 0;
}

/* ---- The bus master ------------------------------------------------------ */

static void move(struct fake_channel *c, const struct bm_region *r,
                 uint32_t left)
{
    uint32_t bytes = r->bytes ? r->bytes : BM_BORDER;

    assert_true(bytes <= left && r->addr % BM_BORDER + bytes <= BM_BORDER);
    assert_true(r->addr && r->addr % 2 == 0);
    if (c->dma.kind == FAKE_ATA_IN)
        memcpy((void *)(uintptr_t)r->addr, c->dma.data, bytes);
    else
        memcpy(c->dma.data, (void *)(uintptr_t)r->addr, bytes);
    c->dma.data += bytes;
    c->dma.bytes -= bytes;
}

static void run_master(struct fake_channel *c)
{
    const struct bm_region *r = (void *)(uintptr_t)c->bm_table;

    if (disk_bench.is_no_master || c->holds || !c->dma_waits ||
        !(c->bm_status & BM_ACTIVE))
        return;
    assert_int_equal((c->bm_command & BM_TO_MEMORY) != 0,
                     c->dma.kind == FAKE_ATA_IN);
    c->dma_waits = false;
    if (c->master_errors) {
        c->master_errors--;
        c->bm_status |= BM_ERROR;
        return;
    }
    if (c->crc_errors) {
        c->crc_errors--;
        end(c, ATA_ERROR_ICRC | 4);
        return;
    }
    for (; !c->is_short; r++) {
        move(c, r, c->dma.bytes);
        if (r->flags & BM_LAST)
            break;
    }
    if (!c->is_short) {
        assert_int_equal(c->dma.bytes, 0);
        c->bm_status &= (uint8_t)~BM_ACTIVE;
    }
    end(c, 0);
}

static uint8_t master_read8(void *ctx, uint32_t reg)
{
    struct fake_channel *c = &fake_ata_pci.channel[reg / BM_CHANNEL];

    if (disk_bench.is_gone || disk_bench.is_noise)
        return disk_bench.is_gone ? 0xff : (uint8_t)disk_bench_noise();
    return reg % BM_CHANNEL == BM_STATUS ? c->bm_status : c->bm_command;
}

static void master_write8(void *ctx, uint32_t reg, uint8_t v)
{
    struct fake_channel *c = &fake_ata_pci.channel[reg / BM_CHANNEL];

    if (disk_bench.is_gone || disk_bench.is_noise)
        return;
    if (reg % BM_CHANNEL == BM_STATUS) {
        c->bm_status &= (uint8_t)~(v & (BM_ERROR | BM_IRQ));
        return;
    }
    assert_int_equal(reg % BM_CHANNEL, BM_COMMAND);
    if ((v & BM_START) && !(c->bm_command & BM_START))
        c->bm_status |= BM_ACTIVE;
    if (!(v & BM_START) && !c->keeps_dma)
        c->bm_status &= (uint8_t)~BM_ACTIVE;
    c->bm_command = v;
    run_master(c);
}

static void master_write32(void *ctx, uint32_t reg, uint32_t v)
{
    if (disk_bench.is_gone || disk_bench.is_noise)
        return;
    assert_int_equal(reg % BM_CHANNEL, BM_TABLE);
    assert_int_equal(v % 4, 0);
    fake_ata_pci.channel[reg / BM_CHANNEL].bm_table = v;
}

static const struct bus master_bus = {
    .read8 = master_read8, .write8 = master_write8, .write32 = master_write32,
    DISK_BENCH_BUS,
};

/* ---- The devices --------------------------------------------------------- */

static void run_command(struct fake_channel *c, uint8_t command)
{
    bool is_48 = command == ATA_READ_EXT || command == ATA_WRITE_EXT ||
                 command == ATA_READ_DMA_EXT || command == ATA_WRITE_DMA_EXT;
    struct fake_ata_command cmd = { command, 0, is_48 ? c->count
                                                      : (uint8_t)c->count };
    struct fake_ata_result r;

    if (!selected(c))
        return;
    assert_false(c->status & (ATA_BSY | ATA_DRQ));
    assert_true(c->control & ATA_NIEN);
    for (unsigned i = 0; i < 3; i++)
        cmd.lba |= (uint64_t)(uint8_t)c->lba[i] << 8 * i |
                   (is_48 ? (uint64_t)(c->lba[i] >> 8) << (24 + 8 * i) : 0);
    cmd.lba |= is_48 ? 0 : (uint64_t)(c->device & 15) << 24;
    c->commands++;
    c->is_identify = command == ATA_IDENTIFY;
    c->busy = c->slow;
    r = fake_ata_run(selected(c), &cmd);
    if (r.kind == FAKE_ATA_REFUSED || r.kind == FAKE_ATA_NO_DATA) {
        end(c, r.error);
    } else {
        c->error = 0;
        c->status = WANTS_DATA;
        c->dma = r;
        c->dma_waits = r.by_dma;
        c->at = r.data;
        c->left = r.by_dma ? 0 : r.bytes;
        c->block = command == ATA_IDENTIFY ? 512 : selected(c)->block;
        c->is_out = r.kind == FAKE_ATA_OUT;
    }
    if (c->holds && !c->is_identify)
        c->status = ATA_BSY;
}

static void data_moved(struct fake_channel *c, bool is_out)
{
    assert_true(c->left >= 2 && c->is_out == is_out);
    assert_int_equal(c->status, WANTS_DATA);
    c->at += 2;
    c->left -= 2;
    if (c->left % c->block == 0 && (c->left || is_out))
        c->busy = c->slow;
    if (!c->left)
        end(c, 0);
    if (!c->left && c->wants_more && !c->is_identify)
        c->status = WANTS_DATA;
    if (c->left == c->block && c->wants_less && !c->is_identify)
        end(c, 0);
}

static uint8_t status(struct fake_channel *c)
{
    if (is_empty(c))
        return c->floating;
    if (!selected(c))
        return 0;
    if (c->busy) {
        c->busy--;
        return ATA_BSY;
    }
    return c->status;
}

static uint8_t block_read8(void *ctx, uint32_t reg)
{
    struct fake_channel *c = ctx;

    if (disk_bench.is_gone || disk_bench.is_noise)
        return disk_bench.is_gone ? 0xff : (uint8_t)disk_bench_noise();
    if (is_empty(c))
        return c->floating;
    switch (reg) {
    case ATA_ERROR: return c->error;
    case ATA_LBA_MID: return (uint8_t)c->lba[1];
    case ATA_LBA_HIGH: return (uint8_t)c->lba[2];
    case ATA_STATUS: return status(c);
    default: return 0;
    }
}

static void block_write8(void *ctx, uint32_t reg, uint8_t v)
{
    struct fake_channel *c = ctx;

    if (disk_bench.is_gone || disk_bench.is_noise)
        return;
    switch (reg) {
    case ATA_COUNT: c->count = (uint16_t)(c->count << 8 | v); break;
    case ATA_LBA_LOW:
    case ATA_LBA_MID:
    case ATA_LBA_HIGH:
        c->lba[reg - ATA_LBA_LOW] =
            (uint16_t)(c->lba[reg - ATA_LBA_LOW] << 8 | v);
        break;
    case ATA_DEVICE:
        c->device = v;
        c->selected = v & ATA_DEVICE_1 ? 1 : 0;
        break;
    case ATA_COMMAND: run_command(c, v); break;
    default: break;
    }
}

static uint16_t block_read16(void *ctx, uint32_t reg)
{
    struct fake_channel *c = ctx;
    uint16_t v;

    if (disk_bench.is_gone || disk_bench.is_noise)
        return (uint16_t)disk_bench_noise();
    memcpy(&v, c->at, sizeof v);
    data_moved(c, false);
    return v;
}

static void block_write16(void *ctx, uint32_t reg, uint16_t v)
{
    struct fake_channel *c = ctx;

    if (disk_bench.is_gone || disk_bench.is_noise)
        return;
    memcpy(c->at, &v, sizeof v);
    data_moved(c, true);
}

static uint8_t control_read8(void *ctx, uint32_t reg)
{
    if (disk_bench.is_gone || disk_bench.is_noise)
        return disk_bench.is_gone ? 0xff : (uint8_t)disk_bench_noise();
    assert_int_equal(reg, fake_ata_pci.is_native ? 2 : 0);
    return status(ctx);
}

static void control_write8(void *ctx, uint32_t reg, uint8_t v)
{
    struct fake_channel *c = ctx;

    if (disk_bench.is_gone || disk_bench.is_noise)
        return;
    assert_int_equal(reg, fake_ata_pci.is_native ? 2 : 0);
    if ((c->control & ATA_SRST) && !(v & ATA_SRST)) {
        assert_true(!(c->bm_status & BM_ACTIVE) || disk_bench.is_no_master);
        c->resets++;
        c->selected = 0;
        c->status = c->never_ready ? ATA_BSY : READY;
        c->lba[1] = c->is_atapi ? 0x14 : 0;
        c->lba[2] = c->is_atapi ? 0xeb : 0;
        c->left = 0;
        c->dma_waits = false;
    }
    c->control = v;
}

static const struct bus block_bus[2] = {
    { .ctx = &fake_ata_pci.channel[0], .read8 = block_read8,
      .write8 = block_write8, .read16 = block_read16,
      .write16 = block_write16, DISK_BENCH_BUS },
    { .ctx = &fake_ata_pci.channel[1], .read8 = block_read8,
      .write8 = block_write8, .read16 = block_read16,
      .write16 = block_write16, DISK_BENCH_BUS },
};
static const struct bus control_bus[2] = {
    { .ctx = &fake_ata_pci.channel[0], .read8 = control_read8,
      .write8 = control_write8, DISK_BENCH_BUS },
    { .ctx = &fake_ata_pci.channel[1], .read8 = control_read8,
      .write8 = control_write8, DISK_BENCH_BUS },
};

static const struct bus *window(void *ctx, unsigned bar)
{
    if (bar == 4)
        return fake_ata_pci.no_master ? NULL : &master_bus;
    assert_true(bar < 4 && fake_ata_pci.is_native);
    return bar % 2 ? &control_bus[bar / 2] : &block_bus[bar / 2];
}

static const struct bus *ports(void *ctx, uint16_t port, unsigned count)
{
    assert_false(fake_ata_pci.is_native);
    switch (port) {
    case 0x1f0: return &block_bus[0];
    case 0x3f6: return &control_bus[0];
    case 0x170: return &block_bus[1];
    case 0x376: return &control_bus[1];
    default: return NULL;
    }
}

const struct bus fake_ata_pci_bus = { .window = window, .ports = ports,
                                      DISK_BENCH_BUS };

void fake_ata_pci_make(void)
{
    fake_ata_pci = (struct fake_ata_pci){ 0 };
    fake_ata_pci.channel[0].floating = 0xff;
    fake_ata_pci.channel[1].floating = 0x7f;
}
