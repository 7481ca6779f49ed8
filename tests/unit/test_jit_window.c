/*
 * The window beside the interpreter: what the guest changes of its mapping, its
 * code and its devices is seen at once through pages that are mapped there.
 */
#include "emu/jit/jit.h"
#include "emu/jit/window.h"
#include "tests/unit/sys_harness.h"

#define RAM 0xc00000u
#define DIRECTORY 0x80000u
#define DATA 0x20000u
#define OTHER 0x24000u
#define ALIAS 0x90000u          /* a linear address with a PTE of its own */
#define FUNCTION 0x30000u
#define TOP_TABLE 0x28000u      /* of the last 4 MiB */
#define TOP 0x29000u
#define PAGE 0x1000u
#define LARGE 0x400000u

#define PTE_P 0x01u
#define PTE_RW 0x02u
#define PTE_US 0x04u
#define PTE_A 0x20u
#define PTE_D 0x40u
#define PTE_PS 0x80u
#define USED (PTE_P | PTE_US | PTE_A)
#define WRITTEN (USED | PTE_RW | PTE_D)

#define CODE(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })
#define AT32(v) (uint8_t)(v), (uint8_t)((v) >> 8), (uint8_t)((v) >> 16), \
                (uint8_t)((v) >> 24)

/* ---- Programs ---------------------------------------------------------------- */

struct program {
    uint8_t code[160];
    unsigned len;
};

static void emit(struct program *p, const void *bytes, size_t n)
{
    memcpy(p->code + p->len, bytes, n);
    p->len += (unsigned)n;
}

static void emit32(struct program *p, const void *bytes, size_t n, uint32_t v)
{
    emit(p, bytes, n);
    emit(p, &v, 4);
}

static void emit_store(struct program *p, uint32_t at, uint32_t v)
{
    emit32(p, "\xc7\x05", 2, at);               /* movl $v,at */
    emit(p, &v, 4);
}

static void emit_load_eax(struct program *p, uint32_t at)
{
    emit32(p, "\xa1", 1, at);
}

static void emit_load_ebx(struct program *p, uint32_t at)
{
    emit32(p, "\x8b\x1d", 2, at);
}

static struct jit_window *window_of(const struct harness *h)
{
    return ((struct interp *)h->engine)->jit->window;
}

static struct harness *new_harness(const struct engine_ops *ops,
                                   enum harness_window window)
{
    struct harness *h;

    harness_window = window;
    h = harness_new(ops, RAM);
    harness_protected(h);
    harness_paging(h, DIRECTORY);
    for (uint32_t page = 0; page < RAM / PAGE; page++)
        *harness_pte(h, page * PAGE) |= PTE_A | PTE_D;
    h->cpu.cr4 |= CR4_PSE | CR4_OSFXSR;
    h->ops->map_changed(h->engine);
    harness_w32(h, DATA, 0x11111111);
    harness_w32(h, OTHER, 0x22222222);
    return h;
}

static struct harness *new_window(void)
{
    return new_harness(&engine_jit, HARNESS_WINDOW_ON);
}

static void begin(struct harness *h)
{
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
}

static void run_on(struct harness *h)
{
    begin(h);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
}

static void run_program(struct harness *h, struct program *p)
{
    emit(p, "\xf4", 1);
    harness_code(h, p->code, p->len);
    run_on(h);
}

static void run_store(struct harness *h, uint32_t at, uint32_t v)
{
    struct program p = { .len = 0 };

    emit_store(&p, at, v);
    run_program(h, &p);
}

static uint32_t run_load(struct harness *h, uint32_t at)
{
    struct program p = { .len = 0 };

    emit_load_eax(&p, at);
    run_program(h, &p);
    return (uint32_t)h->cpu.gpr[RAX];
}

/* ---- A mapping changes ----------------------------------------------------------- */

struct change {
    const char *name;
    uint8_t code[20];
    unsigned len;
};

