/* The IDE controller with ATA disks: emu/dev/ide*.c, ata*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_ide.h"

#define SECTORS 42336u          /* 42 x 16 x 63 */

static void start(struct fake_ide *f, unsigned disks, uint64_t sectors)
{
    fake_ide_init(f, disks, 0, sectors);
    fake_ide_start(f);
}

static void assert_irq(struct fake_ide *f, unsigned channel, uint8_t status)
{
    uint8_t st;

    assert_true(fi_take_irq(f, channel, &st));
    assert_int_equal(st, status);
    assert_false(f->irq[channel].level);
}

static void assert_sector(const uint8_t *buf, uint64_t sector)
{
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(buf[i], fake_disk_byte(sector, i));
}

static void fill(uint8_t *buf, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        buf[i] = i * 11 + seed + (i >> 8);
}

/* The PRDs of one `len`-byte buffer at DMA_BUF. */
static void prd_whole(struct fake_ide *f, uint32_t len)
{
    uint32_t at = 0;
    unsigned i = 0;

    do {
        uint32_t n = len - at < 0x10000 ? len - at : 0x10000;

        fi_prd(f, i++, DMA_BUF + at, n, at + n == len);
        at += n;
    } while (at < len);
}

/* ---- Which units are there ---------------------------------------------- */

static void test_signature(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    assert_int_equal(fi_in(&f, 0, 7), S_READY);
    assert_int_equal(fi_in(&f, 0, 1), 1);
    assert_int_equal(fi_in(&f, 0, 2), 1);
    assert_int_equal(fi_in(&f, 0, 3), 1);
    assert_int_equal(fi_in(&f, 0, 4), 0);
    assert_int_equal(fi_in(&f, 0, 5), 0);
    fake_ide_free(&f);
}

/* Device 0 answers for the missing device 1, with status 0. */
static void test_absent_slave(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    fi_out(&f, 0, 6, 0xb0);
    assert_int_equal(fi_in(&f, 0, 6), 0xb0);
    fi_out(&f, 0, 2, 0x55);
    fi_out(&f, 0, 3, 0xaa);
    assert_int_equal(fi_in(&f, 0, 2), 0x55);
    assert_int_equal(fi_in(&f, 0, 3), 0xaa);
    assert_int_equal(fi_in(&f, 0, 7), 0);
    fi_out(&f, 0, 7, 0xec);
    assert_int_equal(fi_in(&f, 0, 7), 0);
    assert_false(f.irq[0].level);
    assert_int_equal(fake_count(f.m, "ide: command to absent unit"), 1);
    fake_ide_free(&f);
}

static void test_absent_master(void **state)
{
    struct fake_ide f;

    start(&f, 2, SECTORS);
    assert_int_equal(fi_in(&f, 0, 7), 0);
    assert_int_equal(fi_in(&f, 0, 2), 0);
    fi_out(&f, 0, 6, 0xf0);
    assert_int_equal(fi_in(&f, 0, 7), S_READY);
    fi_lba28(&f, 1, 0xec, 0, 0);
    assert_irq(&f, 0, S_READY | S_DRQ);
    fake_ide_free(&f);
}

static void test_empty_channel_floats(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    for (unsigned reg = 1; reg < 8; reg++)
        assert_int_equal(fi_in(&f, 1, reg), 0xff);
    assert_int_equal(fi_alt(&f, 1), 0xff);
    fi_out(&f, 1, 7, 0xec);
    fi_control(&f, 1, 4);
    fi_control(&f, 1, 0);
    assert_int_equal(fi_in(&f, 1, 7), 0xff);
    assert_int_equal(f.irq[1].rises, 0);
    fake_ide_free(&f);
}

static void test_devfn_taken(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    assert_null(ide_create(f.m, f.bus, 0x09, fake_irq_line(&f.irq[0]),
                           fake_irq_line(&f.irq[1]), f.unit));
    fake_ide_free(&f);
}

/* ---- IDENTIFY and geometry ---------------------------------------------- */

static void identify(struct fake_ide *f, unsigned unit, uint16_t *id)
{
    uint8_t sum = 0, st;

    fi_lba28(f, unit, 0xec, 0, 0);
    assert_true(fi_take_irq(f, unit / 2, &st));
    assert_int_equal(st, S_READY | S_DRQ);
    fi_read(f, unit / 2, id, 256);
    assert_int_equal(fi_in(f, unit / 2, 7), S_READY);
    assert_false(f->irq[unit / 2].level);
    for (unsigned i = 0; i < 512; i++)
        sum += ((uint8_t *)id)[i];
    assert_int_equal(sum, 0);
    assert_int_equal(id[255] & 0xff, 0xa5);
}

static void test_identify(void **state)
{
    struct fake_ide f;
    uint16_t id[256];

    start(&f, 1 | 8, SECTORS);
    identify(&f, 0, id);
    assert_int_equal(id[0], 0x0040);
    assert_int_equal(id[1], 42);
    assert_int_equal(id[3], 16);
    assert_int_equal(id[6], 63);
    assert_int_equal(id[47], 0x8010);
    assert_int_equal(id[49] & 0x0300, 0x0300);
    assert_int_equal(id[53], 7);
    assert_int_equal(id[57] | id[58] << 16, SECTORS);
    assert_int_equal(id[60] | id[61] << 16, SECTORS);
    assert_int_equal(id[63], 7);
    assert_int_equal(id[83] & 0x7400, 0x7400);
    assert_int_equal(id[85] & 0x20, 0x20);
    assert_int_equal(id[86] & 0x3400, 0x3400);
    assert_int_equal(id[88], 7);
    assert_int_equal(id[93], 0x400b);
    assert_int_equal(id[100] | id[101] << 16, SECTORS);
    assert_memory_equal(&id[27], "RTSELT EAHDRIDKS", 16);
    identify(&f, 3, id);
    assert_int_equal(id[93], 0x4300);
    fake_ide_free(&f);
}

