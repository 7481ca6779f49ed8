/*
 * A snapshot from somewhere: the input is edits to a good one, whose checksums
 * are made right again, so that they reach those who check fields; or the
 * whole file. What is refused leaves the machine as it was; what is taken runs
 * on, and the good one can be loaded again.
 */
// covers: emu/state.c emu/state_file.c emu/state_memory.c emu/state_device.c
// covers: emu/machine_state.c emu/cpu/cpu_state.c emu/dev/ide_state.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/engine.h"
#include "emu/machine.h"
#include "tests/fuzz/input.h"
#include "tests/unit/fake_disk.h"
#include "tests/unit/fake_snapshot.h"

#define RAM_BYTES (1u << 20)
#define ROM_BYTES 0x10000u
#define RUN_NS 200000u          /* some 3,000 instructions */
#define SECTIONS 64u
#define RAW 0xffu               /* first byte: the rest is the file */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t ram[RAM_BYTES], rom[ROM_BYTES];
static struct fake_disk disk, cd;
static struct machine *m;
static struct state crc;        /* for its table */

/* What the devices are in the middle of. */
enum { FRESH, READING, WRITING, DMA, PACKET, SENSE, BASES };
static struct fake_snapshot base[BASES];

/* ---- The machine --------------------------------------------------------- */

static uint64_t clock_ns(void *ctx)
{
    return 0;
}

static bool wire(void *ctx, const uint8_t *frame, size_t len)
{
    return frame[0] & 1 && frame[len - 1] & 1;
}

static size_t no_frame(void *ctx, const uint8_t **frame)
{
    return 0;
}

static void no_done(void *ctx)
{
}

static size_t serial_write(void *ctx, const uint8_t *buf, size_t len)
{
    return len / 2;
}

static size_t serial_read(void *ctx, uint8_t *buf, size_t len)
{
    return 0;
}

static void make_machine(void)
{
    static const struct machine_host host = { .clock_ns = clock_ns };
    static struct chardev com1 = { NULL, serial_write, serial_read, NULL };
    static struct netport port = { .tx = wire, .rx_peek = no_frame,
                                   .rx_done = no_done };
    struct machine_config c = {
        .name = "fuzz", .ram = ram, .ram_bytes = RAM_BYTES,
        .engine = &engine_interp, .bios = rom, .bios_size = ROM_BYTES,
        .icount_shift = 6, .host = &host, .serial = { &com1 },
        .i6300esb = true, .ib700 = true, .pvpanic = true,
        .nic = { &port }, .ide = { { .disk = &disk.dev },
                                   [2] = { .disk = &cd.dev, .is_cdrom = true } },
    };
    const char *error;

    memset(ram, 0, sizeof ram);
    m = machine_create(&c, &error);
    if (!m)
        abort();
}

static void out(uint16_t port, unsigned size, uint32_t v)
{
    const struct cpu_bus *bus = machine_cpu(m)->bus;

    bus->io_write(bus->ctx, port, size, v);
}

static void command(uint16_t channel, uint8_t command)
{
    out(channel + 2, 1, 3);
    out(channel + 3, 1, 9);
    out(channel + 4, 1, 0);
    out(channel + 5, 1, command == 0xa0 ? 8 : 0);
    out(channel + 6, 1, 0xe0);
    out(channel + 7, 1, command);
}

static void packet(uint8_t op)
{
    command(0x170, 0xa0);
    out(0x170, 2, op);
    out(0x170, 2, op == 0x28 ? 0 : 0x1200);
    out(0x170, 2, 0);
    out(0x170, 2, 0);
    out(0x170, 2, op == 0x28 ? 1 : 0);
    out(0x170, 2, 0);
}

static void into(unsigned n)
{
    static const uint8_t commands[] = {
        [READING] = 0x20, [WRITING] = 0x30, [DMA] = 0xc8
    };

    if (n == FRESH)
        return;
    if (n <= DMA)
        command(0x1f0, commands[n]);
    else
        packet(0x03);
    if (n == PACKET)
        packet(0x28);
    ram[0x5000] = ram[0x90000] = 1;
    out(0x43, 1, 0x34);         /* a tick, 80 us */
    out(0x40, 1, 100);
    out(0x40, 1, 0);
    out(0x1ce, 2, 4);           /* a mode of the display interface */
    out(0x1cf, 2, 0);
    out(0x3f8, 1, 'x');
}

static void save(struct fake_snapshot *f)
{
    char why[200];

    fake_snapshot_init(f);
    if (machine_save(m, &f->sink, why, sizeof why)) {
        fprintf(stderr, "not saved: %s\n", why);
        abort();
    }
    fake_snapshot_rewind(f);
}

