/*
 * VT-x without VT-x: whether it may be used, which controls it gets, and which
 * guest states its VM entry takes. The processors are those that Bochs models;
 * their values were read there.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "emu/cpu/cpu.h"
#include "kernel/metal/vmx_caps.h"
#include "kernel/metal/vmx_guest.h"
#include "kernel/metal/vmx_regs.h"

#define SCREEN_COLUMNS 80u
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const struct vmx_msrs skylake = {
    .cpuid_vmx = true, .feature_control = 5, .basic = 0xd810000000002bull,
    .pin = 0x7f00000016, .proc = 0xf7f9fffe04006172,
    .proc2 = 0x2177fff00000000, .exit = 0x7fffff00036dfb,
    .entry = 0xffff000011fb, .ept_vpid = 0xf0106334141,
    .cr0_fixed0 = 0x80000021, .cr0_fixed1 = 0xffffffff,
    .cr4_fixed0 = 0x2000, .cr4_fixed1 = 0x3727ff,
};
static const struct vmx_msrs lynnfield = {
    .cpuid_vmx = true, .feature_control = 5, .basic = 0xd810000000002bull,
    .pin = 0x7f00000016, .proc = 0xf7f9fffe04006172,
    .proc2 = 0x7f00000000, .exit = 0x7fffff00036dfb,
    .entry = 0xffff000011fb, .ept_vpid = 0xf0106114141,
    .cr0_fixed0 = 0x80000021, .cr0_fixed1 = 0xffffffff,
    .cr4_fixed0 = 0x2000, .cr4_fixed1 = 0x67ff,
};
static const struct vmx_msrs penryn = {
    .cpuid_vmx = true, .feature_control = 5, .basic = 0xd810000000002bull,
    .pin = 0x3f00000016, .proc = 0xf7f9fffe04006172,
    .proc2 = 0x4100000000, .exit = 0x3ffff00036dfb,
    .entry = 0x3fff000011fb,
    .cr0_fixed0 = 0x80000021, .cr0_fixed1 = 0xffffffff,
    .cr4_fixed0 = 0x2000, .cr4_fixed1 = 0x467ff,
};

/* ---- Permission --------------------------------------------------------- */

static void check_permission(bool cpuid_vmx, uint64_t control, int err,
                             const char *word)
{
    struct vmx_msrs m = skylake;
    char why[SCREEN_COLUMNS] = "";

    m.cpuid_vmx = cpuid_vmx;
    m.feature_control = control;
    assert_int_equal(vmx_permitted(&m, why, sizeof why), err);
    if (word)
        assert_non_null(strstr(why, word));
    assert_true(strlen(why) < SCREEN_COLUMNS - 6);      /* "vmx: " before */
}

static void test_permission(void **state)
{
    check_permission(false, 0, -ENOTSUP, "no VT-x");
    check_permission(true, 0, 0, NULL);
    check_permission(true, FEATURE_CONTROL_VMX, 0, NULL);
    check_permission(true, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX, 0,
                     NULL);
    check_permission(true, FEATURE_CONTROL_LOCK, -EACCES,
                     "firmware has locked VT-x off");
    /* Inside SMX alone is no use. */
    check_permission(true, FEATURE_CONTROL_LOCK | 2, -EACCES,
                     "firmware has locked VT-x off");
}

/* ---- Controls ----------------------------------------------------------- */

static void check_allowed(uint32_t value, uint64_t allowed)
{
    assert_int_equal((uint32_t)allowed & ~value, 0);
    assert_int_equal(value & ~(uint32_t)(allowed >> 32), 0);
}

