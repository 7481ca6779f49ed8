/*
 * Devices whose section has the right checksum but says what no device could
 * have come to: refused, as each would be an index, a divisor or a loop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "emu/dev/ide_internal.h"
#include "emu/dev/lapic_internal.h"
#include "emu/dev/ne2000_internal.h"
#include "emu/dev/uart_internal.h"
#include "emu/dev/vga_internal.h"
#include "tests/unit/fake_ide.h"
#include "tests/unit/fake_machine.h"
#include "tests/unit/fake_snapshot.h"

/* `bad` is saved; `good`, of the same kind, refuses that with these words. */
static void expect_refused(void *bad, void *good, const char *words)
{
    struct fake_snapshot f;
    char why[200];

    fake_snapshot_save(&f, bad);
    assert_int_equal(fake_snapshot_read(&f, STATE_CHECK, good, why), -EINVAL);
    if (!strstr(why, words))
        fail_msg("'%s' does not say '%s'", why, words);
    fake_snapshot_free(&f);
}

/* ---- IDE ----------------------------------------------------------------- */

#define NO_COMMAND "a transfer that no command is at"

/* What the channel is in the middle of. */
enum at {
    READING,                    /* READ SECTORS, 4 at 100: its first block */
    WRITING,                    /* WRITE SECTORS, likewise */
    WRITING_DMA,                /* WRITE DMA, likewise */
    DATA,                       /* READ(10) of a packet device: its data */
    PACKET,                     /* a packet command: its 12 bytes */
};

/* Something wrong in a channel, and the words for it. */
struct spoiler {
    void (*spoil)(struct ide_channel *ch);
    const char *words;
    enum at at;
};

static void no_data_left(struct ide_channel *c) { c->xfer.pos = c->xfer.end; }
static void beyond_buffer(struct ide_channel *c)
{
    c->xfer.end = IDE_BUF_BYTES + 2;
}
static void beyond_chunk(struct ide_channel *c) { c->xfer.end = 5 * 512; }
static void no_such_kind(struct ide_channel *c) { c->xfer.kind = 5; }
static void other_kind(struct ide_channel *c) { c->xfer.kind = XFER_DMA_OUT; }
static void no_block(struct ide_channel *c) { c->ata.block = 0; }
static void big_block(struct ide_channel *c) { c->ata.block = 17; }
static void no_chunk(struct ide_channel *c) { c->ata.chunk = 0; }
static void big_chunk(struct ide_channel *c) { c->ata.chunk = 257; }
static void much_good(struct ide_channel *c) { c->ata.good = 5; }
static void little_left(struct ide_channel *c) { c->ata.left = 3; }
static void far_lba(struct ide_channel *c) { c->ata.lba = 4096; }
static void far_end(struct ide_channel *c) { c->ata.lba = 4093; }
static void is_write(struct ide_channel *c) { c->ata.flags |= 0x02; }
static void is_read(struct ide_channel *c) { c->ata.flags &= ~0x02; }
/* Written, before the guest has sent it. */
static void some_good(struct ide_channel *c) { c->ata.good = 1; }
static void single(struct ide_channel *c) { c->ata.single = true; }
static void failed(struct ide_channel *c) { c->ata.failed = true; }
static void flat(struct ide_channel *c) { c->unit[0].now.sectors = 0; }
static void multiple(struct ide_channel *c) { c->unit[0].multiple = 17; }
static void mode(struct ide_channel *c) { c->unit[0].transfer_mode = 0x3f; }
static void absent(struct ide_channel *c) { c->active = &c->unit[1]; }
static void prd(struct ide_channel *c) { c->bm.count = 0x10002; }
static void no_bytes(struct ide_channel *c) { c->atapi.byte_limit = 0; }
static void short_data(struct ide_channel *c) { c->atapi.end = 100; }
static void long_data(struct ide_channel *c)
{
    c->atapi.end = IDE_BUF_BYTES + 1;
}
static void far_cd(struct ide_channel *c) { c->atapi.lba = c->atapi.left = 1024; }
static void no_chunks(struct ide_channel *c)
{
    c->atapi.left = 1;
    c->atapi.chunk_max = 0;
}

/* Data behind a command that has not come: more than the buffer holds. */
static void some_left(struct ide_channel *c)
{
    c->atapi.left = 100;
    c->atapi.chunk_max = 100;
}
static void long_packet(struct ide_channel *c) { c->xfer.end = 14; }

