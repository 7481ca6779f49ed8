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
/*
 * Code, read and execute only, full of INT3, by which every run ends. A read of
 * it would see 64-bit code natively and IA-32 code emulated, so it lies out of
 * reach of BT from the data (256 MiB) and at no round distance from it.
 */
#define CODE_BASE 0x6b5a3000u
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
#define EXCHANGE_BASE 0x5a5a0000u

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

/*
 * Memory shared between this program, in whose 64-bit mode code runs at the
 * same addresses, and the IA-32 helper. The read-only page of the data is a
 * mapping of its own. The last one holds a struct exchange.
 */
enum { MEM_CODE, MEM_DATA, MEM_DATA_RO, MEM_STACK, MEM_LOWCODE, MEM_LOWDATA,
       MEM_EXCHANGE, MEM_COUNT };
struct mapping {
    uint32_t base, size;
    int prot;                   /* PROT_* */
    int fd;                     /* of which memory */
    uint32_t offset;            /* in fd */
};
#define MAPPINGS(R, RW, RX) { \
    [MEM_CODE] = { CODE_BASE, CODE_SIZE, RX, -1, 0 }, \
    [MEM_DATA] = { DATA_BASE, DATA_RW, RW, -1, 0 }, \
    [MEM_DATA_RO] = { DATA_BASE + DATA_RW, DATA_SIZE - DATA_RW, R, -1, \
                      DATA_RW }, \
    [MEM_STACK] = { STACK_BASE, STACK_SIZE, RW, -1, 0 }, \
    [MEM_LOWCODE] = { LOWCODE_BASE, PAGE, RX, -1, 0 }, \
    [MEM_LOWDATA] = { LOWDATA_BASE, LOWDATA_SIZE, RW, -1, 0 }, \
    [MEM_EXCHANGE] = { EXCHANGE_BASE, PAGE, RW, -1, 0 } }

struct exchange {
    struct run_state in, out;
    uint32_t code_offset, code_len;     /* where in the code page */
    uint8_t code[256];
};
_Static_assert(sizeof(struct exchange) <= PAGE, "one page");

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
/* The emulated memory becomes what the native one is. */
void areas_equal(void);

/* memory.c: make the mappings; `exchange` is the helper's. */
extern struct mapping mappings[MEM_COUNT];
extern struct exchange *exchange;
void memory_init(void);
/*
 * Code page contents from `offset`; the rest is INT3. The helper writes its
 * own code page, lest QEMU keep what it translated from the old contents.
 */
void native_code(uint32_t offset, const uint8_t *code, unsigned n);

/* native.c: code in 64-bit mode, in this process. */
void native_init(void);
void native_run(const struct run_state *in, struct run_state *out);

/*
 * ia32.c: IA-32 code in the helper program at `path`; the FPU state is not
 * taken over. False: neither the kernel nor qemu-i386 runs it.
 */
bool ia32_init(const char *path);
/* QEMU's user mode checks neither limits nor rights of segments. */
extern bool ia32_under_qemu;
/* Memory of the helper's own, run natively, where the test has none. */
bool ia32_owns(uint32_t linear);
/* The vector only as far as the signal tells it (vector_class): as in QEMU. */
void ia32_run(const struct run_state *in, uint32_t offset,
              const uint8_t *code, unsigned n, struct run_state *out);
/* Vectors that end in the same signal; #PF apart. */
static inline int vector_class(int vector)
{
    bool segv = vector == EXC_OF || vector == EXC_BR ||
                (vector >= EXC_TS && vector <= EXC_GP);

    return segv ? EXC_GP : vector == EXC_DB ? EXC_BP : vector;
}

/* emulated.c */
void emulated_init(void);
void emulated_code(uint32_t offset, const uint8_t *code, unsigned n);
void emulated_run(const struct run_state *in, struct run_state *out);

#endif
