/* ATAPI CD-ROM drives: emu/dev/atapi*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_ide.h"

#define UNIT 2u                 /* hdc */
#define CHANNEL 1u
#define CD_SECTORS 700u
#define BLOCKS (CD_SECTORS * 4 + 3)     /* a partial sector at the end */

/* A drive as hdc with a medium; the attention after reset is taken. */
static void start(struct fake_ide *f)
{
    fake_ide_init(f, 0, 1u << UNIT, BLOCKS);
    fake_ide_start(f);
    fi_out(f, CHANNEL, 6, 0xa0);
}

/* Give `cdb`; with DMA if `features` & 1, else PIO blocks up to `limit`. */
static void packet(struct fake_ide *f, const uint8_t *cdb, uint8_t features,
                   uint16_t limit)
{
    fi_out(f, CHANNEL, 6, 0xa0);
    fi_out(f, CHANNEL, 1, features);
    fi_out(f, CHANNEL, 4, limit);
    fi_out(f, CHANNEL, 5, limit >> 8);
    fi_out(f, CHANNEL, 7, 0xa0);
    assert_int_equal(fi_alt(f, CHANNEL), S_READY | S_DRQ);
    assert_int_equal(fi_in(f, CHANNEL, 2), 1);          /* command */
    assert_false(f->irq[CHANNEL].level);
    fi_write(f, CHANNEL, cdb, 6);
}

/*
 * Take the data of a packet command by PIO into `buf` as a driver does, up to
 * the final status, which must be good. Returns the bytes.
 */
static size_t take_data(struct fake_ide *f, uint8_t *buf, size_t size,
                        uint16_t limit)
{
    size_t got = 0;
    uint8_t st;

    for (;;) {
        size_t n;

        assert_true(fi_take_irq(f, CHANNEL, &st));
        if (!(st & S_DRQ))
            break;
        assert_int_equal(fi_in(f, CHANNEL, 2), 2);      /* data to host */
        n = fi_in(f, CHANNEL, 4) | fi_in(f, CHANNEL, 5) << 8;
        assert_in_range(n, 1, limit);
        assert_true(got + n <= size);
        fi_read(f, CHANNEL, buf + got, (n + 1) / 2);
        got += n;
    }
    assert_int_equal(st, S_READY);
    assert_int_equal(fi_in(f, CHANNEL, 2), 3);          /* status */
    return got;
}

static size_t command(struct fake_ide *f, const uint8_t *cdb, uint8_t *buf,
                      size_t size)
{
    packet(f, cdb, 0, 0xfffe);
    return take_data(f, buf, size, 0xfffe);
}

/* The command ends with CHECK CONDITION and this sense. */
static void assert_check(struct fake_ide *f, const uint8_t *cdb, uint32_t sense)
{
    static const uint8_t request[12] = { 0x03, 0, 0, 0, 18 };
    uint8_t st, buf[18];

    packet(f, cdb, 0, 0xfffe);
    assert_true(fi_take_irq(f, CHANNEL, &st));
    assert_int_equal(st, S_READY | S_ERR);
    assert_int_equal(fi_in(f, CHANNEL, 1) >> 4, sense >> 16);
    assert_int_equal(fi_in(f, CHANNEL, 2), 3);
    assert_int_equal(command(f, request, buf, 18), 18);
    assert_int_equal(buf[0], 0x70);
    assert_int_equal(buf[2] << 16 | buf[12] << 8 | buf[13], sense);
}

static void clear_attention(struct fake_ide *f)
{
    static const uint8_t ready[12] = { 0 };

    assert_check(f, ready, 0x062900);
}

static void assert_sectors(const uint8_t *buf, uint32_t lba, uint32_t count)
{
    for (uint32_t s = 0; s < count * 4; s++)
        for (unsigned i = 0; i < 512; i++)
            assert_int_equal(buf[s * 512 + i], fake_disk_byte(lba * 4 + s, i));
}

