/* System state as real code sees it: interpreter and system half together. */
#include "tests/unit/sys_harness.h"

#include "emu/cpu/mmu.h"
#include "emu/cpu/seg.h"

#define DIR 0x80000u
#define DATA 0x30000u           /* the page that code below touches */
#define SEL(n) ((uint16_t)(HARNESS_FREE_SEL + 8 * (n)))
#define LOAD(h, code) harness_code(h, code, sizeof(code))

/* ---- Code, for HARNESS_CODE (8000h) unless the test says otherwise ------- */

static const uint8_t read_fault[] = {
    0xb8, 0x11, 0x00, 0x00, 0x00,                     /* mov $0x11,%eax */
    0x03, 0x05, 0x04, 0x00, 0x03, 0x00,               /* add 0x30004,%eax */
    0xcd, 0x40,                                       /* int $0x40 */
};

static const uint8_t push_fault[] = {
    0xbc, 0x00, 0x00, 0x03, 0x00,                     /* mov $0x30000,%esp */
    0x53,                                             /* push %ebx */
    0xcd, 0x40,                                       /* int $0x40 */
};

static const uint8_t data_breakpoint[] = {
    0xb8, 0x10, 0x00, 0x03, 0x00,                     /* mov $0x30010,%eax */
    0x0f, 0x23, 0xc0,                                 /* mov %eax,%db0 */
    0xb8, 0x01, 0x00, 0x0d, 0x00,                     /* mov $0xd0001,%eax */
    0x0f, 0x23, 0xf8,                                 /* mov %eax,%db7 */
    0x8b, 0x0d, 0x10, 0x00, 0x03, 0x00,               /* mov 0x30010,%ecx */
    0xc6, 0x05, 0x13, 0x00, 0x03, 0x00, 0x01,         /* movb $0x1,0x30013 */
    0xf4,                                             /* hlt */
};

static const uint8_t moved_breakpoint[] = {
    0xb8, 0x10, 0x00, 0x03, 0x00,                     /* mov $0x30010,%eax */
    0x0f, 0x23, 0xc0,                                 /* mov %eax,%db0 */
    0xb8, 0x01, 0x00, 0x01, 0x00,                     /* mov $0x10001,%eax */
    0x0f, 0x23, 0xf8,                                 /* mov %eax,%db7 */
    0xbf, 0x00, 0x00, 0x03, 0x00,                     /* mov $0x30000,%edi */
    0xb9, 0x20, 0x00, 0x00, 0x00,                     /* mov $0x20,%ecx */
    0xf3, 0xaa,                                       /* rep stosb */
    0xf4,                                             /* hlt */
};

static const uint8_t code_breakpoint[] = {
    0xb8, 0x11, 0x80, 0x00, 0x00,                     /* mov $0x8011,%eax */
    0x0f, 0x23, 0xc8,                                 /* mov %eax,%db1 */
    0xb8, 0x04, 0x00, 0x00, 0x00,                     /* mov $0x4,%eax */
    0x0f, 0x23, 0xf8,                                 /* mov %eax,%db7 */
    0x41,                                             /* inc %ecx */
    0x41,                                             /* inc %ecx */
    0xf4,                                             /* hlt */
};

static const uint8_t general_detect[] = {
    0xb8, 0x00, 0x20, 0x00, 0x00,                     /* mov $0x2000,%eax */
    0x0f, 0x23, 0xf8,                                 /* mov %eax,%db7 */
    0x0f, 0x21, 0xf3,                                 /* mov %db6,%ebx */
    0xf4,                                             /* hlt */
};

static const uint8_t single_step[] = {
    0x9c,                                             /* pushf */
    0x66, 0x81, 0x0c, 0x24, 0x00, 0x01,               /* orw $0x100,(%esp) */
    0x9d,                                             /* popf */
    0x41,                                             /* inc %ecx */
    0x41,                                             /* inc %ecx */
    0xf4,                                             /* hlt */
};

static const uint8_t io_bitmap[] = {
    0x66, 0xba, 0xf8, 0x03,                           /* mov $0x3f8,%dx */
    0xee,                                             /* out %al,(%dx) */
    0x66, 0xed,                                       /* in (%dx),%ax */
    0xcd, 0x40,                                       /* int $0x40 */
};