static const struct spoiler spoilers[] = {
    { no_data_left, NO_COMMAND, READING },
    { beyond_buffer, "the data's end is out of range", READING },
    { beyond_chunk, NO_COMMAND, READING },
    { no_such_kind, "the transfer's kind is out of range", READING },
    { other_kind, NO_COMMAND, READING },
    { no_block, NO_COMMAND, READING },
    { big_block, NO_COMMAND, READING },
    { no_chunk, NO_COMMAND, READING },
    { big_chunk, NO_COMMAND, READING },
    { much_good, NO_COMMAND, READING },
    { little_left, NO_COMMAND, READING },
    { far_lba, NO_COMMAND, READING },
    { far_end, NO_COMMAND, READING },
    { is_write, NO_COMMAND, READING },
    { flat, "a disk's geometry has a zero", READING },
    { multiple, "sectors for each block is out of range", READING },
    { mode, "a transfer mode that does not exist", READING },
    { absent, NO_COMMAND, READING },
    { prd, "a PRD's rest is out of range", READING },
    { some_good, NO_COMMAND, WRITING },
    { single, NO_COMMAND, WRITING },
    { failed, NO_COMMAND, WRITING },
    { is_read, NO_COMMAND, WRITING },
    { much_good, NO_COMMAND, WRITING },
    { some_good, NO_COMMAND, WRITING_DMA },
    { failed, NO_COMMAND, WRITING_DMA },
    { no_bytes, NO_COMMAND, DATA },
    { short_data, NO_COMMAND, DATA },
    { long_data, NO_COMMAND, DATA },
    { far_cd, NO_COMMAND, DATA },
    { no_chunks, NO_COMMAND, DATA },
    { no_data_left, NO_COMMAND, DATA },
    { some_left, NO_COMMAND, PACKET },
    { long_packet, NO_COMMAND, PACKET },
};

static bool is_packet(enum at at)
{
    return at == DATA || at == PACKET;
}

/* The first packet command hears of the reset; the second reads. */
static void send_packet(struct fake_ide *f, bool whole)
{
    static const uint8_t none[12], read10[12] = { 0x28, 0, 0, 0, 0, 5, 0, 0, 1 };

    fi_out(f, 0, 6, 0xa0);
    fi_out(f, 0, 5, 8);
    fi_out(f, 0, 7, 0xa0);
    fi_write(f, 0, none, 6);
    fi_out(f, 0, 7, 0xa0);
    if (whole)
        fi_write(f, 0, read10, 6);
}

static void go_to(struct fake_ide *f, enum at at)
{
    static const uint8_t commands[] = {
        [READING] = 0x20, [WRITING] = 0x30, [WRITING_DMA] = 0xca
    };

    if (is_packet(at))
        send_packet(f, at == DATA);
    else
        fi_lba28(f, 0, commands[at], 100, 4);
    assert_true(fi_alt(f, 0) & S_DRQ);
}

static void test_ide(void **state)
{
    for (unsigned i = 0; i < sizeof spoilers / sizeof spoilers[0]; i++) {
        const struct spoiler *sp = &spoilers[i];
        struct fake_ide *f = calloc(2, sizeof *f);
        struct fake_snapshot s;
        char why[200];

        assert_non_null(f);
        for (unsigned n = 0; n < 2; n++) {
            fake_ide_init(&f[n], !is_packet(sp->at), is_packet(sp->at), 4096);
            fake_ide_start(&f[n]);
        }
        go_to(&f[0], sp->at);
        fake_snapshot_save(&s, f[0].ide);
        assert_int_equal(fake_snapshot_read(&s, STATE_CHECK, f[1].ide, why), 0);
        fake_snapshot_free(&s);
        sp->spoil(&f[0].ide->channel[0]);
        expect_refused(f[0].ide, f[1].ide, sp->words);
        f[0].ide->channel[0].active = &f[0].ide->channel[0].unit[0];
        fake_ide_free(&f[0]);
        fake_ide_free(&f[1]);
        free(f);
    }
}

/* Of another size: sectors beyond its end could be asked for. */
static void test_ide_other_disk(void **state)
{
    struct fake_ide *f = calloc(2, sizeof *f);

    assert_non_null(f);
    for (unsigned n = 0; n < 2; n++) {
        fake_ide_init(&f[n], 1, 0, n ? 101 : 4096);
        fake_ide_start(&f[n]);
    }
    go_to(&f[0], READING);
    expect_refused(f[0].ide, f[1].ide, "section 'device': a disk's sectors is "
                   "4096 there, 101 here");
    fake_ide_free(&f[0]);
    fake_ide_free(&f[1]);
    free(f);
}

/* ---- Others -------------------------------------------------------------- */

static void no_level(void *ctx, bool level) { }
static void nothing(void *ctx) { }
static void no_vector(void *ctx, uint8_t vector) { }

/* A periodic timer divides by its count. */
static void test_lapic(void **state)
{
    const struct lapic_wires wires = { NULL, no_level, nothing, nothing,
                                       no_vector, nothing };
    struct machine *m = fake_machine_new();
    struct lapic *l = lapic_create(m, &wires, true);

    l->timer.running = true;
    expect_refused(l, l, "the timer runs without a count");
    lapic_destroy(l);
    fake_machine_free(m);
}

