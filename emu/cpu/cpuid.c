/* CPUID (SDM vol. 2; APM vol. 3, appendix E): exactly what the model offers. */
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/exec.h"
#include "emu/cpu/features.h"

#define MAX_EXTENDED 0x80000008u
#define HYPERVISOR_LEAF 0x40000000u

/*
 * What the processor executes and the interpreter does not. A hardware engine
 * interprets a guest now and then until long mode is active, so these are seen
 * only from then on. That takes nothing from a 64-bit kernel: before, it looks
 * for no more than what it needs to get there (LM, PAE, SSE2), and Intel's
 * processors, too, show SYSCALL in 64-bit mode only. A kernel that keeps what
 * CPUID said earlier does without them.
 */
#define NATIVE_ECX (CPUID_SSE3 | CPUID_PCLMUL | CPUID_SSSE3 | CPUID_SSE41 | \
                    CPUID_SSE42 | CPUID_MOVBE | CPUID_POPCNT | CPUID_AES | \
                    CPUID_RDRAND)
#define NATIVE_EXT_ECX (CPUID_EXT_LZCNT | CPUID_EXT_PREFETCHW)
#define NATIVE_EXT_EDX CPUID_EXT_SYSCALL

static const char brand[48] = "Trestle Virtual CPU";

static uint32_t text_word(const char *s)
{
    uint32_t v;

    memcpy(&v, s, 4);
    return v;
}

static bool is_amd(const struct cpu *c)
{
    return strcmp(c->model->vendor, "AuthenticAMD") == 0;
}

static struct cpuid_regs leaf_vendor(const struct cpu *c)
{
    const char *v = c->model->vendor;

    return (struct cpuid_regs){ c->model->max_leaf, text_word(v),
                                text_word(v + 8), text_word(v + 4) };
}

/* Of a model's feature bits those that every instruction is there for now. */
static uint32_t offered(const struct cpu *c, uint32_t bits, uint32_t native)
{
    return cpu_in_long_mode(c) ? bits : bits & ~native;
}

/* The APIC bit goes when software switches it off (SDM vol. 3, 10.4.3). */
static uint32_t features_edx(const struct cpu *c)
{
    uint32_t edx = c->model->features_edx;

    return c->apic_base & APIC_BASE_ENABLE ? edx : edx & ~CPUID_APIC;
}

static struct cpuid_regs leaf_features(const struct cpu *c)
{
    /* CLFLUSH line in 8-byte units; initial APIC id 0, no brand index. */
    uint32_t ebx = cpu_has(c, CPUID_CLFSH) ? 8u << 8 : 0;

    return (struct cpuid_regs){
        c->model->signature, ebx,
        offered(c, c->model->features_ecx, NATIVE_ECX), features_edx(c)
    };
}

/* TLBs of 4K and 4M pages, 16K + 16K L1, 512K L2; AMD has leaf 80000005h. */
static struct cpuid_regs leaf_cache_codes(const struct cpu *c)
{
    if (is_amd(c))
        return (struct cpuid_regs){ 0 };
    return (struct cpuid_regs){ 0x03020101, 0, 0, 0x0c040843 };
}

/*
 * The same caches in leaf 4: type and level, self-initialising, one core;
 * ways, partitions and line size less one; sets less one.
 */
static struct cpuid_regs leaf_caches(const struct cpu *c, uint32_t subleaf)
{
    static const struct cpuid_regs caches[] = {
        { 0x121, 3u << 22 | 63, 63, 0 },        /* L1 data */
        { 0x122, 3u << 22 | 63, 63, 0 },        /* L1 code */
        { 0x143, 7u << 22 | 63, 1023, 0 },      /* L2 */
    };

    if (is_amd(c) || subleaf >= sizeof(caches) / sizeof(caches[0]))
        return (struct cpuid_regs){ 0 };
    return caches[subleaf];
}

static struct cpuid_regs leaf_ext_features(const struct cpu *c)
{
    uint32_t edx = offered(c, c->model->ext_edx, NATIVE_EXT_EDX);

    if (is_amd(c))
        edx |= features_edx(c) & CPUID_EXT_REPEATED;
    return (struct cpuid_regs){
        .eax = is_amd(c) ? c->model->signature : 0,
        .ecx = offered(c, c->model->ext_ecx, NATIVE_EXT_ECX), .edx = edx
    };
}

