/* The interpreter: integer instructions, faults, traces, interrupts. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cpu_harness.h"
#include "tests/unit/sys_insn.h"

#define RAM (1u << 20)

static uint32_t reg(const struct harness *h, unsigned r)
{
    return (uint32_t)h->cpu.gpr[r];
}

/* Run code in the mode that is set; it must come to its own HLT. */
#define RUN(h, ...) do { \
        HARNESS_CODE_BYTES(h, __VA_ARGS__, 0xf4); \
        assert_int_equal(harness_run(h), ENGINE_HALTED); \
    } while (0)

#define FLAGS(h) ((uint32_t)(h)->cpu.rflags & FLAGS_ARITH)

/* ---- Arithmetic ---------------------------------------------------------- */

static void test_add_flags(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RAX] = 0x7fffffff;
    RUN(h, 0x83, 0xc0, 0x01);                   /* add eax, 1 */
    assert_int_equal(reg(h, RAX), 0x80000000);
    assert_int_equal(FLAGS(h), FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF);

    harness_protected(h);
    h->cpu.gpr[RAX] = 0x12ff;
    RUN(h, 0x04, 0x01);                         /* add al, 1 */
    assert_int_equal(reg(h, RAX), 0x1200);
    assert_int_equal(FLAGS(h), FLAG_CF | FLAG_ZF | FLAG_AF | FLAG_PF);
}

static void test_adc_chain(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RAX] = 0xffffffff;
    h->cpu.gpr[RDX] = 0xffffffff;
    /* add eax, 1; adc edx, 0; sbb ecx, ecx */
    RUN(h, 0x83, 0xc0, 0x01, 0x83, 0xd2, 0x00, 0x19, 0xc9);
    assert_int_equal(reg(h, RAX), 0);
    assert_int_equal(reg(h, RDX), 0);
    assert_int_equal(reg(h, RCX), 0xffffffff);
}

static void test_inc_keeps_cf(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RAX] = 0x7fff;
    RUN(h, 0xf9, 0x66, 0x40);                   /* stc; inc ax */
    assert_int_equal(reg(h, RAX), 0x8000);
    assert_int_equal(FLAGS(h), FLAG_CF | FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF);
}

static void test_high_byte_registers(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RAX] = 0x11223344;
    h->cpu.gpr[RBX] = 0xaabbccdd;
    RUN(h, 0x88, 0xdc, 0x86, 0xf8);             /* mov ah, bl; xchg bh, al */
    assert_int_equal(reg(h, RAX), 0x1122ddcc);
    assert_int_equal(reg(h, RBX), 0xaabb44dd);
}

static void test_divide(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RAX] = 0x80000000;
    h->cpu.gpr[RDX] = 0xffffffff;
    h->cpu.gpr[RCX] = 0xffffffff;
    RUN(h, 0x90, 0xf7, 0xf9);                   /* idiv ecx: overflow */
    assert_int_equal(harness_vector(h), EXC_DE);
    assert_int_equal(harness_r32(h, reg(h, RSP)), HARNESS_CODE + 1);
    assert_int_equal(reg(h, RAX), 0x80000000);

    harness_protected(h);
    h->cpu.gpr[RAX] = (uint32_t)-7;
    h->cpu.gpr[RDX] = 0xffffffff;
    h->cpu.gpr[RCX] = 2;
    RUN(h, 0xf7, 0xf9);
    assert_int_equal(reg(h, RAX), (uint32_t)-3);
    assert_int_equal(reg(h, RDX), (uint32_t)-1);
}

static void test_shift_counts(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RAX] = 0x80000001;
    h->cpu.gpr[RCX] = 32;
    RUN(h, 0xf9, 0xd3, 0xe0);                   /* stc; shl eax, cl */
    assert_int_equal(reg(h, RAX), 0x80000001);  /* count 0: nothing */
    assert_true(h->cpu.rflags & FLAG_CF);

    harness_protected(h);
    h->cpu.gpr[RAX] = 0x81;
    RUN(h, 0xf8, 0xc0, 0xd0, 0x09);             /* clc; rcl al, 9 */
    assert_int_equal(reg(h, RAX), 0x81);        /* nine is a full turn */
    assert_false(h->cpu.rflags & FLAG_CF);

    harness_protected(h);
    h->cpu.gpr[RAX] = 0x12345678;
    h->cpu.gpr[RDX] = 0x9abcdef0;
    RUN(h, 0x0f, 0xa4, 0xd0, 0x08);             /* shld eax, edx, 8 */
    assert_int_equal(reg(h, RAX), 0x3456789a);
}

