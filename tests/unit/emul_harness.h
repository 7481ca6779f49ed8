/*
 * A CPU without an engine for tests of the one-instruction emulator: RAM at
 * guest-physical 0, of which one stretch is reached as MMIO only, and page
 * tables made on demand.
 */
#ifndef TESTS_UNIT_EMUL_HARNESS_H
#define TESTS_UNIT_EMUL_HARNESS_H

#include "emu/cpu/cpu.h"
#include "emu/cpu/emulate.h"

#define EMUL_RAM_BYTES 0x200000u
#define EMUL_TABLES 0x100000u   /* CR3; the tables grow from here */
#define EMUL_MMIO 0x80000u      /* 64 KiB, MMIO */
#define EMUL_MMIO_END 0x90000u

#define PTE_P  0x001u
#define PTE_RW 0x002u
#define PTE_US 0x004u
#define PTE_A  0x020u
#define PTE_D  0x040u
#define PTE_PS 0x080u
#define PTE_NX (1ull << 63)

struct emul_harness {
    struct cpu cpu;
    struct cpu_bus bus;
    struct cpu_model model;
    uint8_t *ram;
    uint64_t next_table;
    unsigned mmio_reads, mmio_writes;
    uint8_t io[64];             /* what ports give, and what they were given */
    unsigned io_bytes, io_calls;
    uint16_t io_port;
    unsigned io_limit;          /* elements that a block call moves at most */
};

struct emul_harness *emul_harness_new(void);
void emul_harness_free(struct emul_harness *h);
/* 64-bit mode at CPL 0 with empty 4-level tables; or flat 32-bit, no paging. */
void emul_harness_long(struct emul_harness *h);
void emul_harness_protected(struct emul_harness *h);
/* Map the 4 KiB page of `lin` in 4-level tables; flags PTE_*, P and US|RW of
 * the upper levels are added. Returns the leaf entry. */
uint64_t *emul_harness_map(struct emul_harness *h, uint64_t lin, uint64_t phys,
                           uint64_t flags);
/* The entry of a new mapping at `level` (3: 1 GiB, 2: 2 MiB, 1: 4 KiB). */
uint64_t *emul_harness_entry(struct emul_harness *h, uint64_t lin,
                             unsigned level);

#endif