/* ---- The drive ---------------------------------------------------------- */

static void test_signature(void **state)
{
    struct fake_ide f;
    uint8_t st;

    start(&f);
    assert_int_equal(fi_in(&f, CHANNEL, 7), 0);
    assert_int_equal(fi_in(&f, CHANNEL, 4), 0x14);
    assert_int_equal(fi_in(&f, CHANNEL, 5), 0xeb);
    fi_out(&f, CHANNEL, 4, 0);
    fi_out(&f, CHANNEL, 7, 0xec);       /* IDENTIFY DEVICE shows it again */
    assert_true(fi_take_irq(&f, CHANNEL, &st));
    assert_int_equal(st & S_ERR, S_ERR);
    assert_int_equal(fi_in(&f, CHANNEL, 1), E_ABRT);
    assert_int_equal(fi_in(&f, CHANNEL, 4), 0x14);
    fi_out(&f, CHANNEL, 4, 0);
    fi_out(&f, CHANNEL, 7, 0x08);       /* DEVICE RESET: and no interrupt */
    assert_int_equal(fi_in(&f, CHANNEL, 7), 0);
    assert_int_equal(fi_in(&f, CHANNEL, 5), 0xeb);
    assert_int_equal(f.irq[CHANNEL].rises, 1);
    fi_out(&f, CHANNEL, 7, 0x90);
    assert_int_equal(fi_in(&f, CHANNEL, 1), 1);
    fake_ide_free(&f);
}

static void test_identify(void **state)
{
    struct fake_ide f;
    uint16_t id[256];
    uint8_t st, sum = 0;

    start(&f);
    fi_out(&f, CHANNEL, 7, 0xa1);
    assert_true(fi_take_irq(&f, CHANNEL, &st));
    assert_int_equal(st, S_READY | S_DRQ);
    fi_read(&f, CHANNEL, id, 256);
    assert_int_equal(fi_in(&f, CHANNEL, 7), S_READY);
    assert_int_equal(id[0], 0x85c0);
    assert_int_equal(id[49] & 0x0300, 0x0300);
    assert_int_equal(id[82] & 0x0210, 0x0210);
    assert_int_equal(id[88], 0x0007);
    for (unsigned i = 0; i < 512; i++)
        sum += ((uint8_t *)id)[i];
    assert_int_equal(sum, 0);
    fake_ide_free(&f);
}

static void test_drive_commands(void **state)
{
    static const struct {
        uint8_t command, feature, count, status;
    } cases[] = {
        { 0xef, 0x03, 0x22, S_READY }, { 0xef, 0x03, 0x47, S_READY | S_ERR },
        { 0xef, 0x02, 0, S_READY | S_ERR }, { 0xe1, 0, 0, S_READY },
        { 0xe5, 0, 0, S_READY }, { 0x00, 0, 0, S_READY | S_ERR },
        { 0x20, 0, 1, S_READY | S_ERR }, { 0xc8, 0, 1, S_READY | S_ERR },
        { 0xa0, 0x02, 0, S_READY | S_ERR },     /* overlapped */
    };
    struct fake_ide f;
    uint8_t st;

    start(&f);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fi_out(&f, CHANNEL, 1, cases[i].feature);
        fi_out(&f, CHANNEL, 2, cases[i].count);
        fi_out(&f, CHANNEL, 7, cases[i].command);
        assert_true(fi_take_irq(&f, CHANNEL, &st));
        assert_int_equal(st, cases[i].status);
    }
    assert_int_equal(fake_count(f.m, "ide: unknown command"), 1);
    fake_ide_free(&f);
}

/* ---- Attention and sense ------------------------------------------------ */