static void test_bcd(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RAX] = 0x79;
    RUN(h, 0x04, 0x35, 0x27);                   /* add al, 35h; daa */
    assert_int_equal(reg(h, RAX), 0x14);
    assert_true(h->cpu.rflags & FLAG_CF);

    harness_protected(h);
    h->cpu.gpr[RAX] = 0x0205;
    RUN(h, 0x04, 0x08, 0x37);                   /* add al, 8; aaa */
    assert_int_equal(reg(h, RAX), 0x0303);

    harness_protected(h);
    h->cpu.gpr[RAX] = 63;
    RUN(h, 0xd4, 0x0a);                         /* aam */
    assert_int_equal(reg(h, RAX), 0x0603);
    RUN(h, 0xd4, 0x00);
}

static void test_bit_string(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RBX] = HARNESS_DATA + 0x100;
    h->cpu.gpr[RCX] = (uint32_t)-9;             /* bit 7 of ...fe */
    RUN(h, 0x0f, 0xab, 0x0b);                   /* bts [ebx], ecx */
    assert_int_equal(harness_r32(h, HARNESS_DATA + 0xfc), 1u << 23);
    assert_false(h->cpu.rflags & FLAG_CF);
}

static void test_cmpxchg8b(void **state)
{
    struct harness *h = *state;

    harness_w32(h, HARNESS_DATA, 5);
    harness_w32(h, HARNESS_DATA + 4, 6);
    h->cpu.gpr[RSI] = HARNESS_DATA;
    h->cpu.gpr[RAX] = 5;
    h->cpu.gpr[RDX] = 6;
    h->cpu.gpr[RBX] = 7;
    h->cpu.gpr[RCX] = 8;
    RUN(h, 0xf0, 0x0f, 0xc7, 0x0e);
    assert_int_equal(harness_r32(h, HARNESS_DATA), 7);
    assert_int_equal(harness_r32(h, HARNESS_DATA + 4), 8);
    assert_true(h->cpu.rflags & FLAG_ZF);
}

/* ---- Refused instructions -------------------------------------------------- */

/* Behind the code there is a HLT, lest what runs on ends in some fault. */
static void expect_vector(struct harness *h, const uint8_t *code, size_t len,
                          int vector)
{
    harness_protected(h);
    h->ram[HARNESS_CODE + len] = 0xf4;
    harness_code(h, code, len);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), vector);
}

#define EXPECT(h, vector, ...) do { \
        static const uint8_t code_[] = { __VA_ARGS__ }; \
        expect_vector(h, code_, sizeof(code_), vector); \
    } while (0)

static void test_refused(void **state)
{
    struct harness *h = *state;

    EXPECT(h, EXC_UD, 0x0f, 0x0b);              /* ud2 */
    EXPECT(h, EXC_UD, 0xf0, 0x01, 0xc0);        /* lock add eax, eax */
    EXPECT(h, EXC_UD, 0xf0, 0x3b, 0x03);        /* lock cmp */
    EXPECT(h, EXC_UD, 0x8e, 0xc8);              /* mov cs, ax */
    EXPECT(h, EXC_UD, 0x8d, 0xc0);              /* lea eax, eax */
    EXPECT(h, EXC_UD, 0xc4, 0xc0);              /* les eax, eax */
    EXPECT(h, EXC_UD, 0xff, 0xf8);              /* ff /7 */
    EXPECT(h, EXC_UD, 0x0f, 0xff);
    EXPECT(h, EXC_GP, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
           0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90);
    EXPECT(h, -1, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
           0x66, 0x66, 0x66, 0x66, 0x90, 0xf4);
    EXPECT(h, EXC_DE, 0xd4, 0x00);              /* aam 0 */
    EXPECT(h, EXC_BR, 0xb8, 5, 0, 0, 0, 0x62, 0x05, 0, 0, 2, 0);
}

static void test_lock_mov(void **state)
{
    struct harness *h = *state;

    EXPECT(h, EXC_UD, 0xf0, 0x8b, 0x03);        /* lock mov eax, [ebx] */
}

/* ---- Stack --------------------------------------------------------------------- */

static void test_pop_to_esp_address(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RAX] = 0x1234;
    /* push eax; pop dword [esp + 4]: the address uses ESP after the pop */
    RUN(h, 0x50, 0x8f, 0x44, 0x24, 0x04);
    assert_int_equal(harness_r32(h, HARNESS_STACK + 4), 0x1234);
    assert_int_equal(reg(h, RSP), HARNESS_STACK);
}