static void check_processor(const struct vmx_msrs *m, bool unrestricted)
{
    struct vmx_caps c;
    char why[SCREEN_COLUMNS];

    assert_int_equal(vmx_caps_decide(m, &c, why, sizeof why), 0);
    check_allowed(c.pin, m->pin);
    check_allowed(c.proc, m->proc);
    check_allowed(c.proc2, m->proc2);
    check_allowed(c.exit, m->exit);
    check_allowed(c.entry, m->entry);
    assert_int_equal(c.revision, 0x2b);
    assert_true(c.vpid);
    assert_true(c.proc2 & PROC2_EPT);
    assert_true(c.proc & PROC_IO);
    assert_false(c.proc & PROC_CR3_LOAD);
    assert_int_equal(c.unrestricted, unrestricted);
    assert_int_equal(c.cr0_must, unrestricted ? 0x20 : 0x80000021);
    assert_int_equal(vmx_fixed(0x620, c.cr4_must, c.cr4_may), 0x2620);
}

static void test_controls(void **state)
{
    check_processor(&skylake, true);
    check_processor(&lynnfield, false);
}

static void check_refused(struct vmx_msrs m, const char *word)
{
    struct vmx_caps c = {.revision = 0x1234};
    char why[SCREEN_COLUMNS] = "";

    assert_int_equal(vmx_caps_decide(&m, &c, why, sizeof why), -ENOTSUP);
    assert_non_null(strstr(why, word));
    assert_true(strlen(why) < SCREEN_COLUMNS - 6);
    assert_int_equal(c.revision, 0x1234);       /* left alone */
}

static void test_refusals(void **state)
{
    struct vmx_msrs m;

    check_refused(penryn, "EPT");
    m = skylake;
    m.proc &= ~((uint64_t)PROC_SECONDARY << 32);
    check_refused(m, "EPT");
    m = skylake;
    m.proc &= ~((uint64_t)PROC_MOV_DR << 32);
    check_refused(m, "exits on instructions");
    m = skylake;
    m.pin &= ~((uint64_t)PIN_NMI << 32);
    check_refused(m, "interrupts");
    m = skylake;
    m.exit &= ~((uint64_t)EXIT_LOAD_EFER << 32);
    check_refused(m, "EFER");
    m = skylake;
    m.ept_vpid &= ~EPT_CAP_WB;
    check_refused(m, "EPT with");
    m = skylake;
    m.ept_vpid &= ~(EPT_CAP_INVEPT_SINGLE | EPT_CAP_INVEPT_ALL);
    check_refused(m, "INVEPT");
}

/* ---- Guest state -------------------------------------------------------- */

#define CODE32 0xc9b            /* G D, P, read, accessed */
#define DATA32 0xc93

static struct cpu cpu_at_reset(void)
{
    static struct cpu c;

    memset(&c, 0, sizeof c);
    c.model = cpu_models[0];
    cpu_reset(&c);
    return c;
}

/* Flat protected mode with paging, ring 0. */
static struct cpu cpu_paged(void)
{
    struct cpu c = cpu_at_reset();

    c.cr0 |= CR0_PE | CR0_PG;
    for (unsigned i = 0; i < SEG_COUNT; i++)
        c.seg[i] = (struct cpu_seg){.sel = 16, .attr = DATA32,
                                    .limit = 0xffffffff};
    c.seg[CS].sel = 8;
    c.seg[CS].attr = CODE32;
    c.rip = 0xc0100000;
    return c;
}

static void test_rights(void **state)
{
    struct cpu_seg s = {.attr = CODE32};

    assert_int_equal(vmx_rights(&s), 0xc09b);
    assert_int_equal(vmx_attr(0xc09b), CODE32);
    s.attr = 0;                 /* a null selector */
    assert_int_equal(vmx_rights(&s), RIGHTS_UNUSABLE);
    assert_int_equal(vmx_attr(RIGHTS_UNUSABLE | 0xf3) & SEG_P, 0);
}

static void test_reset_state(void **state)
{
    struct cpu c = cpu_at_reset();

    assert_null(vmx_guest_unfit(&c, true));
    assert_string_equal(vmx_guest_unfit(&c, false), "real mode");
    c.cr0 |= CR0_PE;
    /* Segments of real mode, before the far jump. */
    c.seg[CS].attr = 0x093;
    assert_null(vmx_guest_unfit(&c, true));
    assert_string_equal(vmx_guest_unfit(&c, false), "no paging");
}

