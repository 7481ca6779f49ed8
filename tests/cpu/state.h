/*
 * Random comparison of the interpreter with the real processor: what one run
 * starts from and ends in, and where its memory lies. The linear addresses
 * are the same on both sides; natively they are this process's own.
 */
#ifndef TESTS_CPU_STATE_H
#define TESTS_CPU_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/cpu/cpu.h"

#define PAGE 4096u
/* Code, read and execute only, full of INT3, by which every run ends. */
#define CODE_BASE 0x10000000u
#define CODE_SIZE PAGE
#define CODE_START (CODE_BASE + 0x700u)
/* The same below 64 KiB, where near jumps with operand size 16 lead. */
#define LOWCODE_BASE 0x8000u
/* Data: two pages, a read-only one, then nothing. */
#define DATA_BASE 0x20000000u
#define DATA_RW (2 * PAGE)
#define DATA_SIZE (3 * PAGE)
#define STACK_BASE 0x30000000u
#define STACK_SIZE (2 * PAGE)
/* Data in reach of 16-bit addresses. */
#define LOWDATA_BASE 0xa000u
#define LOWDATA_SIZE (2 * PAGE)

/* Flat user segments, where Linux has them in its GDT for IA-32 programs. */
#define SEL_CODE 0x23u
#define SEL_DATA 0x2bu

struct run_state {
    struct cpu_fpu fpu;
    uint32_t gpr[8];
    uint32_t eip, eflags;
    uint16_t seg[6];            /* by enum cpu_segreg; FS is always 0 */
    int vector;                 /* that ended the run, -1: none */
    uint32_t error, cr2;
};

/* Areas of memory that are compared after a run. */
enum { AREA_DATA, AREA_STACK, AREA_LOWDATA, AREA_COUNT };
struct area {
    uint32_t base, size;
    uint8_t *native, *emulated; /* host addresses of the two contents */
};
extern struct area areas[AREA_COUNT];

/* Host addresses of `linear` in both memories; false: not in an area. */
bool area_at(uint32_t linear, uint8_t **native, uint8_t **emulated);
/* Write the same bytes to both memories; bytes outside are left out. */
void area_write(uint32_t linear, const void *bytes, unsigned n);

/*
 * native.c: code in 64-bit mode, in this process. False: no memory below
 * 64 KiB (mapping it takes CAP_SYS_RAWIO).
 */
bool native_init(void);
/* Code page contents from `offset`; the rest is INT3. */
void native_code(uint32_t offset, const uint8_t *code, unsigned n);
void native_run(const struct run_state *in, struct run_state *out);

/* emulated.c */
void emulated_init(void);
void emulated_code(uint32_t offset, const uint8_t *code, unsigned n);
void emulated_run(const struct run_state *in, struct run_state *out);

#endif