static void test_enter_leave(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RBP] = HARNESS_STACK + 0x40;
    harness_w32(h, HARNESS_STACK + 0x3c, 0xabcd);
    RUN(h, 0xc8, 0x10, 0x00, 0x02);             /* enter 16, 2 */
    assert_int_equal(reg(h, RBP), HARNESS_STACK - 4);
    assert_int_equal(reg(h, RSP), HARNESS_STACK - 12 - 16);
    assert_int_equal(harness_r32(h, HARNESS_STACK - 4), HARNESS_STACK + 0x40);
    assert_int_equal(harness_r32(h, HARNESS_STACK - 8), 0xabcd);
    assert_int_equal(harness_r32(h, HARNESS_STACK - 12), HARNESS_STACK - 4);

    RUN(h, 0xc9);
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(reg(h, RSP), HARNESS_STACK);
}

static void test_pusha_popa(void **state)
{
    struct harness *h = *state;

    for (unsigned r = 0; r < 8; r++)
        if (r != RSP)
            h->cpu.gpr[r] = 0x100 + r;
    /* pusha; mov eax, 0; mov ebp, 0; popa */
    RUN(h, 0x60, 0xb8, 0, 0, 0, 0, 0xbd, 0, 0, 0, 0, 0x61);
    assert_int_equal(reg(h, RAX), 0x100);
    assert_int_equal(reg(h, RBP), 0x105);
    assert_int_equal(reg(h, RSP), HARNESS_STACK);
    assert_int_equal(harness_r32(h, HARNESS_STACK - 20), HARNESS_STACK);
}

/* ---- Real mode ---------------------------------------------------------------- */

static void test_real_wraps(void **state)
{
    struct harness *h = *state;

    harness_real(h);
    h->cpu.gpr[RBX] = 0xffff;
    h->cpu.gpr[RSI] = 0x0011;
    h->ram[0x10] = 0x5a;
    RUN(h, 0x8a, 0x00);                         /* mov al, [bx+si] */
    assert_int_equal(reg(h, RAX), 0x5a);

    harness_real(h);
    h->cpu.gpr[RBX] = 0xffff;
    RUN(h, 0x8b, 0x07);                         /* mov ax, [bx]: over the end */
    assert_int_equal(harness_vector(h), EXC_GP);

    harness_real(h);
    h->cpu.gpr[RSP] = 0;
    h->cpu.gpr[RAX] = 0x1234;
    RUN(h, 0x50);                               /* push ax wraps SP */
    assert_int_equal(reg(h, RSP), 0xfffe);
    assert_int_equal(harness_r16(h, 0xfffe), 0x1234);
}

static void test_real_ip_end(void **state)
{
    struct harness *h = *state;

    harness_real(h);
    h->ram[0xffff] = 0x90;                      /* nop at the last offset */
    h->cpu.rip = 0xffff;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), EXC_GP);
}

static void test_a_jump_wraps_in_16_bits(void **state)
{
    struct harness *h = *state;

    harness_real(h);
    h->ram[0xfff0] = 0xeb;                      /* jmp +0x20: to 0012 */
    h->ram[0xfff1] = 0x20;
    h->ram[0x0012] = 0xf4;
    h->cpu.rip = 0xfff0;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(h->cpu.rip, 0x13);
}

/* ---- Traces and self-modifying code --------------------------------------- */

static void test_loop_runs(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RCX] = 5000;
    RUN(h, 0x83, 0xc0, 0x03, 0xe2, 0xfb);       /* add eax, 3; loop */
    assert_int_equal(reg(h, RAX), 15000);
    if (h->cpu.exact_count)
        assert_int_equal(h->cpu.icount, 10001);
}

static void test_exact_count(void **state)
{
    struct harness *h = *state;
    uint64_t before = h->cpu.icount;

    HARNESS_CODE_BYTES(h, 0x40, 0x40, 0x40, 0xeb, 0xfb);
    for (unsigned n = 1; n < 50; n++) {
        assert_int_equal(harness_step(h, n), ENGINE_BUDGET);
        before += n;
        assert_int_equal(h->cpu.icount, before);
        assert_int_equal(h->cpu.rip, HARNESS_CODE + (before % 4));
        assert_int_equal(reg(h, RAX), before - before / 4);
    }
}