static void test_paged_state(void **state)
{
    struct cpu c = cpu_paged();

    assert_null(vmx_guest_unfit(&c, true));
    assert_null(vmx_guest_unfit(&c, false));
    c.seg[FS] = c.seg[GS] = (struct cpu_seg){0};
    assert_null(vmx_guest_unfit(&c, false));
    /* Paging is on, but CS is still real mode's. */
    c.seg[CS].attr = 0x093;
    assert_non_null(vmx_guest_unfit(&c, false));
}

/* What differs from the good state, and whether each kind refuses it. */
static void test_bad_states(void **state)
{
    static const struct {
        enum cpu_segreg seg;
        uint16_t sel, attr;
        uint32_t limit;
        bool restricted, unrestricted;
    } bad[] = {
        {CS, 8, CODE32 & ~SEG_P, 0xffffffff, true, true},
        {CS, 8, CODE32 & ~1, 0xffffffff, true, true},           /* A */
        {CS, 8, CODE32 | 0x60, 0xffffffff, true, true},         /* DPL 3 */
        {CS, 8, DATA32, 0xffffffff, true, false},
        {CS, 8, CODE32, 0xfffffffe, true, true},                /* G */
        {SS, 16, 0xc91, 0xffffffff, true, true},                /* read only */
        {SS, 19, DATA32, 0xffffffff, true, false},              /* RPL 3 */
        {DS, 16, 0xc92, 0xffffffff, true, true},                /* A */
        {DS, 16, 0xc99, 0xffffffff, true, true},        /* execute only */
        {DS, 19, DATA32, 0xffffffff, true, false},              /* RPL 3 */
        {ES, 16, 0x493, 0x100000, true, true},                  /* no G */
        {GS, 16, 0xc83, 0xffffffff, true, true},                /* S */
    };

    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        struct cpu c = cpu_paged();

        c.seg[bad[i].seg].sel = bad[i].sel;
        c.seg[bad[i].seg].attr = bad[i].attr;
        c.seg[bad[i].seg].limit = bad[i].limit;
        assert_int_equal(!!vmx_guest_unfit(&c, false), bad[i].restricted);
        assert_int_equal(!!vmx_guest_unfit(&c, true), bad[i].unrestricted);
    }
}

static void test_system_registers(void **state)
{
    struct cpu c = cpu_paged();

    c.tr.attr = 0x089;          /* available: LTR was never executed so */
    assert_string_equal(vmx_guest_unfit(&c, true), "task register");
    c.tr.attr = 0x083;          /* busy, 16 bits */
    assert_null(vmx_guest_unfit(&c, true));
    c.efer |= EFER_LMA;
    assert_string_equal(vmx_guest_unfit(&c, true), "task register");
    c = cpu_paged();
    c.ldtr.attr = 0;
    assert_null(vmx_guest_unfit(&c, true));
    c.ldtr.attr = 0x089;
    assert_string_equal(vmx_guest_unfit(&c, true), "LDT register");
    c = cpu_paged();
    c.gdtr.base = 1ull << 47;
    assert_string_equal(vmx_guest_unfit(&c, true), "descriptor table");
    c = cpu_paged();
    c.rip = 1ull << 32;
    assert_string_equal(vmx_guest_unfit(&c, true), "instruction pointer");
}

static void test_virtual_8086(void **state)
{
    struct cpu c = cpu_paged();

    c.rflags |= FLAG_VM;
    c.cpl = 3;
    for (unsigned i = 0; i < SEG_COUNT; i++)
        c.seg[i] = (struct cpu_seg){.sel = 0x1234, .base = 0x12340,
                                    .limit = 0xffff, .attr = 0x0f3};
    assert_null(vmx_guest_unfit(&c, false));
    c.seg[GS].base++;
    assert_non_null(vmx_guest_unfit(&c, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permission),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_reset_state),
        cmocka_unit_test(test_paged_state),
        cmocka_unit_test(test_bad_states),
        cmocka_unit_test(test_system_registers),
        cmocka_unit_test(test_virtual_8086),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
