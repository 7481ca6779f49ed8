/*
 * Paging and memory access of one CPU (Intel SDM vol. 3, chapter 4): a
 * software TLB with an inline fast path, and behind it the exact slow path of
 * mmu.c.
 *
 * Two direct-mapped views, one with supervisor and one with user rights, each
 * of TLB_SIZE entries. A *fast tag* equals the page's linear address when the
 * access may go straight to host memory: translated and permitted, A (and for
 * writes D) already set, plain memory, nobody watching. Everything else has
 * TLB_NONE there and goes the slow way, which is correct for all accesses.
 *
 * Whoever changes CR0, CR4, EFER, DR7 or EFLAGS.AC calls mmu_mode_changed;
 * CPL, CR3 and segment registers are not cached here (a CR3 load calls
 * mmu_flush).
 */
#ifndef EMU_CPU_MMU_H
#define EMU_CPU_MMU_H

#include <string.h>

#include "emu/cpu/cpu.h"

#define MMU_PAGE_SIZE 4096u
#define MMU_PAGE_MASK 0xfffff000u
#define TLB_SIZE 1024u
/* Never equals a page address, whatever a test for alignment left below. */
#define TLB_NONE 0x10u

/* Granule of code tracking: one bit of the page's 32-bit map. */
#define MMU_CODE_SHIFT 7

struct tlb_entry {
    uint32_t read, write;       /* fast tags */
    uint32_t page;              /* linear page translated, or TLB_NONE */
    uint32_t flags;             /* TLB_* */
    uint64_t phys;              /* guest-physical page, A20 aliases folded */
    uintptr_t addend;           /* host address = addend + linear address */
};
_Static_assert(sizeof(struct tlb_entry) == 32, "indexed with a shift");

#define TLB_WRITE  0x01u        /* write permitted and D set */
#define TLB_EXEC   0x02u        /* fetch permitted */
#define TLB_GLOBAL 0x04u
#define TLB_LARGE  0x08u        /* part of a 2 or 4 MiB page */

struct tlb_views {
    struct tlb_entry entry[2][TLB_SIZE];        /* [user] */
};

struct mmu {
    struct tlb_entry *tlb[2];   /* [user], each of TLB_SIZE */
    struct tlb_views *own;      /* where they lie, unless mmu_move_view */
    uint64_t live[2][TLB_SIZE / 64];    /* entries with page != TLB_NONE */
    uint64_t large[16];         /* 4 MiB regions where TLB_LARGE was seen */
    uint32_t mode;              /* digest of what the entries depend on */
    uint32_t *code_map;         /* per physical page below 4 GiB */
    struct dry_run *dry;        /* under way (dry_run.h), or NULL */
};

static inline struct tlb_entry *tlb_slot(const struct cpu *c, uint32_t lin,
                                         bool user)
{
    struct mmu *m = c->mmu;

    return &m->tlb[user][(lin >> 12) & (TLB_SIZE - 1)];
}

static inline void *tlb_host(const struct tlb_entry *e, uint32_t lin)
{
    return (void *)(e->addend + lin);
}

/*
 * Let the view of that right lie there, TLB_SIZE entries, from now on; NULL:
 * where it did at first.
 */
void mmu_move_view(struct cpu *c, bool user, struct tlb_entry *view);
/*
 * What a page may be used for without anything but its memory being changed,
 * and nobody watching: MMU_PEEK_*; *host gets that memory. No TLB entry is
 * made, but INVLPG heeds it if it is of a large page.
 */
#define MMU_PEEK_READ 1u
#define MMU_PEEK_WRITE 2u
unsigned mmu_peek(struct cpu *c, uint32_t page, bool user, uint8_t **host);

/* ---- Slow path (mmu.c): exact for everything; size 1, 2, 4 or 8 ---------- */

uint64_t lin_read_slow(struct cpu *c, uint32_t lin, unsigned size, bool user);
void lin_write_slow(struct cpu *c, uint32_t lin, unsigned size, uint64_t v,
                    bool user);
/*
 * Blocks of 1..512 bytes; every page is checked before the first byte moves.
 * No alignment check.
 */
void lin_read(struct cpu *c, uint32_t lin, void *buf, unsigned n, bool user);
void lin_write(struct cpu *c, uint32_t lin, const void *buf, unsigned n,
               bool user);
/* Raise what a write of n bytes would raise. */
void lin_probe_write(struct cpu *c, uint32_t lin, unsigned n, bool user);

/*
 * Full check of [off, off+size) in a segment: its linear address, or #GP(0)
 * (#SS(0) through SS). Expand-down, null, rights, real-mode limits.
 */
uint32_t seg_check(struct cpu *c, unsigned seg, uint32_t off, unsigned size,
                   bool write);

