/*
 * A debugger in long mode, by what the hardware engines share
 * (kernel/metal/hv_debug.c): what is in the debug registers, and steps.
 */
#include "tests/unit/emul_steps.h"

#include <errno.h>

#include "emu/cpu/stops.h"
#include "kernel/metal/hv_internal.h"

#define GDT 0x4000u
#define IDT 0x5000u
#define HANDLER 0x1800u

static struct hv hv;
static struct cpu_stops stops;
static unsigned emulated;

/* ---- In place of hv.c and hv_long.c ---------------------------------------- */

void hv_modify(struct hv *h) { h->modified = true; }

void hv_emulate(struct hv *h)
{
    struct emul_raise raise;

    emulated++;
    assert_int_equal(emul_step(h->cpu, &raise), EMUL_DONE);
    h->cpu->icount++;
}

void hv_inject(struct hv *h, uint8_t vector, bool has_error, uint32_t error)
{
    h->event = (struct cpu_event){ .valid = true, .vector = vector,
                                  .kind = CPU_EVENT_EXCEPTION,
                                  .has_error = has_error, .error = error };
}

/* ---- A guest ----------------------------------------------------------------- */

static void put64(struct emul_harness *h, uint32_t at, uint64_t v)
{
    memcpy(h->ram + at, &v, 8);
}

/* Interrupt gates of CPL 0 for all, but 80h, which anybody may call. */
static void make_tables(struct emul_harness *h)
{
    struct cpu *c = &h->cpu;

    emul_harness_map(h, GDT, GDT, PTE_RW);
    emul_harness_map(h, IDT, IDT, PTE_RW);
    put64(h, GDT + 8, 0x00af9a000000ffff);
    c->gdtr = (struct cpu_table){ GDT, 15 };
    c->idtr = (struct cpu_table){ IDT, 0x81 * 16 - 1 };
    for (unsigned v = 0; v <= 0x80; v++) {
        put64(h, IDT + v * 16, HANDLER | 8 << 16 | (v == 0x80 ? 0xeeull
                                                            : 0x8eull) << 40);
        put64(h, IDT + v * 16 + 8, 0);
    }
}

static int begin(void **state)
{
    struct emul_harness *h;

    setup(state);
    h = *state;
    make_tables(h);
    stops = (struct cpu_stops){ .count = 0 };
    hv = (struct hv){ .cpu = &h->cpu };
    h->cpu.stops = &stops;
    h->cpu.dr[7] = DR7_ONES;
    h->cpu.gpr[RSP] = STACK + 0x808;
    h->cpu.rip = CODE;
    emulated = 0;
    return 0;
}

static void add(enum cpu_stop_kind kind, uint64_t addr, uint64_t len)
{
    assert_int_equal(cpu_stops_add(&stops, kind, addr, len), 0);
}

static void code(struct emul_harness *h, const char *bytes, size_t n)
{
    memcpy(h->ram + CODE, bytes, n);
    h->cpu.rip = CODE;
}

/* ---- Registers ----------------------------------------------------------------- */

static void test_registers(void **state)
{
    struct emul_harness *h = *state;

    h->cpu.dr[1] = 0x1234;
    h->cpu.dr[7] = DR7_ONES | 1u << 2;          /* the guest's DR1 */
    add(CPU_STOP_WRITE, 0xffff800000001008, 8);
    add(CPU_STOP_BREAK, 0x5555, 1);
    assert_int_equal(hv_debug_registers(&hv), 0);
    assert_false(hv.walks);
    assert_int_equal(hv.dr[0], 0xffff800000001008);
    assert_int_equal(hv.dr[1], 0x1234);
    assert_int_equal(hv.dr[2], 0x5555);
    assert_int_equal(hv.dr7, DR7_ONES | 1u << 2 | 2u | 2u << 4 | 9u << 16);
    /* Whose is it? */
    assert_int_equal(hv_debug_note(&hv, 2), 2);
    assert_int_equal(hv_debug_note(&hv, DR6_BS | 1), DR6_BS);
    assert_true(stops.watch_hit);
    assert_int_equal(stops.hit.addr, 0xffff800000001008);
    assert_int_equal(hv_debug_note(&hv, 4), 0);
    assert_false(hv_debug_is_trap(&hv, 4));
    assert_true(hv_debug_is_trap(&hv, 4 | DR6_BS));
    assert_true(hv_debug_is_trap(&hv, 1));
    /* Not in long mode: the interpreter's. */
    h->cpu.efer &= ~(uint64_t)EFER_LMA;
    hv_debug_registers(&hv);
    assert_int_equal(hv.dr7, h->cpu.dr[7]);
    assert_int_equal(hv.dr[0], 0);
}

