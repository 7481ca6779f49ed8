/*
 * Architectural state of one x86 CPU, shared by all engines, and the bus by
 * which it reaches its machine. Written from the Intel SDM vol. 1-3.
 */
#ifndef EMU_CPU_CPU_H
#define EMU_CPU_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
       R8, R9, R10, R11, R12, R13, R14, R15, CPU_NOREG };
enum cpu_segreg { ES, CS, SS, DS, FS, GS, SEG_COUNT };

/* RFLAGS (SDM vol. 1, 3.4.3) */
#define FLAG_CF   0x00000001u
#define FLAG_1    0x00000002u
#define FLAG_PF   0x00000004u
#define FLAG_AF   0x00000010u
#define FLAG_ZF   0x00000040u
#define FLAG_SF   0x00000080u
#define FLAG_TF   0x00000100u
#define FLAG_IF   0x00000200u
#define FLAG_DF   0x00000400u
#define FLAG_OF   0x00000800u
#define FLAG_IOPL 0x00003000u
#define FLAG_NT   0x00004000u
#define FLAG_RF   0x00010000u
#define FLAG_VM   0x00020000u
#define FLAG_AC   0x00040000u
#define FLAG_VIF  0x00080000u
#define FLAG_VIP  0x00100000u
#define FLAG_ID   0x00200000u
#define FLAGS_ARITH (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* Control registers (SDM vol. 3, 2.5) */
#define CR0_PE 0x00000001u
#define CR0_MP 0x00000002u
#define CR0_EM 0x00000004u
#define CR0_TS 0x00000008u
#define CR0_ET 0x00000010u
#define CR0_NE 0x00000020u
#define CR0_WP 0x00010000u
#define CR0_AM 0x00040000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u
#define CR4_VME 0x001u
#define CR4_PVI 0x002u
#define CR4_TSD 0x004u
#define CR4_DE  0x008u
#define CR4_PSE 0x010u
#define CR4_PAE 0x020u
#define CR4_MCE 0x040u
#define CR4_PGE 0x080u
#define CR4_PCE 0x100u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u
#define CR4_OSXSAVE 0x40000u
#define APIC_BASE_BSP    0x100u /* IA32_APIC_BASE (SDM vol. 3, 10.4.4) */
#define APIC_BASE_ENABLE 0x800u
#define EFER_SCE 0x001u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define EFER_NXE 0x800u

/* Exceptions (SDM vol. 3, 6.3) */
enum cpu_vector {
    EXC_DE, EXC_DB, EXC_NMI, EXC_BP, EXC_OF, EXC_BR, EXC_UD, EXC_NM, EXC_DF,
    EXC_COPROC, EXC_TS, EXC_NP, EXC_SS, EXC_GP, EXC_PF, EXC_MF = 16, EXC_AC,
    EXC_MC, EXC_XM
};

/*
 * A segment register with its hidden part. `attr` packs the descriptor's
 * access byte in bits 0-7 (type, S, DPL, P) and AVL, L, D/B, G in bits 8-11,
 * as AMD's VMCB does (APM vol. 2, 15.5.1). `limit` is in bytes, granularity
 * already applied.
 */
struct cpu_seg {
    uint16_t sel;
    uint16_t attr;
    uint32_t limit;
    uint64_t base;
};
#define SEG_TYPE(a) ((a) & 0x0f)
#define SEG_S 0x010u
#define SEG_DPL(a) (((a) >> 5) & 3)
#define SEG_P 0x080u
#define SEG_L 0x200u
#define SEG_DB 0x400u
#define SEG_G 0x800u

struct cpu_table {              /* GDTR, IDTR */
    uint64_t base;
    uint16_t limit;
};

/*
 * x87, MMX and SSE state in the memory layout of FXSAVE (SDM vol. 1, 10.5.1),
 * so that the host's own FXRSTOR takes it. The form is the model's: legacy
 * 32-bit (FIP and FDP of 32 bits, FCS and FDS), but REX.W's with 64-bit
 * pointers where cpu_model_is_64bit.
 */
struct cpu_fpu {
    uint16_t fcw, fsw;
    uint8_t ftw;                /* abridged tag word */
    uint8_t reserved0;
    uint16_t fop;
    union {
        struct {
            uint32_t fip;
            uint16_t fcs, reserved1;
        };
        uint64_t fip64;
    };
    union {
        struct {
            uint32_t fdp;
            uint16_t fds, reserved2;
        };
        uint64_t fdp64;
    };
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16];          /* ST0..ST7 (relative to TOP), 10 bytes used */
    uint8_t xmm[16][16];
    uint8_t reserved3[96];
} __attribute__((aligned(16)));
_Static_assert(sizeof(struct cpu_fpu) == 512, "FXSAVE area is 512 bytes");