/* Guest-physical memory as the page walker sees it; stores invalidate code. */
uint64_t phys_read(struct cpu *c, uint64_t addr, unsigned size);
void phys_write(struct cpu *c, uint64_t addr, unsigned size, uint64_t v);

/* ---- Segment check ------------------------------------------------------ */

/*
 * Bit n: segments whose S and type bits are n may be accessed so below their
 * limit (expand-up data; readable code). A null or absent segment has S clear.
 */
#define SEG_READ_TYPES  0xcc0f0000u
#define SEG_WRITE_TYPES 0x000c0000u

static inline uint32_t seg_linear(struct cpu *c, unsigned seg, uint32_t off,
                                  unsigned size, bool write)
{
    const struct cpu_seg *s = &c->seg[seg];
    uint32_t types = write ? SEG_WRITE_TYPES : SEG_READ_TYPES;

    if (__builtin_expect((types >> (s->attr & 0x1f) & 1) &&
                         (uint64_t)off + size - 1 <= s->limit, 1))
        return (uint32_t)s->base + off;
    return seg_check(c, seg, off, size, write);
}

/* May CPU code treat this segment as 0..4 GiB, readable and writable? */
static inline bool seg_is_flat(const struct cpu_seg *s)
{
    return (SEG_WRITE_TYPES >> (s->attr & 0x1f) & 1) && s->base == 0 &&
           s->limit == 0xffffffffu;
}

/* The same with any base: nothing that passes paging is refused. */
static inline bool seg_is_open(const struct cpu_seg *s)
{
    return (SEG_WRITE_TYPES >> (s->attr & 0x1f) & 1) && s->limit == 0xffffffffu;
}

/* ---- Inline fast path --------------------------------------------------- */

/*
 * fast_lin_*: as lin_* of exec.h. Also the way through a flat segment, with
 * user = (c->cpl == 3). fast_mem_*: as mem_* of exec.h.
 * The tag is compared with the page of the *last* byte: an access that leaves
 * its page never matches the slot of the first.
 */
#define MMU_FAST(bits)                                                         \
static inline uint##bits##_t fast_lin_read##bits(struct cpu *c, uint32_t lin,  \
                                                 bool user)                    \
{                                                                              \
    const struct tlb_entry *e = tlb_slot(c, lin, user);                        \
    uint##bits##_t v;                                                          \
                                                                               \
    if (__builtin_expect(((lin + bits / 8 - 1) & MMU_PAGE_MASK) != e->read, 0))\
        return (uint##bits##_t)lin_read_slow(c, lin, bits / 8, user);          \
    memcpy(&v, tlb_host(e, lin), sizeof(v));                                   \
    return v;                                                                  \
}                                                                              \
static inline void fast_lin_write##bits(struct cpu *c, uint32_t lin,           \
                                        uint##bits##_t v, bool user)           \
{                                                                              \
    const struct tlb_entry *e = tlb_slot(c, lin, user);                        \
                                                                               \
    if (__builtin_expect(((lin + bits / 8 - 1) & MMU_PAGE_MASK) != e->write,   \
                         0)) {                                                 \
        lin_write_slow(c, lin, bits / 8, v, user);                             \
        return;                                                                \
    }                                                                          \
    memcpy(tlb_host(e, lin), &v, sizeof(v));                                   \
}                                                                              \
static inline uint##bits##_t fast_mem_read##bits(struct cpu *c, unsigned seg,  \
                                                 uint32_t off)                 \
{                                                                              \
    return fast_lin_read##bits(c, seg_linear(c, seg, off, bits / 8, false),    \
                               c->cpl == 3);                                   \
}                                                                              \
static inline void fast_mem_write##bits(struct cpu *c, unsigned seg,           \
                                        uint32_t off, uint##bits##_t v)        \
{                                                                              \
    fast_lin_write##bits(c, seg_linear(c, seg, off, bits / 8, true), v,        \
                         c->cpl == 3);                                         \
}

MMU_FAST(8)
MMU_FAST(16)
MMU_FAST(32)
MMU_FAST(64)
#undef MMU_FAST

/*
 * Read-modify-write in place: host address of the operand if both halves may
 * go the fast way, else NULL (then: mem_probe_write, mem_read, mem_write). A
 * segment fault is raised as for a write.
 */
static inline void *fast_mem_rmw(struct cpu *c, unsigned seg, uint32_t off,
                                 unsigned size)
{
    uint32_t lin = seg_linear(c, seg, off, size, true);
    const struct tlb_entry *e = tlb_slot(c, lin, c->cpl == 3);

    if (((lin + size - 1) & MMU_PAGE_MASK) != e->write || e->read != e->write)
        return NULL;
    return tlb_host(e, lin);
}

#endif