static const uint8_t user_call_gate[] = {
    0x68, 0x11, 0x11, 0x00, 0x00,                     /* push $0x1111 */
    0x68, 0x22, 0x22, 0x00, 0x00,                     /* push $0x2222 */
    0x9a, 0x00, 0x00, 0x00, 0x00, 0x43, 0x00,         /* lcall $0x43,$0x0 */
    0xcd, 0x40,                                       /* int $0x40 */
};

static const uint8_t gate_body[] = {
    0x8b, 0x44, 0x24, 0x08,                           /* mov 0x8(%esp),%eax */
    0x8b, 0x5c, 0x24, 0x0c,                           /* mov 0xc(%esp),%ebx */
    0x8c, 0xc9,                                       /* mov %cs,%ecx */
    0xca, 0x08, 0x00,                                 /* lret $0x8 */
};

static const uint8_t vm86_enter[] = {
    0x6a, 0x00,                                       /* push $0x0 */
    0x6a, 0x00,                                       /* push $0x0 */
    0x68, 0x00, 0x10, 0x00, 0x00,                     /* push $0x1000 */
    0x68, 0x00, 0x20, 0x00, 0x00,                     /* push $0x2000 */
    0x6a, 0x00,                                       /* push $0x0 */
    0x68, 0x00, 0x70, 0x00, 0x00,                     /* push $0x7000 */
    0x68, 0x02, 0x00, 0x02, 0x00,                     /* push $0x20002 */
    0x68, 0x00, 0x09, 0x00, 0x00,                     /* push $0x900 */
    0x6a, 0x00,                                       /* push $0x0 */
    0xcf,                                             /* iret */
};

static const uint8_t vm86_body16[] = {
    0xb8, 0x34, 0x12,                                 /* mov $0x1234,%ax */
    0xa3, 0x10, 0x00,                                 /* mov %ax,0x10 */
    0x26, 0xa3, 0x20, 0x00,                           /* mov %ax,%es:0x20 */
    0xcd, 0x21,                                       /* int $0x21 */
};

static const uint8_t task_jump[] = {
    0xea, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00,         /* ljmp $0x40,$0x0 */
};

static const uint8_t task_call[] = {
    0xbb, 0x07, 0x00, 0x00, 0x00,                     /* mov $0x7,%ebx */
    0x9a, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00,         /* lcall $0x40,$0x0 */
    0x43,                                             /* inc %ebx */
    0xf4,                                             /* hlt */
};

static const uint8_t task_body[] = {
    0x89, 0xe6,                                       /* mov %esp,%esi */
    0xcf,                                             /* iret */
    0x47,                                             /* inc %edi */
    0xea, 0x00, 0x00, 0x00, 0x00, 0x38, 0x00,         /* ljmp $0x38,$0x0 */
};

static const uint8_t enter_protected16[] = {
    0xfa,                                             /* cli */
    0x66, 0x0f, 0x01, 0x16, 0x00, 0x81,               /* lgdtl 0x8100 */
    0x0f, 0x20, 0xc0,                                 /* mov %cr0,%eax */
    0x0c, 0x01,                                       /* or $0x1,%al */
    0x0f, 0x22, 0xc0,                                 /* mov %eax,%cr0 */
    0x66, 0xea, 0x20, 0x80, 0x00, 0x00, 0x08, 0x00,   /* ljmpl $0x8,$0x8020 */
};

static const uint8_t protected_body[] = {
    0x66, 0xb8, 0x10, 0x00,                           /* mov $0x10,%ax */
    0x8e, 0xd8,                                       /* mov %eax,%ds */
    0x8e, 0xd0,                                       /* mov %eax,%ss */
    /* movl $0x55,0x30000 */
    0xc7, 0x05, 0x00, 0x00, 0x03, 0x00, 0x55, 0x00, 0x00, 0x00,
    0xea, 0x60, 0x80, 0x00, 0x00, 0x18, 0x00,         /* ljmp $0x18,$0x8060 */
};

static const uint8_t leave_protected16[] = {
    0xb8, 0x20, 0x00,                                 /* mov $0x20,%ax */
    0x8e, 0xd8,                                       /* mov %ax,%ds */
    0x0f, 0x20, 0xc0,                                 /* mov %cr0,%eax */
    0x24, 0xfe,                                       /* and $0xfe,%al */
    0x0f, 0x22, 0xc0,                                 /* mov %eax,%cr0 */
    0xea, 0x80, 0x80, 0x00, 0x00,                     /* ljmp $0x0,$0x8080 */
};

