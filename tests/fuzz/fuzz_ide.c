/* Ports, descriptors in memory, packets and slow or bad disks against IDE. */
// covers: emu/dev/ide.c emu/dev/ide_io.c emu/dev/ide_data.c emu/dev/ide_dma.c
// covers: emu/dev/ata.c emu/dev/ata_identify.c
// covers: emu/dev/atapi.c emu/dev/atapi_command.c
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/input.h"
#include "tests/unit/fake_ide.h"

#define DEVFN 0x09u
#define BLOCK_MAX 4096u
#define UNITS 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fake_ide f;
static struct input in;

/* hda: a disk; hdb: a large read-only one; hdc: a CD; hdd: an empty drive. */
static void start(void)
{
    fake_ide_init(&f, 3, 4, 3000);
    f.disk[1].dev.sectors = 1ull << 40;
    f.disk[1].dev.read_only = true;
    f.unit[3].is_cdrom = true;
    fake_ide_start(&f);
}

static void block(unsigned channel, bool out)
{
    static uint8_t buf[BLOCK_MAX * 4];
    struct device *d = (struct device *)f.ide;
    uint16_t port = channel ? 0x170 : 0x1f0;
    unsigned size = input_size(&in);
    unsigned count = input_u16(&in) % BLOCK_MAX + 1;

    if (out) {
        memset(buf, input_u8(&in), sizeof buf);
        d->ops->io_write_block(d, port, size, buf, count);
    } else {
        d->ops->io_read_block(d, port, size, buf, count);
    }
}

/* A whole command, with an address that is now and then on the disk. */
static void command(unsigned unit)
{
    static const uint8_t often[16] = {
        0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x40, 0x42, 0xc4,
        0xc5, 0xc8, 0xca, 0xe7, 0xef,
    };
    uint8_t pick = input_u8(&in);
    uint8_t op = pick & 0x80 ? often[pick & 15] : input_u8(&in);
    uint32_t lba = pick & 0x40 ? input_u32(&in) : input_u8(&in);

    fi_out(&f, unit / 2, 1, input_u8(&in));
    if (pick & 0x20)
        fi_lba48(&f, unit, op, (uint64_t)lba << (pick & 16), input_u16(&in));
    else
        fi_lba28(&f, unit, op, lba, input_u8(&in));
}

/* A packet command with its twelve bytes. */
static void packet(unsigned unit)
{
    static const uint8_t often[16] = {
        0x00, 0x03, 0x12, 0x1b, 0x1e, 0x25, 0x28, 0x2b, 0x43, 0x46, 0x4a,
        0x5a, 0xa8, 0xbd, 0xbe, 0x28,
    };
    uint8_t cdb[12], pick = input_u8(&in);

    for (unsigned i = 0; i < sizeof cdb; i++)
        cdb[i] = input_u8(&in);
    if (pick & 0x80)
        cdb[0] = often[pick & 15];
    if (pick & 0x40)            /* a near address */
        cdb[2] = cdb[3] = cdb[4] = cdb[6] = cdb[7] = 0;
    fi_out(&f, unit / 2, 6, unit & 1 ? 0xb0 : 0xa0);
    fi_out(&f, unit / 2, 1, pick >> 4 & 3);
    fi_out(&f, unit / 2, 4, input_u8(&in));
    fi_out(&f, unit / 2, 5, input_u8(&in));
    fi_out(&f, unit / 2, 7, 0xa0);
    fi_write(&f, unit / 2, cdb, 6);
}

static void descriptors(void)
{
    unsigned n = input_u8(&in) & 15;

    for (unsigned i = 0; i <= n; i++) {
        uint32_t addr = input_u32(&in);

        fi_prd(&f, i, addr & 0x80000000 ? addr : addr & (FAKE_RAM_BYTES - 1),
               input_u16(&in), i == n && !(addr & 0x40000000));
    }
}

/* The disks' own moods. */
static void mood(uint8_t op)
{
    struct fake_disk *d = &f.disk[op >> 4 & 3];

    if (!d->data)               /* the empty drive has none */
        return;
    switch (op >> 6) {
    case 0:
        d->deferred = !d->deferred;
        break;
    case 1:
        d->bad_sector = input_u8(&in);
        break;
    case 2:
        fake_disk_complete(d);
        break;
    default:
        d->fail_flush = !d->fail_flush;
        break;
    }
}

static void step(void)
{
    uint8_t op = input_u8(&in);
    unsigned unit = op >> 6, channel = op >> 7, reg = op >> 3 & 7, size;
    struct device *d = (struct device *)f.ide;

    switch (op & 7) {
    case 0:
        size = input_size(&in);
        fake_out(f.m, (channel ? 0x170 : 0x1f0) + reg, size, input_u32(&in));
        break;
    case 1:
        fake_in(f.m, (channel ? 0x170 : 0x1f0) + reg, input_size(&in));
        fi_alt(&f, channel);
        break;
    case 2:
        command(unit);
        break;
    case 3:
        packet(unit);
        break;
    case 4:
        block(channel, op & 8);
        break;
    case 5:
        descriptors();
        fi_bm_start(&f, channel, op & 8);
        if (op & 16)
            fi_bm_stop(&f, channel);
        break;
    case 6:
        if (reg == 7)
            d->ops->reset(d);
        else if (reg == 6)
            fi_control(&f, channel, input_u8(&in));
        else
            fake_out(f.m, BM_BASE + input_u8(&in) % 16, input_size(&in),
                     input_u32(&in));
        fake_in(f.m, BM_BASE + reg, 4);
        break;
    case 7:
        mood(op);
        break;
    }
}

/* Healthy disks, the drives' power-on state, BAR4 in its place. */
static void calm(void)
{
    struct device *d = (struct device *)f.ide;

    for (unsigned i = 0; i < UNITS; i++) {
        f.disk[i].deferred = f.disk[i].fail_flush = false;
        f.disk[i].bad_sector = UINT64_MAX;
    }
    ide_poll(f.ide);
    d->ops->reset(d);
    pci_config_write(f.bus, DEVFN, 0x20, 4, BM_BASE);
    pci_config_write(f.bus, DEVFN, 0x04, 2, 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[300];

    if (!f.m)
        start();
    in = (struct input){ data, size };
    while (input_more(&in))
        step();
    ide_format(f.ide, text, sizeof text);
    if (size % 64 == 0) {       /* the end comes with requests in flight */
        ide_destroy(f.ide);
        f.ide = NULL;
        for (unsigned i = 0; i < UNITS; i++)
            while (fake_disk_complete(&f.disk[i]))
                ;
        fake_ide_free(&f);
        memset(&f, 0, sizeof f);
    } else {
        calm();
    }
    return 0;
}
