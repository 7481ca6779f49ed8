/* See fake_ide.h. */
#include "tests/unit/fake_ide.h"

#include <stdlib.h>
#include <string.h>

#define IDE_DEVFN 0x09u

static const uint16_t base[2] = { 0x1f0, 0x170 };

void fake_ide_init(struct fake_ide *f, unsigned disks, unsigned cds,
                   uint64_t sectors)
{
    *f = (struct fake_ide){ .m = fake_machine_new() };
    for (unsigned i = 0; i < 4; i++) {
        if (!((disks | cds) & 1u << i))
            continue;
        fake_disk_init(&f->disk[i], sectors);
        f->unit[i] = (struct machine_ide){
            .disk = &f->disk[i].dev, .is_cdrom = cds & 1u << i,
        };
    }
}

void fake_ide_start(struct fake_ide *f)
{
    f->bus = pci_bus_create(f->m);
    f->ide = ide_create(f->m, f->bus, IDE_DEVFN, fake_irq_line(&f->irq[0]),
                        fake_irq_line(&f->irq[1]), f->unit);
    if (!f->ide)
        abort();
    pci_config_write(f->bus, IDE_DEVFN, 0x20, 4, BM_BASE);
    pci_config_write(f->bus, IDE_DEVFN, 0x04, 2, 0x0005);
}

void fake_ide_free(struct fake_ide *f)
{
    ide_destroy(f->ide);
    pci_bus_destroy(f->bus);
    for (unsigned i = 0; i < 4; i++)
        fake_disk_free(&f->disk[i]);
    fake_machine_free(f->m);
}

uint8_t fi_in(struct fake_ide *f, unsigned channel, unsigned reg)
{
    return fake_in(f->m, base[channel] + reg, 1);
}

void fi_out(struct fake_ide *f, unsigned channel, unsigned reg, uint8_t v)
{
    fake_out(f->m, base[channel] + reg, 1, v);
}

uint8_t fi_alt(struct fake_ide *f, unsigned channel)
{
    return fake_in(f->m, base[channel] + 0x206, 1);
}

void fi_control(struct fake_ide *f, unsigned channel, uint8_t v)
{
    fake_out(f->m, base[channel] + 0x206, 1, v);
}

void fi_read(struct fake_ide *f, unsigned channel, void *buf, unsigned words)
{
    struct device *d = (struct device *)f->ide;

    if (d->ops->io_read_block(d, base[channel], 2, buf, words) != words)
        abort();
}

void fi_write(struct fake_ide *f, unsigned channel, const void *buf,
              unsigned words)
{
    struct device *d = (struct device *)f->ide;

    if (d->ops->io_write_block(d, base[channel], 2, buf, words) != words)
        abort();
}

void fi_lba28(struct fake_ide *f, unsigned unit, uint8_t command, uint32_t lba,
              uint8_t count)
{
    unsigned c = unit / 2;

    fi_out(f, c, 6, 0xe0 | (unit & 1) << 4 | (lba >> 24 & 15));
    fi_out(f, c, 2, count);
    fi_out(f, c, 3, lba);
    fi_out(f, c, 4, lba >> 8);
    fi_out(f, c, 5, lba >> 16);
    fi_out(f, c, 7, command);
}

void fi_lba48(struct fake_ide *f, unsigned unit, uint8_t command, uint64_t lba,
              uint16_t count)
{
    unsigned c = unit / 2;

    fi_out(f, c, 6, 0xe0 | (unit & 1) << 4);
    fi_out(f, c, 2, count >> 8);
    fi_out(f, c, 2, count);
    for (unsigned i = 0; i < 3; i++) {
        fi_out(f, c, 3 + i, lba >> (24 + 8 * i));
        fi_out(f, c, 3 + i, lba >> 8 * i);
    }
    fi_out(f, c, 7, command);
}

void fi_prd(struct fake_ide *f, unsigned i, uint32_t addr, uint32_t len,
            bool last)
{
    uint32_t prd[2] = { addr, (len & 0xffff) | (last ? 0x80000000u : 0) };

    memcpy(fake_ram(f->m) + PRD_TABLE + 8 * i, prd, 8);
}

void fi_bm_start(struct fake_ide *f, unsigned channel, bool to_memory)
{
    uint16_t bm = BM_BASE + 8 * channel;

    fake_out(f->m, bm + 4, 4, PRD_TABLE);
    fake_out(f->m, bm, 1, to_memory ? 8 : 0);
    fake_out(f->m, bm + 2, 1, 0x66);
    fake_out(f->m, bm, 1, to_memory ? 9 : 1);
}

void fi_bm_stop(struct fake_ide *f, unsigned channel)
{
    fake_out(f->m, BM_BASE + 8 * channel, 1, 0);
}

uint8_t fi_bm_status(struct fake_ide *f, unsigned channel)
{
    return fake_in(f->m, BM_BASE + 8 * channel + 2, 1) & 7;
}

bool fi_take_irq(struct fake_ide *f, unsigned channel, uint8_t *status)
{
    bool was = f->irq[channel].level;

    *status = fi_in(f, channel, 7);
    return was;
}