static void test_identify_large(void **state)
{
    struct fake_ide f;
    uint16_t id[256];

    start(&f, 1, 0x123456789aULL);
    identify(&f, 0, id);
    assert_int_equal(id[1], 16383);
    assert_int_equal(id[60] | id[61] << 16, 0x0fffffff);
    assert_int_equal(id[100], 0x789a);
    assert_int_equal(id[101], 0x3456);
    assert_int_equal(id[102], 0x0012);
    assert_int_equal(id[103], 0);
    fake_ide_free(&f);
}

static void mbr_entry(struct fake_disk *d, unsigned i, uint8_t heads,
                      uint8_t sectors)
{
    uint8_t *e = d->data + 446 + 16 * i;

    memset(e, 0, 16);
    e[4] = 0x83;
    e[5] = heads - 1;
    e[6] = sectors | 0xc0;
    e[12] = 63;
    d->data[510] = 0x55;
    d->data[511] = 0xaa;
}

static void test_geometry(void **state)
{
    static const struct {
        uint8_t heads, sectors;         /* in the MBR */
        struct machine_ide wanted;
        uint16_t chs[3];
    } cases[] = {
        { 16, 63, { 0 }, { 42, 16, 63 } },
        { 8, 32, { 0 }, { 165, 8, 32 } },
        { 255, 63, { 0 }, { 42, 16, 63 } },     /* not the drive's */
        { 16, 0, { 0 }, { 42, 16, 63 } },
        { 8, 32, { .cylinders = 10, .heads = 4, .sectors = 17 },
          { 10, 4, 17 } },
        { 8, 32, { .heads = 4, .sectors = 17 }, { 622, 4, 17 } },
        { 8, 32, { .heads = 17, .sectors = 17 }, { 165, 8, 32 } },
        { 8, 32, { .cylinders = 60000, .heads = 16, .sectors = 63 },
          { 42, 16, 63 } },
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_ide f;
        uint16_t id[256];

        fake_ide_init(&f, 1, 0, SECTORS);
        memset(f.disk[0].data, 0, 512);
        mbr_entry(&f.disk[0], 1, cases[i].heads, cases[i].sectors);
        f.unit[0].cylinders = cases[i].wanted.cylinders;
        f.unit[0].heads = cases[i].wanted.heads;
        f.unit[0].sectors = cases[i].wanted.sectors;
        fake_ide_start(&f);
        identify(&f, 0, id);
        assert_int_equal(id[1], cases[i].chs[0]);
        assert_int_equal(id[3], cases[i].chs[1]);
        assert_int_equal(id[6], cases[i].chs[2]);
        fake_ide_free(&f);
    }
}

/* A partition table that is rewritten counts from the next reset on. */
static void test_geometry_after_reset(void **state)
{
    struct fake_ide f;
    struct device *d;
    uint16_t id[256];

    start(&f, 1, SECTORS);
    mbr_entry(&f.disk[0], 0, 8, 32);
    d = (struct device *)f.ide;
    d->ops->reset(d);
    identify(&f, 0, id);
    assert_int_equal(id[3], 8);
    assert_int_equal(id[6], 32);
    fake_ide_free(&f);
}

static void test_geometry_unreadable(void **state)
{
    struct fake_ide f;
    uint16_t id[256];

    fake_ide_init(&f, 1, 0, SECTORS);
    f.disk[0].bad_sector = 0;
    fake_ide_start(&f);
    identify(&f, 0, id);
    assert_int_equal(id[3], 16);
    fake_ide_free(&f);
}

/* ---- PIO ---------------------------------------------------------------- */

static void test_read_pio(void **state)
{
    struct fake_ide f;
    uint8_t buf[3][512];

    start(&f, 1, SECTORS);
    fi_lba28(&f, 0, 0x20, 100, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_irq(&f, 0, S_READY | S_DRQ);
        fi_read(&f, 0, buf[i], 256);
        assert_sector(buf[i], 100 + i);
    }
    assert_int_equal(fi_alt(&f, 0), S_READY);
    assert_false(f.irq[0].level);       /* none after the last block */
    assert_int_equal(f.irq[0].rises, 3);
    assert_int_equal(f.disk[0].last_count, 3);
    assert_int_equal(fi_in(&f, 0, 3), 102);
    fake_ide_free(&f);
}

/* Element by element, in all sizes. */
static void test_read_element_sizes(void **state)
{
    for (unsigned size = 1; size <= 4; size *= 2) {
        struct fake_ide f;
        uint8_t buf[512];

        start(&f, 1, SECTORS);
        fi_lba28(&f, 0, 0x20, 7, 1);
        for (unsigned i = 0; i < 512; i += size) {
            uint32_t v = fake_in(f.m, 0x1f0, size);

            memcpy(buf + i, &v, size);
        }
        assert_sector(buf, 7);
        assert_int_equal(fi_in(&f, 0, 7), S_READY);
        fake_ide_free(&f);
    }
}

static void test_write_pio(void **state)
{
    struct fake_ide f;
    uint8_t data[1024];

    start(&f, 1, SECTORS);
    fill(data, sizeof data, 3);
    fi_lba28(&f, 0, 0x30, 200, 2);
    assert_int_equal(fi_alt(&f, 0), S_READY | S_DRQ);
    assert_int_equal(f.irq[0].rises, 0);        /* first block: no interrupt */
    fi_write(&f, 0, data, 256);
    assert_irq(&f, 0, S_READY | S_DRQ);
    for (unsigned i = 512; i < 1024; i += 4) {
        uint32_t v;

        memcpy(&v, data + i, 4);
        fake_out(f.m, 0x1f0, 4, v);
    }
    assert_irq(&f, 0, S_READY);
    assert_int_equal(f.irq[0].rises, 2);
    assert_memory_equal(f.disk[0].data + 200 * 512, data, 1024);
    assert_int_equal(f.disk[0].writes, 1);
    fake_ide_free(&f);
}