static const uint8_t real_again16[] = {
    0xb8, 0x00, 0x10,                                 /* mov $0x1000,%ax */
    0x8e, 0xd8,                                       /* mov %ax,%ds */
    0xc7, 0x06, 0x08, 0x00, 0x77, 0x00,               /* movw $0x77,0x8 */
    0xf4,                                             /* hlt */
};

static const uint8_t switch_space[] = {
    0xa1, 0x00, 0x00, 0x03, 0x00,                     /* mov 0x30000,%eax */
    0x8b, 0x35, 0x00, 0x10, 0x03, 0x00,               /* mov 0x31000,%esi */
    0x0f, 0x22, 0xda,                                 /* mov %edx,%cr3 */
    0x8b, 0x1d, 0x00, 0x00, 0x03, 0x00,               /* mov 0x30000,%ebx */
    0x8b, 0x3d, 0x00, 0x10, 0x03, 0x00,               /* mov 0x31000,%edi */
    0x0f, 0x20, 0xe1,                                 /* mov %cr4,%ecx */
    0x81, 0xf1, 0x80, 0x00, 0x00, 0x00,               /* xor $0x80,%ecx */
    0x0f, 0x22, 0xe1,                                 /* mov %ecx,%cr4 */
    0x8b, 0x2d, 0x00, 0x10, 0x03, 0x00,               /* mov 0x31000,%ebp */
    0xf4,                                             /* hlt */
};

static const uint8_t patch_alias[] = {
    0xc6, 0x05, 0x10, 0x80, 0x03, 0x00, 0x43,         /* movb $0x43,0x38010 */
    0x90,                                             /* nop */
    0x90,                                             /* nop */
    0x90,                                             /* nop */
    0x90,                                             /* nop */
    0x90,                                             /* nop */
    0x90,                                             /* nop */
    0x90,                                             /* nop */
    0x90,                                             /* nop */
    0x90,                                             /* nop */
    0x41,                                             /* inc %ecx */
    0xf4,                                             /* hlt */
};

static const uint8_t fast_call[] = {
    0xba, 0x20, 0x80, 0x00, 0x00,                     /* mov $0x8020,%edx */
    0x89, 0xe1,                                       /* mov %esp,%ecx */
    0x0f, 0x34,                                       /* sysenter */
};

static const uint8_t user_write[] = {
    /* movl $0x5,0x30ffe */
    0xc7, 0x05, 0xfe, 0x0f, 0x03, 0x00, 0x05, 0x00, 0x00, 0x00,
    0xcd, 0x40,                                       /* int $0x40 */
};

static const uint8_t alignment[] = {
    0x9c,                                             /* pushf */
    0x81, 0x0c, 0x24, 0x00, 0x00, 0x04, 0x00,         /* orl $0x40000,(%esp) */
    0x9d,                                             /* popf */
    0xa1, 0x02, 0x00, 0x03, 0x00,                     /* mov 0x30002,%eax */
    0xcd, 0x40,                                       /* int $0x40 */
};

static const uint8_t spin[] = {
    0x41,                                             /* inc %ecx */
    0xeb, 0xfd,                                       /* jmp to the inc */
};

static void put(struct harness *h, uint32_t at, const uint8_t *code, size_t n)
{
    memcpy(h->ram + at, code, n);
    h->ops->memory_changed(h->engine, at, n);
}
#define PUT(h, at, code) put(h, at, code, sizeof(code))

/* Run into the HLT of a vector's stub. */
static void expect_vector(struct harness *h, int v)
{
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), v);
}

static uint32_t reg(const struct harness *h, unsigned r)
{
    return (uint32_t)h->cpu.gpr[r];
}

/* Word n of the stack the CPU stopped on. */
static uint32_t stacked(const struct harness *h, unsigned n)
{
    return harness_r32(h, (uint32_t)h->cpu.gpr[RSP] + n * 4);
}

static void idt_gate(struct harness *h, unsigned v, uint16_t target,
                     uint32_t off, uint8_t access)
{
    harness_w32(h, HARNESS_IDT + v * 8,
                (uint32_t)target << 16 | (off & 0xffff));
    harness_w32(h, HARNESS_IDT + v * 8 + 4,
                (off & 0xffff0000u) | (uint32_t)access << 8);
}

/* ---- Paging --------------------------------------------------------------- */

