/*
 * A dry run: instructions are executed by the interpreter's handlers, and what
 * they do to memory is noted, so that it can be taken back and done again.
 * Only for instructions that native code could execute without help: what
 * needs a page walk, a device or decoded code to be dropped ends it.
 */
#ifndef EMU_CPU_DRY_RUN_H
#define EMU_CPU_DRY_RUN_H

#include <setjmp.h>

#include "emu/cpu/mmu.h"

#define DRY_RUN_WRITES 4352u    /* a page by REP STOSB, and more */
#define DRY_RUN_BYTES 16u
#define DRY_RUN_ENTRIES 256u    /* pages reached */

struct dry_write {
    uint8_t *host;
    uint64_t paddr;
    uint8_t len;
    uint8_t old[DRY_RUN_BYTES], new[DRY_RUN_BYTES];
};

struct dry_run {
    jmp_buf *refused;           /* where to go if it ends */
    unsigned count, settled;
    struct dry_write write[DRY_RUN_WRITES];     /* in order */
    /*
     * The CPU's mmu and, in its place meanwhile, one whose entries are copies
     * of those that are used, without the tag for fast writes.
     */
    struct mmu *real, shadow;
    struct tlb_views views;
    struct tlb_entry *used[DRY_RUN_ENTRIES];
    unsigned used_count;
};

void dry_run_init(struct dry_run *d);
/* From now on, until dry_run_end, writes come by the slow way and are noted. */
void dry_run_begin(struct cpu *c, struct dry_run *d);
void dry_run_end(struct cpu *c, struct dry_run *d);
/* After each instruction: what it wrote is there now. */
void dry_run_settle(struct dry_run *d);
/* Memory as it was before the first write. */
void dry_run_undo(const struct dry_run *d);
/* ... and as it was after the first `count`. */
void dry_run_redo(const struct dry_run *d, unsigned count);

/*
 * For mmu.c. An entry of the shadow from the real one, if that is valid and
 * has these rights, TLB_*.
 */
struct tlb_entry *dry_run_entry(struct cpu *c, uint32_t lin, uint32_t rights,
                                bool user);
/* A write of n bytes of this host page, about to happen. */
void dry_run_write(struct cpu *c, uint8_t *page, uint64_t paddr, unsigned n);
_Noreturn void dry_run_refuse(struct cpu *c);

#endif