/* 256 sectors by count 0, and more than one chunk. */
static void test_read_long(void **state)
{
    struct fake_ide f;
    uint8_t buf[512];

    start(&f, 1, SECTORS);
    fi_lba28(&f, 0, 0x20, 0, 0);
    for (unsigned i = 0; i < 256; i++) {
        fi_read(&f, 0, buf, 256);
        assert_sector(buf, i);
    }
    assert_int_equal(fi_in(&f, 0, 7), S_READY);
    fi_lba48(&f, 0, 0x24, 5, 600);
    for (unsigned i = 0; i < 600; i++) {
        assert_irq(&f, 0, S_READY | S_DRQ);
        fi_read(&f, 0, buf, 256);
        assert_sector(buf, 5 + i);
    }
    assert_int_equal(fi_in(&f, 0, 7), S_READY);
    fake_ide_free(&f);
}

static void test_write_long(void **state)
{
    struct fake_ide f;
    uint8_t *data = malloc(600 * 512);

    start(&f, 1, SECTORS);
    fill(data, 600 * 512, 9);
    fi_lba48(&f, 0, 0x34, 1000, 600);
    fi_write(&f, 0, data, 600 * 256);
    assert_irq(&f, 0, S_READY);
    assert_memory_equal(f.disk[0].data + 1000 * 512, data, 600 * 512);
    assert_int_equal(f.disk[0].writes, 3);
    free(data);
    fake_ide_free(&f);
}

static void set_multiple(struct fake_ide *f, uint8_t n, uint8_t status)
{
    fi_lba28(f, 0, 0xc6, 0, n);
    assert_irq(f, 0, status);
}

static void test_multiple(void **state)
{
    struct fake_ide f;
    uint8_t buf[20 * 512];
    uint16_t id[256];

    start(&f, 1, SECTORS);
    fi_lba28(&f, 0, 0xc4, 0, 1);        /* not set yet */
    assert_irq(&f, 0, S_READY | S_ERR);
    assert_int_equal(fi_in(&f, 0, 1), E_ABRT);
    set_multiple(&f, 3, S_READY | S_ERR);
    set_multiple(&f, 32, S_READY | S_ERR);
    set_multiple(&f, 8, S_READY);
    identify(&f, 0, id);
    assert_int_equal(id[59], 0x0108);
    f.irq[0].rises = 0;
    fi_lba28(&f, 0, 0xc4, 40, 20);      /* 8 + 8 + 4 */
    fi_read(&f, 0, buf, 20 * 256);
    for (unsigned i = 0; i < 20; i++)
        assert_sector(buf + 512 * i, 40 + i);
    assert_int_equal(fi_in(&f, 0, 7), S_READY);
    fi_lba48(&f, 0, 0x39, 500, 20);
    assert_int_equal(fi_alt(&f, 0), S_READY | S_DRQ);
    f.irq[0].rises = 0;
    fi_write(&f, 0, buf, 8 * 256);
    assert_irq(&f, 0, S_READY | S_DRQ);
    fi_write(&f, 0, buf + 8 * 512, 8 * 256);
    assert_irq(&f, 0, S_READY | S_DRQ);
    fi_write(&f, 0, buf + 16 * 512, 4 * 256);
    assert_irq(&f, 0, S_READY);
    assert_memory_equal(f.disk[0].data + 500 * 512, buf, sizeof buf);
    fi_lba48(&f, 0, 0x29, 500, 20);
    fi_read(&f, 0, buf, 20 * 256);
    assert_sector(buf, 40);
    fake_ide_free(&f);
}

/* CHS addresses, by the drive's geometry and by another. */
static void test_chs(void **state)
{
    struct fake_ide f;
    uint8_t buf[512];

    start(&f, 1, SECTORS);
    fi_out(&f, 0, 6, 0xa2);     /* cylinder 1, head 2, sector 3 */
    fi_out(&f, 0, 2, 1);
    fi_out(&f, 0, 3, 3);
    fi_out(&f, 0, 4, 1);
    fi_out(&f, 0, 5, 0);
    fi_out(&f, 0, 7, 0x20);
    assert_irq(&f, 0, S_READY | S_DRQ);
    fi_read(&f, 0, buf, 256);
    assert_sector(buf, (1 * 16 + 2) * 63 + 2);
    assert_int_equal(fi_in(&f, 0, 3), 3);
    fi_out(&f, 0, 3, 0);        /* there is no sector 0 */
    fi_out(&f, 0, 7, 0x20);
    assert_irq(&f, 0, S_READY | S_ERR);
    assert_int_equal(fi_in(&f, 0, 1), E_IDNF);
    fi_out(&f, 0, 6, 0xa3);     /* 4 heads, 17 sectors */
    fi_out(&f, 0, 2, 17);
    fi_out(&f, 0, 7, 0x91);
    assert_irq(&f, 0, S_READY);
    fi_out(&f, 0, 6, 0xa1);
    fi_out(&f, 0, 2, 2);
    fi_out(&f, 0, 3, 17);
    fi_out(&f, 0, 4, 2);
    fi_out(&f, 0, 5, 0);
    fi_out(&f, 0, 7, 0x20);
    fi_read(&f, 0, buf, 256);
    assert_sector(buf, (2 * 4 + 1) * 17 + 16);
    fi_read(&f, 0, buf, 256);
    assert_int_equal(fi_in(&f, 0, 6), 0xa2);    /* ended on the next head */
    assert_int_equal(fi_in(&f, 0, 3), 1);
    fi_out(&f, 0, 6, 0xa4);     /* beyond the 4 heads */
    fi_out(&f, 0, 3, 1);
    fi_out(&f, 0, 7, 0x70);     /* SEEK */
    assert_irq(&f, 0, S_READY | S_ERR);
    fi_out(&f, 0, 6, 0xa0);
    fi_out(&f, 0, 7, 0x70);
    assert_irq(&f, 0, S_READY);
    fi_out(&f, 0, 2, 0);        /* 0 sectors per track */
    fi_out(&f, 0, 7, 0x91);
    assert_irq(&f, 0, S_READY | S_ERR);
    fake_ide_free(&f);
}