static void test_page_fault_is_precise(void **state)
{
    struct harness *h = *state;

    harness_user(h);
    harness_paging(h, DIR);
    *harness_pte(h, DATA) = 0;
    LOAD(h, read_fault);
    expect_vector(h, EXC_PF);
    assert_int_equal(stacked(h, 0), 4);
    assert_int_equal(stacked(h, 1), HARNESS_CODE + 5);
    assert_int_equal(stacked(h, 4), HARNESS_STACK);
    assert_int_equal(h->cpu.cr2, DATA + 4);
    assert_int_equal(reg(h, RAX), 0x11);
    /* mend the page and return: the instruction runs again */
    *harness_pte(h, DATA) = DATA | 7;
    harness_w32(h, DATA + 4, 0x22);
    h->cpu.gpr[RSP] += 4;
    EXPECT_OK(h, cpu_iret(&h->cpu, false));
    h->cpu.halted = false;
    expect_vector(h, 0x40);
    assert_int_equal(reg(h, RAX), 0x33);
}

static void test_push_fault_keeps_esp(void **state)
{
    struct harness *h = *state;

    harness_user(h);
    harness_paging(h, DIR);
    *harness_pte(h, DATA - 1) &= ~2u;
    LOAD(h, push_fault);
    expect_vector(h, EXC_PF);
    assert_int_equal(stacked(h, 0), 7);
    assert_int_equal(stacked(h, 4), DATA);
    assert_int_equal(h->cpu.cr2, DATA - 4);
}

static void test_write_across_pages(void **state)
{
    struct harness *h = *state;

    harness_user(h);
    harness_paging(h, DIR);
    *harness_pte(h, DATA + 0x1000) = 0;
    LOAD(h, user_write);
    expect_vector(h, EXC_PF);
    assert_int_equal(stacked(h, 0), 6);
    assert_int_equal(h->cpu.cr2, DATA + 0x1000);
    assert_int_equal(harness_r16(h, DATA + 0xffe), 0);
}

/* Two address spaces; a global page and what CR4.PGE does to it. */
static void test_address_spaces(void **state)
{
    struct harness *h = *state;
    uint32_t other = DIR + 0x10000;

    harness_paging(h, other);
    *harness_pte(h, DATA) = 0x40007;
    *harness_pte(h, DATA + 0x1000) = 0x41007;
    harness_paging(h, DIR);
    *harness_pte(h, DATA + 0x1000) |= 0x100;
    h->cpu.cr4 = CR4_PGE;
    h->ops->map_changed(h->engine);
    harness_w32(h, DATA, 1);
    harness_w32(h, DATA + 0x1000, 2);
    harness_w32(h, 0x40000, 3);
    harness_w32(h, 0x41000, 4);
    h->cpu.gpr[RDX] = other;
    LOAD(h, switch_space);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(reg(h, RAX), 1);
    assert_int_equal(reg(h, RSI), 2);
    assert_int_equal(reg(h, RBX), 3);
    assert_int_equal(reg(h, RDI), 2);   /* global: survives MOV CR3 */
    assert_int_equal(reg(h, RBP), 4);   /* not a change of CR4.PGE */
}

/* Code written through another mapping of its page, ahead of itself. */
static void test_patch_by_alias(void **state)
{
    struct harness *h = *state;

    harness_paging(h, DIR);
    *harness_pte(h, 0x38000) = HARNESS_CODE | 7;
    LOAD(h, patch_alias);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(reg(h, RBX), 1);   /* became inc ebx */
    assert_int_equal(reg(h, RCX), 0);
}

static void test_alignment_check(void **state)
{
    struct harness *h = *state;

    harness_user(h);
    h->cpu.cr0 |= CR0_AM;
    LOAD(h, alignment);
    expect_vector(h, EXC_AC);
    assert_int_equal(stacked(h, 0), 0);
    harness_protected(h);
    h->cpu.cr0 |= CR0_AM;
    expect_vector(h, 0x40);
}

/* ---- Faults on top of faults (SDM vol. 3, table 6-5) ---------------------- */

static void test_double_fault(void **state)
{
    struct harness *h = *state;

    harness_user(h);
    harness_paging(h, DIR);
    *harness_pte(h, DATA) = 0;
    idt_gate(h, EXC_PF, HARNESS_CS32, 0x9000, 0x0e);    /* absent */
    LOAD(h, read_fault);
    expect_vector(h, EXC_DF);
    assert_int_equal(stacked(h, 0), 0);
    assert_int_equal(stacked(h, 1), HARNESS_CODE + 5);
    assert_int_equal(stacked(h, 4), HARNESS_STACK);
}

