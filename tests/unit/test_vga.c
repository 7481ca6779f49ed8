/* The VGA: registers, planes, text, and the Bochs display interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "tests/unit/vga_fixture.h"

/* The four planes' bytes at `addr`, plane 0 in the lowest. */
static uint32_t planes(struct fixture *f, uint32_t addr)
{
    uint32_t word = 0;

    for (unsigned p = 0; p < 4; p++) {
        indexed(f, 0x3ce, 4, (uint8_t)p);
        word |= (uint32_t)peek(f, addr) << (8 * p);
    }
    return word;
}

static void test_pci(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(pci_config_read(f->bus, DEVFN, 0, 4), 0x11111234);
    assert_int_equal(pci_config_read(f->bus, DEVFN, 0x0a, 2), 0x0300);
    pci_config_write(f->bus, DEVFN, 0x10, 4, ~0u);
    assert_int_equal(pci_config_read(f->bus, DEVFN, 0x10, 4), 0xff000000);
    pci_config_write(f->bus, DEVFN, 0x18, 4, ~0u);
    assert_int_equal(pci_config_read(f->bus, DEVFN, 0x18, 4), 0xfffff000);
    assert_null(vga_create(f->m, f->bus, DEVFN));
}

static void test_registers(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(in(f, 0x3d4), 0xff);       /* monochrome until told */
    out(f, 0x3b4, 0x0e);
    out(f, 0x3b5, 0x12);
    out(f, 0x3c2, 0x67);
    assert_int_equal(in(f, 0x3cc), 0x67);
    assert_int_equal(in(f, 0x3b4), 0xff);
    assert_int_equal(get(f, 0x3d4, 0x0e), 0x12);
    indexed(f, 0x3c4, 2, 0xff);
    assert_int_equal(get(f, 0x3c4, 2), 0x0f);
    indexed(f, 0x3ce, 3, 0xff);
    assert_int_equal(get(f, 0x3ce, 3), 0x1f);
    /* CR0-7 write protection, but for CR7 bit 4 */
    indexed(f, 0x3d4, 0x11, 0x80);
    indexed(f, 0x3d4, 0x00, 0x55);
    indexed(f, 0x3d4, 0x07, 0xff);
    assert_int_equal(get(f, 0x3d4, 0x00), 0);
    assert_int_equal(get(f, 0x3d4, 0x07), 0x10);
    assert_int_equal(get(f, 0x3d4, 0x1f), 0);
}

static void test_attribute_flip_flop(void **state)
{
    struct fixture *f = *state;

    out(f, 0x3c2, 0x67);
    in(f, 0x3da);
    out(f, 0x3c0, 0x02);
    out(f, 0x3c0, 0x2a);
    out(f, 0x3c0, 0x03);
    in(f, 0x3da);               /* back to the index */
    out(f, 0x3c0, 0x13);
    out(f, 0x3c0, 0xff);
    in(f, 0x3da);
    out(f, 0x3c0, 0x02);
    assert_int_equal(in(f, 0x3c1), 0x2a);
    in(f, 0x3da);
    out(f, 0x3c0, 0x33);
    assert_int_equal(in(f, 0x3c1), 0x0f);
    in(f, 0x3da);
    assert_int_equal(in(f, 0x3c0), 0x33);
    out(f, 0x3c0, 0x22);        /* palette locked while it is shown */
    out(f, 0x3c0, 0x11);
    assert_int_equal(in(f, 0x3c1), 0x2a);
    in(f, 0x3da);
    out(f, 0x3c0, 0x1f);        /* no such register */
    out(f, 0x3c0, 0x11);
    assert_int_equal(in(f, 0x3c1), 0);
}

static void test_dac(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(in(f, 0x3c6), 0xff);
    out(f, 0x3c8, 254);
    for (unsigned i = 0; i < 9; i++)
        out(f, 0x3c9, (uint8_t)(0x40 + i));
    assert_int_equal(in(f, 0x3c8), 1);
    out(f, 0x3c7, 255);
    assert_int_equal(in(f, 0x3c7), 3);
    for (unsigned i = 3; i < 9; i++)
        assert_int_equal(in(f, 0x3c9), i);
    fake_out(f->m, 0x1ce, 2, 4);
    fake_out(f->m, 0x1cf, 2, 0x20);     /* 8-bit DAC */
    out(f, 0x3c8, 0);
    out(f, 0x3c9, 0xff);
    out(f, 0x3c9, 0x80);
    out(f, 0x3c9, 0x7f);
    out(f, 0x3c7, 0);
    assert_int_equal(in(f, 0x3c9), 0xff);
    assert_int_equal(in(f, 0x3c9), 0x80);
    assert_int_equal(in(f, 0x3c9), 0x7f);
}