static void test_next_insn_modified(void **state)
{
    struct harness *h = *state;

    /* mov byte [CODE+7], 43h; inc eax -> inc ebx */
    RUN(h, 0xc6, 0x05, 0x07, 0x80, 0x00, 0x00, 0x43, 0x40);
    assert_int_equal(reg(h, RAX), 0);
    assert_int_equal(reg(h, RBX), 1);
}

static void test_loop_modified(void **state)
{
    struct harness *h = *state;

    /* Each turn changes the immediate that the next one adds. */
    h->cpu.gpr[RCX] = 10;
    RUN(h, 0x05, 1, 0, 0, 0,                    /* add eax, 1 */
        0xfe, 0x05, 0x01, 0x80, 0, 0,           /* inc byte [CODE+1] */
        0xe2, 0xf3);                            /* loop */
    assert_int_equal(reg(h, RAX), 55);
}

static void test_code_across_pages(void **state)
{
    struct harness *h = *state;
    static const uint8_t code[] = { 0xb8, 0x78, 0x56, 0x34, 0x12, 0xf4 };
    uint32_t at = HARNESS_DATA + 0x1000 - 3;

    memcpy(h->ram + at, code, sizeof(code));
    h->cpu.rip = at;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(reg(h, RAX), 0x12345678);

    /* The second page changes. */
    h->ram[at + 4] = 0xff;
    h->ops->memory_changed(h->engine, at + 4, 1);
    h->cpu.rip = at;
    h->cpu.halted = false;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(reg(h, RAX), 0xff345678);
}

static void test_insn_crosses_to_absent_page(void **state)
{
    struct harness *h = *state;
    uint32_t at = HARNESS_DATA + 0x1000 - 3;

    h->ram[at] = 0x40;
    h->ram[at + 1] = 0xb8;                      /* mov eax, imm32: cut */
    harness_paging(h, 0x40000);
    *harness_pte(h, HARNESS_DATA + 0x1000) = 0;
    h->cpu.rip = at;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), EXC_PF);
    assert_int_equal(reg(h, RAX), 1);
    assert_int_equal(h->cpu.cr2, HARNESS_DATA + 0x1000);
    assert_int_equal(harness_r32(h, reg(h, RSP) + 4), at + 1);
}

/* A jump to another page follows the page tables, linked or not. */
static void test_far_link_follows_mapping(void **state)
{
    struct harness *h = *state;
    uint32_t page = HARNESS_DATA + 0x1000;

    harness_paging(h, 0x40000);
    h->ram[page] = 0x41;                        /* inc ecx; ret */
    h->ram[page + 1] = 0xc3;
    h->ram[page + 0x1000] = 0x42;               /* inc edx; ret */
    h->ram[page + 0x1001] = 0xc3;
    h->cpu.gpr[RSI] = (uint32_t)((uint8_t *)harness_pte(h, page) - h->ram);
    h->cpu.gpr[RBX] = (page + 0x1000) | 7;
    h->cpu.gpr[RDI] = page;
    HARNESS_CODE_BYTES(h,
        0xe8, 0xfb, 0x8f, 0, 0,                 /* call page, thrice */
        0x40, 0x83, 0xf8, 3, 0x72, 0xf5,        /* inc eax; cmp 3; jb */
        0x89, 0x1e,                             /* mov [esi], ebx */
        0x0f, 0x01, 0x3f,                       /* invlpg [edi] */
        0x83, 0xf8, 6, 0x75, 0xeb,              /* cmp eax, 6; jne */
        0xf4);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), -1);
    assert_int_equal(reg(h, RAX), 6);
    assert_int_equal(reg(h, RCX), 3);
    assert_int_equal(reg(h, RDX), 3);
}

/* A subroutine in the same page is patched between calls. */
static void test_page_link_follows_writes(void **state)
{
    struct harness *h = *state;

    RUN(h, 0xe8, 0x15, 0, 0, 0,                 /* call +15h: 801a */
        0x40, 0x83, 0xf8, 5, 0x72, 0xf5,        /* inc eax; cmp 5; jb */
        0xc6, 0x05, 0x1a, 0x80, 0, 0, 0x42,     /* [801a] = inc edx */
        0x3c, 10, 0x75, 0xea,                   /* cmp al, 10; jne 8000 */
        0xf4, 0x90, 0x90, 0x90,
        0x41, 0xc3);                            /* 801a: inc ecx; ret */
    assert_int_equal(reg(h, RAX), 10);
    assert_int_equal(reg(h, RCX), 5);
    assert_int_equal(reg(h, RDX), 5);
}