static void test_shutdown(void **state)
{
    struct harness *h = *state;

    harness_user(h);
    harness_paging(h, DIR);
    *harness_pte(h, DATA) = 0;
    idt_gate(h, EXC_PF, HARNESS_CS32, 0x9000, 0x0e);
    idt_gate(h, EXC_DF, HARNESS_DS32, 0x9000, 0x8e);
    LOAD(h, read_fault);
    assert_int_equal(harness_run(h), ENGINE_SHUTDOWN);
}

/* A kernel stack that is not there: #PF, then #DF by a task gate. */
static void test_double_fault_task(void **state)
{
    struct harness *h = *state;
    uint32_t tss = 0x20000;

    harness_descriptor(h, SEL(0), tss, 0x67, 0x089);
    harness_w32(h, tss + 0x1c, DIR);
    harness_w32(h, tss + 0x20, HARNESS_STUBS + 8 * 16);
    harness_w32(h, tss + 0x24, FLAG_1);
    harness_w32(h, tss + 0x38, 0x25000);
    harness_w32(h, tss + 0x48, HARNESS_DS32);
    harness_w32(h, tss + 0x4c, HARNESS_CS32);
    harness_w32(h, tss + 0x50, HARNESS_DS32);
    harness_w32(h, tss + 0x54, HARNESS_DS32);
    harness_user(h);
    harness_paging(h, DIR);
    *harness_pte(h, DATA) = 0;
    harness_w32(h, HARNESS_TSS + 4, DATA + 0x100);
    idt_gate(h, EXC_DF, SEL(0), 0, 0x85);
    LOAD(h, read_fault);
    expect_vector(h, EXC_DF);
    assert_int_equal(h->cpu.tr.sel, SEL(0));
    assert_int_equal(stacked(h, 0), 0);
    assert_int_equal(reg(h, RSP), 0x25000 - 4);
    assert_int_equal(harness_r32(h, HARNESS_TSS + 0x20), HARNESS_CODE + 5);
    assert_int_equal(harness_r16(h, HARNESS_TSS + 0x4c), HARNESS_UCS32);
}

/* ---- Privilege ------------------------------------------------------------ */

static void test_call_gate(void **state)
{
    struct harness *h = *state;
    uint32_t at = HARNESS_GDT + SEL(0);

    harness_user(h);
    harness_w32(h, at, HARNESS_CS32 << 16 | 0x9000);
    harness_w32(h, at + 4, 0xec00 | 2);
    LOAD(h, user_call_gate);
    PUT(h, 0x9000, gate_body);
    expect_vector(h, 0x40);
    assert_int_equal(reg(h, RAX), 0x2222);
    assert_int_equal(reg(h, RBX), 0x1111);
    assert_int_equal(reg(h, RCX), HARNESS_CS32);
    assert_int_equal(stacked(h, 1), HARNESS_UCS32);
    assert_int_equal(stacked(h, 3), HARNESS_STACK);
}

static void test_sysenter(void **state)
{
    struct harness *h = *state;
    static const uint8_t sysexit[] = { 0x0f, 0x35 };
    static const uint8_t int40[] = { 0xcd, 0x40 };

    /* 60h: kernel code and data, 70h: user code and data */
    harness_descriptor(h, 0x60, 0, 0xfffff, 0xc9b);
    harness_descriptor(h, 0x68, 0, 0xfffff, 0xc93);
    harness_descriptor(h, 0x70, 0, 0xfffff, 0xcfb);
    harness_descriptor(h, 0x78, 0, 0xfffff, 0xcf3);
    harness_user(h);
    h->cpu.sysenter_cs = 0x60;
    h->cpu.sysenter_eip = 0x9000;
    h->cpu.sysenter_esp = 0x6000;
    LOAD(h, fast_call);
    PUT(h, 0x9000, sysexit);
    PUT(h, 0x8020, int40);
    expect_vector(h, 0x40);
    assert_int_equal(stacked(h, 0), 0x8022);
    assert_int_equal(stacked(h, 1), 0x73);
    assert_int_equal(stacked(h, 3), HARNESS_STACK);
    assert_int_equal(stacked(h, 4), 0x7b);
}

