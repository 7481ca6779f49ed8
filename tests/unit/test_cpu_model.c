/*
 * CPU models: CPUID, MSR and control register policy of every engine, without
 * an engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/features.h"
#include "emu/cpu/model.h"

static uint8_t ram[0x3000] __attribute__((aligned(4096)));

static uint8_t *ram_page(void *ctx, uint64_t addr, bool write)
{
    return addr < sizeof(ram) ? ram + addr : NULL;
}

static uint64_t mmio_read(void *ctx, uint64_t addr, unsigned size)
{
    return ~0ull;
}

static uint64_t tsc(void *ctx) { return 1000; }

static const struct cpu_bus bus = {
    .ram_page = ram_page, .mmio_read = mmio_read, .tsc = tsc
};

/* As a modern AMD with everything, and the same in Intel's name. */
static struct cpu_model rich_host(const char *vendor)
{
    struct cpu_model h = {
        .phys_bits = 52, .features_edx = ~0u, .features_ecx = ~0u,
        .ext_edx = ~0u, .ext_ecx = ~0u, .power_edx = ~0u,
        .tsc_hz = 2600000000ull,
    };

    strcpy(h.vendor, vendor);
    return h;
}

static struct cpu new_cpu(const char *model, const char *vendor)
{
    struct cpu c = { .bus = &bus, .model = cpu_model_find(model) };
    static struct cpu_model fitted;

    assert_non_null(c.model);
    if (vendor) {
        struct cpu_model host = rich_host(vendor);

        fitted = *c.model;
        cpu_model_fit(&fitted, &host);
        c.model = &fitted;
    }
    cpu_reset(&c);
    return c;
}

static void vendor_of(const struct cpu *c, char text[13])
{
    struct cpuid_regs r = cpu_cpuid(c, 0, 0);

    memcpy(text, &r.ebx, 4);
    memcpy(text + 4, &r.edx, 4);
    memcpy(text + 8, &r.ecx, 4);
    text[12] = '\0';
}

static void test_names(void **state)
{
    assert_ptr_equal(cpu_model_find("max"), cpu_model_find("trestle64"));
    assert_ptr_equal(cpu_model_find("host"), cpu_model_find("trestle64"));
    assert_null(cpu_model_find("nosuch"));
    assert_false(cpu_model_is_64bit(cpu_model_find(CPU_MODEL_DEFAULT)));
    assert_true(cpu_model_is_64bit(cpu_model_find("trestle64")));
    assert_true(cpu_model_is_64bit(cpu_model_find("qemu64")));
    for (unsigned n = 0; cpu_models[n]; n++)
        assert_true(cpu_models[n]->about && strlen(cpu_models[n]->about) < 56);
}

static void test_vendor_follows_host(void **state)
{
    struct cpu c = new_cpu("trestle64", "GenuineIntel");
    char text[13];

    vendor_of(&c, text);
    assert_string_equal(text, "GenuineIntel");
    assert_int_equal(cpu_cpuid(&c, 1, 0).eax >> 8 & 0xf, 6);
    c = new_cpu("trestle64", "AuthenticAMD");
    vendor_of(&c, text);
    assert_string_equal(text, "AuthenticAMD");
    assert_int_equal(cpu_cpuid(&c, 1, 0).eax >> 8 & 0xf, 15);
    assert_int_equal(cpu_cpuid(&c, 0x80000001u, 0).edx & CPUID_EXT_REPEATED,
                     cpu_cpuid(&c, 1, 0).edx & CPUID_EXT_REPEATED);
    c = new_cpu(CPU_MODEL_DEFAULT, "AuthenticAMD");
    vendor_of(&c, text);
    assert_string_equal(text, "GenuineIntel");
}

