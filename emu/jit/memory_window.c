/*
 * The guest's memory by the window (window.h): an access is its one host
 * instruction, at R15 + the linear address. Flags stay in RFLAGS over it. If it
 * faults, it goes on at its stub as if it had not been begun.
 */
#include "emu/jit/gen.h"
#include "emu/jit/window.h"

/* The next accesses, up to the next site, go to `stub`; NULL: there are none. */
static void site_begins(struct gen *g, struct stub *stub)
{
    struct jit_window *w = g->jit->window;
    struct window_site *site = &w->site[w->site_count++];

    *site = (struct window_site){ .pc = jit_offset(g->jit, g->code.p) };
    if (stub)
        stub->site = site;
}

void window_code_ends(struct gen *g)
{
    site_begins(g, NULL);
}

/*
 * As an operand of one host instruction. A small displacement may lead out of
 * the 4 GiB, but no further than nothing is mapped.
 */
static struct mem place(struct gen *g, struct mem m)
{
    const int32_t room = JIT_GUARD_BYTES / 2;

    if (m.index == CPU_NOREG && m.base == CPU_NOREG && m.disp >= 0 &&
        m.disp <= INT32_MAX - room)
        return asm_at(R15, m.disp);
    if (m.index == CPU_NOREG && m.base != CPU_NOREG && m.base != R11 &&
        m.disp > -room && m.disp < room)
        return (struct mem){ R15, m.base, 0, m.disp };
    mem_linear(g, R8, m);
    return (struct mem){ R15, R8, 0, 0 };
}

/* The load may be done before the store faults: flags are not in RFLAGS then. */
static void before_two(struct gen *g)
{
    flags_will_write(g, R11);
    flags_lose_host(g);
}

static struct mem window_access(struct gen *g, struct mem address,
                                unsigned size, unsigned align,
                                enum access how)
{
    struct stub *s;
    struct mem m;

    if (how == ACCESS_RMW)
        before_two(g);
    m = place(g, address);
    s = stub_new(g, STUB_SLOW, NULL);
    s->address = address;
    site_begins(g, s);
    return m;
}

const struct memory_strategy memory_window = {
    .faults = true, .access = window_access, .block = tlb_block,
};