static void test_hardware_interrupt(void **state)
{
    struct harness *h = *state;

    harness_user(h);
    LOAD(h, spin);
    h->vector = 0x30;
    h->cpu.intr = true;
    assert_int_equal(harness_step(h, 50), ENGINE_BUDGET);
    h->cpu.rflags |= FLAG_IF;
    expect_vector(h, 0x30);
    assert_int_equal(reg(h, RSP), HARNESS_STACK0 - 20);
    assert_int_equal(stacked(h, 1), HARNESS_UCS32);
    assert_int_equal(reg(h, RCX), 25);
}

static void test_io_bitmap(void **state)
{
    struct harness *h = *state;

    harness_user(h);
    h->ram[HARNESS_TSS + 0x68 + 0x3f8 / 8] = 0xfe;
    LOAD(h, io_bitmap);
    expect_vector(h, EXC_GP);
    assert_int_equal(stacked(h, 0), 0);
    assert_int_equal(stacked(h, 1), HARNESS_CODE + 5);
    assert_int_equal(h->io_count, 1);
    assert_int_equal(h->io[0].port, 0x3f8);
}

/* ---- Virtual-8086 mode ---------------------------------------------------- */

static void test_vm86_round_trip(void **state)
{
    struct harness *h = *state;

    LOAD(h, vm86_enter);
    PUT(h, 0x9000, vm86_body16);
    expect_vector(h, EXC_GP);
    assert_int_equal(harness_r16(h, 0x10010), 0x1234);
    assert_int_equal(harness_r16(h, 0x20020), 0x1234);
    assert_false(h->cpu.rflags & FLAG_VM);
    assert_int_equal(stacked(h, 1), sizeof(vm86_body16) - 2);
    assert_int_equal(stacked(h, 3) & (FLAG_VM | FLAG_IOPL), FLAG_VM);
    assert_int_equal(stacked(h, 6), 0x2000);
    assert_int_equal(stacked(h, 7), 0x1000);
}

/* ---- Tasks ----------------------------------------------------------------- */

#define TSS2 0x20000u

static void make_task(struct harness *h, uint16_t ds)
{
    memset(h->ram + TSS2, 0, 0x68);
    harness_descriptor(h, SEL(0), TSS2, 0x67, 0x089);
    harness_w32(h, TSS2 + 0x20, 0x9000);
    harness_w32(h, TSS2 + 0x24, FLAG_1);
    harness_w32(h, TSS2 + 0x38, 0x25000);
    harness_w32(h, TSS2 + 0x48, HARNESS_DS32);
    harness_w32(h, TSS2 + 0x4c, HARNESS_CS32);
    harness_w32(h, TSS2 + 0x50, HARNESS_DS32);
    harness_w32(h, TSS2 + 0x54, ds);
    PUT(h, 0x9000, task_body);
}

static void test_task_call(void **state)
{
    struct harness *h = *state;

    make_task(h, HARNESS_DS32);
    LOAD(h, task_call);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), -1);
    assert_int_equal(reg(h, RBX), 8);
    assert_int_equal(harness_r32(h, TSS2 + 0x40), 0x25000);    /* its ESI */
    /* called again, it goes on behind its IRET, and jumps back */
    h->cpu.halted = false;
    h->cpu.rip = HARNESS_CODE;
    h->cpu.gpr[RSP] = HARNESS_STACK;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), EXC_GP);        /* caller is busy */
    assert_int_equal(stacked(h, 0), HARNESS_TSS_SEL);
    assert_int_equal(reg(h, RDI), 1);
}

/* A bad DS in the new TSS: #TS belongs to the new task, at its first EIP. */
static void test_task_fault_in_new_context(void **state)
{
    struct harness *h = *state;

    make_task(h, HARNESS_TSS_SEL);
    LOAD(h, task_jump);
    expect_vector(h, EXC_TS);
    assert_int_equal(stacked(h, 0), HARNESS_TSS_SEL);
    assert_int_equal(stacked(h, 1), 0x9000);
    assert_int_equal(h->cpu.tr.sel, SEL(0));
    assert_int_equal(reg(h, RSP), 0x25000 - 16);
}

static void test_task_trap_bit(void **state)
{
    struct harness *h = *state;

    make_task(h, HARNESS_DS32);
    h->ram[TSS2 + 0x64] = 1;
    LOAD(h, task_jump);
    expect_vector(h, EXC_DB);
    assert_int_equal(h->cpu.dr[6] & 0xffff, 0x0ff0 | DR6_BT);
    assert_int_equal(stacked(h, 0), 0x9000);
}

