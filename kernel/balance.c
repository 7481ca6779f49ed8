/* See balance.h. */
#include "kernel/balance.h"

/* An average follows what happens in about so many looks. */
#define SMOOTH 4u
/* In percent: so much of a core used, and the core is wanted by its guests. */
#define BUSY_CORE 80u
/* A guest that uses so much of its fair part wants more of the core. */
#define HUNGRY 20u
/* How much more than the poorest the richest must have had. */
#define MARGIN 20u

static uint64_t used_on(const struct balance_guest *g, unsigned count,
                        unsigned core)
{
    uint64_t used = 0;

    for (unsigned i = 0; i < count; i++)
        if (g[i].core == core)
            used += g[i].used_ns;
    return used;
}

static unsigned hungry_on(const struct balance_guest *g, unsigned count,
                          unsigned core, uint64_t passed)
{
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++)
        n += g[i].core == core && g[i].used_ns * 100 >= passed * HUNGRY;
    return n;
}

/* It shares a full core, and takes what it gets there. */
static bool is_poor(const struct balance_guest *g, unsigned count, unsigned i,
                    uint64_t passed)
{
    return g[i].used_ns * 100 >= passed * HUNGRY &&
           used_on(g, count, g[i].core) * 100 >= passed * BUSY_CORE &&
           hungry_on(g, count, g[i].core, passed) > 1;
}

/* How many guests want the core that the fewest want. */
static unsigned calmest(const struct balance_guest *g, unsigned count,
                        uint64_t passed)
{
    unsigned least = count;

    for (unsigned i = 0; i < count; i++) {
        unsigned n = hungry_on(g, count, g[i].core, passed);

        if (n < least)
            least = n;
    }
    return least;
}

bool balance_choose(struct balance_guest *g, unsigned count,
                    uint64_t passed_ns, unsigned *rich, unsigned *poor)
{
    unsigned least = calmest(g, count, passed_ns), difference;
    bool has_rich = false, has_poor = false;

    for (unsigned i = 0; i < count; i++)
        g[i].average_ns = (g[i].average_ns * (SMOOTH - 1) + g[i].used_ns) /
                          SMOOTH;
    for (unsigned i = 0; i < count; i++)
        if (is_poor(g, count, i, passed_ns) &&
            (!has_poor || g[i].average_ns < g[*poor].average_ns))
            *poor = i, has_poor = true;
    if (!has_poor)
        return false;
    difference = hungry_on(g, count, g[*poor].core, passed_ns) - least;
    /* Two more: any idle one makes room. One more: the two take turns. */
    for (unsigned i = 0; i < count; i++)
        if (difference && hungry_on(g, count, g[i].core, passed_ns) == least &&
            (!has_rich || (difference > 1) == (g[i].average_ns <
                                               g[*rich].average_ns)))
            *rich = i, has_rich = true;
    if (!has_rich)
        return false;
    if (difference > 1)
        return g[*rich].used_ns * 100 < passed_ns * HUNGRY;
    return g[*rich].average_ns * 100 >
                             g[*poor].average_ns * (100 + MARGIN);
}
