#include "tests/unit/cpu_harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/window.h"
#include "emu/jit/jit.h"
#include "kernel/platform.h"
#include "tests/unit/fault_harness.h"

#define PAGE 4096u
#define RUN_NS 2000000000ull    /* harness_run, of an engine by time */

/* ---- The bus ------------------------------------------------------------ */

static bool in_range(uint64_t addr, uint64_t base, uint64_t size)
{
    return addr - base < size;
}

static uint8_t *ram_page(void *ctx, uint64_t addr, bool write)
{
    struct harness *h = ctx;

    if (addr >= h->ram_bytes || in_range(addr, h->mmio_base, h->mmio_size))
        return NULL;
    if (write && in_range(addr, h->rom_base, h->rom_size))
        return NULL;
    return h->ram + addr;
}

static uint64_t mmio_read(void *ctx, uint64_t addr, unsigned size)
{
    struct harness *h = ctx;
    uint64_t v = 0;

    h->mmio_reads++;
    if (addr + size > h->ram_bytes)
        return ~0ull;
    memcpy(&v, h->ram + addr, size);
    return v;
}

static void mmio_write(void *ctx, uint64_t addr, unsigned size, uint64_t value)
{
    struct harness *h = ctx;

    h->mmio_writes++;
    if (in_range(addr, h->mmio_base, h->mmio_size))
        memcpy(h->ram + addr, &value, size);
}

static void io_record(struct harness *h, bool write, uint16_t port,
                      unsigned size, uint32_t value)
{
    struct harness_io io = { write, port, size, value };

    if (h->io_count < sizeof(h->io) / sizeof(h->io[0]))
        h->io[h->io_count++] = io;
    if (h->io_hook)
        h->io_hook(h, &io);
}

static uint32_t io_read(void *ctx, uint16_t port, unsigned size)
{
    struct harness *h = ctx;

    io_record(h, false, port, size, h->io_value);
    return h->io_value;
}

static void io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    io_record(ctx, true, port, size, value);
}

static unsigned io_read_block(void *ctx, uint16_t port, unsigned size,
                              void *buf, unsigned count)
{
    uint8_t *p = buf;

    for (unsigned n = 0; n < count; n++) {
        uint32_t v = io_read(ctx, port, size);

        memcpy(p + n * size, &v, size);
    }
    return count;
}

static unsigned io_write_block(void *ctx, uint16_t port, unsigned size,
                               const void *buf, unsigned count)
{
    const uint8_t *p = buf;

    for (unsigned n = 0; n < count; n++) {
        uint32_t v = 0;

        memcpy(&v, p + n * size, size);
        io_write(ctx, port, size, v);
    }
    return count;
}

static unsigned intack(void *ctx)
{
    struct harness *h = ctx;

    h->cpu.intr = false;
    return h->vector;
}

static uint64_t tsc(void *ctx)
{
    return ((struct harness *)ctx)->tsc;
}

static void ferr(void *ctx, bool level)
{
    ((struct harness *)ctx)->ferr = level;
}

/* ---- Making one ---------------------------------------------------------- */

uint32_t harness_r32(const struct harness *h, uint32_t addr)
{
    uint32_t v;

    memcpy(&v, h->ram + addr, 4);
    return v;
}

uint16_t harness_r16(const struct harness *h, uint32_t addr)
{
    uint16_t v;

    memcpy(&v, h->ram + addr, 2);
    return v;
}

void harness_w32(struct harness *h, uint32_t addr, uint32_t v)
{
    memcpy(h->ram + addr, &v, 4);
}

void harness_w16(struct harness *h, uint32_t addr, uint16_t v)
{
    memcpy(h->ram + addr, &v, 2);
}

void harness_descriptor(struct harness *h, uint16_t sel, uint32_t base,
                        uint32_t limit20, uint16_t attr)
{
    uint32_t at = HARNESS_GDT + (sel & ~7u);

    harness_w32(h, at, base << 16 | (limit20 & 0xffff));
    harness_w32(h, at + 4, (base & 0xff000000) | (attr & 0xf00u) << 12 |
                (limit20 & 0xf0000) | (attr & 0xffu) << 8 |
                (base >> 16 & 0xff));
}

