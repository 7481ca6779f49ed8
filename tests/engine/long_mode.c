/*
 * A guest in 64-bit mode, under engines that run one: what follows an NMI that
 * comes while another is being served (SDM vol. 3, 6.7.1; APM vol. 2, 8.1.10).
 */
#include <string.h>

#include "emu/cpu/debug.h"
#include "tests/engine/cmocka.h"
#include "tests/engine/engine_test.h"
#include "tests/unit/cpu_harness.h"

#define RAM 0x200000u
#define TABLES 0x20000u         /* three levels, a 2 MiB page */
#define CS64 HARNESS_FREE_SEL
#define COUNTER HARNESS_DATA    /* what the main program counts */
#define HANDLER(v) (0xa000u + 16u * (v))
#define PORT(v) (0x80u + (v))
#define RUN_NS 2000000000ull

/* One entry of a handler: as its OUT saw it. */
struct entry {
    uint8_t vector;
    uint64_t rip;               /* of the frame */
    uint32_t counter;
};

struct fixture {
    struct harness *h;
    struct entry seen[8];
    unsigned count;
    uint64_t frame_flags;       /* the first NMI's frame gets these ... */
    uint16_t frame_cs;          /* ... and this CS, if not 0 */
};
static struct fixture *current; /* the hook has no pointer of its own */

static void put64(struct harness *h, uint32_t at, uint64_t v)
{
    memcpy(h->ram + at, &v, 8);
}

static uint64_t get64(const struct harness *h, uint64_t at)
{
    uint64_t v;

    memcpy(&v, h->ram + at % (RAM - 8), 8);
    return v;
}

/* A handler's OUT. The first NMI's has another NMI come. */
static void on_io(struct harness *h, const struct harness_io *io)
{
    struct fixture *f = current;
    uint64_t frame = h->cpu.gpr[RSP] % (RAM - 64);
    uint8_t vector = (uint8_t)(io->port - PORT(0));
    struct entry *e = &f->seen[f->count];

    h->io_count = 0;            /* their list is short */
    if (f->count == sizeof f->seen / sizeof f->seen[0])
        return;
    if (vector == EXC_GP)
        frame += 8;             /* behind the error code */
    *e = (struct entry){ vector, get64(h, frame),
                         harness_r32(h, COUNTER) };
    if (f->count++)
        return;
    h->cpu.nmi = true;
    h->ram[frame + 16] |= (uint8_t)f->frame_flags;
    h->ram[frame + 17] |= (uint8_t)(f->frame_flags >> 8);
    if (f->frame_cs)
        put64(h, (uint32_t)frame + 8, f->frame_cs);
}

/* out imm8, al; then IRETQ, or HLT for vectors that end the test. */
static void put_handler(struct harness *h, unsigned vector, bool ends)
{
    const uint8_t code[] = { 0xe6, (uint8_t)PORT(vector), ends ? 0xf4 : 0x48,
                             0xcf };
    uint32_t gate = HARNESS_IDT + 16 * vector;

    memcpy(h->ram + HANDLER(vector), code, sizeof code);
    put64(h, gate, 0x00008e0000000000ull | (uint64_t)CS64 << 16 |
                   HANDLER(vector));
    put64(h, gate + 8, 0);
}

static void enter_long_mode(struct harness *h)
{
    struct cpu *c = &h->cpu;

    harness_protected(h);
    put64(h, TABLES, (TABLES + 0x1000) | 3);
    put64(h, TABLES + 0x1000, (TABLES + 0x2000) | 3);
    put64(h, TABLES + 0x2000, 0x83);
    harness_descriptor(h, CS64, 0, 0xfffff, 0xa9b);
    c->cr3 = TABLES;
    c->cr4 = CR4_PAE;
    c->efer = EFER_LME | EFER_LMA;
    c->cr0 |= CR0_PG;
    c->seg[CS].sel = CS64;
    c->seg[CS].attr = 0xa9b;
    c->idtr.limit = 256 * 16 - 1;
}

static int setup(void **state)
{
    static struct fixture f;
    static const uint8_t code[] = { /* inc dword [COUNTER]; hlt */
        0xff, 0x04, 0x25, COUNTER & 0xff, COUNTER >> 8 & 0xff, COUNTER >> 16, 0,
        0xf4
    };

    memset(&f, 0, sizeof f);
    f.h = harness_new_model(NULL, RAM, cpu_model_find("trestle64"));
    f.h->io_hook = on_io;
    enter_long_mode(f.h);
    put_handler(f.h, EXC_NMI, false);
    put_handler(f.h, EXC_DB, true);
    put_handler(f.h, EXC_GP, true);
    harness_code(f.h, code, sizeof code);
    current = &f;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    harness_free(((struct fixture *)*state)->h);
    return 0;
}

static enum engine_exit run(struct fixture *f)
{
    struct harness *h = f->h;

    h->cpu.nmi = true;
    h->cpu.exact_count = false;
    return h->ops->run(h->engine, UINT64_MAX, RUN_NS);
}

static void expect(const struct fixture *f, unsigned n, unsigned vector,
                   uint64_t rip, uint32_t counter)
{
    assert_true(n < f->count);
    assert_int_equal(f->seen[n].vector, vector);
    assert_int_equal(f->seen[n].rip, rip);
    assert_int_equal(f->seen[n].counter, counter);
}

/* The second NMI comes right behind the first one's IRET. */
static void test_nmi_after_iret(void **state)
{
    struct fixture *f = *state;
    struct cpu *c = &f->h->cpu;

    assert_int_equal(run(f), ENGINE_HALTED);
    expect(f, 0, EXC_NMI, HARNESS_CODE, 0);
    expect(f, 1, EXC_NMI, HARNESS_CODE, 0);
    assert_int_equal(f->count, 2);
    assert_int_equal(harness_r32(f->h, COUNTER), 1);
    assert_false(c->nmi || c->nmi_blocked);
    assert_int_equal(c->rflags & FLAG_TF, 0);
    assert_int_equal(c->dr[6], DR6_ONES);
}

/* TF that the IRET loads is the interrupted program's. */
static void test_iret_loads_tf(void **state)
{
    struct fixture *f = *state;

    f->frame_flags = FLAG_TF;
    assert_int_equal(run(f), ENGINE_HALTED);
    expect(f, 0, EXC_NMI, HARNESS_CODE, 0);
    expect(f, 1, EXC_NMI, HARNESS_CODE, 0);
    expect(f, 2, EXC_DB, HARNESS_CODE + 7, 1);
    assert_int_equal(f->count, 3);
    assert_int_equal(f->h->cpu.dr[6], DR6_ONES | DR6_BS);
}

/* An IRET that faults has ended the NMI as well. */
static void test_iret_faults(void **state)
{
    struct fixture *f = *state;

    f->frame_cs = HARNESS_TSS_SEL;      /* no code segment */
    assert_int_equal(run(f), ENGINE_HALTED);
    expect(f, 0, EXC_NMI, HARNESS_CODE, 0);
    expect(f, 1, EXC_NMI, HANDLER(EXC_GP), 0);
    expect(f, 2, EXC_GP, HANDLER(EXC_NMI) + 2, 0);
    assert_int_equal(f->count, 3);
}

int test_long_mode(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_nmi_after_iret), T(test_iret_loads_tf), T(test_iret_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