static void test_retrace(void **state)
{
    struct fixture *f = *state;
    unsigned frames = 0, retrace = 0, blank = 0;
    uint8_t was = 8;

    video_mode(f, &text_03);
    for (unsigned i = 0; i < 10000; i++) {      /* 100 ms: 7 frames at 70 Hz */
        uint8_t s = in(f, 0x3da);

        frames += (s & 8) && !(was & 8);
        retrace += (s & 8) != 0;
        blank += s & 1;
        assert_true(!(s & 8) || (s & 1));
        was = s;
        fake_advance(f->m, 10000);
    }
    assert_int_equal(frames, 7);
    assert_in_range(retrace, 30, 60);
    assert_in_range(blank, 2500, 3500);
}

static void test_text(void **state)
{
    struct fixture *f = *state;
    static const char hello[] = "hello, world";
    char buf[4096], want[256];
    int len;

    assert_true(vga_text(f->vga, buf, sizeof buf) >= 0);
    video_mode(f, &text_03);
    for (unsigned i = 0; i < 80 * 25; i++)
        f->dev->ops->mmio_write(f->dev, 0xb8000 + 2 * i, 2, 0x0720);
    for (unsigned i = 0; hello[i]; i++)
        poke(f, 0xb8000 + 160 + 8 + 2 * i, (uint8_t)hello[i]);
    poke(f, 0xb8000 + 160 * 24, 0xba);
    assert_int_equal(f->dev->ops->mmio_read(f->dev, 0xb8000 + 168, 4),
                     0x07650768);
    len = vga_text(f->vga, buf, sizeof buf);
    memset(want, '\n', 25);
    strcpy(want + 1, "    hello, world\n");
    memset(want + 18, '\n', 22);
    strcpy(want + 40, "|\n");
    assert_string_equal(buf, want);
    assert_int_equal(len, 42);
    assert_int_equal(vga_text(f->vga, buf, 8), 42);
    assert_string_equal(buf, "\n    he");
    indexed(f, 0x3d4, 0x0d, 80);        /* scroll by a line */
    vga_text(f->vga, buf, sizeof buf);
    assert_memory_equal(buf, "    hello, world\n", 17);
    assert_int_equal(peek(f, 0xb0000), 0xff);   /* outside of the window */
    assert_int_equal(peek(f, 0xa0000), 0xff);
    indexed(f, 0x3ce, 6, 0x05);
    assert_int_equal(vga_text(f->vga, buf, sizeof buf), -ENODATA);
}

static void test_font_load(void **state)
{
    struct fixture *f = *state;
    char buf[4096];

    video_mode(f, &text_03);
    f->dev->ops->mmio_write(f->dev, 0xb8000, 2, 0x0741);
    indexed(f, 0x3c4, 2, 0x04); /* plane 2 at A0000h, sequential */
    indexed(f, 0x3c4, 4, 0x06);
    indexed(f, 0x3ce, 4, 0x02);
    indexed(f, 0x3ce, 5, 0x00);
    indexed(f, 0x3ce, 6, 0x04);
    for (unsigned i = 0; i < 0x2000; i++)
        poke(f, 0xa0000 + i, (uint8_t)(i ^ i >> 8));
    for (unsigned i = 0; i < 0x2000; i++)
        assert_int_equal(peek(f, 0xa0000 + i), (uint8_t)(i ^ i >> 8));
    video_mode(f, &text_03);
    vga_text(f->vga, buf, sizeof buf);
    assert_int_equal(buf[0], 'A');
}