/* Supervisor code is not reached by a link from user code in its page. */
static void test_user_link_is_checked(void **state)
{
    struct harness *h = *state;
    uint32_t page = HARNESS_DATA + 0x1000;

    for (unsigned user = 0; user < 2; user++) {
        if (user)
            harness_user(h);
        else
            harness_protected(h);
        harness_paging(h, 0x40000);
        *harness_pte(h, page) &= ~4u;
        h->ram[page] = 0xf4;
        HARNESS_CODE_BYTES(h, 0xe9, 0xfb, 0x8f, 0, 0);
        assert_int_equal(harness_run(h), ENGINE_HALTED);
        assert_int_equal(harness_vector(h), user ? EXC_PF : -1);
        h->cpu.halted = false;
    }
    assert_int_equal(h->cpu.cr2, page);
}

static void test_branch_beyond_limit(void **state)
{
    struct harness *h = *state;

    harness_real(h);
    h->cpu.gpr[RCX] = 2;
    h->ram[0xfffd] = 0x66;                      /* o32 loop: to 10009 */
    h->ram[0xfffe] = 0xe2;
    h->ram[0xffff] = 0x09;
    h->cpu.rip = 0xfffd;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), EXC_GP);
    assert_int_equal(harness_r16(h, HARNESS_STACK - 6), 0xfffd);
    assert_int_equal(reg(h, RCX), 2);
}

/* Compares joined with their branch: every condition against SETcc. */
static void test_joined_conditions(void **state)
{
    static const uint32_t values[] = { 0, 1, 0x7f, 0x80, 0xff, 0x7fffffff,
                                       0x80000000, 0xffffffff };
    struct harness *h = *state;
    /* cmp eax, ebx; jcc +3; mov dl, 1 or not; cmp eax, ebx; setcc cl */
    uint8_t code[] = { 0x39, 0xd8, 0x70, 0x02, 0xb2, 0x01, 0x39, 0xd8, 0x0f,
                       0x90, 0xc1, 0xf4 };
    static const uint8_t compare[] = { 0x38, 0x39, 0x84, 0x85 };

    for (unsigned n = 0; n < 4 * 16 * 64; n++) {
        harness_protected(h);
        code[0] = code[6] = compare[n >> 10];
        code[2] = (uint8_t)(0x70 | (n >> 6 & 15));
        code[9] = (uint8_t)(0x90 | (n >> 6 & 15));
        h->cpu.gpr[RAX] = values[n & 7];
        h->cpu.gpr[RBX] = values[n >> 3 & 7];
        harness_code(h, code, sizeof(code));
        assert_int_equal(harness_run(h), ENGINE_HALTED);
        assert_int_equal(reg(h, RDX) ^ 1, reg(h, RCX));
    }
}

/* DMA over the instruction behind an OUT. */
static void patch_code(struct harness *h, const struct harness_io *io)
{
    h->ram[HARNESS_CODE + 2] = 0x43;
    h->ops->memory_changed(h->engine, HARNESS_CODE + 2, 1);
}

static void test_dma_into_running_trace(void **state)
{
    struct harness *h = *state;

    h->io_hook = patch_code;
    RUN(h, 0xe6, 0x80, 0x40);
    assert_int_equal(reg(h, RAX), 0);
    assert_int_equal(reg(h, RBX), 1);
}

/* More code than the cache holds. */
static void test_cache_overflows(void **state)
{
    struct harness *h = *state;
    uint32_t sum = 0;

    INTERP_ONLY("overflows the decoded code");
    for (unsigned round = 0; round < 3; round++)
        for (uint32_t at = HARNESS_DATA; at < RAM - 16; at += 7) {
            memcpy(h->ram + at, "\x40\x90\x90\x90\x90\x90\xf4", 7);
            h->cpu.rip = at;
            h->cpu.halted = false;
            assert_int_equal(harness_run(h), ENGINE_HALTED);
            sum++;
        }
    assert_int_equal(reg(h, RAX), sum);
}

/* Code that cannot be cached: MMIO. */
static void test_code_in_mmio(void **state)
{
    struct harness *h = *state;
    static const uint8_t code[] = { 0x40, 0x40, 0xeb, 0x00, 0x40, 0xf4 };

    h->mmio_base = HARNESS_DATA;
    h->mmio_size = 0x1000;
    h->ops->map_changed(h->engine);
    memcpy(h->ram + HARNESS_DATA, code, sizeof(code));
    h->cpu.rip = HARNESS_DATA;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(reg(h, RAX), 3);
}

