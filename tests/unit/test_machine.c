/*
 * A whole machine with a scripted CPU: memory map, ports, DMA, requests, log
 * and texts, two machines in one process. Time is in test_machine_time.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "emu/dev/device.h"
#include "emu/machine_internal.h"
#include "emu/machine_log.h"
#include "tests/unit/fake_disk.h"
#include "tests/unit/machine_harness.h"

static void host_bridge(struct guest *g, unsigned reg, uint8_t v)
{
    guest_out(g, 0xcf8, 4, 0x80000000u | (reg & 0xfc));
    guest_out(g, (uint16_t)(0xcfc + (reg & 3)), 1, v);
}

/* ---- Creation ----------------------------------------------------------- */

static void test_bad_configs(void **state)
{
    struct guest g = { .ram = guest_bios };
    struct machine_config c = guest_config(&g, -1);
    const char *error;

    c.ram_bytes = MIB + 4096;
    assert_null(machine_create(&c, &error));
    assert_non_null(strstr(error, "memory"));
    c.ram_bytes = 4096ull * MIB;
    assert_null(machine_create(&c, &error));
    c.ram_bytes = RAM_BYTES;
    c.bios_size = 1000;
    assert_null(machine_create(&c, &error));
    assert_non_null(strstr(error, "BIOS"));
    c.bios_size = BIOS_BYTES;
    c.engine = NULL;
    assert_null(machine_create(&c, &error));
    assert_non_null(strstr(error, "engine"));
}

/* ---- Memory ------------------------------------------------------------- */

static void test_map(void **state)
{
    struct guest *g = guest_new(-1);
    const struct cpu_bus *b = guest_bus(g);
    const uint8_t *top = guest_bios + BIOS_BYTES - 16;

    assert_ptr_equal(b->ram_page(b->ctx, 0, true), g->ram);
    assert_ptr_equal(b->ram_page(b->ctx, RAM_BYTES - 4096, false),
                     g->ram + RAM_BYTES - 4096);
    assert_null(b->ram_page(b->ctx, RAM_BYTES, false));
    assert_null(b->ram_page(b->ctx, 0xa0000, false));
    assert_ptr_equal(b->ram_page(b->ctx, 0xfffff000, false),
                     guest_bios + BIOS_BYTES - 4096);
    assert_ptr_equal(b->ram_page(b->ctx, 0xfffc0000, false), guest_bios);
    assert_null(b->ram_page(b->ctx, 0xfffbf000, false));
    assert_null(b->ram_page(b->ctx, 0xfffff000, true));
    assert_ptr_equal(b->ram_page(b->ctx, 0xe0000, false),
                     guest_bios + BIOS_BYTES - 0x20000);
    assert_null(b->ram_page(b->ctx, 0xd0000, false));
    assert_null(b->ram_page(b->ctx, 0x100000000ull, false));
    assert_null(b->ram_page(b->ctx, ~0xfffull, false));
    assert_int_equal(b->mmio_read(b->ctx, 0xfffffff0, 4),
                     top[0] | top[1] << 8 | top[2] << 16 |
                     (uint32_t)top[3] << 24);
    assert_true(b->mmio_read(b->ctx, 0xd0000000, 8) == ~0ull);
    b->mmio_write(b->ctx, 0xffff0000, 4, 0);
    assert_int_equal(guest_counter(g, "memory: write to ROM"), 1);
    assert_int_equal(guest_counter(g, "memory: read of nothing"), 1);
    guest_free(g);
}

static void test_pam(void **state)
{
    struct guest *g = guest_new(-1);
    const struct cpu_bus *b = guest_bus(g);
    unsigned before = g->map_changes;

    host_bridge(g, 0x59, 0x20);         /* F0000: writes to RAM */
    assert_true(g->map_changes > before);
    assert_ptr_equal(b->ram_page(b->ctx, 0xf0000, true), g->ram + 0xf0000);
    assert_ptr_equal(b->ram_page(b->ctx, 0xf0000, false),
                     guest_bios + BIOS_BYTES - 0x10000);
    b->mmio_write(b->ctx, 0xf0010, 2, 0xbeef);
    assert_int_equal(g->ram[0xf0010], 0xef);
    host_bridge(g, 0x59, 0x10);         /* shadowed: reads from RAM only */
    assert_ptr_equal(b->ram_page(b->ctx, 0xf0000, false), g->ram + 0xf0000);
    assert_null(b->ram_page(b->ctx, 0xf0000, true));
    b->mmio_write(b->ctx, 0xf0010, 2, 0);
    assert_int_equal(b->mmio_read(b->ctx, 0xf0010, 2), 0xbeef);
    assert_int_equal(machine_dma_write(g->m, 0xf0010, "x", 1), -EFAULT);
    host_bridge(g, 0x5a, 0x33);
    assert_ptr_equal(b->ram_page(b->ctx, 0xc7000, true), g->ram + 0xc7000);
    assert_null(b->ram_page(b->ctx, 0xc8000, true));
    host_bridge(g, 0x72, 0x48);
    assert_ptr_equal(b->ram_page(b->ctx, 0xa0000, true), g->ram + 0xa0000);
    assert_int_equal(machine_dma_write(g->m, 0xa0000, "x", 1), -EFAULT);
    machine_reset(g->m);
    assert_ptr_equal(b->ram_page(b->ctx, 0xf0000, false),
                     guest_bios + BIOS_BYTES - 0x10000);
    assert_null(b->ram_page(b->ctx, 0xa0000, true));
    guest_free(g);
}