static void test_write_modes(void **state)
{
    struct fixture *f = *state;

    video_mode(f, &graphics_12);
    poke(f, 0xa0000, 0x81);
    assert_int_equal(planes(f, 0xa0000), 0x81818181);
    indexed(f, 0x3c4, 2, 0x05); /* planes 0 and 2 */
    poke(f, 0xa0000, 0x42);
    assert_int_equal(planes(f, 0xa0000), 0x81428142);
    indexed(f, 0x3c4, 2, 0x0f);

    /* Mode 1: the latches, copied */
    peek(f, 0xa0000);
    indexed(f, 0x3ce, 5, 0x01);
    poke(f, 0xa0001, 0x00);
    assert_int_equal(planes(f, 0xa0001), 0x81428142);

    /* Mode 2: a colour under the bit mask */
    indexed(f, 0x3ce, 5, 0x02);
    indexed(f, 0x3ce, 8, 0x0f);
    peek(f, 0xa0001);
    poke(f, 0xa0001, 0x0a);
    assert_int_equal(planes(f, 0xa0001), 0x8f408f40);

    /* Mode 3: set/reset under CPU data and bit mask */
    indexed(f, 0x3ce, 5, 0x03);
    indexed(f, 0x3ce, 0, 0x01);
    indexed(f, 0x3ce, 8, 0xf0);
    peek(f, 0xa0002);
    poke(f, 0xa0002, 0x3c);
    assert_int_equal(planes(f, 0xa0002), 0x00000030);

    /* Mode 0 with set/reset, rotation and XOR */
    indexed(f, 0x3ce, 5, 0x00);
    indexed(f, 0x3ce, 8, 0xff);
    indexed(f, 0x3ce, 0, 0x02);
    indexed(f, 0x3ce, 1, 0x03);
    poke(f, 0xa0003, 0x5a);
    assert_int_equal(planes(f, 0xa0003), 0x5a5aff00);
    indexed(f, 0x3ce, 1, 0x00);
    indexed(f, 0x3ce, 3, 0x1c); /* XOR, rotate right by 4 */
    peek(f, 0xa0003);
    poke(f, 0xa0003, 0x0f);
    assert_int_equal(planes(f, 0xa0003), 0xaaaa0ff0);
    indexed(f, 0x3ce, 3, 0x08); /* AND */
    peek(f, 0xa0003);
    poke(f, 0xa0003, 0x33);
    assert_int_equal(planes(f, 0xa0003), 0x22220330);
    indexed(f, 0x3ce, 3, 0x10); /* OR */
    peek(f, 0xa0003);
    poke(f, 0xa0003, 0x88);
    assert_int_equal(planes(f, 0xa0003), 0xaaaa8bb8);
}

static void test_read_mode_1(void **state)
{
    struct fixture *f = *state;

    video_mode(f, &graphics_12);
    indexed(f, 0x3ce, 5, 0x02);
    indexed(f, 0x3ce, 8, 0xf0);
    peek(f, 0xa0000);
    poke(f, 0xa0000, 0x05);
    indexed(f, 0x3ce, 8, 0x0f);
    peek(f, 0xa0000);
    poke(f, 0xa0000, 0x0c);
    indexed(f, 0x3ce, 5, 0x08);
    indexed(f, 0x3ce, 2, 0x05);
    assert_int_equal(peek(f, 0xa0000), 0xf0);
    indexed(f, 0x3ce, 2, 0x0c);
    assert_int_equal(peek(f, 0xa0000), 0x0f);
    indexed(f, 0x3ce, 7, 0x04); /* only plane 2 counts */
    assert_int_equal(peek(f, 0xa0000), 0xff);
    indexed(f, 0x3ce, 7, 0x00);
    indexed(f, 0x3ce, 2, 0x00);
    assert_int_equal(peek(f, 0xa0000), 0xff);
}

static void test_chain4(void **state)
{
    struct fixture *f = *state;

    video_mode(f, &graphics_12);
    indexed(f, 0x3c4, 4, 0x0e);
    indexed(f, 0x3ce, 5, 0x40);
    for (unsigned i = 0; i < 64000; i++)
        poke(f, 0xa0000 + i, (uint8_t)(i * 7));
    for (unsigned i = 0; i < 64000; i++)
        assert_int_equal(peek(f, 0xa0000 + i), (uint8_t)(i * 7));
    /* Unchained, a pixel's byte is in its plane at the rounded address. */
    indexed(f, 0x3c4, 4, 0x06);
    indexed(f, 0x3ce, 4, 3);
    assert_int_equal(peek(f, 0xa0004), (uint8_t)(7 * 7));
}