static void test_too_many(void **state)
{
    struct emul_harness *h = *state;

    add(CPU_STOP_ACCESS, 0x1001, 7);            /* 1, 2, 4 bytes */
    hv_debug_registers(&hv);
    assert_int_equal(hv.dr[0], 0x1001);
    assert_int_equal(hv.dr[1], 0x1002);
    assert_int_equal(hv.dr[2], 0x1004);
    assert_int_equal(hv.dr7 >> 16, 0x0f73);
    assert_int_equal(hv_can_debug((struct engine *)&hv), 0);
    add(CPU_STOP_BREAK, 0x5555, 1);
    hv_debug_registers(&hv);
    assert_false(hv.walks);
    add(CPU_STOP_BREAK, 0x6666, 1);
    hv_debug_registers(&hv);
    assert_true(hv.walks);
    assert_int_equal(hv.dr7 & DR7_ENABLES, 0x2a);
    assert_int_equal(hv_can_debug((struct engine *)&hv), 0);
    /* A step has no use for breakpoints. */
    stops.step = true;
    hv_debug_registers(&hv);
    assert_false(hv.walks);
    add(CPU_STOP_WRITE, 0x2000, 1);
    assert_int_equal(hv_can_debug((struct engine *)&hv), 0);
    h->cpu.dr[7] |= 0xff;                       /* the guest's give way */
    assert_int_equal(hv_debug_registers(&hv), 4);
    assert_int_equal(hv.dr[3], 0x2000);
    add(CPU_STOP_WRITE, 0x3000, 1);
    assert_int_equal(hv_can_debug((struct engine *)&hv), -ENOSPC);
    stops.count = 0;
    add(CPU_STOP_READ, 0x3000, 1);
    assert_int_equal(hv_can_debug((struct engine *)&hv), -ENOTSUP);
    /* Where an entry arms none of them. */
    stops = (struct cpu_stops){ .count = 0 };
    hv.no_breaks = true;
    h->cpu.dr[7] = DR7_ONES;
    add(CPU_STOP_BREAK, 0x5555, 1);
    hv_debug_registers(&hv);
    assert_true(hv.walks);
    assert_false(hv.dr7 & DR7_ENABLES);
}

/* ---- Steps ------------------------------------------------------------------- */

static void test_step(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;
    struct hv_exit x = { .kind = HV_EXIT_STEP };

    stops.step = true;
    code(h, "\x90", 1);
    c->inhibit = 1;
    assert_false(hv_debug_alone(&hv));
    assert_true(hv.step);
    assert_int_equal(c->inhibit, 0);
    x.kind = HV_EXIT_INTERRUPT;                 /* nothing happened */
    hv_debug_stepped(&hv, &x);
    assert_false(hv.step);
    assert_int_equal(c->inhibit, 1);
    assert_false(hv_debug_is_over(&hv));
    c->inhibit = 0;
    assert_false(hv_debug_alone(&hv));
    x.kind = HV_EXIT_STEP;
    x.exception.dr6 = DR6_BS;
    hv_debug_stepped(&hv, &x);
    assert_int_equal(c->icount, 1);
    assert_false(hv.event.valid);
    stops.went_on = true;                       /* hv.c's, by icount */
    assert_true(hv_debug_is_over(&hv));
    assert_int_equal(stops.reason, CPU_STEPPED);
    /* The guest steps, too: its #DB comes first. */
    c->rflags |= FLAG_TF;
    assert_false(hv_debug_alone(&hv));
    c->rflags &= ~(uint64_t)FLAG_TF;            /* as `enter` leaves it */
    hv_debug_stepped(&hv, &x);
    assert_true(c->rflags & FLAG_TF);
    assert_int_equal(hv.event.vector, EXC_DB);
    assert_int_equal(c->dr[6] & DR6_BS, DR6_BS);
    assert_false(hv_debug_is_over(&hv));
    assert_true(hv_debug_alone(&hv));           /* delivered */
    assert_int_equal(c->rip, HANDLER);
    assert_true(hv_debug_is_over(&hv));
}

static void test_what_would_show_it(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;
    uint64_t v;

    stops.step = true;
    code(h, "\x9c", 1);                         /* PUSHF */
    assert_true(hv_debug_alone(&hv));
    assert_int_equal(emulated, 1);
    memcpy(&v, h->ram + c->gpr[RSP], 8);
    assert_int_equal(v, c->rflags);
    code(h, "\xf3\x90", 2);
    assert_true(hv_debug_alone(&hv));
    assert_int_equal(c->rip, CODE + 2);
    c->efer &= ~(uint64_t)EFER_SCE;
    EXPECT_RAISE(h, EXC_UD, 0, 0x0f, 0x05);
    c->efer |= EFER_SCE;
    c->star = 0x0008ull << 32 | 0x0023ull << 48;
    c->lstar = HANDLER;
    c->sfmask = FLAG_IF;
    c->rflags |= FLAG_IF;
    code(h, "\x0f\x05", 2);
    assert_true(hv_debug_alone(&hv));
    assert_int_equal(c->rip, HANDLER);
    assert_int_equal(c->gpr[RCX], CODE + 2);
    assert_int_equal(c->gpr[R11], FLAG_IF | FLAG_1);
    assert_int_equal(c->rflags, FLAG_1);
    c->gpr[R11] = FLAG_TF | FLAG_IF | FLAG_VM;
    c->gpr[RCX] = 0x8000000000000000;
    EXPECT_RAISE(h, EXC_GP, 0, 0x48, 0x0f, 0x07);
    c->gpr[RCX] = 0x6000;
    assert_int_equal(STEP(h, 0x48, 0x0f, 0x07).raise.vector, EXC_DB);
    assert_int_equal(c->rip, 0x6000);           /* its TF traps at once */
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->seg[CS].sel, 0x33);
    assert_int_equal(c->seg[SS].sel, 0x2b);
    c->cpl = 0;
    c->rflags = FLAG_1;
    /* IRET and POPF bring their own TF. */
    code(h, "\x48\xcf", 2);
    assert_false(hv_debug_alone(&hv));
    assert_true(hv.own_tf);
    code(h, "\x9d", 1);
    assert_false(hv_debug_alone(&hv));
    assert_true(hv.own_tf);
}