static void test_a20(void **state)
{
    struct guest *g = guest_new(-1);
    const struct cpu_bus *b = guest_bus(g);

    guest_out(g, 0x92, 1, 0);
    assert_ptr_equal(b->ram_page(b->ctx, 0x100000, true), g->ram);
    assert_ptr_equal(b->ram_page(b->ctx, 0x301000, true), g->ram + 0x201000);
    b->mmio_write(b->ctx, 0x100004, 1, 0x5a);
    assert_int_equal(g->ram[4], 0x5a);
    assert_int_equal(machine_dma_write(g->m, 0x100004, "\x77", 1), 0);
    assert_int_equal(g->ram[0x100004], 0x77);
    guest_out(g, 0x92, 1, 2);
    assert_ptr_equal(b->ram_page(b->ctx, 0x100000, true), g->ram + 0x100000);
    guest_out(g, 0x92, 1, 0);
    machine_reset(g->m);
    assert_ptr_equal(b->ram_page(b->ctx, 0x100000, true), g->ram + 0x100000);
    guest_free(g);
}

static void test_dma_bounds(void **state)
{
    struct guest *g = guest_new(-1);
    uint8_t buf[64];

    memset(buf, 0x11, sizeof buf);
    assert_int_equal(machine_dma_write(g->m, 0x9ff0, buf, sizeof buf), 0);
    assert_int_equal(g->changed_addr, 0xa000);
    assert_int_equal(g->changed_len, 0x30);
    assert_int_equal(g->ram[0xa02f], 0x11);
    assert_int_equal(g->ram[0xa030], 0);
    assert_int_equal(machine_dma_write(g->m, RAM_BYTES - 32, buf, sizeof buf),
                     -EFAULT);
    assert_int_equal(g->ram[RAM_BYTES - 1], 0x11);
    assert_int_equal(machine_dma_read(g->m, RAM_BYTES - 32, buf, sizeof buf),
                     -EFAULT);
    assert_int_equal(buf[31], 0x11);
    assert_int_equal(buf[32], 0xff);
    assert_int_equal(machine_dma_read(g->m, 0x9fff0, buf, sizeof buf), -EFAULT);
    assert_int_equal(machine_dma_read(g->m, ~0ull - 8, buf, sizeof buf),
                     -EFAULT);
    assert_int_equal(machine_dma_write(g->m, 0xfffc0000, buf, 4), -EFAULT);
    assert_int_equal(guest_counter(g, "memory: DMA read outside RAM"), 3);
    guest_free(g);
}

/* ---- Ports -------------------------------------------------------------- */

struct thing {
    struct device dev;
    uint8_t id;
};

static uint32_t thing_read(struct device *dev, uint16_t port, unsigned size)
{
    return ((struct thing *)dev)->id;
}

static const struct device_ops thing_ops = { .name = "thing",
                                             .io_read = thing_read };