/* ---- Debug ------------------------------------------------------------------ */

static void test_data_breakpoint_trap(void **state)
{
    struct harness *h = *state;

    LOAD(h, data_breakpoint);
    expect_vector(h, EXC_DB);
    assert_int_equal(stacked(h, 0), HARNESS_CODE + 29); /* behind the write */
    assert_int_equal(h->cpu.dr[6], 0xffff0ff1);
    assert_int_equal(h->ram[DATA + 0x13], 1);
    assert_false(stacked(h, 2) & FLAG_RF);
}

/* The trap comes after the iteration that hit, with the rest to do. */
static void test_breakpoint_in_rep(void **state)
{
    struct harness *h = *state;

    LOAD(h, moved_breakpoint);
    expect_vector(h, EXC_DB);
    assert_int_equal(reg(h, RCX), 0x20 - 0x11);
    assert_int_equal(reg(h, RDI), DATA + 0x11);
    assert_int_equal(stacked(h, 0), HARNESS_CODE + 26);
    assert_int_equal(h->cpu.dr[6], 0xffff0ff1);
}

static void test_code_breakpoint_fault(void **state)
{
    struct harness *h = *state;

    LOAD(h, code_breakpoint);
    expect_vector(h, EXC_DB);
    assert_int_equal(reg(h, RCX), 1);
    assert_int_equal(stacked(h, 0), HARNESS_CODE + 17);
    assert_int_equal(h->cpu.dr[6], 0xffff0ff2);
    /* RF in the frame lets it pass */
    harness_w32(h, reg(h, RSP) + 8, stacked(h, 2) | FLAG_RF);
    EXPECT_OK(h, cpu_iret(&h->cpu, false));
    h->cpu.halted = false;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), -1);
    assert_int_equal(reg(h, RCX), 2);
}

static void test_general_detect(void **state)
{
    struct harness *h = *state;

    LOAD(h, general_detect);
    expect_vector(h, EXC_DB);
    assert_int_equal(stacked(h, 0), HARNESS_CODE + 8);
    assert_int_equal(h->cpu.dr[6], 0xffff0ff0 | DR6_BD);
    assert_int_equal(h->cpu.dr[7], 0x400);
}

static void test_single_step(void **state)
{
    struct harness *h = *state;

    LOAD(h, single_step);
    expect_vector(h, EXC_DB);
    assert_int_equal(reg(h, RCX), 1);   /* one insn after POPF */
    assert_int_equal(h->cpu.dr[6], 0xffff0ff0 | DR6_BS);
    assert_true(stacked(h, 2) & FLAG_TF);
    assert_false(h->cpu.rflags & FLAG_TF);
}

/* ---- Real to protected mode and back --------------------------------------- */

static void test_mode_switches(void **state)
{
    struct harness *h = *state;

    harness_real(h);
    harness_w16(h, 0x8100, 32 * 8 - 1);
    harness_w32(h, 0x8102, HARNESS_GDT);
    LOAD(h, enter_protected16);
    PUT(h, 0x8020, protected_body);
    PUT(h, 0x8060, leave_protected16);
    PUT(h, 0x8080, real_again16);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_r32(h, DATA), 0x55);
    assert_int_equal(harness_r16(h, 0x10008), 0x77);
    assert_int_equal(h->cpu.rip, 0x8080 + sizeof(real_again16));
    assert_int_equal(h->cpu.seg[CS].base, 0);
    assert_false(h->cpu.cr0 & CR0_PE);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, harness_setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        T(test_page_fault_is_precise), T(test_push_fault_keeps_esp),
        T(test_write_across_pages), T(test_address_spaces),
        T(test_patch_by_alias), T(test_alignment_check), T(test_double_fault),
        T(test_shutdown), T(test_double_fault_task), T(test_call_gate),
        T(test_sysenter), T(test_hardware_interrupt), T(test_io_bitmap),
        T(test_vm86_round_trip), T(test_task_call),
        T(test_task_fault_in_new_context), T(test_task_trap_bit),
        T(test_data_breakpoint_trap), T(test_breakpoint_in_rep),
        T(test_code_breakpoint_fault), T(test_general_detect), T(test_single_step),
        T(test_mode_switches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