/* A frame is sent from the card's memory. */
static void test_ne2000(void **state)
{
    static const struct {
        uint32_t addr, len;
    } frames[] = {
        { 0, 60 }, { 0x3fff, 60 }, { 0x4000, 0 }, { 0x7fff, 2 },
        { 0x8001, 1 }, { 0x4000, 0x4001 }, { 0xffffffff, 60 },
        { 0x4000, 1519 },
    };
    struct netport port = { { 0 }, NULL, NULL, NULL, NULL, NULL };
    struct machine *m = fake_machine_new();
    struct pci_bus *bus = pci_bus_create(m);
    struct ne2000 *nic = ne2000_create(m, bus, 0x18, &port, TIMER_NE2000_0);

    nic->tx_held = true;
    for (unsigned i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        nic->tx_addr = frames[i].addr;
        nic->tx_len = frames[i].len;
        expect_refused(nic, nic, "the frame to be sent is outside");
    }
    nic->tx_held = false;
    nic->remote = 4;
    expect_refused(nic, nic, "the remote DMA is out of range");
    ne2000_destroy(nic);
    pci_bus_destroy(bus);
    fake_machine_free(m);
}

/* A mode that does not fit into the memory, or is at its end. */
static void test_vga(void **state)
{
    static const uint16_t bad[][DISPI_COUNT] = {
        { [DISPI_BPP] = 0 },
        { [DISPI_BPP] = 8, [DISPI_BANK] = 256 },
        { [DISPI_BPP] = 8, [DISPI_ENABLE] = 1 },
        { [DISPI_BPP] = 32, [DISPI_XRES] = 2560, [DISPI_YRES] = 1600,
          [DISPI_ENABLE] = 1, [DISPI_VIRT_WIDTH] = 2560,
          [DISPI_VIRT_HEIGHT] = 1639 },
        { [DISPI_BPP] = 8, [DISPI_XRES] = 640, [DISPI_YRES] = 480,
          [DISPI_ENABLE] = 1, [DISPI_VIRT_WIDTH] = 640,
          [DISPI_VIRT_HEIGHT] = 480, [DISPI_X_OFFSET] = 1 },
        { [DISPI_BPP] = 7, [DISPI_XRES] = 640, [DISPI_YRES] = 480,
          [DISPI_ENABLE] = 1, [DISPI_VIRT_WIDTH] = 640,
          [DISPI_VIRT_HEIGHT] = 480 },
    };
    struct machine *m = fake_machine_new();
    struct pci_bus *bus = pci_bus_create(m);
    struct vga *v = vga_create(m, bus, 0x10);

    v->dac_part = 3;
    expect_refused(v, v, "the DAC's part is out of range");
    v->dac_part = 0;
    v->cr_index = 32;
    expect_refused(v, v, "the CRT controller's index is out of range");
    v->cr_index = 0;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memcpy(v->dispi, bad[i], sizeof v->dispi);
        expect_refused(v, v, "a display mode that is none");
    }
    vga_destroy(v);
    pci_bus_destroy(bus);
    fake_machine_free(m);
}

/* Register bits that do not exist: some are indices into tables. */
static void test_vga_registers(void **state)
{
    struct machine *m = fake_machine_new();
    struct pci_bus *bus = pci_bus_create(m);
    struct vga *v = vga_create(m, bus, 0x10);
    struct fake_snapshot f;
    char why[200];

    memset(v->gr, 0xff, sizeof v->gr);
    memset(v->sr, 0xff, sizeof v->sr);
    memset(v->ar, 0xff, sizeof v->ar);
    fake_snapshot_save(&f, v);
    assert_int_equal(fake_snapshot_read(&f, STATE_LOAD, v, why), 0);
    assert_int_equal(v->gr[GR_SET_RESET], 0x0f);
    assert_int_equal(v->gr[GR_READ_PLANE], 0x03);
    assert_int_equal(v->gr[GR_BIT_MASK], 0xff);
    assert_int_equal(v->sr[SR_PLANE_MASK], 0x0f);
    assert_int_equal(v->ar[0x14], 0x0f);
    for (unsigned i = 0; i < 64; i++)
        v->pci.dev.ops->mmio_read(&v->pci.dev, VGA_WINDOW_BASE + i, 4);
    fake_snapshot_free(&f);
    vga_destroy(v);
    pci_bus_destroy(bus);
    fake_machine_free(m);
}

static void test_uart(void **state)
{
    struct machine *m = fake_machine_new();
    struct fake_irq irq = { 0 };
    struct chardev chr = { 0 };
    struct uart *u = uart_create(m, 0x3f8, fake_irq_line(&irq), &chr,
                                 TIMER_UART0);
    struct fake_snapshot f;
    char why[200];

    /* A FIFO has its bytes behind its fill, so a count of 17 brings 17. */
    u->rx.count = 16;
    fake_snapshot_save(&f, u);
    assert_int_equal(fake_snapshot_read(&f, STATE_LOAD, u, why), 0);
    fake_snapshot_free(&f);
    u->rx.count = 17;
    expect_refused(u, u, "a FIFO's fill is out of range");
    u->rx.count = 0;
    uart_destroy(u);
    fake_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ide),
        cmocka_unit_test(test_ide_other_disk),
        cmocka_unit_test(test_lapic),
        cmocka_unit_test(test_ne2000),
        cmocka_unit_test(test_vga),
        cmocka_unit_test(test_vga_registers),
        cmocka_unit_test(test_uart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
