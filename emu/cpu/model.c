/*
 * CPU models: what -cpu offers, and what of it a host's processor can do.
 *
 * A model names only what the engines that take it have: the interpreter all
 * of a 32-bit model, a hardware engine what the host has too. XSAVE, and so
 * AVX, is in none: FPU state is what FXSAVE holds.
 */
#include <cpuid.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/features.h"
#include "emu/cpu/model.h"

#define BASE_EDX (CPUID_FPU | CPUID_DE | CPUID_PSE | CPUID_TSC | CPUID_MSR | \
                  CPUID_PAE | CPUID_CX8 | CPUID_APIC | CPUID_SEP | \
                  CPUID_MTRR | CPUID_PGE | CPUID_CMOV | CPUID_PAT | \
                  CPUID_MMX | CPUID_FXSR | CPUID_SSE | CPUID_SSE2)
#define LONG_EDX (BASE_EDX | CPUID_PSE36 | CPUID_CLFSH)
#define LONG_EXT_EDX (CPUID_EXT_SYSCALL | CPUID_EXT_NX | CPUID_EXT_LM)

/*
 * What 64-bit models say they are, by the host's vendor: SYSCALL and SYSENTER
 * differ in compatibility mode, and guests go by the vendor. Processors so old
 * that guests know no errata of theirs which need an MSR of that model.
 */
static const struct {
    char vendor[13];
    uint32_t signature;
} identities[] = {
    { "AuthenticAMD", 0x00060fb1 },
    { "GenuineIntel", 0x000006fb },
};

/* Ours to offer whatever the host has: we emulate them. */
#define EMULATED_EDX (CPUID_APIC | CPUID_MTRR)
#define EMULATED_ECX CPUID_HYPERVISOR

static const struct cpu_model model_trestle32 = {
    .name = CPU_MODEL_DEFAULT,
    .about = "32-bit with SSE2; every engine (the default)",
    .vendor = "GenuineIntel",
    .max_leaf = 2,
    .phys_bits = 36,
    .signature = 0x00000663,
    .features_edx = BASE_EDX,
    .ext_edx = CPUID_EXT_NX,
    .tsc_hz = 1000000000,
};

static const struct cpu_model model_trestle64 = {
    .name = "trestle64",
    .about = "64-bit, up to SSE4.2 and AES as the host has them",
    .vendor = "AuthenticAMD",
    .host_vendor = true,
    .max_leaf = 7,
    .phys_bits = 40,
    .signature = 0x00060fb1,
    .features_edx = LONG_EDX,
    .features_ecx = CPUID_SSE3 | CPUID_PCLMUL | CPUID_SSSE3 | CPUID_CX16 |
                    CPUID_SSE41 | CPUID_SSE42 | CPUID_MOVBE | CPUID_POPCNT |
                    CPUID_AES | CPUID_RDRAND | CPUID_HYPERVISOR,
    .ext_edx = LONG_EXT_EDX | CPUID_EXT_PAGE1G,
    .ext_ecx = CPUID_EXT_LAHF | CPUID_EXT_LZCNT | CPUID_EXT_PREFETCHW,
    .power_edx = CPUID_INVARIANT_TSC,
    .tsc_hz = 1000000000,
};

static const struct cpu_model model_qemu64 = {
    .name = "qemu64",
    .about = "64-bit with SSE3, as little as qemu's of that name",
    .vendor = "AuthenticAMD",
    .host_vendor = true,
    .max_leaf = 7,
    .phys_bits = 40,
    .signature = 0x00060fb1,
    .features_edx = LONG_EDX,
    .features_ecx = CPUID_SSE3 | CPUID_CX16 | CPUID_HYPERVISOR,
    .ext_edx = LONG_EXT_EDX,
    .ext_ecx = CPUID_EXT_LAHF,
    .tsc_hz = 1000000000,
};

const struct cpu_model *const cpu_models[] = {
    &model_trestle32, &model_trestle64, &model_qemu64, NULL
};

/* qemu's names for "all that can be had". */
static const char *const aliases[] = { "max", "host" };

const struct cpu_model *cpu_model_find(const char *name)
{
    for (unsigned n = 0; cpu_models[n]; n++)
        if (strcmp(cpu_models[n]->name, name) == 0)
            return cpu_models[n];
    for (unsigned n = 0; n < sizeof(aliases) / sizeof(aliases[0]); n++)
        if (strcmp(aliases[n], name) == 0)
            return &model_trestle64;
    return NULL;
}

bool cpu_model_is_64bit(const struct cpu_model *m)
{
    return m->ext_edx & CPUID_EXT_LM;
}

static void take_vendor(struct cpu_model *m, const char *vendor)
{
    memcpy(m->vendor, vendor, sizeof(m->vendor));
    for (unsigned n = 0; n < sizeof(identities) / sizeof(identities[0]); n++)
        if (strcmp(identities[n].vendor, vendor) == 0)
            m->signature = identities[n].signature;
}

void cpu_model_fit(struct cpu_model *m, const struct cpu_model *host)
{
    m->features_edx &= host->features_edx | EMULATED_EDX;
    m->features_ecx &= host->features_ecx | EMULATED_ECX;
    m->ext_edx &= host->ext_edx;
    m->ext_ecx &= host->ext_ecx;
    m->power_edx &= host->power_edx;
    if (host->phys_bits < m->phys_bits)
        m->phys_bits = host->phys_bits;
    if (m->host_vendor)
        take_vendor(m, host->vendor);
    if (host->tsc_hz)
        m->tsc_hz = host->tsc_hz;
}

/* What CPUID says here, as far as cpu_model_fit looks at it. */
static void read_host(struct cpu_model *h)
{
    uint32_t a, b, c, d;

    __cpuid(0, a, b, c, d);
    memcpy(h->vendor, &b, 4);
    memcpy(h->vendor + 4, &d, 4);
    memcpy(h->vendor + 8, &c, 4);
    __cpuid(1, a, b, h->features_ecx, h->features_edx);
    __cpuid(0x80000000u, a, b, c, d);
    if (a < 0x80000008u)
        return;
    __cpuid(0x80000001u, a, b, h->ext_ecx, h->ext_edx);
    __cpuid(0x80000007u, a, b, c, h->power_edx);
    __cpuid(0x80000008u, a, b, c, d);
    h->phys_bits = (uint8_t)a;
}

void cpu_fit_host(struct cpu *c, uint64_t tsc_hz)
{
    struct cpu_model host = { .phys_bits = 36, .tsc_hz = tsc_hz };

    read_host(&host);
    c->fitted = *c->model;
    cpu_model_fit(&c->fitted, &host);
    c->model = &c->fitted;
}
