/*
 * A CPU with flat RAM and nothing else, for tests of emu/cpu. Every vector
 * leads to a HLT of its own, so that a test sees which exception came.
 */
#ifndef TESTS_UNIT_CPU_HARNESS_H
#define TESTS_UNIT_CPU_HARNESS_H

#include "emu/cpu/cpu.h"
#include "emu/cpu/engine.h"

#define HARNESS_GDT 0x0800u     /* null, then HARNESS_*_SEL in order */
#define HARNESS_IDT 0x1000u     /* 256 gates; in real mode the IVT is at 0 */
#define HARNESS_TSS 0x2000u     /* 32-bit TSS with an I/O bitmap of ones */
#define HARNESS_STUBS 0x5000u   /* vector v: HLT at HARNESS_STUBS + 16 * v */
#define HARNESS_STACK 0x7000u   /* ESP at start */
#define HARNESS_STACK0 0x6800u  /* SS0:ESP0 of the TSS */
#define HARNESS_CODE 0x8000u    /* where harness_code's snippets begin */
#define HARNESS_DATA 0x10000u   /* free RAM from here on */

#define HARNESS_CS32 0x08u      /* flat, DPL 0 */
#define HARNESS_DS32 0x10u
#define HARNESS_CS16 0x18u      /* base 0, limit 64K - 1, DPL 0 */
#define HARNESS_DS16 0x20u
#define HARNESS_UCS32 0x2bu     /* flat, DPL 3, with RPL 3 */
#define HARNESS_UDS32 0x33u
#define HARNESS_TSS_SEL 0x38u
#define HARNESS_FREE_SEL 0x40u  /* first of 24 zeroed descriptors */

struct harness_io {
    bool write;
    uint16_t port;
    unsigned size;
    uint32_t value;
};

/*
 * Does a translator have its window, and use it at once and for all code? READ:
 * a page that may be written is mapped only to be read, so that stores fault;
 * NONE: none is ever mapped, and all accesses fault.
 */
enum harness_window {
    HARNESS_WINDOW_OFF, HARNESS_WINDOW_ON, HARNESS_WINDOW_READ,
    HARNESS_WINDOW_NONE
};

struct harness {
    struct cpu cpu;
    struct cpu_bus bus;
    const struct engine_ops *ops;
    struct engine *engine;
    uint8_t *ram;
    size_t ram_bytes;
    uint64_t rom_base, rom_size;        /* RAM that refuses writes */
    uint64_t mmio_base, mmio_size;      /* RAM that is reached by MMIO only */
    unsigned mmio_reads, mmio_writes;
    struct harness_io io[64];   /* port accesses, oldest first */
    unsigned io_count;
    uint32_t io_value;          /* what port reads give */
    void (*io_hook)(struct harness *h, const struct harness_io *io);
    unsigned vector;            /* what intack gives; drops cpu.intr */
    uint64_t tsc;
    bool ferr;
    enum harness_window window;
};

/* The engine of tests that ask for none: engine_interp unless changed. */
extern const struct engine_ops *harness_engine;
/*
 * Let a hardware engine count, and so single-step, in harness_run too; else
 * that runs by time. True unless changed.
 */
extern bool harness_exact;
/* Of harnesses that are made from now on, unless HARNESS_ENGINE says. */
extern enum harness_window harness_window;
/* `ops` NULL: harness_engine. ram_bytes: a multiple of 4 KiB, >= 128 KiB. */
struct harness *harness_new(const struct engine_ops *ops, size_t ram_bytes);
/* ... of this CPU model. */
struct harness *harness_new_model(const struct engine_ops *ops,
                                  size_t ram_bytes,
                                  const struct cpu_model *model);
void harness_free(struct harness *h);

/* For cmocka: harness_engine with HARNESS_RAM, in flat protected mode at CPL 0. */
#define HARNESS_RAM (1u << 20)
int harness_setup(void **state);
int harness_teardown(void **state);

/*
 * Set the mode, with code to run at HARNESS_CODE. Real: all segments 0.
 * Protected: flat 32-bit CPL 0, or CPL 3, or flat 16-bit code and stack.
 */
void harness_real(struct harness *h);
void harness_protected(struct harness *h);
void harness_user(struct harness *h);
void harness_protected16(struct harness *h);
/* VM86 at CS:IP = 0:HARNESS_CODE, all segments 0, with this IOPL. */
void harness_vm86(struct harness *h, unsigned iopl);

/* Identity-map all RAM with 4 KiB pages at `dir` (page-aligned) and on. */
void harness_paging(struct harness *h, uint32_t dir);
/* The page table entry of linear address `lin`, little-endian. */
uint32_t *harness_pte(struct harness *h, uint32_t lin);

/* Put code at HARNESS_CODE. */
void harness_code(struct harness *h, const void *code, size_t len);
#define HARNESS_CODE_BYTES(h, ...) do { \
        static const uint8_t bytes_[] = { __VA_ARGS__ }; \
        harness_code(h, bytes_, sizeof(bytes_)); \
    } while (0)

/* Run until HLT or 100,000 instructions (2 s, see harness_exact). */
enum engine_exit harness_run(struct harness *h);
/* Run exactly n instructions, or fewer when it halts. */
enum engine_exit harness_step(struct harness *h, unsigned n);

/* The vector whose stub the CPU halted in, or -1 (a HLT of the test's own). */
int harness_vector(const struct harness *h);

uint32_t harness_r32(const struct harness *h, uint32_t addr);
uint16_t harness_r16(const struct harness *h, uint32_t addr);
void harness_w32(struct harness *h, uint32_t addr, uint32_t v);
void harness_w16(struct harness *h, uint32_t addr, uint16_t v);
/* Write descriptor `sel` of the GDT. attr as in struct cpu_seg. */
void harness_descriptor(struct harness *h, uint16_t sel, uint32_t base,
                        uint32_t limit20, uint16_t attr);

#endif