static const struct change changes[] = {
    { "INVLPG", CODE(0x0f, 0x01, 0x3d, AT32(DATA + 0x123)) },
    { "CR3", CODE(0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8) },
    { "CR0.WP", CODE(0x0f, 0x20, 0xc0, 0x35, 0, 0, 1, 0, 0x0f, 0x22, 0xc0,
                     0x35, 0, 0, 1, 0, 0x0f, 0x22, 0xc0) },
};

/* Use DATA, let its PTE be `pte`, `change`, use it again. */
static void remap(struct harness *h, const struct change *change, uint32_t pte)
{
    uint32_t at = (uint32_t)((uint8_t *)harness_pte(h, DATA) - h->ram);
    struct program p = { .len = 0 };

    emit_load_eax(&p, DATA);
    emit_store(&p, DATA + 4, 0x44444444);
    emit_store(&p, at, pte);
    emit(&p, change->code, change->len);
    emit_load_ebx(&p, DATA);
    emit_store(&p, DATA + 8, 0x33333333);
    run_program(h, &p);
    assert_int_equal(harness_r32(h, DATA + 4), 0x44444444);
    if (!window_of(h)->counts.mapped)
        fail_msg("%s: nothing was mapped", change->name);
}

static void to_other(const struct change *change)
{
    struct harness *h = new_window();

    remap(h, change, OTHER | WRITTEN);
    assert_int_equal(harness_vector(h), -1);
    assert_int_equal(h->cpu.gpr[RBX], 0x22222222);
    assert_int_equal(harness_r32(h, OTHER + 8), 0x33333333);
    assert_int_equal(harness_r32(h, DATA + 8), 0);
    harness_free(h);
}

static void to_read_only(const struct change *change)
{
    struct harness *h = new_window();

    remap(h, change, OTHER | USED);
    assert_int_equal(harness_vector(h), EXC_PF);
    assert_int_equal(h->cpu.cr2, DATA + 8);
    assert_int_equal(h->cpu.gpr[RBX], 0x22222222);
    assert_int_equal(harness_r32(h, OTHER + 8), 0);
    harness_free(h);
}

static void to_absent(const struct change *change)
{
    struct harness *h = new_window();

    remap(h, change, DATA | (WRITTEN & ~PTE_P));
    assert_int_equal(harness_vector(h), EXC_PF);
    assert_int_equal(h->cpu.cr2, DATA);
    assert_int_equal(h->cpu.gpr[RBX], 0);
    harness_free(h);
}

static void test_remapped(void **state)
{
    for (size_t n = 0; n < COUNT_OF(changes); n++) {
        print_message("%s\n", changes[n].name);
        to_other(&changes[n]);
        to_read_only(&changes[n]);
        to_absent(&changes[n]);
    }
}

/* With CR0.WP clear, a supervisor writes to what it may only read with it. */
static void test_write_protection(void **state)
{
    struct harness *h = new_window();
    struct program p = { .len = 0 };

    *harness_pte(h, DATA) = DATA | (WRITTEN & ~PTE_RW);
    emit(&p, "\x0f\x20\xc0\x35\0\0\1\0\x0f\x22\xc0", 11);
    emit_store(&p, DATA, 5);
    emit(&p, "\x0f\x20\xc0\x35\0\0\1\0\x0f\x22\xc0", 11);
    emit_store(&p, DATA, 6);
    run_program(h, &p);
    assert_int_equal(harness_vector(h), EXC_PF);
    assert_int_equal(harness_r32(h, DATA), 5);
    harness_free(h);
}

/*
 * INVLPG of any address in a 4 MiB page ends all of it (SDM vol. 3, 4.10.4.1),
 * also when none but the window knew that it is one; twice.
 */