/*
 * What CPUID says, which features #UD when absent, and which MSRs and control
 * register bits exist: one table for every engine (model.c).
 */
struct cpu_model {
    const char *name;           /* for -cpu */
    const char *about;          /* one line for -cpu help */
    char vendor[13];
    bool host_vendor;           /* hardware engines: vendor as the host's */
    uint8_t max_leaf;           /* CPUID 0 EAX */
    uint8_t phys_bits;          /* of physical addresses */
    uint32_t signature;         /* CPUID 1 EAX */
    uint32_t features_edx, features_ecx;        /* CPUID 1 */
    uint32_t ext_edx, ext_ecx;                  /* CPUID 80000001h */
    uint32_t power_edx;                         /* CPUID 80000007h */
    uint64_t tsc_hz;
};

struct cpu_stops;
struct window_ops;

/*
 * The CPU's view of its machine. All calls come from the guest's core.
 * Addresses are guest-physical, after the A20 gate.
 */
struct cpu_bus {
    void *ctx;
    /*
     * Host address of the 4 KiB page at `addr` (page-aligned) if it is plain
     * memory for this kind of access, else NULL: MMIO, unmapped, or write to
     * ROM. Valid until engine_ops.map_changed.
     */
    uint8_t *(*ram_page)(void *ctx, uint64_t addr, bool write);
    /* Everything that ram_page refuses; never crosses a page. */
    uint64_t (*mmio_read)(void *ctx, uint64_t addr, unsigned size);
    void (*mmio_write)(void *ctx, uint64_t addr, unsigned size,
                       uint64_t value);
    uint32_t (*io_read)(void *ctx, uint16_t port, unsigned size);
    void (*io_write)(void *ctx, uint16_t port, unsigned size, uint32_t value);
    /* REP INS/OUTS as a block; returns elements done, 1..count. */
    unsigned (*io_read_block)(void *ctx, uint16_t port, unsigned size,
                              void *buf, unsigned count);
    unsigned (*io_write_block)(void *ctx, uint16_t port, unsigned size,
                               const void *buf, unsigned count);
    /* Acknowledge the interrupt controllers: vector 0..255. */
    unsigned (*intack)(void *ctx);
    /* Time-stamp counter before the guest's own offset, at model->tsc_hz. */
    uint64_t (*tsc)(void *ctx);
    /* FERR# (CR0.NE=0): x87 error towards IRQ 13. */
    void (*ferr)(void *ctx, bool level);
    /*
     * The local APIC's share of the CPU, all NULL without one: CR8, which is
     * TPR bits 7-4 (SDM vol. 3, 10.8.6.1), and IA32_APIC_BASE just written.
     */
    uint8_t (*cr8_read)(void *ctx);
    void (*cr8_write)(void *ctx, uint8_t v);
    void (*apic_base_written)(void *ctx, uint64_t v);
    /*
     * Memory for translated code, NULL if there is none: the same `size` bytes
     * at *write to be written and at *exec to be executed. 0 or -errno.
     * `write` names it to code_memory_free. It belongs to no machine: no ctx.
     */
    int (*code_memory)(size_t size, uint8_t **write, uint8_t **exec);
    void (*code_memory_free)(uint8_t *write, size_t size);
    /* For what ram_page gives; NULL: there are none (window.h). */
    const struct window_ops *windows;
    /* A line of a report of ENGINE_FAILED, without newline. */
    void (*report)(void *ctx, const char *line);
    /*
     * The 32-bit instruction of `len` bytes at `rip` in words, at most `size`
     * bytes, or "". NULL: the host cannot.
     */
    void (*disassemble)(const uint8_t *code, unsigned len, uint32_t rip,
                        char *text, size_t size);
};

/*
 * Working registers of the interpreter while it runs (emu/cpu/interp.h,
 * flags.h); nobody else's.
 */
