/* The processor's instructions that C has no words for. */
#ifndef KERNEL_METAL_ARCH_H
#define KERNEL_METAL_ARCH_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MSR_APIC_BASE = 0x1b,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_PAT = 0x277,
    MSR_EFER = 0xc0000080,
    MSR_GS_BASE = 0xc0000101,
};

#define RFLAGS_IF (1u << 9)

static inline uint8_t in8(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint16_t in16(uint16_t port)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint32_t in32(uint16_t port)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void out8(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
static inline void out16(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
static inline void out32(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline uint64_t read_msr(uint32_t msr)
{
    uint32_t lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}
static inline void write_msr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr"
                     : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
                     : "memory");
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
    struct cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(sub));
    return r;
}

static inline uint64_t read_tsc(void)
{
    uint32_t lo, hi;
    /* lfence: not before what the program did earlier (SDM vol. 3 18.17). */
    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

static inline uint64_t read_cr0(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr0, %0" : "=r"(v));
    return v;
}
static inline uint64_t read_cr4(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}
static inline void write_cr0(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}
static inline void write_cr4(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}
static inline uint64_t read_cr2(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr2, %0" : "=r"(v));
    return v;
}
static inline void write_cr2(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr2" : : "r"(v) : "memory");
}
static inline uint64_t read_cr3(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}
static inline void write_cr3(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}
/* DR0 to DR3 (SDM vol. 3 17.2.1). */
static inline void write_debug_addresses(const uint64_t dr[4])
{
    __asm__ volatile("mov %0, %%dr0\n\tmov %1, %%dr1\n\t"
                     "mov %2, %%dr2\n\tmov %3, %%dr3"
                     : : "r"(dr[0]), "r"(dr[1]), "r"(dr[2]), "r"(dr[3]));
}
static inline void write_debug_control(uint64_t dr7)
{
    __asm__ volatile("mov %0, %%dr7" : : "r"(dr7) : "memory");
}
static inline void invalidate_page(const volatile void *page)
{
    __asm__ volatile("invlpg (%0)" : : "r"(page) : "memory");
}

static inline void interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}
static inline void interrupts_on(void)
{
    __asm__ volatile("sti" : : : "memory");
}
/* Interrupts on and halt; none can come between the two (SDM "STI"). */
static inline void interrupts_on_halt(void)
{
    __asm__ volatile("sti; hlt" : : : "memory");
}
static inline uint64_t interrupts_save_off(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; pop %0; cli" : "=r"(flags) : : "memory");
    return flags;
}
static inline void interrupts_restore(uint64_t flags)
{
    if (flags & RFLAGS_IF)
        interrupts_on();
}
static inline void cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/*
 * a * b / c with a 128-bit product. The quotient must fit 64 bits. Here, as the
 * compiler's own division for this comes from a library built with red zones.
 */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t quotient, rest;
    __asm__("mulq %3\n\tdivq %4"
            : "=a"(quotient), "=&d"(rest)
            : "0"(a), "r"(b), "r"(c)
            : "cc");
    return quotient;
}

/* Device memory: one access of the width named, in program order. */
static inline uint32_t mmio_read32(const volatile void *p)
{
    return *(const volatile uint32_t *)p;
}
static inline void mmio_write32(volatile void *p, uint32_t v)
{
    *(volatile uint32_t *)p = v;
}

#endif