static void large_page(enum harness_window window)
{
    struct harness *h = new_harness(&engine_jit, window);
    uint32_t pde = DIRECTORY + 4;
    struct program p = { .len = 0 };

    harness_w32(h, pde, LARGE | WRITTEN | PTE_PS);
    h->ops->map_changed(h->engine);
    harness_w32(h, LARGE, 1);
    harness_w32(h, 2 * LARGE, 2);
    emit_load_eax(&p, LARGE);
    emit_store(&p, LARGE + 8, 3);
    emit_store(&p, pde, 2 * LARGE | WRITTEN | PTE_PS);
    emit32(&p, "\x0f\x01\x3d", 3, LARGE + 0x123456);
    emit_load_ebx(&p, LARGE);
    emit_store(&p, LARGE + 12, 4);
    emit_store(&p, pde, LARGE | WRITTEN | PTE_PS);
    emit32(&p, "\x0f\x01\x3d", 3, LARGE + 0x323456);
    emit32(&p, "\x8b\x0d", 2, LARGE);           /* mov LARGE,%ecx */
    run_program(h, &p);
    assert_int_equal(harness_vector(h), -1);
    assert_int_equal(h->cpu.gpr[RAX], 1);
    assert_int_equal(h->cpu.gpr[RBX], 2);
    assert_int_equal(h->cpu.gpr[RCX], 1);
    assert_int_equal(harness_r32(h, LARGE + 8), 3);
    assert_int_equal(harness_r32(h, LARGE + 12), 0);
    assert_int_equal(harness_r32(h, 2 * LARGE + 12), 4);
    harness_free(h);
}

static void test_large_page(void **state)
{
    for (unsigned w = HARNESS_WINDOW_OFF; w <= HARNESS_WINDOW_NONE; w++)
        large_page((enum harness_window)w);
}

/*
 * A page fault ends what is cached of its page (SDM vol. 3, 4.10.4.1), so its
 * handler need not say INVLPG.
 */
static void test_page_fault_invalidates(void **state)
{
    for (unsigned w = HARNESS_WINDOW_OFF; w <= HARNESS_WINDOW_NONE; w++) {
        struct harness *h = new_harness(&engine_jit, (enum harness_window)w);
        struct program p = { .len = 0 };

        *harness_pte(h, DATA) = DATA | USED;
        emit_load_ebx(&p, DATA);
        emit_store(&p, DATA, 7);
        run_program(h, &p);
        assert_int_equal(harness_vector(h), EXC_PF);
        assert_int_equal(h->cpu.gpr[RBX], 0x11111111);
        *harness_pte(h, DATA) = OTHER | USED;
        assert_int_equal(run_load(h, DATA), 0x22222222);
        harness_free(h);
    }
}

static void test_aliases(void **state)
{
    struct harness *h = new_window();
    struct program p = { .len = 0 };

    *harness_pte(h, ALIAS) = DATA | WRITTEN;
    emit_store(&p, ALIAS, 1);
    emit_load_eax(&p, DATA);
    emit_store(&p, DATA, 2);
    emit_load_ebx(&p, ALIAS);
    run_program(h, &p);
    assert_int_equal(h->cpu.gpr[RAX], 1);
    assert_int_equal(h->cpu.gpr[RBX], 2);
    harness_free(h);
}

/* ---- Code is written ---------------------------------------------------------------- */

/* Its page is mapped to be written before there is code, by another address. */
static void test_function_written(void **state)
{
    struct harness *h = new_window();
    struct program p = { .len = 0 };

    *harness_pte(h, ALIAS) = FUNCTION | WRITTEN;
    emit(&p, "\x31\xf6\x31\xff\xb9\x40\0\0\0", 9);      /* 64 times: */
    emit_store(&p, ALIAS, 0x9090c346);          /* inc %esi; ret */
    emit32(&p, "\xe8", 1, FUNCTION - (HARNESS_CODE + p.len + 5));
    emit(&p, "\xc6\x05", 2);                    /* movb $0x47,ALIAS */
    emit32(&p, "", 0, ALIAS);
    emit(&p, "\x47", 1);                        /* inc %edi */
    emit32(&p, "\xe8", 1, FUNCTION - (HARNESS_CODE + p.len + 5));
    emit(&p, "\x49\x75", 2);
    emit(&p, &(uint8_t){ (uint8_t)(9 - (p.len + 1)) }, 1);
    run_program(h, &p);
    assert_int_equal(harness_vector(h), -1);
    assert_int_equal(h->cpu.gpr[RSI], 64);
    assert_int_equal(h->cpu.gpr[RDI], 64);
    harness_free(h);
}