/* ---- Strings ----------------------------------------------------------------- */

static void test_rep_movs_fault_in_the_middle(void **state)
{
    struct harness *h = *state;

    harness_paging(h, 0x40000);
    *harness_pte(h, HARNESS_DATA + 0x2000) = 0;
    for (unsigned n = 0; n < 0x1000; n++)
        h->ram[HARNESS_DATA + 0x4000 + n] = (uint8_t)n;
    h->cpu.gpr[RSI] = HARNESS_DATA + 0x4000;
    h->cpu.gpr[RDI] = HARNESS_DATA + 0x2000 - 0x102;
    h->cpu.gpr[RCX] = 0x80;
    RUN(h, 0xf3, 0xa5);                         /* rep movsd */
    assert_int_equal(harness_vector(h), EXC_PF);
    /* 40h dwords fit; the next crosses into the absent page. */
    assert_int_equal(reg(h, RCX), 0x40);
    assert_int_equal(reg(h, RDI), HARNESS_DATA + 0x2000 - 2);
    assert_int_equal(reg(h, RSI), HARNESS_DATA + 0x4100);
    assert_int_equal(h->cpu.cr2, HARNESS_DATA + 0x2000);
    assert_int_equal(harness_r32(h, reg(h, RSP)), 2);
    assert_int_equal(harness_r32(h, reg(h, RSP) + 4), HARNESS_CODE);
    assert_int_equal(h->ram[HARNESS_DATA + 0x2000 - 3], 0xff);
    assert_int_equal(h->ram[HARNESS_DATA + 0x2000 - 2], 0);
}

static void test_rep_movs_overlap(void **state)
{
    struct harness *h = *state;

    h->ram[HARNESS_DATA] = 0x77;
    h->cpu.gpr[RSI] = HARNESS_DATA;
    h->cpu.gpr[RDI] = HARNESS_DATA + 1;
    h->cpu.gpr[RCX] = 6000;
    RUN(h, 0xf3, 0xa4);
    for (unsigned n = 0; n <= 6000; n++)
        assert_int_equal(h->ram[HARNESS_DATA + n], 0x77);
    assert_int_equal(h->ram[HARNESS_DATA + 6001], 0);
}

static void test_rep_down(void **state)
{
    struct harness *h = *state;

    memcpy(h->ram + HARNESS_DATA, "abcdef", 6);
    h->cpu.gpr[RSI] = HARNESS_DATA + 5;
    h->cpu.gpr[RDI] = HARNESS_DATA + 7;
    h->cpu.gpr[RCX] = 6;
    RUN(h, 0xfd, 0xf3, 0xa4);                   /* std; rep movsb */
    assert_memory_equal(h->ram + HARNESS_DATA, "ababcdef", 8);
}

static void test_repne_scas(void **state)
{
    struct harness *h = *state;

    memcpy(h->ram + HARNESS_DATA, "hello", 6);
    h->cpu.gpr[RDI] = HARNESS_DATA;
    h->cpu.gpr[RCX] = 0xffffffff;
    RUN(h, 0xf2, 0xae, 0xf7, 0xd1, 0x49);       /* strlen: not ecx; dec ecx */
    assert_int_equal(reg(h, RCX), 5);
    assert_int_equal(reg(h, RDI), HARNESS_DATA + 6);
}

static void test_repe_cmps(void **state)
{
    struct harness *h = *state;

    memcpy(h->ram + HARNESS_DATA, "abcdX", 5);
    memcpy(h->ram + HARNESS_DATA + 16, "abcdY", 5);
    h->cpu.gpr[RSI] = HARNESS_DATA;
    h->cpu.gpr[RDI] = HARNESS_DATA + 16;
    h->cpu.gpr[RCX] = 100;
    RUN(h, 0xf3, 0xa6);
    assert_int_equal(reg(h, RCX), 95);
    assert_true(h->cpu.rflags & FLAG_CF);
    assert_false(h->cpu.rflags & FLAG_ZF);
}