static void build_tables(struct harness *h)
{
    harness_descriptor(h, HARNESS_CS32, 0, 0xfffff, 0xc9b);
    harness_descriptor(h, HARNESS_DS32, 0, 0xfffff, 0xc93);
    harness_descriptor(h, HARNESS_CS16, 0, 0x0ffff, 0x09b);
    harness_descriptor(h, HARNESS_DS16, 0, 0x0ffff, 0x093);
    harness_descriptor(h, HARNESS_UCS32, 0, 0xfffff, 0xcfb);
    harness_descriptor(h, HARNESS_UDS32, 0, 0xfffff, 0xcf3);
    harness_descriptor(h, HARNESS_TSS_SEL, HARNESS_TSS, 0x68 + 0x2000, 0x08b);
    harness_w32(h, HARNESS_TSS + 4, HARNESS_STACK0);
    harness_w32(h, HARNESS_TSS + 8, HARNESS_DS32);
    harness_w32(h, HARNESS_TSS + 0x64, 0x68u << 16);
    memset(h->ram + HARNESS_TSS + 0x68, 0xff, 0x2001);
    for (unsigned v = 0; v < 256; v++) {
        uint32_t stub = HARNESS_STUBS + 16 * v;

        h->ram[stub] = 0xf4;                    /* hlt */
        harness_w32(h, 4 * v, stub);            /* 0000:stub */
        harness_w32(h, HARNESS_IDT + 8 * v, HARNESS_CS32 << 16 | stub);
        /* 386 interrupt gate; DPL 3 so that user INT n reaches its stub */
        harness_w32(h, HARNESS_IDT + 8 * v + 4, 0x0000ee00);
    }
}

const struct engine_ops *harness_engine = &engine_interp;
bool harness_exact = true;

enum harness_window harness_window = HARNESS_WINDOW_OFF;

/*
 * HARNESS_ENGINE=jit: all that tests leave open runs by the translator, and by
 * "jit,check=on" it is compared with the interpreter all the time. The others:
 * as enum harness_window.
 */
static const struct engine_ops *wanted_engine(bool *check,
                                              enum harness_window *window)
{
    static const char *const names[] = { "jit", "jit,window", "jit,window=read",
                                         "jit,window=none" };
    const char *name = getenv("HARNESS_ENGINE");

    if (!name || !strcmp(name, engine_interp.name))
        return harness_engine;
    if (!strcmp(name, "jit,check=on")) {
        *check = true;
        return &engine_jit;
    }
    for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        if (!strcmp(name, names[n])) {
            *window = (enum harness_window)n;
            return &engine_jit;
        }
    }
    fprintf(stderr, "HARNESS_ENGINE=%s: no such way to run\n", name);
    abort();
}

/* ---- Windows ------------------------------------------------------------------ */

static int map_nothing(uint8_t *at, const uint8_t *host, size_t size, bool write)
{
    return -EINVAL;
}

/* Where it may be written it is asked for again, if it is. */
static int map_read(uint8_t *at, const uint8_t *host, size_t size, bool write)
{
    static const uint8_t *last;

    if (write && at == last)
        return -EINVAL;
    last = at;
    return platform_windows->map(at, host, size, false);
}

static const struct window_ops *windows_of(enum harness_window window)
{
    static struct window_ops ops;

    if (window == HARNESS_WINDOW_OFF)
        return NULL;
    ops = *platform_windows;
    if (window == HARNESS_WINDOW_NONE)
        ops.map = map_nothing;
    if (window == HARNESS_WINDOW_READ)
        ops.map = map_read;
    return &ops;
}

static uint8_t *new_ram(size_t bytes, enum harness_window window)
{
    uint8_t *ram;

    if (window != HARNESS_WINDOW_OFF)
        return platform_pages_alloc(bytes);
    ram = aligned_alloc(PAGE, bytes);
    if (ram)
        memset(ram, 0, bytes);
    return ram;
}