static void test_fit_takes_away(void **state)
{
    struct cpu_model m = *cpu_model_find("trestle64");
    struct cpu_model host = rich_host("GenuineIntel");

    host.features_ecx = CPUID_SSE3;
    host.features_edx &= ~(CPUID_MTRR | CPUID_CLFSH);
    host.ext_ecx = host.power_edx = 0;
    host.ext_edx = CPUID_EXT_LM | CPUID_EXT_NX;
    host.phys_bits = 36;
    host.tsc_hz = 0;
    cpu_model_fit(&m, &host);
    assert_int_equal(m.features_ecx, CPUID_SSE3 | CPUID_HYPERVISOR);
    assert_true(m.features_edx & CPUID_MTRR);
    assert_false(m.features_edx & CPUID_CLFSH);
    assert_int_equal(m.ext_edx, CPUID_EXT_LM | CPUID_EXT_NX);
    assert_int_equal(m.ext_ecx | m.power_edx, 0);
    assert_int_equal(m.phys_bits, 36);
    assert_int_equal(m.tsc_hz, 1000000000);
    host = rich_host("GenuineIntel");
    cpu_model_fit(&m, &host);
    assert_int_equal(m.tsc_hz, 2600000000ull);
}

/* This processor, whatever it is, gives no more than the model has. */
static void test_fit_this_host(void **state)
{
    const struct cpu_model *want = cpu_model_find("trestle64");
    struct cpu c = new_cpu("trestle64", NULL);

    cpu_fit_host(&c, 0);
    assert_ptr_equal(c.model, &c.fitted);
    assert_int_equal(c.model->features_ecx & ~want->features_ecx, 0);
    assert_int_equal(c.model->features_edx & ~want->features_edx, 0);
    assert_true(cpu_model_is_64bit(c.model));
    assert_true(c.model->features_edx & CPUID_SSE2);
    assert_in_range(c.model->phys_bits, 36, want->phys_bits);
}

static void test_cpuid_leaves(void **state)
{
    struct cpu c = new_cpu("trestle64", "AuthenticAMD");

    assert_int_equal(cpu_cpuid(&c, 0, 0).eax, 7);
    assert_int_equal(cpu_cpuid(&c, 7, 0).ebx, 0);
    assert_int_equal(cpu_cpuid(&c, 0xd, 0).eax, 0);
    assert_int_equal(cpu_cpuid(&c, 0x1f, 0).ebx, 0);
    assert_int_equal(cpu_cpuid(&c, 0x80000008u, 0).eax, 0x3028);
    assert_int_equal(cpu_cpuid(&c, 0x80000008u, 0).ecx, 0);
    assert_int_equal(cpu_cpuid(&c, 0x80000007u, 0).edx, CPUID_INVARIANT_TSC);
    assert_int_equal(cpu_cpuid(&c, 0x80000006u, 0).ecx >> 16, 512);
    assert_int_equal(cpu_cpuid(&c, 0x40000000u, 0).eax, 0x40000000u);
    assert_int_equal(cpu_cpuid(&c, 4, 0).eax, 0);
    c = new_cpu("trestle64", "GenuineIntel");
    assert_int_equal(cpu_cpuid(&c, 4, 0).eax & 0x1f, 1);
    assert_int_equal(cpu_cpuid(&c, 4, 2).eax & 0x1f, 3);
    assert_int_equal(cpu_cpuid(&c, 4, 3).eax, 0);
    /* (ways)(partitions)(line)(sets): 512K. */
    assert_int_equal(8 * 64 * (cpu_cpuid(&c, 4, 2).ecx + 1), 512 * 1024);
    c = new_cpu(CPU_MODEL_DEFAULT, NULL);
    assert_int_equal(cpu_cpuid(&c, 0x40000000u, 0).eax,
                     cpu_cpuid(&c, 2, 0).eax);
}

/* What the interpreter lacks is seen where only the processor executes. */
static void test_native_features(void **state)
{
    const uint32_t native = CPUID_SSE3 | CPUID_PCLMUL | CPUID_SSSE3 |
                            CPUID_SSE41 | CPUID_SSE42 | CPUID_MOVBE |
                            CPUID_POPCNT | CPUID_AES | CPUID_RDRAND;
    const uint32_t ext = CPUID_EXT_LZCNT | CPUID_EXT_PREFETCHW;
    struct cpu c = new_cpu("trestle64", "AuthenticAMD");

    assert_int_equal(cpu_cpuid(&c, 1, 0).ecx, CPUID_CX16 | CPUID_HYPERVISOR);
    assert_int_equal(cpu_cpuid(&c, 0x80000001u, 0).ecx, CPUID_EXT_LAHF);
    assert_int_equal(cpu_cpuid(&c, 0x80000001u, 0).edx & CPUID_EXT_SYSCALL, 0);
    assert_true(cpu_cpuid(&c, 0x80000001u, 0).edx & CPUID_EXT_LM);
    c.efer = EFER_LME | EFER_LMA;
    assert_int_equal(cpu_cpuid(&c, 1, 0).ecx & native, native);
    assert_int_equal(cpu_cpuid(&c, 0x80000001u, 0).ecx & ext, ext);
    assert_true(cpu_cpuid(&c, 0x80000001u, 0).edx & CPUID_EXT_SYSCALL);
}