static struct cpuid_regs leaf_ext_max(const struct cpu *c)
{
    const char *v = c->model->vendor;

    if (!is_amd(c))
        return (struct cpuid_regs){ .eax = MAX_EXTENDED };
    return (struct cpuid_regs){ MAX_EXTENDED, text_word(v), text_word(v + 8),
                                text_word(v + 4) };
}

static struct cpuid_regs leaf_brand(uint32_t leaf)
{
    const char *s = brand + (leaf - 0x80000002u) * 16;

    return (struct cpuid_regs){ text_word(s), text_word(s + 4),
                                text_word(s + 8), text_word(s + 12) };
}

/* AMD's view of L1 (16K, 4 ways, 64 bytes a line) and its TLBs. */
static struct cpuid_regs leaf_l1(const struct cpu *c)
{
    const uint32_t tlb = 0x01400140, l1 = 16u << 24 | 4u << 16 | 1u << 8 | 64;

    if (!is_amd(c) || !cpu_model_is_64bit(c->model))
        return (struct cpuid_regs){ 0 };
    return (struct cpuid_regs){ tlb, tlb, l1, l1 };
}

/* L2: 512K, 8 ways (code 6), 64 bytes a line. */
static struct cpuid_regs leaf_l2(const struct cpu *c)
{
    if (!cpu_model_is_64bit(c->model))
        return (struct cpuid_regs){ 0 };
    return (struct cpuid_regs){ .ecx = 512u << 16 | 6u << 12 | 1u << 8 | 64 };
}

static struct cpuid_regs leaf_address_sizes(const struct cpu *c)
{
    uint32_t linear = cpu_model_is_64bit(c->model) ? 48 : 32;

    return (struct cpuid_regs){ .eax = linear << 8 | c->model->phys_bits };
}

static struct cpuid_regs extended(const struct cpu *c, uint32_t leaf)
{
    switch (leaf) {
    case 0x80000000u:
        return leaf_ext_max(c);
    case 0x80000001u:
        return leaf_ext_features(c);
    case 0x80000002u:
    case 0x80000003u:
    case 0x80000004u:
        return leaf_brand(leaf);
    case 0x80000005u:
        return leaf_l1(c);
    case 0x80000006u:
        return leaf_l2(c);
    case 0x80000007u:
        return (struct cpuid_regs){ .edx = c->model->power_edx };
    default:
        return leaf_address_sizes(c);
    }
}

static struct cpuid_regs basic(const struct cpu *c, uint32_t leaf,
                               uint32_t subleaf)
{
    switch (leaf) {
    case 0:
        return leaf_vendor(c);
    case 1:
        return leaf_features(c);
    case 2:
        return leaf_cache_codes(c);
    case 4:
        return leaf_caches(c, subleaf);
    default:
        return (struct cpuid_regs){ 0 };
    }
}

struct cpuid_regs cpu_cpuid(const struct cpu *c, uint32_t leaf,
                            uint32_t subleaf)
{
    if (leaf >= 0x80000000u && leaf <= MAX_EXTENDED)
        return extended(c, leaf);
    if (leaf == HYPERVISOR_LEAF && (c->model->features_ecx & CPUID_HYPERVISOR))
        return (struct cpuid_regs){ HYPERVISOR_LEAF, text_word("Tres"),
                                    text_word("tleV"), text_word("M\0\0") };
    if (leaf <= c->model->max_leaf)
        return basic(c, leaf, subleaf);
    /* Too high a leaf: Intel's give the highest basic one, AMD's zeros. */
    if (is_amd(c))
        return (struct cpuid_regs){ 0 };
    return basic(c, c->model->max_leaf, subleaf);
}

void cpu_do_cpuid(struct cpu *c)
{
    struct cpuid_regs r = cpu_cpuid(c, (uint32_t)c->gpr[RAX],
                                    (uint32_t)c->gpr[RCX]);

    c->gpr[RAX] = r.eax;
    c->gpr[RBX] = r.ebx;
    c->gpr[RCX] = r.ecx;
    c->gpr[RDX] = r.edx;
}

void op_cpuid(struct cpu *c, const struct insn *i)
{
    cpu_do_cpuid(c);
}