static void test_port_layers(void **state)
{
    struct guest *g = guest_new(-1);
    struct thing a = { { &thing_ops, g->m }, 0xa1 };
    struct thing b = { { &thing_ops, g->m }, 0xb2 };
    uint8_t block[6];

    assert_int_equal(guest_in(g, 0x1000, 2), 0xffff);
    machine_io_map(g->m, 0x1000, 16, &a.dev);
    machine_io_map(g->m, 0x1008, 16, &b.dev);
    assert_int_equal(guest_in(g, 0x1007, 1), 0xa1);
    assert_int_equal(guest_in(g, 0x1008, 1), 0xb2);
    assert_int_equal(guest_in(g, 0x1017, 1), 0xb2);
    assert_int_equal(guest_in(g, 0x1018, 1), 0xff);
    assert_int_equal(guest_bus(g)->io_read_block(guest_bus(g)->ctx, 0x1008, 2,
                                                 block, 3), 3);
    assert_memory_equal(block, "\xb2\0\xb2\0\xb2\0", 6);
    machine_io_unmap(g->m, 0x1008, 16, &b.dev);
    assert_int_equal(guest_in(g, 0x1008, 1), 0xa1);   /* as before */
    assert_int_equal(guest_in(g, 0x1010, 1), 0xff);
    machine_io_unmap(g->m, 0x1008, 16, &b.dev); /* twice does no harm */
    machine_io_unmap(g->m, 0x1000, 16, &a.dev);
    assert_int_equal(guest_in(g, 0x1000, 1), 0xff);
    for (unsigned i = 0; i < 1000; i++) {       /* slots are given back */
        static struct thing many[1000];

        many[i] = b;
        machine_io_map(g->m, 0x1000, 1, &many[i].dev);
        assert_int_equal(guest_in(g, 0x1000, 1), 0xb2);
        machine_io_unmap(g->m, 0x1000, 1, &many[i].dev);
    }
    machine_io_map(g->m, 0xfff8, 16, &a.dev);   /* beyond the last port */
    assert_int_equal(guest_counter(g, "io: no room for a device's ports"), 1);
    for (unsigned i = 0; i < 200; i++)
        machine_io_map(g->m, (uint16_t)(0x2000 + i), 1, &a.dev);
    assert_true(guest_counter(g, "io: no room for a device's ports") > 1);
    guest_free(g);
}

/* ---- Requests ----------------------------------------------------------- */

static bool insn_reset(struct guest *g, struct cpu *c)
{
    if (c->icount == 500)
        guest_out(g, 0xcf9, 1, 0x06);
    return false;
}

static bool insn_poweroff(struct guest *g, struct cpu *c)
{
    if (c->icount == 700)
        machine_request(g->m, MACHINE_REQ_POWEROFF);
    return false;
}

static void test_requests(void **state)
{
    struct guest *g = guest_new(-1);

    g->insn = insn_reset;
    machine_cpu(g->m)->rip = 0x1234;
    assert_int_equal(machine_run(g->m, MS), MACHINE_RESET);
    assert_int_equal(machine_icount(g->m), 500);
    assert_int_equal(machine_cpu(g->m)->rip, 0xfff0);
    assert_int_equal(guest_in(g, 0xcf9, 1), 0);
    g->insn = insn_poweroff;
    assert_int_equal(machine_run(g->m, MS), MACHINE_POWEROFF);
    assert_int_equal(machine_icount(g->m), 700);
    g->insn = NULL;
    g->shutdowns = 1;
    assert_int_equal(machine_run(g->m, MS), MACHINE_RESET);
    assert_int_equal(guest_counter(g, "cpu: triple fault"), 1);
    assert_int_equal(g->log_lines, 1);
    assert_int_equal(machine_run(g->m, MS), MACHINE_BUDGET);
    guest_free(g);
}

static bool insn_last_words(struct guest *g, struct cpu *c)
{
    for (const char *p = "Power down\r\n"; c->icount == 100 && *p; p++)
        guest_out(g, 0x3f8, 1, (uint8_t)*p);
    if (c->icount == 101)
        machine_request(g->m, MACHINE_REQ_POWEROFF);
    return false;
}

/* A line keeps sending when its PC goes off; so does the UART's FIFO. */
static void test_last_words(void **state)
{
    struct guest *g = guest_new(-1);

    guest_out(g, 0x3fa, 1, 0x01);
    g->insn = insn_last_words;
    assert_int_equal(machine_run(g->m, MS), MACHINE_POWEROFF);
    assert_int_equal(g->said_len, 12);
    assert_memory_equal(g->said, "Power down\r\n", 12);
    guest_free(g);
}

static void test_log_is_limited(void **state)
{
    struct guest *g = guest_new(-1);

    for (unsigned i = 0; i < 1000; i++)
        machine_log(g->m, "line %u", i);
    assert_in_range(g->log_lines, 1, 30);
    g->log_lines = 0;
    g->clock += 600 * MS;
    machine_log(g->m, "later");
    assert_int_equal(g->log_lines, 2);  /* with how many were left out */
    guest_free(g);
}

/* What the last line of an item begins with. */
static void assert_item(const struct guest *g, const char *begin)
{
    if (strncmp(g->item, begin, strlen(begin)))
        fail_msg("'%s' is not at the begin of '%s'", begin, g->item);
}