static void report(void *ctx, const char *line)
{
    fprintf(stderr, "%s\n", line);
}

struct harness *harness_new(const struct engine_ops *ops, size_t ram_bytes)
{
    return harness_new_model(ops, ram_bytes, cpu_model_find(CPU_MODEL_DEFAULT));
}

struct harness *harness_new_model(const struct engine_ops *ops,
                                  size_t ram_bytes,
                                  const struct cpu_model *model)
{
    struct harness *h = aligned_alloc(64, (sizeof(*h) + 63) & ~(size_t)63);
    bool check = false;

    if (!h)
        abort();
    memset(h, 0, sizeof(*h));
    h->window = harness_window;
    h->ops = wanted_engine(&check, &h->window);
    if (ops && ops != h->ops) {
        h->ops = ops;
        h->window = ops == &engine_jit ? harness_window : HARNESS_WINDOW_OFF;
    }
    check &= !ops;
    h->ram = new_ram(ram_bytes, h->window);
    if (!h->ram)
        abort();
    h->ram_bytes = ram_bytes;
    h->bus = (struct cpu_bus){
        .ctx = h, .ram_page = ram_page, .mmio_read = mmio_read,
        .mmio_write = mmio_write, .io_read = io_read, .io_write = io_write,
        .io_read_block = io_read_block, .io_write_block = io_write_block,
        .intack = intack, .tsc = tsc, .ferr = ferr,
        .code_memory = platform_code_alloc,
        .code_memory_free = platform_code_free,
        .windows = windows_of(h->window),
        .report = report,
    };
    h->cpu.model = model;
    h->cpu.bus = &h->bus;
    cpu_reset(&h->cpu);
    h->engine = h->ops->create(&h->cpu);
    if (!h->engine)
        abort();
    if (check && h->ops->check(h->engine, 1))
        abort();
    if (h->ops == &engine_jit)
        jit_set_threshold(h->engine, 0);
    if (h->window != HARNESS_WINDOW_OFF) {
        if (h->ops == &engine_jit && !jit_set_window(h->engine, 0, 60000))
            abort();
        fault_harness_keep();
    }
    build_tables(h);
    return h;
}

void harness_free(struct harness *h)
{
    h->ops->destroy(h->engine);
    if (h->window != HARNESS_WINDOW_OFF)
        platform_pages_free(h->ram, h->ram_bytes);
    else
        free(h->ram);
    free(h);
}

int harness_setup(void **state)
{
    *state = harness_new(NULL, HARNESS_RAM);
    harness_protected(*state);
    return 0;
}

int harness_teardown(void **state)
{
    harness_free(*state);
    return 0;
}

/* ---- Modes ---------------------------------------------------------------- */

static void set_seg(struct harness *h, enum cpu_segreg s, uint16_t sel,
                    uint32_t limit, uint16_t attr)
{
    h->cpu.seg[s] = (struct cpu_seg){ .sel = sel, .attr = attr,
                                      .limit = limit };
}

static void set_data_segs(struct harness *h, uint16_t sel, uint32_t limit,
                          uint16_t attr)
{
    static const enum cpu_segreg data[] = { ES, SS, DS, FS, GS };

    for (unsigned n = 0; n < 5; n++)
        set_seg(h, data[n], sel, limit, attr);
}

static void start(struct harness *h, uint64_t cr0, uint32_t rflags,
                  uint8_t cpl)
{
    struct cpu *c = &h->cpu;

    memset(c->gpr, 0, sizeof(c->gpr));
    c->cr0 = CR0_ET | cr0;
    c->cr3 = c->cr4 = 0;
    c->rflags = FLAG_1 | rflags;
    c->cpl = cpl;
    c->halted = c->shutdown = c->nmi_blocked = false;
    c->inhibit = 0;
    c->rip = HARNESS_CODE;
    c->gpr[RSP] = HARNESS_STACK;
    c->gdtr = (struct cpu_table){ HARNESS_GDT, 32 * 8 - 1 };
    c->ldtr = (struct cpu_seg){ .attr = 0 };
    c->tr = (struct cpu_seg){ .sel = HARNESS_TSS_SEL, .attr = 0x08b,
                              .limit = 0x68 + 0x2000, .base = HARNESS_TSS };
    if (cr0 & CR0_PE)
        c->idtr = (struct cpu_table){ HARNESS_IDT, 256 * 8 - 1 };
    else
        c->idtr = (struct cpu_table){ 0, 0x3ff };
    h->ops->map_changed(h->engine);
}