static void test_attention(void **state)
{
    static const uint8_t ready[12] = { 0 }, inquiry[12] = { 0x12, 0, 0, 0, 36 };
    static const uint8_t request[12] = { 0x03, 0, 0, 0, 18 };
    struct fake_ide f;
    uint8_t buf[64];

    start(&f);
    assert_int_equal(command(&f, inquiry, buf, 64), 36);        /* despite it */
    assert_check(&f, ready, 0x062900);
    assert_int_equal(command(&f, ready, buf, 64), 0);
    command(&f, request, buf, 64);
    assert_int_equal(buf[2], 0);
    fi_control(&f, CHANNEL, 4);
    fi_control(&f, CHANNEL, 0);
    assert_int_equal(fi_in(&f, CHANNEL, 7), 0);
    command(&f, request, buf, 64);      /* or by REQUEST SENSE itself */
    assert_int_equal(buf[2], 6);
    assert_int_equal(buf[12], 0x29);
    assert_int_equal(command(&f, ready, buf, 64), 0);
    fake_ide_free(&f);
}

static void test_inquiry(void **state)
{
    static const uint8_t inquiry[12] = { 0x12, 0, 0, 0, 255 };
    static const uint8_t vpd[12] = { 0x12, 1, 0x80, 0, 255 };
    static const uint8_t some[12] = { 0x12, 0, 0, 0, 5 };
    struct fake_ide f;
    uint8_t buf[64];

    start(&f);
    clear_attention(&f);
    assert_int_equal(command(&f, inquiry, buf, 64), 36);
    assert_int_equal(buf[0], 5);
    assert_int_equal(buf[1], 0x80);
    assert_int_equal(buf[4], 31);
    assert_memory_equal(buf + 8, "TRESTLE CD-ROM          1.0 ", 28);
    assert_int_equal(command(&f, some, buf, 64), 5);
    assert_check(&f, vpd, 0x052400);
    fake_ide_free(&f);
}

static void test_unknown_packet(void **state)
{
    static const uint8_t cdb[12] = { 0x2a };    /* WRITE(10) */
    struct fake_ide f;

    start(&f);
    clear_attention(&f);
    assert_check(&f, cdb, 0x052000);
    assert_int_equal(fake_count(f.m, "atapi: unknown packet command"), 1);
    fake_ide_free(&f);
}

/* ---- Reading ------------------------------------------------------------ */

static void read_cdb(uint8_t *cdb, uint8_t op, uint32_t lba, uint32_t count)
{
    memset(cdb, 0, 12);
    cdb[0] = op;
    for (unsigned i = 0; i < 4; i++)
        cdb[2 + i] = lba >> (24 - 8 * i);
    if (op == 0x28) {
        cdb[7] = count >> 8;
        cdb[8] = count;
    } else if (op == 0xa8) {
        for (unsigned i = 0; i < 4; i++)
            cdb[6 + i] = count >> (24 - 8 * i);
    } else {
        cdb[6] = count >> 16;
        cdb[7] = count >> 8;
        cdb[8] = count;
        cdb[9] = 0x10;
    }
}

static void test_read_pio(void **state)
{
    static const struct {
        uint8_t op;
        uint16_t limit;
        uint32_t lba, count;
    } cases[] = {
        { 0x28, 2048, 16, 1 }, { 0x28, 2048, 16, 3 }, { 0x28, 0xfffe, 0, 100 },
        { 0xa8, 32768, 5, 130 }, { 0xbe, 4096, 7, 2 }, { 0x28, 100, 9, 1 },
        { 0x28, 101, 9, 1 },
        { 0x28, 2048, CD_SECTORS - 1, 1 }, { 0x28, 2048, 3, 0 },
        { 0x28, 2048, CD_SECTORS, 0 },
    };
    struct fake_ide f;
    uint8_t *buf = malloc(256 * 2048), cdb[12];

    start(&f);
    clear_attention(&f);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_cdb(cdb, cases[i].op, cases[i].lba, cases[i].count);
        packet(&f, cdb, 0, cases[i].limit);
        assert_int_equal(take_data(&f, buf, 256 * 2048, cases[i].limit),
                         cases[i].count * 2048);
        assert_sectors(buf, cases[i].lba, cases[i].count);
    }
    /* A byte count limit of 0 means as much as goes. */
    read_cdb(cdb, 0x28, 0, 2);
    packet(&f, cdb, 0, 0);
    assert_int_equal(take_data(&f, buf, 256 * 2048, 0xfffe), 4096);
    free(buf);
    fake_ide_free(&f);
}