static void test_log_items(void **state)
{
    struct guest *g = guest_new(-1);

    machine_io_read(g->m, 0x278, 1);
    assert_int_equal(g->item_lines, 0);         /* nobody asked */
    machine_log_items(g->m, MACHINE_LOG_GUEST_ERRORS);
    machine_io_read(g->m, 0x278, 1);
    assert_item(g, "io: read of a port without a device: 1 byte at 0x278, "
                "near f000:0000fff0");
    machine_io_write(g->m, 0x278, 2, 0);
    assert_item(g, "io: write to a port without a device: 2 bytes at 0x278, ");
    machine_mmio_write(g->m, 0xfffffff0, 4, 0);
    assert_item(g, "memory: write to ROM: 4 bytes at 0xfffffff0, near ");
    machine_mmio_read(g->m, 0xe0000000, 8);
    assert_item(g, "memory: read of nothing: 8 bytes at 0xe0000000, near ");
    assert_int_equal(g->item_lines, 4);
    /* No mistakes, and what the device does not have. */
    machine_count(g->m, "rtc: ticks given again");
    machine_count(g->m, "ide: unknown command");
    assert_int_equal(g->item_lines, 4);
    machine_log_items(g->m, MACHINE_LOG_UNIMP);
    machine_count(g->m, "ide: unknown command");
    assert_item(g, "ide: unknown command, near ");
    machine_count(g->m, "ide: command while busy");
    assert_int_equal(g->item_lines, 5);
    assert_int_equal(g->log_lines, 0);
    machine_log_items(g->m, 0);
    machine_count(g->m, "ide: unknown command");
    assert_int_equal(g->item_lines, 5);
    guest_free(g);
}

/* They have a limit of their own; what is too much is counted. */
static void test_log_items_are_limited(void **state)
{
    struct guest *g = guest_new(-1);
    char text[4096], want[64];

    machine_log_items(g->m, MACHINE_LOG_ALL);
    for (unsigned i = 0; i < 1000; i++)
        machine_io_read(g->m, 0x278, 1);
    assert_in_range(g->item_lines, 1, 30);
    snprintf(want, sizeof want, "%12u  log: lines left out\n",
             1000 - g->item_lines);
    machine_info(g->m, "counters", text, sizeof text);
    assert_non_null(strstr(text, want));
    machine_log(g->m, "still said");
    assert_int_equal(g->log_lines, 1);
    g->item_lines = 0;
    g->clock += 600 * MS;
    machine_io_read(g->m, 0x278, 1);
    assert_int_equal(g->item_lines, 2); /* with how many were left out */
    guest_free(g);
}

static void test_log_of_a_reset(void **state)
{
    struct guest *g = guest_new(-1);

    machine_log_items(g->m, MACHINE_LOG_CPU_RESET);
    machine_reset(g->m);
    assert_in_range(g->item_lines, 20, 60);
    assert_item(g, "XMM06=");
    g->item_lines = 0;
    machine_log_items(g->m, MACHINE_LOG_GUEST_ERRORS);
    machine_reset(g->m);
    assert_int_equal(g->item_lines, 0);
    guest_free(g);
}

static void test_counters_are_bounded(void **state)
{
    struct guest *g = guest_new(-1);
    static char names[200][16];

    for (unsigned i = 0; i < 200; i++) {
        snprintf(names[i], sizeof names[i], "test: %u", i);
        machine_count(g->m, names[i]);
        machine_count(g->m, names[i]);
    }
    assert_int_equal(guest_counter(g, "test: 3\n"), 2);
    assert_true(guest_counter(g, "counters: others") > 100);
    guest_free(g);
}

/* ---- Firmware, texts, two machines -------------------------------------- */

static unsigned cmos(struct guest *g, uint8_t index)
{
    guest_out(g, 0x70, 1, index);
    return guest_in(g, 0x71, 1);
}

static void test_firmware_view(void **state)
{
    struct guest *g = guest_new(-1);

    assert_int_equal(cmos(g, 0x17) | cmos(g, 0x18) << 8, 7 * 1024);
    assert_int_equal(cmos(g, 0x34) | cmos(g, 0x35) << 8, 0);
    assert_int_equal(cmos(g, 0x3d), 0x32);      /* disk, then CD */
    assert_int_equal(cmos(g, 0x10), 0);
    guest_out(g, 0x510, 2, 0);
    assert_int_equal(guest_in(g, 0x511, 1), 'Q');
    guest_out(g, 0x402, 1, 'S');
    assert_int_equal(g->debug_len, 1);
    guest_out(g, 0xcf8, 4, 0x80000b00);
    assert_int_equal(guest_in(g, 0xcfc, 4), 0x71138086);
    guest_free(g);
}