/* The trace at work writes its own next instruction. */
static void test_same_trace_written(void **state)
{
    struct harness *h = new_window();
    struct program p = { .len = 0 };

    *harness_pte(h, ALIAS) = FUNCTION | WRITTEN;
    run_store(h, ALIAS + 0x800, 1);
    /* At FUNCTION: movl $0x90f44790,ALIAS + 10; inc %esi ... */
    emit_store(&p, ALIAS + 10, 0x90f44790);
    emit(&p, "\x46\x46\xf4\x90", 4);
    memcpy(h->ram + FUNCTION, p.code, p.len);
    h->cpu.gpr[RSI] = h->cpu.gpr[RDI] = 0;
    h->cpu.rip = FUNCTION;
    h->cpu.halted = false;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(h->cpu.gpr[RSI], 0);
    assert_int_equal(h->cpu.gpr[RDI], 1);
    harness_free(h);
}

/* By DMA, and the page is written by the guest after that, too. */
static void test_written_by_device(void **state)
{
    struct harness *h = new_window();
    struct program p = { .len = 0 };

    emit(&p, "\xb9\x20\0\0\0", 5);
    emit_store(&p, DATA, 1);
    emit32(&p, "\xe8", 1, FUNCTION - (HARNESS_CODE + p.len + 5));
    emit(&p, "\x49\x75\xee", 3);
    for (unsigned n = 0; n < 2; n++) {
        h->ram[FUNCTION] = n ? 0x47 : 0x46;
        h->ram[FUNCTION + 1] = 0xc3;
        h->ops->memory_changed(h->engine, FUNCTION, 2);
        h->cpu.gpr[RSI] = h->cpu.gpr[RDI] = 0;
        if (n)
            run_on(h);
        else
            run_program(h, &p);
        assert_true(window_of(h)->view[0].active);
        assert_int_equal(h->cpu.gpr[n ? RDI : RSI], 32);
        assert_int_equal(h->cpu.gpr[n ? RSI : RDI], 0);
    }
    run_store(h, FUNCTION, 0x9090c34b);
    assert_int_equal(harness_r32(h, FUNCTION), 0x9090c34b);
    harness_free(h);
}

/* ---- As the interpreter -------------------------------------------------------------- */

struct snippet {
    const char *name;
    uint8_t code[40];
    unsigned len;
};

#define ESI(v) 0xbe, AT32(v)
#define READ_ONLY (DATA + 1 * PAGE)
#define ABSENT (DATA + 3 * PAGE)
#define DEVICE (DATA + 6 * PAGE)
#define ROM (DATA + 0xa * PAGE)
#define FRESH (DATA + 0xc * PAGE)       /* two pages with A and D clear */
#define SYSTEM (DATA + 0xe * PAGE)      /* not the user's */