static void test_rep_ins(void **state)
{
    struct harness *h = *state;

    h->io_value = 0x1234;
    h->cpu.gpr[RDX] = 0x310;
    h->cpu.gpr[RDI] = HARNESS_DATA;
    h->cpu.gpr[RCX] = 5;
    RUN(h, 0xf3, 0x66, 0x6d);
    assert_int_equal(h->io_count, 5);
    assert_int_equal(h->io[4].port, 0x310);
    assert_int_equal(harness_r16(h, HARNESS_DATA + 8), 0x1234);
    assert_int_equal(reg(h, RDI), HARNESS_DATA + 10);
}

/* ---- Interrupts ----------------------------------------------------------------- */

static void test_sti_shadow(void **state)
{
    struct harness *h = *state;

    h->vector = 0x30;
    h->cpu.intr = true;
    /* sti; inc eax; inc eax: taken after the first */
    RUN(h, 0xfb, 0x40, 0x40);
    assert_int_equal(harness_vector(h), 0x30);
    assert_int_equal(reg(h, RAX), 1);
}

static void test_mov_ss_shadow(void **state)
{
    struct harness *h = *state;

    h->vector = 0x30;
    h->cpu.gpr[RAX] = HARNESS_DS32;
    /* popf with IF; mov ss, ax; inc ecx; inc ecx */
    h->cpu.intr = true;
    h->cpu.rflags &= ~FLAG_IF;
    RUN(h, 0x8e, 0xd0, 0x41, 0x41);
    assert_int_equal(harness_vector(h), -1);

    harness_protected(h);
    h->cpu.gpr[RAX] = HARNESS_DS32;
    h->cpu.gpr[RCX] = 0;
    h->cpu.intr = true;
    h->cpu.rflags |= FLAG_IF;
    h->cpu.inhibit = 1;                         /* after an STI */
    RUN(h, 0x8e, 0xd0, 0x41, 0x41);
    assert_int_equal(harness_vector(h), 0x30);
    assert_int_equal(reg(h, RCX), 1);
}

static void raise_intr(struct harness *h, const struct harness_io *io)
{
    h->cpu.intr = true;
}

static void test_interrupt_after_out(void **state)
{
    struct harness *h = *state;

    h->vector = 0x31;
    h->io_hook = raise_intr;
    h->cpu.rflags |= FLAG_IF;
    RUN(h, 0xe6, 0x80, 0x40, 0x40);             /* out; inc eax; inc eax */
    assert_int_equal(harness_vector(h), 0x31);
    assert_int_equal(reg(h, RAX), 0);
}

static void test_hlt_wakes(void **state)
{
    struct harness *h = *state;

    h->cpu.rflags |= FLAG_IF;
    RUN(h, 0x90);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    h->vector = 0x22;
    h->cpu.intr = true;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), 0x22);
    assert_int_equal(harness_r32(h, reg(h, RSP)), HARNESS_CODE + 2);
}

static void test_nmi(void **state)
{
    struct harness *h = *state;

    h->cpu.nmi = true;
    RUN(h, 0x90);
    assert_int_equal(harness_vector(h), EXC_NMI);
    assert_true(h->cpu.nmi_blocked);
    h->cpu.nmi = true;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_true(h->cpu.nmi);                    /* waits for IRET */
}

static void test_single_step(void **state)
{
    struct harness *h = *state;

    h->cpu.rflags |= FLAG_TF;
    RUN(h, 0x40, 0x40);
    assert_int_equal(harness_vector(h), EXC_DB);
    assert_int_equal(reg(h, RAX), 1);
    assert_int_equal(harness_r32(h, reg(h, RSP)), HARNESS_CODE + 1);
    assert_true(h->cpu.dr[6] & 0x4000);
}

static void test_code_breakpoint(void **state)
{
    struct harness *h = *state;

    h->cpu.dr[0] = HARNESS_CODE + 1;
    h->cpu.dr[7] = 0x401;
    RUN(h, 0x40, 0x40);
    assert_int_equal(harness_vector(h), EXC_DB);
    assert_int_equal(reg(h, RAX), 1);
    assert_int_equal(harness_r32(h, reg(h, RSP)), HARNESS_CODE + 1);
    assert_int_equal(h->cpu.dr[6] & 15, 1);

    /* With RF it goes on. */
    h->cpu.rip = HARNESS_CODE + 1;
    h->cpu.rflags |= FLAG_RF;
    h->cpu.halted = false;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), -1);
    assert_int_equal(reg(h, RAX), 2);
}