static void test_hob(void **state)
{
    struct fake_ide f;

    start(&f, 1, 0x10000000000ULL);
    fi_lba48(&f, 0, 0x42, 0x9876543210ULL, 0x0100);
    assert_irq(&f, 0, S_READY);
    assert_int_equal(fi_in(&f, 0, 3), 0x0f);
    fi_control(&f, 0, 0x80);
    assert_int_equal(fi_in(&f, 0, 3), 0x76);
    assert_int_equal(fi_in(&f, 0, 4), 0x98);
    fi_out(&f, 0, 3, 1);        /* a write ends it */
    assert_int_equal(fi_in(&f, 0, 3), 1);
    fake_ide_free(&f);
}

/* ---- Errors ------------------------------------------------------------- */

static void test_outside(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    fi_lba28(&f, 0, 0x20, SECTORS - 1, 2);
    assert_irq(&f, 0, S_READY | S_ERR);
    assert_int_equal(fi_in(&f, 0, 1), E_IDNF);
    fi_lba28(&f, 0, 0x30, SECTORS, 1);
    assert_irq(&f, 0, S_READY | S_ERR);
    fi_lba48(&f, 0, 0x25, 0xffffffffffffULL, 0);
    assert_irq(&f, 0, S_READY | S_ERR);
    assert_int_equal(fi_in(&f, 0, 1), E_IDNF);
    assert_int_equal(fake_count(f.m, "ide: sector outside disk"), 3);
    fi_lba28(&f, 0, 0x20, SECTORS - 1, 1);
    assert_irq(&f, 0, S_READY | S_DRQ);
    fake_ide_free(&f);
}

/* What is before the bad sector arrives; the registers name it. */
static void test_bad_sector_read(void **state)
{
    struct fake_ide f;
    uint8_t buf[512];

    start(&f, 1, SECTORS);
    f.disk[0].bad_sector = 52;
    fi_lba28(&f, 0, 0x20, 50, 8);
    for (unsigned i = 0; i < 2; i++) {
        assert_irq(&f, 0, S_READY | S_DRQ);
        fi_read(&f, 0, buf, 256);
        assert_sector(buf, 50 + i);
    }
    assert_irq(&f, 0, S_READY | S_ERR);
    assert_int_equal(fi_in(&f, 0, 1), E_UNC);
    assert_int_equal(fi_in(&f, 0, 3), 52);
    assert_int_equal(fi_in(&f, 0, 2), 6);
    set_multiple(&f, 4, S_READY);
    fi_lba28(&f, 0, 0xc4, 47, 8);       /* block 47-50 good, 51-54 not */
    assert_irq(&f, 0, S_READY | S_DRQ);
    for (unsigned i = 0; i < 4; i++)
        fi_read(&f, 0, buf, 256);
    assert_sector(buf, 50);
    assert_irq(&f, 0, S_READY | S_ERR);
    assert_int_equal(fi_in(&f, 0, 3), 52);
    fake_ide_free(&f);
}

static void test_bad_sector_dma(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    f.disk[0].bad_sector = 303;
    prd_whole(&f, 8 * 512);
    fi_bm_start(&f, 0, true);
    fi_lba28(&f, 0, 0xc8, 300, 8);
    assert_int_equal(fi_bm_status(&f, 0), BM_ACTIVE | BM_INT);
    assert_irq(&f, 0, S_READY | S_ERR);
    assert_int_equal(fi_in(&f, 0, 1), E_UNC);
    assert_int_equal(fi_in(&f, 0, 3), 303 & 0xff);
    assert_sector(fake_ram(f.m) + DMA_BUF + 1024, 302);
    fi_bm_stop(&f, 0);
    f.disk[0].bad_sector = 300;         /* nothing good at all */
    fi_bm_start(&f, 0, true);
    fi_lba28(&f, 0, 0xc8, 300, 8);
    assert_irq(&f, 0, S_READY | S_ERR);
    fake_ide_free(&f);
}

static void test_bad_sector_write(void **state)
{
    struct fake_ide f;
    uint8_t data[4 * 512];

    start(&f, 1, SECTORS);
    fill(data, sizeof data, 1);
    f.disk[0].bad_sector = 12;
    fi_lba28(&f, 0, 0x30, 10, 4);
    fi_write(&f, 0, data, 4 * 256);
    assert_irq(&f, 0, S_READY | S_ERR | S_DF);
    assert_int_equal(fi_in(&f, 0, 3), 12);
    assert_memory_equal(f.disk[0].data + 10 * 512, data, 1024);
    assert_sector(f.disk[0].data + 13 * 512, 13);
    fake_ide_free(&f);
}

static void test_read_only(void **state)
{
    struct fake_ide f;

    fake_ide_init(&f, 1, 0, SECTORS);
    f.disk[0].dev.read_only = true;
    fake_ide_start(&f);
    fi_lba28(&f, 0, 0x30, 10, 1);
    assert_irq(&f, 0, S_READY | S_ERR);
    assert_int_equal(fi_in(&f, 0, 1), E_ABRT);
    fi_lba48(&f, 0, 0x35, 10, 1);
    assert_irq(&f, 0, S_READY | S_ERR);
    assert_int_equal(f.disk[0].writes, 0);
    assert_int_equal(fake_count(f.m, "ide: write to read-only disk"), 2);
    fake_ide_free(&f);
}

static void test_data_port_at_wrong_time(void **state)
{
    struct fake_ide f;
    uint8_t buf[512];

    start(&f, 1 | 2, SECTORS);
    assert_int_equal(fake_in(f.m, 0x1f0, 2), 0xffff);
    fake_out(f.m, 0x1f0, 4, 0);
    fi_lba28(&f, 0, 0x20, 1, 1);
    fake_out(f.m, 0x1f0, 2, 0x1234);    /* wrong direction */
    fi_out(&f, 0, 6, 0xf0);             /* not the unit that has data */
    assert_int_equal(fake_in(f.m, 0x1f0, 2), 0xffff);
    fi_out(&f, 0, 6, 0xe0);
    fi_read(&f, 0, buf, 256);
    assert_sector(buf, 1);
    assert_int_equal(fake_in(f.m, 0x1f0, 4), 0xffffffff);
    assert_int_equal(fake_count(f.m, "ide: data read without DRQ"), 3);
    assert_int_equal(fake_count(f.m, "ide: data write without DRQ"), 2);
    fake_ide_free(&f);
}