static void test_read_dma(void **state)
{
    struct fake_ide f;
    uint8_t cdb[12], st;

    start(&f);
    clear_attention(&f);
    for (unsigned i = 0; i < 4; i++)
        fi_prd(&f, i, DMA_BUF + i * 0x10000, 0, i == 3);
    read_cdb(cdb, 0x28, 20, 128);
    packet(&f, cdb, 1, 0);
    assert_false(f.irq[CHANNEL].level);
    fi_bm_start(&f, CHANNEL, true);
    assert_true(fi_take_irq(&f, CHANNEL, &st));
    assert_int_equal(st, S_READY);
    assert_int_equal(fi_bm_status(&f, CHANNEL), BM_INT);
    assert_int_equal(fi_in(&f, CHANNEL, 2), 3);
    assert_sectors(fake_ram(f.m) + DMA_BUF, 20, 128);
    fake_ide_free(&f);
}

static void test_read_outside(void **state)
{
    struct fake_ide f;
    uint8_t cdb[12];

    start(&f);
    clear_attention(&f);
    read_cdb(cdb, 0x28, CD_SECTORS, 1);
    assert_check(&f, cdb, 0x052100);
    read_cdb(cdb, 0xa8, 1, 0xffffffff);
    assert_check(&f, cdb, 0x052100);
    read_cdb(cdb, 0xa8, 0xffffffff, 2);
    assert_check(&f, cdb, 0x052100);
    read_cdb(cdb, 0xbe, CD_SECTORS - 1, 0xffffff);
    assert_check(&f, cdb, 0x052100);
    read_cdb(cdb, 0x2b, CD_SECTORS, 0);         /* SEEK */
    assert_check(&f, cdb, 0x052100);
    assert_int_equal(fake_count(f.m, "atapi: sector outside medium"), 4);
    fake_ide_free(&f);
}

static void test_read_cd_fields(void **state)
{
    struct fake_ide f;
    uint8_t cdb[12], buf[4096];

    start(&f);
    clear_attention(&f);
    read_cdb(cdb, 0xbe, 0, 1);
    cdb[9] = 0xf8;              /* raw */
    assert_check(&f, cdb, 0x052400);
    cdb[9] = 0x10;
    cdb[10] = 1;                /* subchannels */
    assert_check(&f, cdb, 0x052400);
    cdb[10] = 0;
    cdb[1] = 1 << 2;            /* audio */
    assert_check(&f, cdb, 0x052400);
    cdb[1] = 2 << 2;            /* mode 1 */
    assert_int_equal(command(&f, cdb, buf, sizeof buf), 2048);
    cdb[9] = 0;
    assert_int_equal(command(&f, cdb, buf, sizeof buf), 0);
    read_cdb(cdb, 0x2b, 5, 0);
    assert_int_equal(command(&f, cdb, buf, sizeof buf), 0);
    fake_ide_free(&f);
}

/* What is before the bad sector arrives. */
static void test_read_error(void **state)
{
    static const uint8_t request[12] = { 0x03, 0, 0, 0, 18 };
    struct fake_ide f;
    uint8_t cdb[12], buf[4096], st;

    start(&f);
    clear_attention(&f);
    f.disk[UNIT].bad_sector = 12 * 4 + 1;
    read_cdb(cdb, 0x28, 10, 5);
    packet(&f, cdb, 0, 2048);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(fi_take_irq(&f, CHANNEL, &st));
        assert_int_equal(st, S_READY | S_DRQ);
        fi_read(&f, CHANNEL, buf, 1024);
        assert_sectors(buf, 10 + i, 1);
    }
    assert_true(fi_take_irq(&f, CHANNEL, &st));
    assert_int_equal(st, S_READY | S_ERR);
    command(&f, request, buf, sizeof buf);
    assert_int_equal(buf[2] << 16 | buf[12] << 8 | buf[13], 0x031100);
    fake_ide_free(&f);
}