static void test_memory_maps(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t gr6;
        uint32_t inside, outside;
    } map[] = {
        { 0x01, 0xbffff, 0 },       { 0x05, 0xaffff, 0xb0000 },
        { 0x09, 0xb7fff, 0xb8000 }, { 0x0d, 0xbffff, 0xb7fff },
    };

    video_mode(f, &graphics_12);
    for (unsigned i = 0; i < 4; i++) {
        indexed(f, 0x3ce, 6, map[i].gr6);
        poke(f, map[i].inside, (uint8_t)(0x30 + i));
        assert_int_equal(peek(f, map[i].inside), 0x30 + i);
        if (map[i].outside)
            assert_int_equal(peek(f, map[i].outside), 0xff);
    }
    out(f, 0x3c2, 0xe1);        /* RAM off */
    assert_int_equal(peek(f, map[3].inside), 0xff);
    poke(f, 0xbffff, 0);
    /* An access that runs out of the window */
    assert_int_equal(f->dev->ops->mmio_read(f->dev, 0xbffff, 8), ~0ull);
    f->dev->ops->mmio_write(f->dev, 0xbffff, 8, 0);
}

static uint16_t dispi_get(struct fixture *f, uint16_t i)
{
    fake_out(f->m, 0x1ce, 2, i);
    return (uint16_t)fake_in(f->m, 0x1cf, 2);
}

static void test_dispi(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(dispi_get(f, 0), 0xb0c5);
    dispi(f, 0, 0xb0c0);
    assert_int_equal(dispi_get(f, 0), 0xb0c0);
    dispi(f, 0, 0xb0c6);
    assert_int_equal(dispi_get(f, 0), 0xb0c0);
    assert_int_equal(fake_in(f->m, 0x1d0, 2), 0xb0c0);
    assert_int_equal(dispi_get(f, 10), 256);
    dispi(f, 4, 0x02);
    assert_int_equal(dispi_get(f, 1), 2560);
    assert_int_equal(dispi_get(f, 3), 32);
    dispi(f, 4, 0x00);
    dispi(f, 1, 1024);
    dispi(f, 2, 768);
    dispi(f, 3, 32);
    f->dev->ops->mmio_write(f->dev, LFB, 4, 0xdeadbeef);
    dispi(f, 4, 0xc1);          /* without clearing */
    assert_int_equal(f->dev->ops->mmio_read(f->dev, LFB, 4), 0xdeadbeef);
    dispi(f, 4, 0x00);
    dispi(f, 4, 0x41);
    assert_int_equal(f->dev->ops->mmio_read(f->dev, LFB, 4), 0);
    assert_int_equal(dispi_get(f, 6), 1024);
    assert_int_equal(dispi_get(f, 7), 4096);
    dispi(f, 6, 2048);
    assert_int_equal(dispi_get(f, 7), 2048);
    dispi(f, 9, 1280);
    dispi(f, 8, 1024);
    assert_int_equal(dispi_get(f, 9), 1280);
    dispi(f, 9, 1281);
    assert_int_equal(dispi_get(f, 9), 1280);
    assert_int_equal(fake_count(f->m, "vga: display offset refused"), 1);
    dispi(f, 6, 65535);
    assert_int_equal(dispi_get(f, 6), 2048);
    assert_int_equal(fake_count(f->m, "vga: virtual width refused"), 1);
    dispi(f, 1, 100);           /* not while it is shown */
    assert_int_equal(dispi_get(f, 1), 1024);
    assert_int_equal(dispi_get(f, 11), 0xffff);
}

static void test_banks(void **state)
{
    struct fixture *f = *state;

    dispi(f, 1, 640);
    dispi(f, 2, 480);
    dispi(f, 3, 8);
    dispi(f, 4, 0x01);
    dispi(f, 5, 3);
    f->dev->ops->mmio_write(f->dev, 0xafffc, 8, 0x1122334455667788);
    assert_int_equal(f->dev->ops->mmio_read(f->dev, LFB + 0x3fffc, 8),
                     0x55667788);
    dispi(f, 5, 256);
    assert_int_equal(dispi_get(f, 5), 3);
    dispi(f, 5, 255);
    poke(f, 0xaffff, 0x5a);
    assert_int_equal(peek(f, LFB + 0xffffff), 0x5a);
    assert_int_equal(peek(f, 0xb8000), 0xff);
}