static void test_command_aborts_transfer(void **state)
{
    struct fake_ide f;
    uint16_t id[256];

    start(&f, 1, SECTORS);
    fi_lba28(&f, 0, 0x30, 10, 4);
    identify(&f, 0, id);
    assert_int_equal(f.disk[0].writes, 0);
    assert_int_equal(fake_count(f.m, "ide: command aborts transfer"), 1);
    fake_ide_free(&f);
}

static void test_refused_commands(void **state)
{
    static const uint8_t commands[] = { 0x00, 0x08, 0xa0, 0xa1, 0xb0, 0xf1,
                                        0xf9, 0x22, 0x50, 0xff };
    struct fake_ide f;

    start(&f, 1, SECTORS);
    for (unsigned i = 0; i < sizeof commands; i++) {
        fi_lba28(&f, 0, commands[i], 0, 1);
        assert_irq(&f, 0, S_READY | S_ERR);
        assert_int_equal(fi_in(&f, 0, 1), E_ABRT);
    }
    assert_int_equal(fake_count(f.m, "ide: unknown command"), 3);
    fake_ide_free(&f);
}

/* ---- Commands without data ---------------------------------------------- */

static void test_simple_commands(void **state)
{
    static const uint8_t commands[] = { 0x10, 0x40, 0x42, 0x95, 0x97, 0xe1,
                                        0xe3, 0xe7, 0xea };
    struct fake_ide f;

    start(&f, 1, SECTORS);
    for (unsigned i = 0; i < sizeof commands; i++) {
        fi_lba28(&f, 0, commands[i], 0, 1);
        assert_irq(&f, 0, S_READY);
    }
    assert_int_equal(f.disk[0].flushes, 2);
    fi_lba28(&f, 0, 0xe0, 0, 0);        /* standby empties the cache */
    assert_irq(&f, 0, S_READY);
    assert_int_equal(f.disk[0].flushes, 3);
    fi_lba28(&f, 0, 0xe5, 0, 0);
    assert_irq(&f, 0, S_READY);
    assert_int_equal(fi_in(&f, 0, 2), 0);
    fi_lba28(&f, 0, 0xe1, 0, 0);
    fi_lba28(&f, 0, 0x98, 0, 0);
    assert_int_equal(fi_in(&f, 0, 2), 0xff);
    fake_ide_free(&f);
}

static void test_native_max(void **state)
{
    struct fake_ide f;

    start(&f, 1, 0x123456789aULL);
    fi_lba28(&f, 0, 0xf8, 0, 0);
    assert_int_equal(fi_in(&f, 0, 3), 0xff);
    assert_int_equal(fi_in(&f, 0, 6), 0xef);
    fi_lba48(&f, 0, 0x27, 0, 0);
    assert_int_equal(fi_in(&f, 0, 3), 0x99);
    fi_control(&f, 0, 0x80);
    assert_int_equal(fi_in(&f, 0, 4), 0x12);
    fake_ide_free(&f);
    start(&f, 1, 0);            /* an image of no bytes */
    fi_lba28(&f, 0, 0xf8, 0, 0);
    assert_irq(&f, 0, S_READY | S_ERR);
    fi_lba28(&f, 0, 0x20, 0, 1);
    assert_irq(&f, 0, S_READY | S_ERR);
    fake_ide_free(&f);
}

static void features(struct fake_ide *f, uint8_t feature, uint8_t count,
                     uint8_t status)
{
    fi_out(f, 0, 1, feature);
    fi_lba28(f, 0, 0xef, 0, count);
    assert_irq(f, 0, status);
}

static void test_set_features(void **state)
{
    struct fake_ide f;
    uint16_t id[256];

    start(&f, 1, SECTORS);
    features(&f, 0x03, 0x42, S_READY);
    identify(&f, 0, id);
    assert_int_equal(id[88], 0x0407);
    assert_int_equal(id[63], 0x0007);
    features(&f, 0x03, 0x21, S_READY);
    identify(&f, 0, id);
    assert_int_equal(id[88], 0x0007);
    assert_int_equal(id[63], 0x0207);
    features(&f, 0x03, 0x0c, S_READY);
    features(&f, 0x03, 0x01, S_READY);
    features(&f, 0x03, 0x43, S_READY | S_ERR);
    features(&f, 0x03, 0x23, S_READY | S_ERR);
    features(&f, 0x03, 0x0d, S_READY | S_ERR);
    features(&f, 0x03, 0x10, S_READY | S_ERR);
    features(&f, 0x03, 0x80, S_READY | S_ERR);
    features(&f, 0x55, 0, S_READY);
    features(&f, 0x82, 0, S_READY);
    identify(&f, 0, id);
    assert_int_equal(id[85] & 0x60, 0);
    features(&f, 0xaa, 0, S_READY);
    features(&f, 0x02, 0, S_READY);
    features(&f, 0x66, 0, S_READY);
    identify(&f, 0, id);
    assert_int_equal(id[85] & 0x60, 0x60);
    features(&f, 0x05, 1, S_READY | S_ERR);
    fake_ide_free(&f);
}

/* Without the write cache a write ends when it is on the medium. */
static void test_write_through(void **state)
{
    struct fake_ide f;
    uint8_t data[512] = { 1 };

    start(&f, 1, SECTORS);
    features(&f, 0x82, 0, S_READY);
    assert_int_equal(f.disk[0].flushes, 1);
    fi_lba28(&f, 0, 0x30, 5, 1);
    fi_write(&f, 0, data, 256);
    assert_irq(&f, 0, S_READY);
    assert_int_equal(f.disk[0].flushes, 2);
    f.disk[0].fail_flush = true;
    fi_lba28(&f, 0, 0x30, 5, 1);
    fi_write(&f, 0, data, 256);
    assert_irq(&f, 0, S_READY | S_ERR | S_DF);
    fi_lba28(&f, 0, 0xe7, 0, 0);
    assert_irq(&f, 0, S_READY | S_ERR | S_DF);
    fake_ide_free(&f);
}

