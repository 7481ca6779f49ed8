/*
 * Memory access through segments (SDM vol. 3, 5.3 to 5.5) and the out-of-line
 * forms of the inline fast path.
 */
#include "emu/cpu/exec.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/seg.h"

uint32_t seg_check(struct cpu *c, unsigned seg, uint32_t off, unsigned size,
                   bool write)
{
    const struct cpu_seg *s = &c->seg[seg];
    uint32_t types = write ? SEG_WRITE_TYPES : SEG_READ_TYPES;
    /* Real and virtual-8086 mode ask for limits only. */
    bool rights = !cpu_protected(c) ||
                  (types >> (s->attr & 0x1f) & 1) ||
                  (seg_is_expand_down(s) &&
                   (!write || (s->attr & SEG_TYPE_W)));

    if (!rights || !seg_offset_ok(s, off, size))
        cpu_raise(c, seg == SS ? EXC_SS : EXC_GP, 0);
    return (uint32_t)s->base + off;
}

#define MEM_FORMS(bits)                                                        \
uint##bits##_t mem_read##bits(struct cpu *c, unsigned seg, uint32_t off)       \
{                                                                              \
    return fast_mem_read##bits(c, seg, off);                                   \
}                                                                              \
void mem_write##bits(struct cpu *c, unsigned seg, uint32_t off,                \
                     uint##bits##_t v)                                         \
{                                                                              \
    fast_mem_write##bits(c, seg, off, v);                                      \
}                                                                              \
uint##bits##_t lin_read##bits(struct cpu *c, uint32_t lin, bool user)          \
{                                                                              \
    return fast_lin_read##bits(c, lin, user);                                  \
}                                                                              \
void lin_write##bits(struct cpu *c, uint32_t lin, uint##bits##_t v, bool user) \
{                                                                              \
    fast_lin_write##bits(c, lin, v, user);                                     \
}

MEM_FORMS(8)
MEM_FORMS(16)
MEM_FORMS(32)
MEM_FORMS(64)

void mem_read(struct cpu *c, unsigned seg, uint32_t off, void *buf,
              unsigned n)
{
    uint32_t lin = seg_linear(c, seg, off, n, false);
    const struct tlb_entry *e = tlb_slot(c, lin, c->cpl == 3);

    if (((lin + n - 1) & MMU_PAGE_MASK) == e->read)
        memcpy(buf, tlb_host(e, lin), n);
    else
        lin_read(c, lin, buf, n, c->cpl == 3);
}

void mem_write(struct cpu *c, unsigned seg, uint32_t off, const void *buf,
               unsigned n)
{
    uint32_t lin = seg_linear(c, seg, off, n, true);
    const struct tlb_entry *e = tlb_slot(c, lin, c->cpl == 3);

    if (((lin + n - 1) & MMU_PAGE_MASK) == e->write)
        memcpy(tlb_host(e, lin), buf, n);
    else
        lin_write(c, lin, buf, n, c->cpl == 3);
}

void mem_probe_write(struct cpu *c, unsigned seg, uint32_t off, unsigned n)
{
    uint32_t lin = seg_linear(c, seg, off, n, true);
    const struct tlb_entry *e = tlb_slot(c, lin, c->cpl == 3);

    if (((lin + n - 1) & MMU_PAGE_MASK) != e->write)
        lin_probe_write(c, lin, n, c->cpl == 3);
}