static const struct snippet snippets[] = {
    { "PUSHA over a page's end", CODE(0xbc, AT32(ABSENT + PAGE + 28), 0x60) },
    { "MMX store, TOP 6", CODE(0xd9, 0xe8, 0xd9, 0xe8, 0x0f, 0x7f, 0x05,
                               AT32(ABSENT)) },
    { "MOVD, TOP 7, a page's end", CODE(0xd9, 0xe8, 0x0f, 0x7e, 0x05,
                                        AT32(ABSENT - 2)) },
    { "MMX store", CODE(0xd9, 0xe8, 0x0f, 0x7f, 0x05, AT32(DATA + 1),
                        0x0f, 0xe7, 0x05, AT32(DATA + 0x100)) },
    { "read over 4 GiB", CODE(ESI(0xfffffffeu), 0x8b, 0x06) },
    { "write over 4 GiB", CODE(ESI(0xfffffffeu), 0x89, 0x06) },
    { "update over 4 GiB", CODE(ESI(0xfffffffdu), 0xff, 0x06) },
    { "read 8 over 4 GiB", CODE(ESI(0xfffffffcu), 0x0f, 0x6f, 0x06) },
    { "write 16 over 4 GiB", CODE(ESI(0xfffffff1u), 0x0f, 0x11, 0x06) },
    { "fixed over 4 GiB", CODE(0xa1, 0xfe, 0xff, 0xff, 0xff) },
    { "last bytes", CODE(0xa1, 0xfc, 0xff, 0xff, 0xff, 0x89, 0x05, 0xfc, 0xff,
                         0xff, 0xff) },
    { "disp8 below 0", CODE(ESI(2), 0x8b, 0x46, 0xfa, 0x89, 0x46, 0xf8) },
    { "disp8 across 0", CODE(ESI(2), 0x8b, 0x46, 0xfc, 0xff, 0x46, 0xfc) },
    { "disp32 below 0", CODE(ESI(2), 0x8b, 0x86, AT32(-0x700)) },
    { "room below 0", CODE(ESI(0), 0x8b, 0x86, AT32(-0x8000), 0x90) },
    { "room below 0 but 1", CODE(ESI(0), 0x8b, 0x86, AT32(-0x7fff), 0x90) },
    { "disp8 above", CODE(ESI(0xfffffff0u), 0x8b, 0x46, 0x20, 0xff, 0x4e,
                          0x20) },
    { "room above", CODE(ESI(0xffffffffu), 0x8b, 0x86, AT32(0x7fff)) },
    { "beyond room above", CODE(ESI(0xffffffffu), 0x8b, 0x86, AT32(0x8001)) },
    { "disp32 above", CODE(ESI(0xffff0000u), 0x8b, 0x86, AT32(0x30000)) },
    { "huge disp32", CODE(ESI(0x90000000u), 0x8b, 0x86, AT32(0x70020004)) },
    { "scaled", CODE(ESI(0x40008000u), 0x8b, 0x04, 0xb5, AT32(8)) },
    { "push below 0", CODE(0xbc, AT32(2), 0x50) },
    { "pop over 4 GiB", CODE(0xbc, AT32(-2), 0x58) },
    { "leave at 4 GiB", CODE(0xbd, AT32(-3), 0xc9) },
    { "movaps", CODE(ESI(DATA + 8), 0x0f, 0x28, 0x06) },
    { "movaps to", CODE(ESI(DATA + 4), 0x0f, 0x29, 0x06) },
    { "movaps absent", CODE(ESI(ABSENT + 4), 0x0f, 0x29, 0x06) },
    { "movaps across", CODE(ESI(ABSENT - 8), 0x0f, 0x28, 0x06) },
    { "addps", CODE(ESI(DATA + 1), 0x0f, 0x58, 0x06) },
    { "movaps device", CODE(ESI(DEVICE + 8), 0x0f, 0x28, 0x06) },
    { "movaps a device", CODE(ESI(DEVICE), 0x0f, 0x28, 0x06) },
    { "read into absent", CODE(ESI(ABSENT - 2), 0x8b, 0x06) },
    { "write into absent", CODE(ESI(ABSENT - 1), 0x89, 0x06) },
    { "read out of absent", CODE(ESI(ABSENT + 0xffe), 0x8b, 0x06) },
    { "write into read-only", CODE(ESI(READ_ONLY - 3), 0x89, 0x06) },
    { "write out of read-only", CODE(ESI(READ_ONLY + 0xffd), 0x89, 0x06) },
    { "update into read-only", CODE(ESI(READ_ONLY - 1), 0x11, 0x06) },
    { "update read-only", CODE(ESI(READ_ONLY), 0x83, 0x06, 3) },
    { "xadd read-only", CODE(ESI(READ_ONLY), 0x0f, 0xc1, 0x06) },
    { "cmpxchg read-only", CODE(ESI(READ_ONLY), 0x0f, 0xb1, 0x06) },
    { "read device", CODE(ESI(DEVICE), 0x8b, 0x06, 0x8a, 0x56, 1) },
    { "write device", CODE(ESI(DEVICE + 8), 0x89, 0x06) },
    { "update device", CODE(ESI(DEVICE + 8), 0xff, 0x06, 0x83, 0xd3, 0) },
    { "adc device", CODE(ESI(DEVICE + 8), 0xf9, 0x13, 0x06, 0x83, 0xd3, 0) },
    { "not device", CODE(ESI(DEVICE + 8), 0xf7, 0x16) },
    { "cmp device", CODE(ESI(DEVICE + 8), 0x83, 0x3e, 1, 0x77, 1, 0x43) },
    { "push device", CODE(ESI(DEVICE + 8), 0xff, 0x36) },
    { "pop device", CODE(ESI(DEVICE + 8), 0x50, 0x8f, 0x06) },
    { "read into device", CODE(ESI(DEVICE - 1), 0x8b, 0x06) },
    { "write into device", CODE(ESI(DEVICE - 2), 0x89, 0x06) },
    { "update out of device", CODE(ESI(DEVICE + 0xffe), 0xff, 0x0e) },
    { "read rom", CODE(ESI(ROM), 0x8b, 0x06) },
    { "write rom", CODE(ESI(ROM), 0x8b, 0x1e, 0x89, 0x06, 0x89, 0x46, 4) },
    { "update rom", CODE(ESI(ROM), 0xff, 0x06, 0x83, 0xd3, 0) },
    { "write into rom", CODE(ESI(ROM - 2), 0x89, 0x06) },
    { "fresh read", CODE(ESI(FRESH), 0x8b, 0x06) },
    { "fresh cmp", CODE(ESI(FRESH), 0x39, 0x06, 0x8b, 0x06) },
    { "fresh write", CODE(ESI(FRESH), 0x89, 0x06) },
    { "fresh read, write", CODE(ESI(FRESH), 0x8b, 0x06, 0x89, 0x06) },
    { "fresh update", CODE(ESI(FRESH), 0xff, 0x06) },
    { "fresh across", CODE(ESI(FRESH + 0xffe), 0x8b, 0x06) },
    { "fresh update across", CODE(ESI(FRESH + 0xffe), 0xff, 0x06) },
    { "fresh into rom", CODE(ESI(FRESH - 2), 0x8b, 0x06) },
    { "read system", CODE(ESI(SYSTEM), 0x8b, 0x06) },
    { "write system", CODE(ESI(SYSTEM), 0x89, 0x06) },
    { "update into system", CODE(ESI(SYSTEM - 2), 0xff, 0x06) },
};