struct cpu_run {
    uint64_t lf_res;            /* lazy flags: ZF, SF, PF */
    uint32_t lf_aux;            /* lazy flags: CF, OF, AF */
    uint32_t gen[3];            /* links of another than theirs are void */
    uint64_t jump_key;          /* of jump cache entries, but for rip */
    const struct jump_cache *jumps;
    uint64_t count, limit;      /* instructions: before this trace, and end */
    struct trace *trace;        /* executing now */
    const struct insn *cur;     /* may fault: whose rip to put back */
    const struct insn *next;    /* where handlers do not chain by themselves */
    const struct tlb_entry *tlb;        /* the view of this CPL */
    uint32_t mode;              /* TRACE_* of the state at the last boundary */
    uint32_t debug;             /* DR6 bits of a #DB due after this insn */
    bool lazy;                  /* arithmetic flags are in lf_*, not rflags */
    bool end_trace;             /* stop after this insn */
    bool step;                  /* one iteration of a string insn at a time */
    bool native;                /* translated code is below us on the stack */
    bool flags_saved;           /* arithmetic flags are in `saved` just now */
    bool open[2];               /* FS, GS: seg_is_open at the last boundary */
    struct {                    /* its arithmetic flags (emu/jit/jit.h) */
        uint32_t how, a, b;
        uint8_t no_carry;       /* CF that went in: 0 if set */
        uint8_t no_carry_out;
    } saved;
    uint32_t shifted;           /* as a shift found it (emu/jit/gen.h) */
    uint64_t replay;            /* host code that makes them of that */
    int64_t left;               /* instructions behind this trace, to limit */
    uint32_t operand;           /* R11's over a handler */
    struct {                    /* FPU state in the host (emu/jit/fpu.c) */
        uint32_t fip;           /* what cpu_fpu has from fip to fds */
        uint16_t fcs, reserved1;
        uint32_t fdp;
        uint16_t fds, reserved2;
        uint16_t fop;
        uint16_t fcw;           /* to be loaded */
        uint16_t host_fcw;
        uint32_t host_mxcsr;
        uint8_t live;           /* FPU_*; 0: struct cpu's `fpu` is right */
    } fpu;
};

/* An event that was taken, but whose delivery did not come to its end. */
enum cpu_event_kind {
    CPU_EVENT_INTERRUPT,        /* external; acknowledged already */
    CPU_EVENT_NMI,
    CPU_EVENT_EXCEPTION,
};

struct cpu_event {
    bool valid;
    uint8_t vector;
    uint8_t kind;               /* enum cpu_event_kind */
    bool has_error;
    uint32_t error;
};

struct cpu {
    /* gpr[CPU_NOREG] is always zero: "no base" and "no index" read it. */
    uint64_t gpr[17];
    struct cpu_run run;
    uint64_t rip;
    /*
     * RFLAGS. An engine may keep the arithmetic bits elsewhere while it runs
     * (emu/cpu/flags.h); between runs they are all here.
     */
    uint64_t rflags;
    struct cpu_seg seg[SEG_COUNT];
    struct cpu_seg ldtr, tr;
    struct cpu_table gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint64_t pdpte[4];          /* PAE: loaded with CR3 (SDM vol. 3, 4.4.1) */
    uint64_t dr[8];
    uint8_t cpl;                /* 0..3; 3 in virtual-8086 mode, 0 in real */

    /* MSRs; FS and GS base are in seg[] */
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t apic_base, pat, misc_enable, mtrr_def_type;
    uint64_t mtrr_fixed[11], mtrr_var[16];
    uint64_t tsc_offset;        /* added to bus->tsc */
    uint8_t cr8;                /* without a local APIC (bus->cr8_read) */

    /* Execution */
    bool halted;
    bool shutdown;
    bool nmi_blocked;           /* from NMI delivery to IRET */
    uint8_t inhibit;            /* STI/MOV SS shadow: 1 = next insn covered */
    struct cpu_event event;     /* between runs: the next one delivers it */
    uint8_t event_ext;          /* EXT of the event being delivered, 0 or 1 */
    uint64_t icount;            /* instructions executed */
    bool exact_count;           /* engine: count insns, and exactly (icount) */

    /* Inputs, set by the machine */
    volatile bool intr;         /* level of INTR: local APIC or 8259 pair */
    volatile bool nmi;          /* edge, cleared when taken */
    bool stop_request;          /* leave engine run soon: cpu_ask_stop */
    /*
     * What bus->tsc would give, for code that reads the host's TSC itself: it
     * was `guest` when that was `host`, and goes on by rate / 2^32 a tick. It
     * has told `last`, and tells no less. Rate 0: only bus->tsc knows; so it is
     * when the host's is more than `limit` ahead of `host`.
     */
    struct cpu_tsc {
        uint64_t host, guest, rate, last, limit;
    } tsc;