static void test_dispi_planar(void **state)
{
    struct fixture *f = *state;

    video_mode(f, &graphics_12);
    dispi(f, 1, 1024);
    dispi(f, 2, 768);
    dispi(f, 3, 4);
    dispi(f, 4, 0x01);
    dispi(f, 5, 1);
    poke(f, 0xa0000, 0x99);
    assert_int_equal(f->dev->ops->mmio_read(f->dev, LFB + 0x40000, 4),
                     0x99999999);
    dispi(f, 5, 255);           /* beyond the planes: wraps */
    poke(f, 0xaffff, 1);
    assert_int_equal(peek(f, LFB + 0xffffff), 1);
}

static void test_bad_modes_are_refused(void **state)
{
    struct fixture *f = *state;
    static const uint16_t mode[][3] = {
        { 0, 0, 8 },       { 640, 480, 9 },    { 65535, 65535, 32 },
        { 2561, 100, 8 },  { 640, 1601, 8 },   { 640, 480, 64 },
    };

    for (unsigned i = 0; i < sizeof mode / sizeof mode[0]; i++) {
        for (uint16_t k = 0; k < 3; k++)
            dispi(f, (uint16_t)(1 + k), mode[i][k]);
        dispi(f, 4, 0x41);
        assert_int_equal(dispi_get(f, 4), 0);
        assert_int_equal(fake_count(f->m, "vga: display mode refused"), i + 1);
    }
    dispi(f, 1, 1);
    dispi(f, 2, 1);
    dispi(f, 3, 4);
    dispi(f, 4, 1);
    assert_int_equal(dispi_get(f, 4), 1);
    dispi(f, 6, 0);
    dispi(f, 4, 0);
}

static void test_register_bar(void **state)
{
    struct fixture *f = *state;

    out(f, 0x3c2, 0x67);
    f->dev->ops->mmio_write(f->dev, REGS + 0x414, 2, 0x120e);
    assert_int_equal(get(f, 0x3d4, 0x0e), 0x12);
    assert_int_equal(peek(f, REGS + 0x40c), 0x67);
    f->dev->ops->mmio_write(f->dev, REGS + 0x502, 2, 800);
    assert_int_equal(dispi_get(f, 1), 800);
    assert_int_equal(f->dev->ops->mmio_read(f->dev, REGS + 0x500, 4),
                     800u << 16 | 0xb0c5);
    f->dev->ops->mmio_write(f->dev, REGS + 0x502, 4, 600u << 16 | 640);
    assert_int_equal(dispi_get(f, 1), 640);
    assert_int_equal(dispi_get(f, 2), 600);
    assert_int_equal(f->dev->ops->mmio_read(f->dev, REGS, 8), ~0ull);
    assert_int_equal(f->dev->ops->mmio_read(f->dev, REGS + 0xffc, 8), ~0ull);
    assert_int_equal(f->dev->ops->mmio_read(f->dev, LFB + 0xfffffc, 8), ~0ull);
    f->dev->ops->mmio_write(f->dev, LFB + 0xfffffc, 8, 1);
    f->dev->ops->reset(f->dev);
    assert_int_equal(dispi_get(f, 1), 0);
    assert_int_equal(peek(f, LFB), 0xff);       /* BARs are gone */
}

static void test_hostile_registers(void **state)
{
    struct fixture *f = *state;
    static char buf[1 << 20];
    uint32_t seed = 7;

    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint16_t port = (uint16_t)(0x3b0 + (seed >> 10) % 0x30);

        switch (seed >> 29) {
        case 0:
            dispi(f, seed >> 4 & 15, (uint16_t)(seed >> 12));
            break;
        case 1:
            f->dev->ops->mmio_write(f->dev, 0xa0000 + (seed >> 5) % 0x20000, 8,
                                    seed);
            break;
        case 2:
            f->dev->ops->mmio_read(f->dev, 0xa0000 + (seed >> 5) % 0x20000, 8);
            break;
        case 3:
            fake_in(f->m, port, 4);
            break;
        default:
            fake_out(f->m, port, 2, seed >> 13);
            break;
        }
        if (i % 1000 == 0)
            vga_text(f->vga, buf, sizeof buf);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_pci),
        T(test_registers),
        T(test_attribute_flip_flop),
        T(test_dac),
        T(test_retrace),
        T(test_text),
        T(test_font_load),
        T(test_write_modes),
        T(test_read_mode_1),
        T(test_chain4),
        T(test_memory_maps),
        T(test_dispi),
        T(test_banks),
        T(test_dispi_planar),
        T(test_bad_modes_are_refused),
        T(test_register_bar),
        T(test_hostile_registers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
