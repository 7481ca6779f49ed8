/* Page walks whose result depends on the CPU model's physical address bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "emu/cpu/mmu.h"
#include "emu/cpu/paging.h"
#include "tests/unit/cpu_harness.h"

#define DIR 0x10000u
#define LIN 0x40000000u         /* PDPTE 1; entry 256 of a 32-bit directory */
#define P 0x01u
#define RW 0x02u
#define PS 0x80u

static struct cpu_model model;  /* the CPU's, to be changed */

static int setup(void **state)
{
    struct harness *h = harness_new(&engine_interp, 1u << 20);

    harness_protected(h);
    model = *cpu_model_find("trestle64");
    h->cpu.model = &model;
    h->cpu.cr0 |= CR0_PG;
    h->cpu.cr3 = DIR;
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    harness_free(*state);
    return 0;
}

/* The error code is in t->error when it is refused. */
static bool walk(struct harness *h, uint32_t lin, struct translation *t)
{
    *t = (struct translation){ 0 };
    return paging_walk(&h->cpu, lin, MMU_READ, false, t);
}

static void put64(struct harness *h, uint32_t addr, uint64_t v)
{
    harness_w32(h, addr, (uint32_t)v);
    harness_w32(h, addr + 4, (uint32_t)(v >> 32));
}

/* Bit 38 of an address: there with 40 bits, reserved with 36. */
static void test_pae_address_bits(void **state)
{
    struct harness *h = *state;
    struct translation t;

    h->cpu.cr4 = CR4_PAE;
    h->cpu.pdpte[1] = (DIR + 0x1000) | P;
    put64(h, DIR + 0x1000, (DIR + 0x2000) | P | RW);
    put64(h, DIR + 0x1008, 1ull << 38 | 0x600000 | P | PS);
    put64(h, DIR + 0x2000, 1ull << 38 | 0x5000 | P);
    assert_true(walk(h, LIN, &t));
    assert_true(t.phys == (1ull << 38 | 0x5000));
    assert_true(walk(h, LIN + 0x203000, &t));
    assert_true(t.phys == (1ull << 38 | 0x603000));
    model.phys_bits = 36;
    assert_false(walk(h, LIN, &t));
    assert_int_equal(t.error, PF_PRESENT | PF_RESERVED);
    assert_false(walk(h, LIN + 0x203000, &t));
    assert_int_equal(t.error, PF_PRESENT | PF_RESERVED);
}

/* PSE-36: bits 13 to 20 of a 4 MiB page's entry are 32 to 39. */
static void test_pse36(void **state)
{
    struct harness *h = *state;
    struct translation t;
    uint32_t pde = DIR + (LIN >> 22) * 4;

    h->cpu.cr4 = CR4_PSE;
    harness_w32(h, pde, 0x00800000 | 0xa5u << 13 | P | PS);
    assert_true(walk(h, LIN + 0x5000, &t));
    assert_true(t.phys == 0xa500805000ull);
    harness_w32(h, pde, 0x00800000 | 1u << 21 | P | PS);
    assert_false(walk(h, LIN, &t));
    /* Of 36 bits only four are above 4 GiB. */
    model.phys_bits = 36;
    harness_w32(h, pde, 0x00800000 | 0x0fu << 13 | P | PS);
    assert_true(walk(h, LIN, &t));
    assert_true(t.phys == 0xf00800000ull);
    harness_w32(h, pde, 0x00800000 | 0x10u << 13 | P | PS);
    assert_false(walk(h, LIN, &t));
    assert_int_equal(t.error, PF_PRESENT | PF_RESERVED);
    /* Without it all are reserved. */
    model.features_edx &= ~CPUID_PSE36;
    harness_w32(h, pde, 0x00800000 | 1u << 13 | P | PS);
    assert_false(walk(h, LIN, &t));
    assert_int_equal(t.error, PF_PRESENT | PF_RESERVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pae_address_bits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_pse36, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