static void test_data_breakpoint(void **state)
{
    struct harness *h = *state;

    h->cpu.dr[1] = HARNESS_DATA;
    h->cpu.dr[7] = 0x00d00404;                  /* 4 bytes, writes */
    h->ops->map_changed(h->engine);
    /* mov [DATA], eax; inc eax; inc eax */
    RUN(h, 0xa3, 0, 0, 1, 0, 0x40, 0x40);
    assert_int_equal(harness_vector(h), EXC_DB);
    assert_int_equal(reg(h, RAX), 0);
    assert_int_equal(harness_r32(h, reg(h, RSP)), HARNESS_CODE + 5);
    assert_int_equal(h->cpu.dr[6] & 15, 2);
}

/* ---- Faults in delivery ---------------------------------------------------- */

static void test_double_fault(void **state)
{
    struct harness *h = *state;

    /* The #GP gate is not present: #NP, so #DF. */
    harness_w32(h, HARNESS_IDT + 8 * EXC_GP + 4, 0x00006e00);
    h->cpu.gpr[RAX] = 0x1000;
    RUN(h, 0x8e, 0xd8);                         /* mov ds, ax: beyond GDT */
    assert_int_equal(harness_vector(h), EXC_DF);
    assert_int_equal(harness_r32(h, reg(h, RSP)), 0);
    assert_int_equal(harness_r32(h, reg(h, RSP) + 4), HARNESS_CODE);
}

static void test_triple_fault(void **state)
{
    struct harness *h = *state;

    h->cpu.idtr.limit = 0;
    HARNESS_CODE_BYTES(h, 0x0f, 0x0b);
    assert_int_equal(harness_run(h), ENGINE_SHUTDOWN);
    assert_true(h->cpu.shutdown);
}

static void test_page_fault_delivery_faults(void **state)
{
    struct harness *h = *state;

    harness_paging(h, 0x40000);
    h->cpu.gpr[RSP] = HARNESS_DATA + 0x1000;
    *harness_pte(h, HARNESS_DATA) = 0;          /* no stack either */
    HARNESS_CODE_BYTES(h, 0x50);
    assert_int_equal(harness_run(h), ENGINE_SHUTDOWN);
    assert_int_equal(h->cpu.cr2, HARNESS_DATA + 0xffc);
}

/* ---- Kick --------------------------------------------------------------------- */

static void kick(struct harness *h, const struct harness_io *io)
{
    h->ops->kick(h->engine);
}

static void test_kick(void **state)
{
    struct harness *h = *state;

    h->io_hook = kick;
    HARNESS_CODE_BYTES(h, 0xe6, 0x80, 0x40, 0xf4);
    assert_int_equal(harness_run(h), ENGINE_KICKED);
    assert_int_equal(h->cpu.rip, HARNESS_CODE + 2);
    assert_int_equal(h->cpu.icount, 1);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(reg(h, RAX), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_add_flags), TEST(test_adc_chain), TEST(test_inc_keeps_cf),
        TEST(test_high_byte_registers), TEST(test_divide),
        TEST(test_shift_counts), TEST(test_bcd), TEST(test_bit_string),
        TEST(test_cmpxchg8b), TEST(test_refused), TEST(test_lock_mov),
        TEST(test_pop_to_esp_address), TEST(test_enter_leave),
        TEST(test_pusha_popa), TEST(test_real_wraps), TEST(test_real_ip_end),
        TEST(test_a_jump_wraps_in_16_bits), TEST(test_loop_runs),
        TEST(test_exact_count), TEST(test_next_insn_modified),
        TEST(test_loop_modified), TEST(test_code_across_pages),
        TEST(test_insn_crosses_to_absent_page),
        TEST(test_far_link_follows_mapping),
        TEST(test_page_link_follows_writes), TEST(test_user_link_is_checked),
        TEST(test_branch_beyond_limit), TEST(test_joined_conditions),
        TEST(test_dma_into_running_trace), TEST(test_cache_overflows),
        TEST(test_code_in_mmio),
        TEST(test_rep_movs_fault_in_the_middle),
        TEST(test_rep_movs_overlap), TEST(test_rep_down),
        TEST(test_repne_scas), TEST(test_repe_cmps), TEST(test_rep_ins),
        TEST(test_sti_shadow), TEST(test_mov_ss_shadow),
        TEST(test_interrupt_after_out), TEST(test_hlt_wakes), TEST(test_nmi),
        TEST(test_single_step), TEST(test_code_breakpoint),
        TEST(test_data_breakpoint), TEST(test_double_fault),
        TEST(test_triple_fault), TEST(test_page_fault_delivery_faults),
        TEST(test_kick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