static void test_deferred(void **state)
{
    struct fake_ide f;
    uint8_t cdb[12], buf[4096];

    start(&f);
    clear_attention(&f);
    f.disk[UNIT].deferred = true;
    read_cdb(cdb, 0x28, 10, 1);
    packet(&f, cdb, 0, 2048);
    assert_int_equal(fi_alt(&f, CHANNEL), S_BSY);
    ide_poll(f.ide);
    assert_int_equal(take_data(&f, buf, sizeof buf, 2048), 2048);
    assert_sectors(buf, 10, 1);
    packet(&f, cdb, 0, 2048);
    fi_out(&f, CHANNEL, 7, 0x08);       /* DEVICE RESET while busy */
    assert_int_equal(fi_alt(&f, CHANNEL), S_BSY);
    ide_poll(f.ide);
    assert_int_equal(fi_in(&f, CHANNEL, 7), 0);
    assert_int_equal(fi_in(&f, CHANNEL, 4), 0x14);
    fake_ide_free(&f);
}

/* ---- What the medium and the drive are ---------------------------------- */

static void test_capacity(void **state)
{
    static const uint8_t cdb[12] = { 0x25 };
    struct fake_ide f;
    uint8_t buf[8];

    start(&f);
    clear_attention(&f);
    assert_int_equal(command(&f, cdb, buf, 8), 8);
    assert_int_equal(buf[2] << 8 | buf[3], CD_SECTORS - 1);
    assert_int_equal(buf[6] << 8 | buf[7], 2048);
    fake_ide_free(&f);
}

static void test_toc(void **state)
{
    struct fake_ide f;
    uint8_t cdb[12] = { 0x43, 0, 0, 0, 0, 0, 0, 1, 0 }, buf[64];

    start(&f);
    clear_attention(&f);
    assert_int_equal(command(&f, cdb, buf, 64), 20);
    assert_memory_equal(buf, "\0\x12\1\1\0\x14\1\0\0\0\0\0\0\x14\xaa\0", 16);
    assert_int_equal(buf[18] << 8 | buf[19], CD_SECTORS);
    cdb[1] = 2;                 /* minutes, seconds, frames */
    cdb[6] = 0xaa;
    assert_int_equal(command(&f, cdb, buf, 64), 12);
    assert_int_equal(buf[9], 0);
    assert_int_equal(buf[10], (CD_SECTORS + 150) / 75);
    assert_int_equal(buf[11], (CD_SECTORS + 150) % 75);
    cdb[1] = 0;
    cdb[2] = 1;                 /* sessions */
    assert_int_equal(command(&f, cdb, buf, 64), 12);
    assert_int_equal(buf[6], 1);
    cdb[2] = 0;
    cdb[9] = 0x40;              /* the same by SFF-8020i */
    assert_int_equal(command(&f, cdb, buf, 64), 12);
    cdb[9] = 0;
    cdb[6] = 2;
    assert_check(&f, cdb, 0x052400);
    cdb[2] = 5;
    assert_check(&f, cdb, 0x052400);
    fake_ide_free(&f);
}