/* The last page of the 4 GiB is RAM, too. */
static void set_up(struct harness *h)
{
    *harness_pte(h, READ_ONLY) &= ~PTE_RW;
    *harness_pte(h, ABSENT) = 0;
    *harness_pte(h, SYSTEM) &= ~PTE_US;
    *harness_pte(h, FRESH) &= ~(PTE_A | PTE_D);
    *harness_pte(h, FRESH + PAGE) &= ~(PTE_A | PTE_D);
    harness_w32(h, DIRECTORY + PAGE - 4, TOP_TABLE | WRITTEN);
    harness_w32(h, TOP_TABLE + PAGE - 4, TOP | WRITTEN);
    harness_w32(h, TOP_TABLE + PAGE - 32, (TOP + PAGE) | WRITTEN);
    for (uint32_t at = DATA; at < SYSTEM + PAGE; at += 4)
        if (at < TOP_TABLE || at >= TOP)
            harness_w32(h, at, at * 0x9e3779b1u);
    h->mmio_base = DEVICE;
    h->mmio_size = PAGE;
    h->rom_base = ROM;
    h->rom_size = PAGE;
    h->ops->map_changed(h->engine);
}

static void run_snippet(struct harness *h, const struct snippet *s,
                        const struct cpu *first)
{
    set_up(h);
    h->ram[HARNESS_CODE + s->len] = 0xf4;
    harness_code(h, s->code, s->len);
    for (unsigned n = 0; n < 3; n++) {
        memcpy(h->cpu.seg, first->seg, sizeof(first->seg));
        h->cpu.cpl = first->cpl;
        for (unsigned r = 0; r < 8; r++)
            h->cpu.gpr[r] = 0x01020304u * (r + 1) + n;
        h->cpu.gpr[RSP] = HARNESS_STACK;
        h->cpu.rflags = FLAG_1;
        h->cpu.shutdown = false;        /* by a stack that faults */
        h->cpu.fpu = first->fpu;
        begin(h);
        if (harness_run(h) == ENGINE_BUDGET)
            fail_msg("%s: does not halt", s->name);
    }
}

