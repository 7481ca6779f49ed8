/*
 * The one-instruction emulator on random code and random state, in every mode:
 * it must stay within its guest and come back.
 */
// covers: emu/cpu/emulate.c emu/cpu/emulate_alu.c emu/cpu/emulate_bit.c
// covers: emu/cpu/emulate_decode.c emu/cpu/emulate_io.c
// covers: emu/cpu/emulate_memory.c emu/cpu/emulate_sse.c
// covers: emu/cpu/emulate_stack.c emu/cpu/emulate_string.c
// covers: emu/cpu/emulate_system.c
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/emulate.h"

#define RAM 0x10000u
#define MMIO 0x8000u            /* RAM's upper half answers as MMIO */
#define STEPS 16

static uint8_t ram[RAM];

static uint8_t *ram_page(void *ctx, uint64_t addr, bool write)
{
    if (addr & 0xfff)
        abort();
    return addr < MMIO ? ram + addr : NULL;
}

static void check(uint64_t addr, unsigned size)
{
    if (size != 1 && size != 2 && size != 4 && size != 8)
        abort();
    if ((addr & 0xfff) + size > 0x1000)
        abort();
}

static uint64_t mmio_read(void *ctx, uint64_t addr, unsigned size)
{
    check(addr, size);
    return addr * 0x9e3779b97f4a7c15ull;
}

static void mmio_write(void *ctx, uint64_t addr, unsigned size, uint64_t v)
{
    check(addr, size);
}

static void check_port(unsigned size)
{
    if (size != 1 && size != 2 && size != 4)
        abort();
}

static uint32_t io_read(void *ctx, uint16_t port, unsigned size)
{
    check_port(size);
    return port * 0x9e3779b9u;
}

static void io_write(void *ctx, uint16_t port, unsigned size, uint32_t v)
{
    check_port(size);
}

/* All of the buffer is touched, for the sanitizer to see; half is done. */
static unsigned io_read_block(void *ctx, uint16_t port, unsigned size,
                              void *buf, unsigned count)
{
    check_port(size);
    if (!count)
        abort();
    memset(buf, port & 0xff, (size_t)size * count);
    return (count + 1) / 2;
}

static unsigned io_write_block(void *ctx, uint16_t port, unsigned size,
                               const void *buf, unsigned count)
{
    static volatile uint8_t sink;
    const uint8_t *bytes = buf;

    check_port(size);
    if (!count)
        abort();
    for (size_t n = 0; n < (size_t)size * count; n++)
        sink = bytes[n];
    return (count + 1) / 2;
}

static uint64_t tsc(void *ctx)
{
    return 0x123456789ull;
}

static const struct cpu_bus bus = {
    .ram_page = ram_page, .mmio_read = mmio_read, .mmio_write = mmio_write,
    .io_read = io_read, .io_write = io_write,
    .io_read_block = io_read_block, .io_write_block = io_write_block,
    .tsc = tsc,
};

/* A mode by the first byte: real, protected, 32-bit, PAE, long, user. */
static void set_mode(struct cpu *c, uint8_t mode)
{
    c->cr0 = CR0_ET | (mode & 1 ? CR0_PE : 0);
    if (mode & 2)
        c->cr0 |= CR0_PE | CR0_PG | CR0_WP;
    c->cr4 = CR4_OSFXSR | (mode & 4 ? CR4_PAE : CR4_PSE);
    if ((mode & 14) == 14) {
        c->efer = EFER_LME | EFER_LMA | EFER_NXE;
        c->seg[CS].attr |= SEG_L;
    }
    if (mode & 16)
        c->seg[CS].attr |= SEG_DB;
    if (mode & 32)
        c->cpl = 3;
    if (mode & 64)
        c->rflags |= FLAG_DF;
    if (mode & 128)
        c->rflags |= FLAG_TF;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cpu c;
    struct emul_raise raise;
    struct emul_insn insn;

    if (size < 3 + sizeof(c.gpr[0]) * 16)
        return 0;
    memset(&c, 0, sizeof(c));
    c.bus = &bus;
    c.model = cpu_model_find("trestle64");
    cpu_reset(&c);
    memset(ram, 0, sizeof(ram));
    c.seg[CS].base = 0;
    set_mode(&c, data[0]);
    c.cr3 = (uint64_t)(data[1] & 7) << 12;
    memcpy(c.gpr, data + 2, 16 * 8);
    data += 2 + 16 * 8;
    size -= 2 + 16 * 8;
    memcpy(ram, data, size < RAM ? size : RAM);
    /* Tables that map themselves, so that walks get somewhere. */
    if (c.cr0 & CR0_PG)
        for (unsigned n = 0; n < 8; n++)
            ram[c.cr3 + n * 0x200] = (uint8_t)(0x07 | (data[size / 2] & 0x80));
    c.rip = 0;
    for (unsigned n = 0; n < STEPS; n++) {
        if (emul_decode(&c, &insn, &raise) == EMUL_DONE &&
            (insn.len < 1 || insn.len > 15))
            abort();
        if (emul_step(&c, &raise) != EMUL_DONE)
            break;
        if (c.gpr[CPU_NOREG])
            abort();
    }
    return 0;
}