static int load(struct fake_snapshot *f)
{
    char why[200];

    return machine_load(m, &f->source, why, sizeof why);
}

static void start(void)
{
    static const uint8_t code[] = {     /* count, and store it here and there */
        0x40, 0xa3, 0x00, 0x10, 0xe6, 0x80, 0xe4, 0x40, 0xeb, 0xf6
    };
    struct fake_snapshot nothing;

    fake_disk_init(&disk, 64);
    fake_disk_init(&cd, 64);
    memcpy(rom + ROM_BYTES - 16, code, sizeof code);
    for (unsigned n = 0; n < BASES; n++) {
        make_machine();
        into(n);
        save(&base[n]);
        machine_destroy(m);
    }
    make_machine();
    /* For its table of CRCs alone. */
    fake_snapshot_init(&nothing);
    state_open_save(&crc, &nothing.sink);
    state_close(&crc);
    fake_snapshot_free(&nothing);
}

/* ---- Edits --------------------------------------------------------------- */

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* Where the sections begin; how many there are. */
static unsigned find_sections(const uint8_t *p, size_t len, size_t *at)
{
    unsigned n = 0;

    for (size_t pos = STATE_FILE_HEADER;
         n < SECTIONS && pos + STATE_SECTION_HEADER <= len;
         pos += STATE_SECTION_HEADER + get32(p + pos + 20))
        at[n++] = pos;
    return n;
}

/* All checksums, and what "end" says. */
static void make_right(uint8_t *p, const size_t *at, unsigned count)
{
    uint32_t headers = 0;

    put32(p + 12, state_crc(&crc, 0, p, 12));
    for (unsigned n = 0; n < count; n++) {
        uint8_t *h = p + at[n], *body = h + STATE_SECTION_HEADER;

        if (n + 1 == count) {
            put32(body, n);
            put32(body + 4, (uint32_t)at[n]);
            put32(body + 12, headers);
        }
        put32(h + 24, state_crc(&crc, 0, body, get32(h + 20)));
        put32(h + 28, state_crc(&crc, 0, h, 28));
        headers = state_crc(&crc, headers, h, 28);
    }
}

/* Bytes of sections, and now and then of a section's name or version. */
static void edit(struct input *in, uint8_t *p, const size_t *at,
                 unsigned count)
{
    while (input_more(in)) {
        uint8_t *h = p + at[input_u8(in) % count];
        uint8_t how = input_u8(in);
        uint32_t len = get32(h + 20);
        uint8_t *byte = h + STATE_SECTION_HEADER;

        if (how == 0)
            byte = h + input_u8(in) % 20;
        else if (len)
            byte += (how & 1 ? input_u16(in) : input_u8(in)) % len;
        else
            continue;
        *byte = how & 2 ? (uint8_t)(*byte ^ 1u << (how >> 2 & 7))
                        : input_u8(in);
    }
}

/* ---- One input ----------------------------------------------------------- */

static void expect_unchanged(const struct fake_snapshot *before)
{
    struct fake_snapshot after;

    save(&after);
    if (after.len != before->len ||
        memcmp(after.bytes, before->bytes, after.len))
        abort();
    fake_snapshot_free(&after);
}

static void run_on(void)
{
    struct fake_snapshot f;
    enum machine_status status = MACHINE_BUDGET;

    save(&f);
    if (load(&f))
        abort();                /* its own */
    fake_snapshot_free(&f);
    for (unsigned i = 0; i < 3 && status == MACHINE_BUDGET; i++)
        status = machine_run(m, RUN_NS);
    if (status == MACHINE_ERROR) {
        machine_destroy(m);
        make_machine();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    struct fake_snapshot f, *from;
    size_t at[SECTIONS];
    uint8_t what;

    if (!m)
        start();
    what = input_u8(&in);
    from = &base[what % BASES];
    if (load(from))
        abort();
    fake_snapshot_init(&f);
    if (what == RAW) {
        f.sink.write(f.sink.ctx, in.data, in.left);
    } else {
        unsigned count = find_sections(from->bytes, from->len, at);

        f.sink.write(f.sink.ctx, from->bytes, from->len);
        edit(&in, f.bytes, at, count);
        make_right(f.bytes, at, count);
    }
    fake_snapshot_rewind(&f);
    if (load(&f))
        expect_unchanged(from);
    else
        run_on();
    fake_snapshot_free(&f);
    return 0;
}