static void compare(const struct harness *a, const struct harness *b,
                    const struct snippet *s, unsigned window)
{
    if (memcmp(a->cpu.gpr, b->cpu.gpr, sizeof(a->cpu.gpr)) ||
        a->cpu.rip != b->cpu.rip || a->cpu.rflags != b->cpu.rflags ||
        a->cpu.cr2 != b->cpu.cr2 || a->cpu.icount != b->cpu.icount ||
        a->cpu.shutdown != b->cpu.shutdown ||
        memcmp(&a->cpu.fpu, &b->cpu.fpu, sizeof(a->cpu.fpu)))
        fail_msg("%s, window %u: rip %lx %lx, eax %lx %lx, cr2 %lx %lx",
                 s->name, window, (long)a->cpu.rip, (long)b->cpu.rip,
                 (long)a->cpu.gpr[RAX], (long)b->cpu.gpr[RAX],
                 (long)a->cpu.cr2, (long)b->cpu.cr2);
    if (a->mmio_reads != b->mmio_reads || a->mmio_writes != b->mmio_writes)
        fail_msg("%s, window %u: device reads %u %u, writes %u %u", s->name,
                 window, a->mmio_reads, b->mmio_reads, a->mmio_writes,
                 b->mmio_writes);
    for (uint32_t at = 0; at < DIRECTORY + 2 * PAGE; at += 4)
        if (harness_r32(a, at) != harness_r32(b, at))
            fail_msg("%s, window %u: at %x %08x %08x", s->name, window, at,
                     harness_r32(a, at), harness_r32(b, at));
}

static struct harness *new_for(const struct engine_ops *ops,
                               enum harness_window window, bool user)
{
    struct harness *h = new_harness(ops, window);

    if (user) {
        harness_user(h);
        h->cpu.cr3 = DIRECTORY;
        h->cpu.cr0 |= CR0_PG | CR0_WP;
        h->cpu.cr4 |= CR4_PSE | CR4_OSFXSR;
        h->ops->map_changed(h->engine);
    }
    return h;
}

static void run_beside(enum harness_window window, bool user)
{
    struct harness *a = new_for(&engine_interp, HARNESS_WINDOW_OFF, user);
    struct harness *b = new_for(&engine_jit, window, user);
    struct cpu first = a->cpu;

    for (size_t n = 0; n < COUNT_OF(snippets); n++) {
        run_snippet(a, &snippets[n], &first);
        run_snippet(b, &snippets[n], &first);
        compare(a, b, &snippets[n], window);
    }
    harness_free(a);
    harness_free(b);
}

static void test_as_interpreter(void **state)
{
    for (unsigned w = HARNESS_WINDOW_OFF; w <= HARNESS_WINDOW_NONE; w++) {
        run_beside((enum harness_window)w, false);
        run_beside((enum harness_window)w, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remapped),
        cmocka_unit_test(test_write_protection),
        cmocka_unit_test(test_large_page),
        cmocka_unit_test(test_page_fault_invalidates),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_function_written),
        cmocka_unit_test(test_same_trace_written),
        cmocka_unit_test(test_written_by_device),
        cmocka_unit_test(test_as_interpreter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