/* FLUSH CACHE is not over before the disk says so. */
static void test_flush_waits(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    f.disk[0].deferred = true;
    fi_lba28(&f, 0, 0xe7, 0, 0);
    assert_int_equal(fi_in(&f, 0, 7), S_BSY);
    assert_false(f.irq[0].level);
    ide_poll(f.ide);
    assert_irq(&f, 0, S_READY);
    fake_ide_free(&f);
}

/* ---- DMA ---------------------------------------------------------------- */

static void test_dma_read(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    prd_whole(&f, 300 * 512);
    fi_lba48(&f, 0, 0x25, 64, 300);
    assert_int_equal(fi_alt(&f, 0), S_READY | S_DRQ);
    assert_false(f.irq[0].level);
    fi_bm_start(&f, 0, true);
    assert_int_equal(fi_bm_status(&f, 0), BM_INT);
    assert_irq(&f, 0, S_READY);
    for (unsigned i = 0; i < 300; i++)
        assert_sector(fake_ram(f.m) + DMA_BUF + 512 * i, 64 + i);
    assert_int_equal(f.irq[0].rises, 1);
    fi_bm_stop(&f, 0);
    fake_out(f.m, BM_BASE + 2, 1, 0x04);
    assert_int_equal(fi_bm_status(&f, 0), 0);
    fake_ide_free(&f);
}

/* Started before the command, scattered over odd pieces. */
static void test_dma_write_scattered(void **state)
{
    struct fake_ide f;
    uint8_t data[1024];

    start(&f, 4, SECTORS);
    fill(data, sizeof data, 77);
    memcpy(fake_ram(f.m) + 0x20000, data, 2);
    memcpy(fake_ram(f.m) + 0x30002, data + 2, 700);
    memcpy(fake_ram(f.m) + 0x40004, data + 702, 322);
    fi_prd(&f, 0, 0x20000, 2, false);
    fi_prd(&f, 1, 0x30002, 700, false);
    fi_prd(&f, 2, 0x40004, 322, true);
    fi_bm_start(&f, 1, false);
    assert_int_equal(fi_bm_status(&f, 1), BM_ACTIVE);
    fi_lba28(&f, 2, 0xca, 33, 2);
    assert_int_equal(fi_bm_status(&f, 1), BM_INT);
    assert_irq(&f, 1, S_READY);
    assert_memory_equal(f.disk[2].data + 33 * 512, data, 1024);
    fake_ide_free(&f);
}

/* A 48-bit command of 65536 sectors goes through in pieces, not deep. */
static void test_dma_longest(void **state)
{
    struct fake_ide f;

    start(&f, 1, 1 << 20);
    for (unsigned i = 0; i < 512; i++)
        fi_prd(&f, i, DMA_BUF, 0, i == 511);
    fi_bm_start(&f, 0, true);
    fi_lba48(&f, 0, 0x25, 0, 0);
    assert_irq(&f, 0, S_READY);
    assert_int_equal(fi_bm_status(&f, 0), BM_INT);
    assert_int_equal(f.disk[0].reads, 1 + 256);
    fi_lba48(&f, 0, 0x25, 0, 0);
    assert_int_equal(fi_bm_status(&f, 0), BM_INT);      /* not started again */
    fake_ide_free(&f);
}

/* PRD table shorter than the command: not active, no interrupt, goes on. */
static void test_prd_short(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    prd_whole(&f, 512);
    fi_bm_start(&f, 0, true);
    fi_lba28(&f, 0, 0xc8, 5, 2);
    assert_int_equal(fi_bm_status(&f, 0), 0);
    assert_false(f.irq[0].level);
    assert_int_equal(fi_alt(&f, 0), S_READY | S_DRQ);
    fi_bm_stop(&f, 0);
    fi_bm_start(&f, 0, true);
    assert_int_equal(fi_bm_status(&f, 0), BM_INT);
    assert_irq(&f, 0, S_READY);
    assert_sector(fake_ram(f.m) + DMA_BUF, 6);
    fake_ide_free(&f);
}

/* PRD table longer than the command: interrupt, and still active. */
static void test_prd_long(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    prd_whole(&f, 1024);
    fi_bm_start(&f, 0, true);
    fi_lba28(&f, 0, 0xc8, 5, 1);
    assert_int_equal(fi_bm_status(&f, 0), BM_ACTIVE | BM_INT);
    assert_irq(&f, 0, S_READY);
    fi_bm_stop(&f, 0);
    assert_int_equal(fi_bm_status(&f, 0), BM_INT);
    fake_ide_free(&f);
}

static void test_prd_garbage(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    fi_prd(&f, 0, FAKE_RAM_BYTES - 256, 512, true);     /* half in memory */
    fi_bm_start(&f, 0, true);
    fi_lba28(&f, 0, 0xc8, 5, 1);
    assert_int_equal(fi_bm_status(&f, 0), BM_ERROR);
    assert_false(f.irq[0].level);
    fi_bm_stop(&f, 0);
    fi_control(&f, 0, 4);
    fi_control(&f, 0, 0);
    fi_lba28(&f, 0, 0xca, 5, 1);
    fake_out(f.m, BM_BASE + 4, 4, 0xfffffffc);          /* table nowhere */
    fake_out(f.m, BM_BASE, 1, 1);
    assert_int_equal(fi_bm_status(&f, 0), BM_ERROR);
    fake_out(f.m, BM_BASE + 2, 1, 0x02);
    assert_int_equal(fi_bm_status(&f, 0), 0);
    assert_int_equal(fake_count(f.m, "ide: PRD outside memory"), 1);
    assert_int_equal(fake_count(f.m, "ide: PRD table outside memory"), 1);
    assert_int_equal(f.disk[0].writes, 0);
    fi_bm_stop(&f, 0);
    fi_prd(&f, 0, DMA_BUF + 0xff00, 512, true);
    fi_bm_start(&f, 0, false);
    assert_int_equal(fake_count(f.m, "ide: PRD crosses 64 KiB"), 2);
    fake_ide_free(&f);
}

