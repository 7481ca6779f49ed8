/* Breakpoints and the debug exception (SDM vol. 3, 17.2 and 17.3). */
#include "emu/cpu/debug.h"

#include "emu/cpu/exec.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/stops.h"

enum breakpoint_type { BP_EXEC, BP_WRITE, BP_IO, BP_ACCESS };

static bool bp_enabled(const struct cpu *c, unsigned n)
{
    return c->dr[7] >> (n * 2) & 3;
}

static enum breakpoint_type bp_type(const struct cpu *c, unsigned n)
{
    return c->dr[7] >> (16 + n * 4) & 3;
}

/* LEN: 1, 2, 8 (where it exists) or 4 bytes. */
static unsigned bp_len(const struct cpu *c, unsigned n)
{
    static const uint8_t len[] = { 1, 2, 8, 4 };

    return len[c->dr[7] >> (18 + n * 4) & 3];
}

/* Does the breakpoint's aligned range meet [addr, addr+n)? */
static bool bp_meets(const struct cpu *c, unsigned bp, uint64_t addr,
                     unsigned n)
{
    unsigned len = bp_len(c, bp);
    uint64_t start = (uint32_t)c->dr[bp] & ~(uint64_t)(len - 1);

    return addr < start + len && start < addr + n;
}

/* The guest's own. */
static bool any_enabled(const struct cpu *c)
{
    return c->dr[7] & DR7_ENABLES;
}

bool debug_enabled(const struct cpu *c)
{
    return any_enabled(c) || (c->stops && c->stops->watches);
}

unsigned debug_page_watched(const struct cpu *c, uint32_t page)
{
    unsigned n, watched = 0;

    if (c->stops)
        watched = cpu_stops_watched(c->stops, page, MMU_PAGE_SIZE);
    if (!any_enabled(c))
        return watched;
    for (n = 0; n < 4; n++) {
        if (!bp_enabled(c, n) || !bp_meets(c, n, page, MMU_PAGE_SIZE))
            continue;
        if (bp_type(c, n) == BP_WRITE)
            watched |= DEBUG_WATCH_WRITE;
        else if (bp_type(c, n) == BP_ACCESS)
            watched |= DEBUG_WATCH_READ | DEBUG_WATCH_WRITE;
    }
    return watched;
}

void debug_check_data(struct cpu *c, uint32_t lin, unsigned n, bool write)
{
    unsigned bp;

    if (c->stops && cpu_stops_access(c->stops, lin, n, write))
        cpu_debug_pending(c, 0);        /* ends the trace */
    if (!any_enabled(c))
        return;
    for (bp = 0; bp < 4; bp++) {
        enum breakpoint_type type = bp_type(c, bp);

        if (bp_enabled(c, bp) && bp_meets(c, bp, lin, n) &&
            (type == BP_ACCESS || (type == BP_WRITE && write)))
            cpu_debug_pending(c, DR6_B0 << bp);
    }
}

void debug_check_io(struct cpu *c, uint16_t port, unsigned size)
{
    unsigned bp;

    if (!any_enabled(c) || !(c->cr4 & CR4_DE))
        return;
    for (bp = 0; bp < 4; bp++)
        if (bp_enabled(c, bp) && bp_type(c, bp) == BP_IO &&
            bp_meets(c, bp, port, size))
            cpu_debug_pending(c, DR6_B0 << bp);
}

bool cpu_debug_fetch_armed(const struct cpu *c)
{
    unsigned n;

    if (!any_enabled(c))
        return false;
    for (n = 0; n < 4; n++)
        if (bp_enabled(c, n) && bp_type(c, n) == BP_EXEC)
            return true;
    return false;
}

/* Instruction breakpoints compare the first byte only. */
uint32_t cpu_debug_fetch(const struct cpu *c, uint32_t lin)
{
    uint32_t hit = 0;
    unsigned n;

    for (n = 0; n < 4; n++)
        if (bp_enabled(c, n) && bp_type(c, n) == BP_EXEC &&
            (uint32_t)c->dr[n] == lin)
            hit |= DR6_B0 << n;
    return hit;
}

void cpu_debug_fault(struct cpu *c, uint32_t bits)
{
    c->dr[6] |= bits;
    cpu_raise(c, EXC_DB, 0);
}