static void test_software_interrupts(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;
    uint64_t frame[5];

    stops.step = true;
    c->rflags |= FLAG_IF;
    code(h, "\xcd\x80", 2);
    assert_true(hv_debug_alone(&hv));
    assert_int_equal(c->rip, HANDLER);
    assert_int_equal(c->gpr[RSP], STACK + 0x800 - 40);
    memcpy(frame, h->ram + c->gpr[RSP], sizeof frame);
    assert_int_equal(frame[0], CODE + 2);
    assert_int_equal(frame[2], FLAG_IF | FLAG_1);
    assert_int_equal(frame[3], STACK + 0x808);
    assert_false(c->rflags & FLAG_IF);
    /* A gate that is not there: the processor's #GP. */
    code(h, "\xcd\x81", 2);
    assert_false(hv_debug_alone(&hv));
    assert_int_equal(c->rip, CODE);
}

/* ---- Delivery ------------------------------------------------------------------ */

static void test_delivery(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;
    struct cpu_event ev = { .valid = true, .vector = EXC_PF,
                            .kind = CPU_EVENT_EXCEPTION, .has_error = true,
                            .error = 6 };
    struct cpu before;
    uint64_t frame[6];

    add(CPU_STOP_WRITE, STACK + 0x7f0, 8);
    c->cr2 = 0x1234;
    assert_true(emul_deliver(c, &ev, false));
    memcpy(frame, h->ram + c->gpr[RSP], sizeof frame);
    assert_int_equal(frame[0], 6);
    assert_int_equal(frame[1], CODE);
    assert_int_equal(frame[3] & FLAG_RF, FLAG_RF);
    assert_true(stops.watch_hit);
    assert_int_equal(c->cr2, 0x1234);
    /* From CPL 3 to the stack of the TSS. */
    c->cpl = 3;
    c->seg[SS].sel = 0x2b;
    c->rip = CODE;
    c->tr = (struct cpu_seg){ .base = DATA, .limit = 0x67 };
    put64(h, DATA + 4, STACK + 0x400);
    assert_true(emul_deliver(c, &ev, false));
    assert_int_equal(c->cpl, 0);
    assert_int_equal(c->seg[SS].sel, 0);
    assert_int_equal(c->gpr[RSP], STACK + 0x400 - 48);
    memcpy(frame, h->ram + c->gpr[RSP], sizeof frame);
    assert_int_equal(frame[5], 0x2b);
    /* IST 2; then what would fault changes nothing. */
    h->ram[IDT + EXC_PF * 16 + 4] = 2;
    put64(h, DATA + 0x2c, STACK + 0x300);
    assert_true(emul_deliver(c, &ev, false));
    assert_int_equal(c->gpr[RSP], STACK + 0x300 - 48);
    put64(h, DATA + 0x2c, 0x12345000);          /* not mapped */
    before = *c;
    assert_false(emul_deliver(c, &ev, false));
    h->ram[IDT + EXC_PF * 16 + 4] = 0;
    h->ram[IDT + EXC_PF * 16 + 5] = 0x0e;       /* absent */
    assert_false(emul_deliver(c, &ev, false));
    h->ram[IDT + EXC_PF * 16 + 5] = 0x85;       /* no gate of long mode's */
    assert_false(emul_deliver(c, &ev, false));
    h->ram[IDT + EXC_PF * 16 + 5] = 0x8e;
    put64(h, GDT + 8, 0x00cf9a000000ffff);      /* code of 32 bits */
    assert_false(emul_deliver(c, &ev, false));
    put64(h, GDT + 8, 0x00af9a000000ffff);
    c->cpl = before.cpl = 3;
    assert_false(emul_deliver(c, &ev, true));   /* by INT n */
    c->idtr.limit = before.idtr.limit = EXC_PF * 16 + 14;
    assert_false(emul_deliver(c, &ev, false));
    assert_memory_equal(c, &before, sizeof before);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, teardown)
    const struct CMUnitTest tests[] = {
        T(test_registers), T(test_too_many), T(test_step),
        T(test_what_would_show_it), T(test_software_interrupts),
        T(test_delivery),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