static void test_mode_sense(void **state)
{
    static const uint8_t prevent[12] = { 0x1e, 0, 0, 0, 1 };
    struct fake_ide f;
    uint8_t cdb[12] = { 0x5a, 0, 0x2a, 0, 0, 0, 0, 1, 0 }, buf[64];

    start(&f);
    clear_attention(&f);
    assert_int_equal(command(&f, cdb, buf, 64), 28);
    assert_int_equal(buf[1], 26);
    assert_int_equal(buf[2], 0x01);
    assert_int_equal(buf[8], 0x2a);
    assert_int_equal(buf[14], 0x29);
    command(&f, prevent, buf, 64);
    command(&f, cdb, buf, 64);
    assert_int_equal(buf[14], 0x2b);
    cdb[2] = 0x3f;
    assert_int_equal(command(&f, cdb, buf, 64), 8 + 8 + 8 + 20);
    cdb[2] = 0x41;              /* changeable */
    assert_int_equal(command(&f, cdb, buf, 64), 16);
    assert_memory_equal(buf + 8, "\x01\x06\0\0\0\0\0\0", 8);
    cdb[2] = 0xc1;              /* saved */
    assert_check(&f, cdb, 0x053900);
    cdb[2] = 0x08;
    assert_check(&f, cdb, 0x052400);
    fake_ide_free(&f);
}

static void test_configuration(void **state)
{
    struct fake_ide f;
    uint8_t cdb[12] = { 0x46, 0, 0, 0, 0, 0, 0, 1, 0 }, buf[128];
    size_t n;

    start(&f);
    n = command(&f, cdb, buf, sizeof buf);
    assert_int_equal(n, 8 + 4 * 8 + 12);
    assert_int_equal(buf[3], n - 4);
    assert_int_equal(buf[7], 8);        /* a CD-ROM is in */
    assert_memory_equal(buf + 8, "\0\0\3\4\0\x08\1\0\0\1\3\4\0\0\0\2", 16);
    cdb[1] = 2;
    cdb[3] = 0x10;
    assert_int_equal(command(&f, cdb, buf, sizeof buf), 8 + 12);
    assert_int_equal(buf[9], 0x10);
    cdb[1] = 1;
    cdb[3] = 2;
    assert_int_equal(command(&f, cdb, buf, sizeof buf), 8 + 8 + 12 + 8);
    cdb[8] = 6;
    cdb[7] = 0;
    assert_int_equal(command(&f, cdb, buf, sizeof buf), 6);
    cdb[1] = 3;
    assert_check(&f, cdb, 0x052400);
    fake_ide_free(&f);
}

static void test_mechanism(void **state)
{
    static const uint8_t cdb[12] = { 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8 };
    struct fake_ide f;
    uint8_t buf[8] = { 0xff };

    start(&f);
    clear_attention(&f);
    assert_int_equal(command(&f, cdb, buf, 8), 8);
    assert_int_equal(buf[0], 0);
    fake_ide_free(&f);
}

/* ---- The tray ----------------------------------------------------------- */

static void test_tray(void **state)
{
    static const uint8_t eject[12] = { 0x1b, 0, 0, 0, 2 };
    static const uint8_t load[12] = { 0x1b, 0, 0, 0, 3 };
    static const uint8_t ready[12] = { 0 };
    static const uint8_t mech[12] = { 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8 };
    uint8_t prevent[12] = { 0x1e, 0, 0, 0, 1 };
    uint8_t event[12] = { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 }, buf[8];
    struct fake_ide f;

    start(&f);
    clear_attention(&f);
    command(&f, prevent, buf, 8);
    assert_check(&f, eject, 0x055302);
    prevent[4] = 0;
    command(&f, prevent, buf, 8);
    command(&f, eject, buf, 8);
    assert_check(&f, ready, 0x023a02);
    assert_int_equal(command(&f, event, buf, 8), 8);
    assert_memory_equal(buf, "\0\6\4\x10\3\1\0\0", 8);
    command(&f, mech, buf, 8);
    assert_int_equal(buf[1], 0x10);
    command(&f, load, buf, 8);
    assert_check(&f, ready, 0x062800);
    command(&f, event, buf, 8);
    assert_memory_equal(buf, "\0\6\4\x10\2\2\0\0", 8);
    command(&f, event, buf, 8);
    assert_int_equal(buf[4], 0);
    event[4] = 0x02;            /* a class there is not */
    assert_int_equal(command(&f, event, buf, 8), 4);
    assert_int_equal(buf[2], 0x80);
    event[1] = 0;               /* asynchronous */
    assert_check(&f, event, 0x052400);
    fake_ide_free(&f);
}

