/* fw_cfg as SeaBIOS uses it: items, directory, DMA; the debug port. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "emu/dev/debugport.h"
#include "emu/dev/fwcfg.h"
#include "tests/unit/fake_machine.h"

static const uint8_t rom[5000] = { 0x55, 0xaa, 0x09, [4999] = 0x77 };

struct fixture {
    struct machine *m;
    struct fwcfg *fw;
};

static int setup(void **state)
{
    static struct fixture f;

    f.m = fake_machine_new();
    f.fw = fwcfg_create(f.m);
    assert_int_equal(fwcfg_set_int(f.fw, FWCFG_MAX_CPUS, 0x0102, 2), 0);
    assert_int_equal(fwcfg_add_file(f.fw, "etc/e820", "abc", 3), 0);
    assert_int_equal(fwcfg_add_file(f.fw, "pci10ec,8029.rom", rom, sizeof rom),
                     0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    fwcfg_destroy(f->fw);
    fake_machine_free(f->m);
    return 0;
}

static void read_item(struct fixture *f, uint16_t key, uint8_t *out,
                      unsigned len)
{
    fake_out(f->m, 0x510, 2, key);
    for (unsigned i = 0; i < len; i++)
        out[i] = (uint8_t)fake_in(f->m, 0x511, 1);
}

static void test_items(void **state)
{
    struct fixture *f = *state;
    uint8_t buf[8];

    read_item(f, 0, buf, 6);
    assert_memory_equal(buf, "QEMU\0\0", 6);
    read_item(f, FWCFG_ID, buf, 4);
    assert_memory_equal(buf, "\3\0\0\0", 4);
    read_item(f, FWCFG_MAX_CPUS, buf, 4);
    assert_memory_equal(buf, "\2\1\0\0", 4);
    read_item(f, 0x7777, buf, 4);
    assert_memory_equal(buf, "\0\0\0\0", 4);
}

static void test_directory(void **state)
{
    struct fixture *f = *state;
    uint8_t buf[4 + 3 * 64];

    read_item(f, 0x19, buf, sizeof buf);
    assert_memory_equal(buf, "\0\0\0\2", 4);
    assert_memory_equal(buf + 4, "\0\0\0\3\0\x20\0\0etc/e820", 17);
    assert_memory_equal(buf + 68, "\0\0\x13\x88\0\x21\0\0pci10ec,8029.rom", 25);
    for (unsigned i = 132; i < sizeof buf; i++)
        assert_int_equal(buf[i], 0);
    read_item(f, 0x20, buf, 4);
    assert_memory_equal(buf, "abc\0", 4);
}

static void test_block_read(void **state)
{
    struct fixture *f = *state;
    struct device *dev = (struct device *)f->fw;
    uint8_t buf[sizeof rom + 2];

    fake_out(f->m, 0x510, 2, 0x21);
    assert_int_equal(fake_in(f->m, 0x511, 1), 0x55);
    assert_int_equal(dev->ops->io_read_block(dev, 0x511, 1, buf, sizeof rom),
                     sizeof rom);
    assert_memory_equal(buf, rom + 1, sizeof rom - 1);
    assert_int_equal(buf[sizeof rom - 1], 0);
}

static void command(struct fixture *f, uint32_t control, uint32_t len,
                    uint64_t addr)
{
    uint8_t *p = fake_ram(f->m) + 0x1000;

    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(control >> (24 - 8 * i));
        p[4 + i] = (uint8_t)(len >> (24 - 8 * i));
    }
    for (unsigned i = 0; i < 8; i++)
        p[8 + i] = (uint8_t)(addr >> (56 - 8 * i));
    fake_out(f->m, 0x514, 4, 0);
    fake_out(f->m, 0x518, 4, 0x00100000);       /* 1000h, big-endian */
}

static void test_dma(void **state)
{
    struct fixture *f = *state;
    uint8_t *ram = fake_ram(f->m);

    assert_int_equal(fake_in(f->m, 0x514, 4), 0x554d4551);      /* "QEMU" */
    assert_int_equal(fake_in(f->m, 0x518, 4), 0x47464320);      /* " CFG" */
    memset(ram + 0x2000, 0xee, 0x2000);
    command(f, 0x0021000a, sizeof rom + 10, 0x2000);    /* select, read */
    assert_memory_equal(ram + 0x1000, "\0\0\0\0", 4);
    assert_memory_equal(ram + 0x2000, rom, sizeof rom);
    assert_int_equal(ram[0x2000 + sizeof rom + 9], 0);
    assert_int_equal(ram[0x2000 + sizeof rom + 10], 0xee);
    command(f, 0x0021000c, 4999, 0);            /* select, skip */
    command(f, 2, 1, 0x3f00);
    assert_int_equal(ram[0x3f00], 0x77);
    command(f, 4, 0xffffffff, 0);
    command(f, 2, 1, 0x3f00);
    assert_int_equal(ram[0x3f00], 0);
}

static void test_dma_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t *ram = fake_ram(f->m);

    command(f, 0x0021000a, 64, FAKE_RAM_BYTES - 32);
    assert_memory_equal(ram + 0x1000, "\0\0\0\1", 4);
    command(f, 0x0021000a, 0xffffffff, 0);
    assert_memory_equal(ram + 0x1000, "\0\0\0\1", 4);
    assert_int_equal(ram[0], 0);
    command(f, 0x00210018, 4, 0x2000);          /* write */
    assert_memory_equal(ram + 0x1000, "\0\0\0\1", 4);
    assert_int_equal(fake_count(f->m, "fw_cfg: DMA refused"), 3);
    fake_out(f->m, 0x514, 4, 0xffffffff);       /* no such address */
    fake_out(f->m, 0x518, 4, 0xffffffff);
    fake_out(f->m, 0x51a, 2, 0);
    assert_int_equal(fake_count(f->m, "fw_cfg: DMA refused"), 3);
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    char name[FWCFG_FILE_NAME + 1];
    int error = 0, n = 0;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_int_equal(fwcfg_add_file(f->fw, name, "", 1), -ENAMETOOLONG);
    for (; !error && n < 1000; n++)
        error = fwcfg_add_file(f->fw, "f", "", 1);
    assert_int_equal(error, -ENOSPC);
    error = 0;
    for (n = 0; !error && n < 1000; n++)
        error = fwcfg_set_int(f->fw, 5, 1, 2);
    assert_int_equal(error, -ENOSPC);
}

static void put(void *ctx, uint8_t c)
{
    char *text = ctx;

    text[strlen(text)] = (char)c;
}

static void test_debugport(void **state)
{
    struct fixture *f = *state;
    char text[8] = "";
    struct debugport *d = debugport_create(f->m, put, text);

    assert_int_equal(fake_in(f->m, 0x402, 1), 0xe9);
    fake_out(f->m, 0x402, 1, 'h');
    fake_out(f->m, 0x402, 1, 'i');
    assert_string_equal(text, "hi");
    debugport_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_items, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_block_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dma, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dma_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_debugport, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
