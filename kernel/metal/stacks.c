/* See stacks.h. */
#include "kernel/metal/stacks.h"

#include <stddef.h>
#include <stdint.h>

#include "kernel/metal/memory.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/percpu.h"

#define STACK_BYTES (256u << 10)
/* So far apart: an overflow hits nothing. */
#define STACK_STRIDE 0x100000ul

/* As mappings stay, one that was there before is used again. */
static void *stack(unsigned place)
{
    uint64_t base = STACK_BASE + place * STACK_STRIDE, phys;

    if (!paging_is_mapped(base)) {
        phys = memory_alloc(STACK_BYTES, UINT64_MAX);
        if (phys == MEMORY_NONE ||
            paging_map(base, phys, STACK_BYTES, PAGING_WRITE))
            return NULL;
    }
    return (void *)(base + STACK_BYTES);
}

void *stacks_core(unsigned index) { return stack(index); }

void *stacks_task(unsigned index) { return stack(PERCPU_MAX + index); }