static void test_dma_refused(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    prd_whole(&f, 512);
    fi_bm_start(&f, 0, false);          /* a read into the drive? */
    fi_lba28(&f, 0, 0xc8, 5, 1);
    assert_int_equal(fi_bm_status(&f, 0), BM_ERROR);
    fi_bm_stop(&f, 0);
    pci_config_write(f.bus, 0x09, 4, 2, 1);     /* no bus master */
    fi_bm_start(&f, 0, true);
    assert_int_equal(fi_bm_status(&f, 0), BM_ACTIVE);
    assert_int_equal(fi_alt(&f, 0), S_READY | S_DRQ);
    assert_int_equal(fake_count(f.m, "ide: DMA direction"), 1);
    assert_int_equal(fake_count(f.m, "ide: DMA without bus master enable"), 1);
    fake_ide_free(&f);
}

static void test_bm_registers(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    fake_out(f.m, BM_BASE + 4, 4, 0x12345677);
    assert_int_equal(fake_in(f.m, BM_BASE + 4, 4), 0x12345674);
    assert_int_equal(fake_in(f.m, BM_BASE + 5, 1), 0x56);
    assert_int_equal(fake_in(f.m, BM_BASE + 12, 4), 0);
    fake_out(f.m, BM_BASE + 2, 1, 0xff);
    assert_int_equal(fake_in(f.m, BM_BASE + 2, 1), 0x60);
    fake_out(f.m, BM_BASE, 1, 0xf9);
    assert_int_equal(fake_in(f.m, BM_BASE, 1), 0x09);
    fake_out(f.m, BM_BASE, 1, 0x01);    /* direction stays while it runs */
    assert_int_equal(fake_in(f.m, BM_BASE, 1), 0x09);
    fake_out(f.m, BM_BASE + 1, 1, 0xff);
    assert_int_equal(fake_in(f.m, BM_BASE + 1, 1), 0);
    fake_out(f.m, BM_BASE + 8, 2, 0x0000);
    assert_int_equal(fake_in(f.m, BM_BASE + 10, 1), 0);
    fake_ide_free(&f);
}

/* ---- Slow disks, reset -------------------------------------------------- */

static void test_deferred(void **state)
{
    struct fake_ide f;
    uint8_t buf[512];

    start(&f, 1, SECTORS);
    f.disk[0].deferred = true;
    fi_lba28(&f, 0, 0x20, 9, 1);
    assert_int_equal(fi_alt(&f, 0), S_BSY);
    assert_int_equal(fi_in(&f, 0, 3), S_BSY);   /* all registers, while busy */
    fi_out(&f, 0, 3, 77);
    fi_out(&f, 0, 7, 0xec);
    assert_int_equal(fake_count(f.m, "ide: register write while busy"), 1);
    assert_int_equal(fake_count(f.m, "ide: command while busy"), 1);
    fi_out(&f, 0, 7, 0x90);
    assert_int_equal(fake_count(f.m, "ide: command while busy"), 2);
    ide_poll(f.ide);
    assert_irq(&f, 0, S_READY | S_DRQ);
    fi_read(&f, 0, buf, 256);
    assert_sector(buf, 9);
    prd_whole(&f, 600 * 512);
    fi_lba48(&f, 0, 0x25, 0, 600);
    fi_bm_start(&f, 0, true);
    for (unsigned i = 0; i < 3; i++) {
        assert_false(f.irq[0].level);
        assert_true(fake_disk_complete(&f.disk[0]));
    }
    assert_irq(&f, 0, S_READY);
    assert_int_equal(fi_bm_status(&f, 0), BM_INT);
    fake_ide_free(&f);
}

/* A reset stays busy until the request is back, and forgets its command. */
static void test_reset_in_flight(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    f.disk[0].deferred = true;
    fi_lba28(&f, 0, 0x20, 9, 1);
    fi_control(&f, 0, 4);
    fi_control(&f, 0, 0);
    assert_int_equal(fi_in(&f, 0, 7), S_BSY);
    assert_true(fake_disk_complete(&f.disk[0]));
    assert_int_equal(fi_in(&f, 0, 7), S_READY);
    assert_int_equal(fi_in(&f, 0, 1), 1);
    assert_false(f.irq[0].level);
    assert_int_equal(fake_in(f.m, 0x1f0, 2), 0xffff);
    fake_ide_free(&f);
}

static void test_machine_reset_in_flight(void **state)
{
    struct fake_ide f;
    struct device *d;

    start(&f, 1, SECTORS);
    d = (struct device *)f.ide;
    f.disk[0].deferred = true;
    fi_lba28(&f, 0, 0xe7, 0, 0);
    d->ops->reset(d);
    assert_true(fake_disk_complete(&f.disk[0]));        /* the flush */
    assert_int_equal(fi_in(&f, 0, 7), S_BSY);
    assert_true(fake_disk_complete(&f.disk[0]));        /* its size */
    assert_int_equal(fi_in(&f, 0, 7), S_BSY);
    assert_true(fake_disk_complete(&f.disk[0]));        /* sector 0 */
    assert_int_equal(fi_in(&f, 0, 7), S_READY);
    assert_int_equal(f.irq[0].rises, 0);
    fake_ide_free(&f);
}

/* The disk's owner may change its size at the machine's reset, and only then. */
static void test_new_size_at_reset(void **state)
{
    struct fake_ide f;
    struct device *d;
    uint16_t id[256];

    start(&f, 1, SECTORS);
    d = (struct device *)f.ide;
    f.disk[0].resize_to = 3 * SECTORS;
    fi_control(&f, 0, 4);
    fi_control(&f, 0, 0);
    identify(&f, 0, id);
    assert_int_equal(id[60] | id[61] << 16, SECTORS);
    d->ops->reset(d);
    identify(&f, 0, id);
    assert_int_equal(id[60] | id[61] << 16, 3 * SECTORS);
    assert_int_equal(f.disk[0].resizes, 2);     /* the first at its making */
    fake_ide_free(&f);
}