static void test_empty(void **state)
{
    static const uint8_t ready[12] = { 0 }, toc[12] = { 0x43, [8] = 20 };
    static const uint8_t sense[12] = { 0x5a, 0, 0x01, [8] = 64 };
    static const uint8_t eject[12] = { 0x1b, 0, 0, 0, 2 };
    static const uint8_t load[12] = { 0x1b, 0, 0, 0, 3 };
    static const uint8_t config[12] = { 0x46, [8] = 8 };
    struct fake_ide f;
    uint8_t cdb[12], buf[64];

    fake_ide_init(&f, 0, 0, 0);
    f.unit[UNIT].is_cdrom = true;
    fake_ide_start(&f);
    clear_attention(&f);
    assert_check(&f, ready, 0x023a00);
    assert_check(&f, toc, 0x023a00);
    read_cdb(cdb, 0x28, 0, 1);
    assert_check(&f, cdb, 0x023a00);
    assert_int_equal(command(&f, sense, buf, 64), 16);
    assert_int_equal(buf[2], 0x70);
    command(&f, config, buf, 64);
    assert_int_equal(buf[7], 0);
    command(&f, eject, buf, 64);
    command(&f, load, buf, 64);
    assert_check(&f, ready, 0x023a00);
    ide_poll(f.ide);
    fake_ide_free(&f);
}

/* Disk and drive on one channel do not disturb each other. */
static void test_beside_a_disk(void **state)
{
    static const uint8_t inquiry[12] = { 0x12, 0, 0, 0, 36 };
    struct fake_ide f;
    uint8_t buf[512], st;

    fake_ide_init(&f, 1u << 3, 1u << 2, BLOCKS);
    fake_ide_start(&f);
    fi_out(&f, CHANNEL, 6, 0xb0);
    assert_int_equal(fi_in(&f, CHANNEL, 4), 0);
    fi_out(&f, CHANNEL, 6, 0xa0);
    assert_int_equal(fi_in(&f, CHANNEL, 4), 0x14);
    fi_lba28(&f, 3, 0x20, 8, 1);
    assert_true(fi_take_irq(&f, CHANNEL, &st));
    fi_read(&f, CHANNEL, buf, 256);
    assert_int_equal(buf[0], fake_disk_byte(8, 0));
    assert_int_equal(command(&f, inquiry, buf, 64), 36);
    fi_lba28(&f, 3, 0x20, 9, 2);
    fi_out(&f, CHANNEL, 6, 0xa0);
    fi_out(&f, CHANNEL, 7, 0x08);       /* resets the drive only */
    fi_out(&f, CHANNEL, 6, 0xf0);
    assert_int_equal(fi_alt(&f, CHANNEL), S_READY | S_DRQ);
    fi_read(&f, CHANNEL, buf, 256);
    assert_int_equal(buf[1], fake_disk_byte(9, 1));
    fake_ide_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_identify),
        cmocka_unit_test(test_drive_commands),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_inquiry),
        cmocka_unit_test(test_unknown_packet),
        cmocka_unit_test(test_read_pio),
        cmocka_unit_test(test_read_dma),
        cmocka_unit_test(test_read_outside),
        cmocka_unit_test(test_read_cd_fields),
        cmocka_unit_test(test_read_error),
        cmocka_unit_test(test_deferred),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_toc),
        cmocka_unit_test(test_mode_sense),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_mechanism),
        cmocka_unit_test(test_tray),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_beside_a_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
