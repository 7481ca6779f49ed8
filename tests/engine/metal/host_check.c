/* The bare machine's registers and memory; see host_check.h. */
#include "tests/engine/host_check.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernel/metal/arch.h"
#include "kernel/platform.h"

#define FILLED_BYTES (32ul << 20)
#define EFER_SVME (1ull << 12)  /* from the engine's first use on a core */
#define FILL 0x5472657374316521ull

extern const uint8_t text_start[], text_end[], rodata_start[], rodata_end[];

struct table {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

struct registers {
    uint64_t cr0, cr3, cr4, efer, pat, fs_base, gs_base, apic_base, dr7;
    struct table gdt, idt;
    uint16_t cs, tr, ldt;
    uint32_t mxcsr;
    uint16_t fcw;
    bool interrupts;
};

static struct registers good;
static uint64_t code_sum, *filled;

static void read_registers(struct registers *r)
{
    uint64_t flags;

    memset(r, 0, sizeof *r);
    __asm__ volatile("mov %%cr0, %0" : "=r"(r->cr0));
    __asm__ volatile("mov %%cr4, %0" : "=r"(r->cr4));
    __asm__ volatile("mov %%dr7, %0" : "=r"(r->dr7));
    __asm__ volatile("pushfq; pop %0" : "=r"(flags));
    r->cr0 &= ~8ull;            /* TS: the FPU's owner may come and go */
    r->cr3 = read_cr3();
    r->efer = read_msr(MSR_EFER) & ~EFER_SVME;
    r->pat = read_msr(MSR_PAT);
    r->fs_base = read_msr(0xc0000100);
    r->gs_base = read_msr(MSR_GS_BASE);
    r->apic_base = read_msr(MSR_APIC_BASE);
    r->interrupts = flags & RFLAGS_IF;
    __asm__ volatile("sgdt %0" : "=m"(r->gdt));
    __asm__ volatile("sidt %0" : "=m"(r->idt));
    __asm__ volatile("mov %%cs, %0" : "=m"(r->cs));
    __asm__ volatile("str %0" : "=m"(r->tr));
    __asm__ volatile("sldt %0" : "=m"(r->ldt));
    __asm__ volatile("stmxcsr %0" : "=m"(r->mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(r->fcw));
    r->mxcsr &= ~0x3fu;         /* what happened, not what is masked */
}

static uint64_t sum(const uint8_t *from, const uint8_t *to)
{
    uint64_t s = 0;

    for (const uint8_t *p = from; p + 8 <= to; p += 8) {
        uint64_t v;

        memcpy(&v, p, 8);
        s = (s << 7 | s >> 57) + v;
    }
    return s;
}

static uint64_t sum_code(void)
{
    return sum(text_start, text_end) ^ sum(rodata_start, rodata_end);
}

bool host_check_init(void)
{
    filled = platform_pages_alloc(FILLED_BYTES);
    if (!filled)
        return false;
    for (size_t n = 0; n < FILLED_BYTES / 8; n++)
        filled[n] = FILL + n;
    code_sum = sum_code();
    read_registers(&good);
    return true;
}

static const char *first_wrong(const struct registers *now)
{
    const struct {
        const char *name;
        bool wrong;
    } t[] = {
        { "CR0", now->cr0 != good.cr0 }, { "CR3", now->cr3 != good.cr3 },
        { "CR4", now->cr4 != good.cr4 }, { "EFER", now->efer != good.efer },
        { "PAT", now->pat != good.pat }, { "DR7", now->dr7 != good.dr7 },
        { "APIC base", now->apic_base != good.apic_base },
        { "FS base", now->fs_base != good.fs_base },
        { "GS base", now->gs_base != good.gs_base },
        { "GDT", memcmp(&now->gdt, &good.gdt, sizeof now->gdt) },
        { "IDT", memcmp(&now->idt, &good.idt, sizeof now->idt) },
        { "CS", now->cs != good.cs }, { "TR", now->tr != good.tr },
        { "LDTR", now->ldt != good.ldt },
        { "MXCSR", now->mxcsr != good.mxcsr },
        { "x87 control word", now->fcw != good.fcw },
        { "IF", now->interrupts != good.interrupts },
    };

    for (size_t n = 0; n < sizeof t / sizeof t[0]; n++)
        if (t[n].wrong)
            return t[n].name;
    return NULL;
}

static const char *check_registers(void)
{
    struct registers now;
    const char *wrong;

    read_registers(&now);
    wrong = first_wrong(&now);
    if (wrong)
        platform_log("CR0 %lx CR4 %lx EFER %lx PAT %lx DR7 %lx, were "
                     "%lx %lx %lx %lx %lx", now.cr0, now.cr4, now.efer,
                     now.pat, now.dr7, good.cr0, good.cr4, good.efer,
                     good.pat, good.dr7);
    return wrong;
}

const char *host_check(bool thorough)
{
    const char *wrong = check_registers();

    if (wrong || !thorough)
        return wrong;
    if (sum_code() != code_sum)
        return "code or constants";
    for (size_t n = 0; n < FILLED_BYTES / 8; n++)
        if (filled[n] != FILL + n)
            return "memory that is not the guest's";
    /* Interrupts still come, or this never returns. */
    platform_wait(platform_now_ns() + 1000000);
    return NULL;
}