static void test_apic_bit(void **state)
{
    struct cpu c = new_cpu("trestle64", "AuthenticAMD");
    struct cpu_model m = *c.model;
    uint64_t v;

    m.features_edx &= ~CPUID_APIC;
    c.model = &m;
    cpu_reset(&c);
    assert_false(cpu_msr_read(&c, 0x1b, &v));
    m.features_edx |= CPUID_APIC;
    cpu_reset(&c);
    assert_true(cpu_msr_read(&c, 0x1b, &v));
    assert_int_equal(v, 0xfee00900);
    assert_true(cpu_cpuid(&c, 1, 0).edx & CPUID_APIC);
    assert_false(cpu_msr_write(&c, 0x1b, 0xfee00c00));
    assert_true(cpu_msr_write(&c, 0x1b, 0xfee00000));
    assert_true(cpu_msr_read(&c, 0x1b, &v));
    assert_int_equal(v, 0xfee00100);
    assert_false(cpu_cpuid(&c, 1, 0).edx & CPUID_APIC);
}

/* Everything a 64-bit guest must find, and a 32-bit one must not. */
static void test_long_mode_msrs(void **state)
{
    static const uint32_t msrs[] = {
        0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100,
        0xc0000101, 0xc0000102,
    };
    struct cpu c = new_cpu("trestle64", "AuthenticAMD");
    struct cpu small = new_cpu(CPU_MODEL_DEFAULT, NULL);
    uint64_t v;

    for (unsigned n = 0; n < sizeof(msrs) / sizeof(msrs[0]); n++) {
        assert_true(cpu_msr_write(&c, msrs[n], 0x12345678 + n));
        assert_true(cpu_msr_read(&c, msrs[n], &v));
        assert_int_equal(v, 0x12345678 + n);
        assert_false(cpu_msr_write(&small, msrs[n], 0));
        assert_false(cpu_msr_read(&small, msrs[n], &v));
    }
    assert_int_equal(c.seg[FS].base, 0x1234567c);
    assert_int_equal(c.kernel_gs_base, 0x1234567e);
    assert_false(cpu_msr_write(&c, 0xc0000082, 0x800000000000ull));
    assert_true(cpu_msr_write(&c, 0xc0000082, 0xffff800000000000ull));
    assert_false(cpu_msr_write(&c, 0x176, 0x800000000000ull));
    assert_true(cpu_msr_write(&small, 0x176, 0x8000123456789abcull));
    assert_int_equal(small.sysenter_eip, 0x56789abc);
    assert_true(cpu_msr_write(&c, 0xc0010015, 0x40));
    assert_false(cpu_msr_write(&small, 0xc0010015, 0));
    assert_false(cpu_msr_read(&c, 0x1a0, &v));
    assert_false(cpu_msr_read(&c, 0xc0000103, &v));
    assert_false(cpu_msr_write(&c, 0xfe, 0));
}

static void test_passthrough(void **state)
{
    unsigned n = 0;

    while (cpu_msr_passthrough(cpu_model_find("trestle64"), n))
        n++;
    assert_int_equal(n, 10);
    assert_int_equal(cpu_msr_passthrough(cpu_model_find("trestle64"), 9),
                     0xc0000102);
    assert_int_equal(cpu_msr_passthrough(cpu_model_find("trestle32"), 2),
                     0x176);
    assert_int_equal(cpu_msr_passthrough(cpu_model_find("trestle32"), 3), 0);
}