static void test_destroy_in_flight(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    f.disk[0].deferred = true;
    fi_lba28(&f, 0, 0x20, 9, 1);
    ide_destroy(f.ide);
    assert_true(fake_disk_complete(&f.disk[0]));
    f.ide = NULL;
    fake_ide_free(&f);
}

static void test_soft_reset(void **state)
{
    struct fake_ide f;

    start(&f, 3, SECTORS);
    fi_lba28(&f, 1, 0x30, 9, 1);
    fi_control(&f, 0, 4);
    assert_int_equal(fi_in(&f, 0, 7), S_BSY);
    fi_out(&f, 0, 7, 0xec);             /* nothing listens */
    fi_out(&f, 0, 6, 0xf0);
    fi_control(&f, 0, 0);
    assert_int_equal(fi_in(&f, 0, 6), 0);
    assert_int_equal(fi_in(&f, 0, 7), S_READY);
    assert_int_equal(fi_in(&f, 0, 3), 1);
    assert_false(f.irq[0].level);
    fi_out(&f, 0, 7, 0x90);             /* EXECUTE DEVICE DIAGNOSTIC */
    assert_irq(&f, 0, S_READY);
    assert_int_equal(fi_in(&f, 0, 1), 1);
    fake_ide_free(&f);
}

static void test_nien(void **state)
{
    struct fake_ide f;

    start(&f, 1, SECTORS);
    fi_control(&f, 0, 2);
    fi_lba28(&f, 0, 0x10, 0, 0);
    assert_false(f.irq[0].level);
    assert_int_equal(fi_bm_status(&f, 0), 0);
    fi_control(&f, 0, 0);
    assert_true(f.irq[0].level);
    assert_int_equal(fi_bm_status(&f, 0), BM_INT);
    assert_int_equal(fi_alt(&f, 0), S_READY);   /* does not acknowledge */
    assert_true(f.irq[0].level);
    assert_int_equal(fi_in(&f, 0, 7), S_READY);
    assert_false(f.irq[0].level);
    fake_ide_free(&f);
}

static void test_wide_registers(void **state)
{
    struct fake_ide f;
    uint8_t byte = 0;

    start(&f, 1, SECTORS);
    fake_out(f.m, 0x1f2, 4, 0xe0030201);        /* byte cycles */
    fi_out(&f, 0, 6, 0xe0);
    assert_int_equal(fake_in(f.m, 0x1f2, 2), 0x0201);
    assert_int_equal(fake_in(f.m, 0x1f7, 2), 0xff00 | S_READY);
    fake_out(f.m, 0x1f7, 4, 0x00000010);
    assert_true(f.irq[0].level);
    struct device *d = (struct device *)f.ide;

    assert_int_equal(d->ops->io_read_block(d, 0x1f7, 1, &byte, 9), 1);
    assert_int_equal(byte, S_READY);
    byte = 0x42;
    assert_int_equal(d->ops->io_write_block(d, 0x1f2, 1, &byte, 9), 1);
    assert_int_equal(fi_in(&f, 0, 2), 0x42);
    fake_ide_free(&f);
}

static void test_format(void **state)
{
    struct fake_ide f;
    uint16_t id[256];
    char text[512], cut[8];
    int n;

    fake_ide_init(&f, 1, 0, SECTORS);
    f.unit[2].is_cdrom = true;
    fake_ide_start(&f);
    identify(&f, 0, id);
    n = ide_format(f.ide, text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_non_null(strstr(text, "hda: type=hd removable=0 file=fake ro=0 "
                                 "sectors=42336 chs=42,16,63 rd_bytes=512 "));
    assert_non_null(strstr(text, "\nhdc: type=cdrom removable=1 "
                                 "[not inserted]\n"));
    assert_int_equal(ide_format(f.ide, cut, sizeof cut), n);
    assert_int_equal(strlen(cut), 7);
    fake_ide_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_absent_slave),
        cmocka_unit_test(test_absent_master),
        cmocka_unit_test(test_empty_channel_floats),
        cmocka_unit_test(test_devfn_taken),
        cmocka_unit_test(test_identify),
        cmocka_unit_test(test_identify_large),
        cmocka_unit_test(test_geometry),
        cmocka_unit_test(test_geometry_after_reset),
        cmocka_unit_test(test_geometry_unreadable),
        cmocka_unit_test(test_read_pio),
        cmocka_unit_test(test_read_element_sizes),
        cmocka_unit_test(test_write_pio),
        cmocka_unit_test(test_read_long),
        cmocka_unit_test(test_write_long),
        cmocka_unit_test(test_multiple),
        cmocka_unit_test(test_chs),
        cmocka_unit_test(test_hob),
        cmocka_unit_test(test_outside),
        cmocka_unit_test(test_bad_sector_read),
        cmocka_unit_test(test_bad_sector_dma),
        cmocka_unit_test(test_bad_sector_write),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_data_port_at_wrong_time),
        cmocka_unit_test(test_command_aborts_transfer),
        cmocka_unit_test(test_refused_commands),
        cmocka_unit_test(test_simple_commands),
        cmocka_unit_test(test_native_max),
        cmocka_unit_test(test_set_features),
        cmocka_unit_test(test_write_through),
        cmocka_unit_test(test_flush_waits),
        cmocka_unit_test(test_dma_read),
        cmocka_unit_test(test_dma_write_scattered),
        cmocka_unit_test(test_dma_longest),
        cmocka_unit_test(test_prd_short),
        cmocka_unit_test(test_prd_long),
        cmocka_unit_test(test_prd_garbage),
        cmocka_unit_test(test_dma_refused),
        cmocka_unit_test(test_bm_registers),
        cmocka_unit_test(test_deferred),
        cmocka_unit_test(test_reset_in_flight),
        cmocka_unit_test(test_machine_reset_in_flight),
        cmocka_unit_test(test_new_size_at_reset),
        cmocka_unit_test(test_destroy_in_flight),
        cmocka_unit_test(test_soft_reset),
        cmocka_unit_test(test_nien),
        cmocka_unit_test(test_wide_registers),
        cmocka_unit_test(test_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