/* Two bits a disk: as chosen, or LBA for what is too large and was not. */
static void test_translation(void **state)
{
    static const struct {
        enum machine_translation chosen;
        uint16_t heads;
        uint64_t sectors;
        unsigned code;
    } cases[] = {
        { MACHINE_TRANSLATION_AUTO, 0, 42336, 0 },
        { MACHINE_TRANSLATION_AUTO, 0, 16514065, 1 },
        { MACHINE_TRANSLATION_AUTO, 16, 16514065, 0 },
        { MACHINE_TRANSLATION_NONE, 0, 16514065, 0 },
        { MACHINE_TRANSLATION_LBA, 16, 42336, 1 },
        { MACHINE_TRANSLATION_LARGE, 16, 42336, 2 },
        { MACHINE_TRANSLATION_RECHS, 16, 42336, 3 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct guest *g = guest_new(-1);
        struct machine_config c = guest_config(g, -1);
        struct fake_disk disk;
        const char *error;

        machine_destroy(g->m);
        fake_disk_init(&disk, cases[i].sectors);
        c.ide[1] = (struct machine_ide){
            .disk = &disk.dev, .cylinders = cases[i].heads ? 42 : 0,
            .heads = cases[i].heads, .sectors = 63,
            .translation = cases[i].chosen,
        };
        g->m = machine_create(&c, &error);
        assert_int_equal(cmos(g, 0x39), cases[i].code << 2);
        guest_free(g);
        fake_disk_free(&disk);
    }
}

static void test_info(void **state)
{
    struct guest *g = guest_new(-1);
    char buf[16384];

    assert_true(machine_info(g->m, "pci", buf, sizeof buf) > 0);
    assert_non_null(strstr(buf, "Host bridge: PCI device 8086:1237"));
    assert_non_null(strstr(buf, "ISA bridge: PCI device 8086:7000"));
    assert_true(machine_info(g->m, "mtree", buf, sizeof buf) > 0);
    assert_non_null(strstr(buf, "00000000fffc0000-00000000ffffffff: rom"));
    assert_non_null(strstr(buf, "  0510-0511: fw_cfg"));
    assert_true(machine_info(g->m, "pic", buf, sizeof buf) > 0);
    assert_true(machine_info(g->m, "registers", buf, sizeof buf) > 0);
    assert_true(machine_info(g->m, "block", buf, sizeof buf) >= 0);
    assert_int_equal(machine_info(g->m, "network", buf, sizeof buf), 0);
    assert_int_equal(machine_info(g->m, "nonsense", buf, sizeof buf), -ENOENT);
    assert_int_equal(machine_info(g->m, "pci", buf, 5) > 100, 1);
    assert_int_equal(strlen(buf), 4);
    guest_free(g);
}

static void test_two_machines(void **state)
{
    struct guest *a = guest_new(-1), *b = guest_new(0);

    a->insn = NULL;
    b->insn = insn_hlt;
    guest_start_tick(a, 11932);
    host_bridge(a, 0x59, 0x30);
    guest_out(a, 0x80, 1, 0x77);
    assert_int_equal(guest_in(b, 0x80, 1), 0);
    assert_null(guest_bus(b)->ram_page(guest_bus(b)->ctx, 0xf0000, true));
    guest_start_tick(b, 1193);
    for (unsigned i = 0; i < 100; i++) {
        machine_run(a->m, MS);
        machine_run(b->m, MS);
    }
    assert_in_range(a->irqs, 9, 11);
    assert_in_range(b->irqs, 99, 101);
    machine_reset(a->m);
    assert_int_equal(guest_in(a, 0x80, 1), 0);
    guest_free(a);
    machine_run(b->m, 10 * MS);
    assert_in_range(b->irqs, 109, 111);
    guest_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_configs),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_pam),
        cmocka_unit_test(test_a20),
        cmocka_unit_test(test_dma_bounds),
        cmocka_unit_test(test_port_layers),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_log_is_limited),
        cmocka_unit_test(test_log_items),
        cmocka_unit_test(test_log_items_are_limited),
        cmocka_unit_test(test_log_of_a_reset),
        cmocka_unit_test(test_counters_are_bounded),
        cmocka_unit_test(test_firmware_view),
        cmocka_unit_test(test_translation),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_two_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