#define EFER 0xc0000080u

static void test_entering_long_mode(void **state)
{
    struct cpu c = new_cpu("trestle64", "AuthenticAMD");

    assert_false(cpu_msr_write(&c, EFER, 1u << 12));    /* SVME */
    assert_true(cpu_msr_write(&c, EFER, EFER_LME | EFER_NXE | EFER_SCE));
    assert_true(cpu_cr_write(&c, 0, CR0_PE));
    assert_false(cpu_cr_write(&c, 0, CR0_PE | CR0_PG));
    assert_true(cpu_cr_write(&c, 4, CR4_PAE));
    assert_true(cpu_cr_write(&c, 3, 0x1000));
    assert_true(cpu_cr_write(&c, 0, CR0_PE | CR0_PG));
    assert_true(cpu_in_long_mode(&c) && !cpu_in_64bit_mode(&c));
    assert_false(cpu_msr_write(&c, EFER, 0));
    assert_true(cpu_msr_write(&c, EFER, EFER_LME | EFER_LMA));
    assert_int_equal(c.efer, EFER_LME | EFER_LMA);
    assert_false(cpu_cr_write(&c, 4, 0));
    assert_false(cpu_cr_write(&c, 4, CR4_PAE | CR4_OSXSAVE));
    assert_false(cpu_cr_write(&c, 3, 1ull << 40));
    assert_true(cpu_cr_write(&c, 3, 1ull << 39));
    assert_false(cpu_cr_write(&c, 0, 1ull << 32 | CR0_PE | CR0_PG));
    c.seg[CS].attr |= SEG_L;
    assert_true(cpu_in_64bit_mode(&c));
    assert_false(cpu_cr_write(&c, 0, CR0_PE));
    c.seg[CS].attr &= ~SEG_L;
    assert_true(cpu_cr_write(&c, 0, CR0_PE));
    assert_int_equal(c.efer, EFER_LME);
    c.seg[CS].attr |= SEG_L;
    assert_false(cpu_cr_write(&c, 0, CR0_PE | CR0_PG));
}

/* PAE paging loads its PDPTEs, long mode does not. */
static void test_pdptes(void **state)
{
    struct cpu c = new_cpu("trestle64", "AuthenticAMD");
    uint64_t bad = 0x3;

    memset(ram, 0, sizeof(ram));
    memcpy(ram + 0x1000, &bad, 8);
    assert_true(cpu_cr_write(&c, 4, CR4_PAE));
    assert_true(cpu_cr_write(&c, 3, 0x1000));
    assert_false(cpu_cr_write(&c, 0, CR0_PE | CR0_PG));
    assert_true(cpu_msr_write(&c, EFER, EFER_LME));
    assert_true(cpu_cr_write(&c, 0, CR0_PE | CR0_PG));
}

static uint8_t tpr;
static uint8_t cr8_read(void *ctx) { return tpr; }
static void cr8_write(void *ctx, uint8_t v) { tpr = v; }

static void test_cr8(void **state)
{
    struct cpu c = new_cpu("trestle64", "AuthenticAMD");
    struct cpu_bus with = bus;

    assert_false(cpu_cr_write(&c, 8, 16));
    assert_true(cpu_cr_write(&c, 8, 15));
    assert_int_equal(cpu_cr8_read(&c), 15);
    with.cr8_read = cr8_read;
    with.cr8_write = cr8_write;
    c.bus = &with;
    assert_true(cpu_cr_write(&c, 8, 9));
    assert_int_equal(tpr, 9);
    assert_int_equal(cpu_cr8_read(&c), 9);
    assert_false(cpu_cr_write(&c, 5, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_vendor_follows_host),
        cmocka_unit_test(test_fit_takes_away),
        cmocka_unit_test(test_fit_this_host),
        cmocka_unit_test(test_cpuid_leaves),
        cmocka_unit_test(test_native_features),
        cmocka_unit_test(test_apic_bit),
        cmocka_unit_test(test_long_mode_msrs),
        cmocka_unit_test(test_passthrough),
        cmocka_unit_test(test_entering_long_mode),
        cmocka_unit_test(test_pdptes),
        cmocka_unit_test(test_cr8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
