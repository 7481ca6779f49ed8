/* See ata_channel.h. Section numbers are those of Bus Master IDE 1.0. */
#include "drivers/block/ata_channel.h"

#include "drivers/block/disk_dma.h"

static void put8(const struct ata_channel *c, uint32_t reg, uint8_t v)
{
    bus_write8(c->master, c->master_reg + reg, v);
}

/* 1.2 */
void ata_dma_prepare(struct ata_channel *c, const struct disk_request *req)
{
    uint32_t left = req->count * DISK_SECTOR;
    uint32_t addr = (uint32_t)req->phys;
    unsigned n = 0;

    while (left) {
        uint32_t bytes = BM_BORDER - addr % BM_BORDER;

        if (bytes > left)
            bytes = left;
        left -= bytes;
        c->table[n++] = (struct bm_region){ addr, (uint16_t)bytes,
                                            left ? 0 : BM_LAST };
        addr += bytes;
    }
    __atomic_thread_fence(__ATOMIC_RELEASE);
    bus_write32(c->master, c->master_reg + BM_TABLE, (uint32_t)c->table_phys);
    put8(c, BM_COMMAND, req->op == DISK_READ ? BM_TO_MEMORY : 0);
    /* Written ones clear these two; the rest is the firmware's. */
    put8(c, BM_STATUS, bus_read8(c->master, c->master_reg + BM_STATUS) |
                       BM_ERROR | BM_IRQ);
}

void ata_dma_start(struct ata_channel *c, bool is_write)
{
    put8(c, BM_COMMAND, BM_START | (is_write ? 0 : BM_TO_MEMORY));
}

bool ata_dma_stop(struct ata_channel *c)
{
    uint8_t status;

    put8(c, BM_COMMAND, 0);
    status = bus_read8(c->master, c->master_reg + BM_STATUS);
    return status == 0xff || !(status & BM_ACTIVE);
}

bool ata_dma_is_free(struct ata_channel *c)
{
    uint8_t both = bus_read8(c->master, BM_STATUS) |
                   bus_read8(c->master, BM_CHANNEL + BM_STATUS);

    if (*c->master_off && !(both & BM_ACTIVE)) {
        disk_dma_allow(c->master);
        *c->master_off = false;
    }
    return !*c->master_off;
}