    struct cpu_stops *stops;    /* a debugger's (stops.h), or NULL */
    const struct cpu_model *model;
    struct cpu_model fitted;    /* cpu_fit_host's result: model points here */
    const struct cpu_bus *bus;
    struct cpu_fpu fpu;

    struct interp *interp;      /* its interpreter (emu/cpu/interp.h) */
    void *mmu;                  /* struct mmu, emu/cpu/mmu.h */
};

/* Let the engine's run return at the next boundary, or not. Any thread. */
static inline void cpu_ask_stop(struct cpu *c, bool stop)
{
    __atomic_store_n(&c->stop_request, stop, __ATOMIC_RELEASE);
}

/* Power-on state (SDM vol. 3, table 9-1). Keeps model and bus. */
void cpu_reset(struct cpu *c);
/* State after INIT: as power-on, but MSRs and FPU stay. */
void cpu_init(struct cpu *c);
/* The model of that name or alias, or NULL. cpu_models: all, then NULL. */
const struct cpu_model *cpu_model_find(const char *name);
extern const struct cpu_model *const cpu_models[];
#define CPU_MODEL_DEFAULT "trestle32"
/* Does it have long mode? Only engines with engine_ops.long_mode run it. */
bool cpu_model_is_64bit(const struct cpu_model *m);

/*
 * For hardware engines, before the CPU first runs: keep of the model what this
 * host's processor has too (by CPUID), and let its TSC run at `tsc_hz`, the
 * host's, or 0 to keep the model's.
 */
void cpu_fit_host(struct cpu *c, uint64_t tsc_hz);

/*
 * The policy of CPUID, MSRs and control registers, for every engine: no
 * faults are raised, no engine is told. After a true answer the interpreter
 * needs mmu_mode_changed and code_mode_changed.
 */
struct cpuid_regs {
    uint32_t eax, ebx, ecx, edx;
};
struct cpuid_regs cpu_cpuid(const struct cpu *c, uint32_t leaf,
                            uint32_t subleaf);
/* The instruction: EAX and ECX ask, EAX to EDX get the answer. */
void cpu_do_cpuid(struct cpu *c);
/* RDMSR, WRMSR at CPL 0. False: #GP(0), nothing changed. */
bool cpu_msr_read(const struct cpu *c, uint32_t msr, uint64_t *v);
bool cpu_msr_write(struct cpu *c, uint32_t msr, uint64_t v);
/*
 * The MSRs of this model that hardware may keep while it runs the guest and
 * that the guest may then reach without an exit, with exactly our checks:
 * SYSENTER_*, and with long mode STAR, LSTAR, CSTAR, SFMASK, FS, GS and
 * KERNEL_GS base. All others must exit. Returns the n-th, or 0 past the end.
 */
uint32_t cpu_msr_passthrough(const struct cpu_model *m, unsigned n);
/*
 * MOV to CR0, CR2, CR3, CR4 or CR8 at CPL 0 with all that follows: EFER.LMA,
 * PDPTEs. False: #GP(0), nothing changed.
 */
bool cpu_cr_write(struct cpu *c, unsigned n, uint64_t v);
uint64_t cpu_cr8_read(const struct cpu *c);
/* The bits of CR4 that this model lets the guest set. */
uint32_t cpu_cr4_allowed(const struct cpu *c);

/* Where RDMSR and RDTSC put their result. */
static inline void cpu_set_edx_eax(struct cpu *c, uint64_t v)
{
    c->gpr[RAX] = (uint32_t)v;
    c->gpr[RDX] = v >> 32;
}

static inline bool cpu_in_long_mode(const struct cpu *c)
{
    return c->efer & EFER_LMA;
}

/* 64-bit mode, not compatibility mode. */
static inline bool cpu_in_64bit_mode(const struct cpu *c)
{
    return cpu_in_long_mode(c) && (c->seg[CS].attr & SEG_L);
}

static inline bool cpu_canonical(uint64_t v)
{
    return (uint64_t)((int64_t)(v << 16) >> 16) == v;
}

/*
 * All of it that a guest can see, in a snapshot (emu/state.h). Refused: what
 * this model could not hold.
 */
struct state;
void cpu_state(struct cpu *c, struct state *s);
#define CPU_STATE_VERSION 1u

/* "info registers" in qemu's shape; returns the length wanted. */
int cpu_format_registers(const struct cpu *c, char *buf, size_t size);

#endif
