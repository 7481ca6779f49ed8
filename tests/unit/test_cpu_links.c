/*
 * Branches from one piece of hot code to another, whose page is mapped anew or
 * whose bytes are written in between: the next branch must find what is there
 * now, however the engine remembers where the last one led.
 */
#include "tests/unit/sys_harness.h"

#define DIR 0x80000u
#define TARGET 0x30000u         /* INC %esi; RET */
#define OTHER 0x40000u          /* INC %edi; RET */
#define NEAR_TARGET (HARNESS_CODE + 0x200)
#define LOOPS 60u               /* enough for any engine to call it hot */
#define PTE_RW 3u
#define PTE_G 0x100u

struct change {
    const char *name;
    uint32_t global;            /* PTE_G or 0 */
    uint8_t code[24];
    unsigned len;
};

#define CODE(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })

static const struct change changes[] = {
    { "INVLPG", 0, CODE(0x0f, 0x01, 0x3d, 0, 0, 3, 0) },
    { "INVLPG of a global page", PTE_G, CODE(0x0f, 0x01, 0x3d, 0, 0, 3, 0) },
    { "CR3", 0, CODE(0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8) },
    { "CR4.PGE", PTE_G,
      CODE(0x0f, 0x20, 0xe0, 0x34, 0x80, 0x0f, 0x22, 0xe0, 0x34, 0x80, 0x0f,
           0x22, 0xe0) },
};

static void put32(uint8_t **p, uint32_t v)
{
    memcpy(*p, &v, 4);
    *p += 4;
}

static void put(uint8_t **p, const void *bytes, size_t n)
{
    memcpy(*p, bytes, n);
    *p += n;
}

/*
 * Twice: LOOPS calls of `target`, then `change`. `indirect`: by %ebp.
 */
static void call_around(struct harness *h, uint32_t target, bool indirect,
                        const uint8_t *change, size_t len)
{
    uint8_t code[128], *p = code, *outer, *inner;

    put(&p, "\xba\x02\x00\x00\x00", 5);         /* mov $2,%edx */
    outer = p;
    *p++ = 0xb9;                                /* mov $LOOPS,%ecx */
    put32(&p, LOOPS);
    inner = p;
    if (indirect) {
        put(&p, "\xff\xd5", 2);                 /* call *%ebp */
    } else {
        *p++ = 0xe8;
        put32(&p, target - (HARNESS_CODE + (uint32_t)(p - code) + 4));
    }
    *p++ = 0x49;                                /* dec %ecx; jnz inner */
    *p++ = 0x75;
    *p = (uint8_t)(inner - (p + 1));
    p++;
    put(&p, change, len);
    *p++ = 0x4a;                                /* dec %edx; jnz outer */
    *p++ = 0x75;
    *p = (uint8_t)(outer - (p + 1));
    p++;
    *p++ = 0xf4;
    h->cpu.gpr[RSI] = h->cpu.gpr[RDI] = 0;
    h->cpu.gpr[RBP] = target;
    harness_code(h, code, (size_t)(p - code));
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), -1);
}

static void put_function(struct harness *h, uint32_t at, uint8_t opcode)
{
    h->ram[at] = opcode;
    h->ram[at + 1] = 0xc3;
}

static void expect_both(const struct harness *h, const char *name,
                        bool indirect)
{
    if ((uint32_t)h->cpu.gpr[RSI] != LOOPS ||
        (uint32_t)h->cpu.gpr[RDI] != LOOPS)
        fail_msg("%s, %s: %u calls of the first, %u of the second", name,
                 indirect ? "indirect" : "direct",
                 (unsigned)h->cpu.gpr[RSI], (unsigned)h->cpu.gpr[RDI]);
}

static void remap(const struct change *change, bool indirect)
{
    struct harness *h = harness_new(NULL, HARNESS_RAM);
    uint8_t code[64], *p = code;
    uint32_t *pte;

    harness_protected(h);
    harness_paging(h, DIR);
    h->cpu.cr4 |= CR4_PGE;
    put_function(h, TARGET, 0x46);
    put_function(h, OTHER, 0x47);
    pte = harness_pte(h, TARGET);
    *pte = TARGET | PTE_RW | change->global;
    put(&p, "\xc7\x05", 2);                     /* movl $OTHER..,pte */
    put32(&p, (uint32_t)((uint8_t *)pte - h->ram));
    put32(&p, OTHER | PTE_RW | change->global);
    put(&p, change->code, change->len);
    call_around(h, TARGET, indirect, code, (size_t)(p - code));
    expect_both(h, change->name, indirect);
    harness_free(h);
}

static void test_remapped(void **state)
{
    for (size_t n = 0; n < COUNT_OF(changes); n++) {
        remap(&changes[n], false);
        remap(&changes[n], true);
    }
}

static void rewrite(uint32_t target, bool indirect)
{
    struct harness *h = harness_new(NULL, HARNESS_RAM);
    uint8_t code[16], *p = code;

    harness_protected(h);
    put_function(h, target, 0x46);
    put(&p, "\xc6\x05", 2);                     /* movb $0x47,target */
    put32(&p, target);
    *p++ = 0x47;
    call_around(h, target, indirect, code, (size_t)(p - code));
    expect_both(h, target == TARGET ? "another page" : "this page", indirect);
    harness_free(h);
}

static void test_rewritten(void **state)
{
    for (unsigned indirect = 0; indirect < 2; indirect++) {
        rewrite(NEAR_TARGET, indirect);
        rewrite(TARGET, indirect);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remapped),
        cmocka_unit_test(test_rewritten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