void harness_real(struct harness *h)
{
    set_data_segs(h, 0, 0xffff, 0x093);
    set_seg(h, CS, 0, 0xffff, 0x09b);
    start(h, 0, 0, 0);
}

void harness_protected(struct harness *h)
{
    set_data_segs(h, HARNESS_DS32, 0xffffffff, 0xc93);
    set_seg(h, CS, HARNESS_CS32, 0xffffffff, 0xc9b);
    start(h, CR0_PE, 0, 0);
}

void harness_user(struct harness *h)
{
    set_data_segs(h, HARNESS_UDS32, 0xffffffff, 0xcf3);
    set_seg(h, CS, HARNESS_UCS32, 0xffffffff, 0xcfb);
    start(h, CR0_PE, 0, 3);
}

void harness_protected16(struct harness *h)
{
    set_data_segs(h, HARNESS_DS16, 0xffff, 0x093);
    set_seg(h, CS, HARNESS_CS16, 0xffff, 0x09b);
    start(h, CR0_PE, 0, 0);
}

void harness_vm86(struct harness *h, unsigned iopl)
{
    set_data_segs(h, 0, 0xffff, 0x0f3);
    set_seg(h, CS, 0, 0xffff, 0x0f3);
    start(h, CR0_PE, FLAG_VM | iopl << 12, 3);
}

void harness_paging(struct harness *h, uint32_t dir)
{
    uint32_t pages = (uint32_t)(h->ram_bytes / PAGE);

    for (uint32_t n = 0; n < pages; n++) {
        uint32_t table = dir + PAGE + (n >> 10) * PAGE;

        harness_w32(h, dir + (n >> 10) * 4, table | 7);
        harness_w32(h, table + (n & 1023) * 4, n * PAGE | 7);
    }
    h->cpu.cr3 = dir;
    h->cpu.cr0 |= CR0_PG | CR0_WP;
    h->ops->map_changed(h->engine);
}

uint32_t *harness_pte(struct harness *h, uint32_t lin)
{
    uint32_t table = harness_r32(h, (uint32_t)h->cpu.cr3 + (lin >> 22) * 4);

    return (uint32_t *)(void *)(h->ram + (table & ~0xfffu) +
                                (lin >> 12 & 1023) * 4);
}

/* ---- Running -------------------------------------------------------------- */

void harness_code(struct harness *h, const void *code, size_t len)
{
    memcpy(h->ram + HARNESS_CODE, code, len);
    h->ops->memory_changed(h->engine, HARNESS_CODE, len);
}

enum engine_exit harness_step(struct harness *h, unsigned n)
{
    enum engine_exit why;

    h->cpu.exact_count = true;
    if (h->window == HARNESS_WINDOW_OFF)
        return h->ops->run(h->engine, n, UINT64_MAX);
    fault_harness_take();
    why = h->ops->run(h->engine, n, UINT64_MAX);
    fault_harness_give_back();
    return why;
}

enum engine_exit harness_run(struct harness *h)
{
    if (harness_exact || h->ops->counts_insns)
        return harness_step(h, 100000);
    h->cpu.exact_count = false;
    return h->ops->run(h->engine, UINT64_MAX, RUN_NS);
}

int harness_vector(const struct harness *h)
{
    uint64_t after = h->cpu.seg[CS].base + h->cpu.rip - HARNESS_STUBS;

    if (!h->cpu.halted || after >= 16 * 256 || after % 16 != 1)
        return -1;
    return (int)(after / 16);
}
