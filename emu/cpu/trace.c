/*
 * The cache of decoded traces. A trace is a run of instructions inside one
 * page (or one instruction that crosses into the next), found by the physical
 * address of its first byte, its offset in CS and the mode it was decoded for;
 * so it outlives changes of page tables.
 *
 * Traces come from one arena, thrown away as a whole when full. A write to
 * decoded bytes unhooks the traces over them, and links to them end
 * (trace_link.c).
 */
#include <stdlib.h>

#include "emu/cpu/interp.h"
#include "emu/cpu/stops.h"

#define HASH_BITS 16
#define HASH_SIZE (1u << HASH_BITS)
#define PAGE_HASH 4096u
#define PAGES_MAX 8192u         /* physical pages that hold traces */
#define PAGE_BYTES 4096u
#define INSN_MAX 15u            /* SDM vol. 2, 2.3.11 */

struct code_page {
    uint64_t page;
    struct trace *traces;
    struct code_page *hash_next;
};

struct trace_cache {
    uint8_t *arena;
    size_t used;
    struct trace *hash[HASH_SIZE];
    struct code_page *page_hash[PAGE_HASH];
    struct code_page pages[PAGES_MAX];
    unsigned page_count;
    struct trace *private_trace;        /* the one that is never linked */
};

/* Room for `insns` instructions made of `bytes` bytes. */
static size_t trace_bytes(unsigned insns, unsigned bytes)
{
    return sizeof(struct trace) + (insns + 1) * sizeof(struct insn) + bytes;
}
#define TRACE_MAX_BYTES trace_bytes(TRACE_INSNS, TRACE_INSNS * INSN_MAX)

struct trace_cache *trace_cache_create(void)
{
    struct trace_cache *tc = calloc(1, sizeof(*tc));

    if (!tc)
        return NULL;
    tc->arena = aligned_alloc(64, TRACE_ARENA_BYTES);
    tc->private_trace = malloc(trace_bytes(1, INSN_MAX));
    if (!tc->arena || !tc->private_trace) {
        trace_cache_destroy(tc);
        return NULL;
    }
    return tc;
}

void trace_cache_destroy(struct trace_cache *tc)
{
    free(tc->arena);
    free(tc->private_trace);
    free(tc);
}

uint8_t *trace_arena(struct trace_cache *tc)
{
    return tc->arena;
}

uint32_t trace_mode(const struct cpu *c)
{
    const struct cpu_seg *cs = &c->seg[CS];
    uint32_t mode = 0;

    if (cs->attr & SEG_DB)
        mode |= TRACE_CS32;
    if (c->seg[SS].attr & SEG_DB)
        mode |= TRACE_SS32;
    if (c->cpl == 3)
        mode |= TRACE_USER;
    if (c->cpl == 0)
        mode |= TRACE_CPL0;
    if (cs->limit >= 0xffff)
        mode |= TRACE_IP64K;
    if (cs->limit == 0xffffffff) {
        mode |= TRACE_IP4G;
        /* CS overrides only read, so any readable code segment will do. */
        if (cs->base == 0 && (SEG_READ_TYPES >> (cs->attr & 0x1f) & 1) &&
            seg_is_flat(&c->seg[DS]) && seg_is_flat(&c->seg[SS]) &&
            seg_is_flat(&c->seg[ES]))
            mode |= TRACE_FLAT;
    }
    return mode;
}

/* ---- Which traces lie in a page ------------------------------------------ */

static struct code_page **page_bucket(struct trace_cache *tc, uint64_t page)
{
    return &tc->page_hash[(page >> 12 ^ page >> 24) % PAGE_HASH];
}

static struct code_page *page_find(struct trace_cache *tc, uint64_t page)
{
    struct code_page *cp = *page_bucket(tc, page);

    while (cp && cp->page != page)
        cp = cp->hash_next;
    return cp;
}

/* The caller has seen to it that there is room. */
static struct code_page *page_get(struct trace_cache *tc, uint64_t page)
{
    struct code_page *cp = page_find(tc, page), **bucket;

    if (cp)
        return cp;
    bucket = page_bucket(tc, page);
    cp = &tc->pages[tc->page_count++];
    cp->page = page;
    cp->traces = NULL;
    cp->hash_next = *bucket;
    *bucket = cp;
    return cp;
}

/* Bytes of `t` in its first page; the rest is at the start of the second. */
static unsigned bytes_in_first(const struct trace *t)
{
    unsigned room = PAGE_BYTES - (unsigned)(t->paddr % PAGE_BYTES);

    return t->bytes < room ? t->bytes : room;
}

/* Which of a trace's two chains belongs to `page`? */
static unsigned chain_of(const struct trace *t, uint64_t page)
{
    return (t->paddr & ~(uint64_t)(PAGE_BYTES - 1)) == page ? 0 : 1;
}

static bool overlaps(const struct trace *t, uint64_t paddr, unsigned len)
{
    unsigned first = bytes_in_first(t);

    if (paddr < t->paddr + first && t->paddr < paddr + len)
        return true;
    return t->paddr2 != NO_PAGE && paddr < t->paddr2 + t->bytes - first &&
           t->paddr2 < paddr + len;
}

/* ---- Finding and dropping ------------------------------------------------- */

/* rip follows from paddr but for aliases, so it need not be mixed in. */
static struct trace **hash_bucket(struct trace_cache *tc, uint64_t paddr,
                                  uint32_t mode)
{
    uint32_t h = (uint32_t)paddr ^ (uint32_t)(paddr >> 32) ^ mode << 25;

    return &tc->hash[h * 2654435761u >> (32 - HASH_BITS)];
}

static void drop(struct cpu *c, struct trace *t)
{
    struct trace **p = hash_bucket(c->interp->cache, t->paddr, t->mode);

    links_drop(c, t);
    t->dropped = true;
    while (*p && *p != t)
        p = &(*p)->hash_next;
    if (*p)
        *p = t->hash_next;
}

void code_written(struct cpu *c, uint64_t paddr, unsigned len)
{
    struct trace_cache *tc = c->interp->cache;
    uint64_t page = paddr & ~(uint64_t)(PAGE_BYTES - 1);
    struct code_page *cp = page_find(tc, page);
    struct trace **p, *kept = NULL;
    bool hit = false;

    if (!cp)
        return;
    for (p = &cp->traces; *p;) {
        struct trace *t = *p;
        unsigned n = chain_of(t, page);

        if (!t->dropped && !overlaps(t, paddr, len)) {
            kept = t;
            p = &t->page_next[n];
            continue;
        }
        *p = t->page_next[n];
        if (t->dropped)
            continue;
        hit = true;
        drop(c, t);
    }
    if (!kept)
        mmu_untrack_page(c, page);
    if (hit)
        end_trace(c);
}

void code_mode_changed(struct cpu *c)
{
    end_trace(c);
}

void code_flush_all(struct cpu *c)
{
    struct interp *e = c->interp;
    struct trace_cache *tc = e->cache;

    for (unsigned n = 0; n < tc->page_count; n++)
        mmu_untrack_page(c, tc->pages[n].page);
    memset(tc->hash, 0, sizeof(tc->hash));
    memset(tc->page_hash, 0, sizeof(tc->page_hash));
    tc->page_count = 0;
    tc->used = 0;
    e->link = NULL;
    links_void_all(c);
    end_trace(c);
    if (e->translator)
        e->translator->flushed(c);
}

/* ---- Building --------------------------------------------------------------- */

/* Where code is decoded from. */
struct source {
    struct cpu *c;
    uint64_t page, page2;       /* physical; page2 NO_PAGE until needed */
    const uint8_t *host;        /* of page; NULL: not memory */
    uint32_t lin;
    uint64_t ip_left;           /* bytes from here to the limit of CS */
};

static void read_phys(struct cpu *c, uint64_t addr, uint8_t *buf, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        buf[k] = (uint8_t)phys_read(c, addr + k, 1);
}

/*
 * The bytes at src->lin where the fast way does not do: the page ends, or is
 * not memory. `second`: may go on into the next page.
 */
static unsigned gather(struct source *src, uint8_t *buf, bool second)
{
    struct cpu *c = src->c;
    unsigned offset = src->lin % PAGE_BYTES;
    unsigned want = src->ip_left < INSN_MAX ? (unsigned)src->ip_left : INSN_MAX;
    unsigned n = PAGE_BYTES - offset;

    if (n > want)
        n = want;
    read_phys(c, src->page + offset, buf, n);
    if (n == want || !second)
        return n;
    src->page2 = mmu_fetch_page(c, src->lin + n);
    read_phys(c, src->page2, buf + n, want - n);
    return want;
}

/*
 * Decode one instruction; the first of a trace may cross into the next page
 * and may raise. DECODE_MORE: it is not for this trace.
 */
static int decode_next(struct source *src, struct insn *i, uint32_t rip,
                       uint32_t mode, bool first)
{
    unsigned left = PAGE_BYTES - src->lin % PAGE_BYTES;
    uint8_t buf[INSN_MAX];
    unsigned n;
    int kind;

    if (src->host && left >= INSN_MAX && src->ip_left >= INSN_MAX) {
        n = INSN_MAX;
        kind = decode_insn(i, src->host + src->lin % PAGE_BYTES, n, rip, mode);
    } else {
        n = gather(src, buf, false);
        kind = decode_insn(i, buf, n, rip, mode);
        if (kind == DECODE_MORE && first && n < INSN_MAX &&
            n < src->ip_left) {
            n = gather(src, buf, true);
            kind = decode_insn(i, buf, n, rip, mode);
        }
    }
    if (kind != DECODE_MORE || !first)
        return kind;
    if (n < INSN_MAX)           /* CS ends within the instruction */
        cpu_raise(src->c, EXC_GP, 0);
    i->len = INSN_MAX;
    i->fn = op_too_long;
    return DECODE_LAST;
}

static void prepare_link(const struct trace *t, struct insn *i)
{
    uint32_t at = (uint32_t)(t->paddr % PAGE_BYTES) + (i->imm - t->rip);

    i->count = t->n;
    i->imm2 = (uint8_t)(at < PAGE_BYTES ? LINK_PAGE : far_kind(t->mode));
}

static void close_trace(struct trace *t, uint32_t rip)
{
    struct insn *i = &t->insn[t->n];

    memset(i, 0, sizeof(*i));
    i->rip = rip;
    i->fn = op_trace_end;
    i->imm = rip;
    prepare_link(t, i);
}

static void join(struct insn *i, enum cond cc, uint32_t mode)
{
    handler h = select_fused(i, cc, mode);

    if (h)
        i->fn = h;
}

static void build(struct trace *t, struct source *src, uint32_t rip,
                  uint32_t mode, unsigned max)
{
    int kind = 0;

    *t = (struct trace){ .paddr = src->page | src->lin % PAGE_BYTES,
                         .paddr2 = NO_PAGE, .rip = rip, .mode = mode };
    while (t->n < max && !(kind & DECODE_LAST)) {
        struct insn *i = &t->insn[t->n];

        if (t->n && src->c->stops && cpu_stops_near(src->c->stops, src->lin))
            break;
        kind = decode_next(src, i, rip, mode, t->n == 0);
        if (kind == DECODE_MORE)
            break;
        t->n++;
        if (kind & DECODE_DIRECT)
            prepare_link(t, i);
        if ((kind & DECODE_JCC) && t->n > 1)
            join(i - 1, (enum cond)(kind >> DECODE_CC_SHIFT), mode);
        rip += i->len;
        t->bytes = (uint16_t)(t->bytes + i->len);
        src->lin += i->len;
        src->ip_left -= i->len;
        if (src->lin % PAGE_BYTES < i->len || src->ip_left == 0)
            break;              /* at the end of the page, or over it */
    }
    t->paddr2 = bytes_in_first(t) < t->bytes ? src->page2 : NO_PAGE;
    t->last_rip = t->rip + t->bytes - 1;
    close_trace(t, rip);
}

static void hook(struct cpu *c, struct trace *t)
{
    struct trace_cache *tc = c->interp->cache;
    struct trace **bucket = hash_bucket(tc, t->paddr, t->mode);
    unsigned first = bytes_in_first(t);
    struct code_page *cp = page_get(tc, t->paddr & ~(uint64_t)(PAGE_BYTES - 1));

    t->hash_next = *bucket;
    *bucket = t;
    t->page_next[0] = cp->traces;
    cp->traces = t;
    mmu_track_code(c, t->paddr, first);
    if (t->paddr2 == NO_PAGE)
        return;
    mmu_track_code(c, t->paddr2, t->bytes - first);
    if (t->paddr2 == cp->page)
        return;
    cp = page_get(tc, t->paddr2);
    t->page_next[1] = cp->traces;
    cp->traces = t;
}

/* Was the second page of `t` the one that now follows? */
static bool second_page_matches(struct cpu *c, const struct trace *t,
                                uint32_t lin)
{
    return t->paddr2 == NO_PAGE ||
           mmu_fetch_page(c, lin + bytes_in_first(t)) == t->paddr2;
}

/* Copy the bytes of a new trace, for bytes_unchanged. */
static void keep_bytes(struct cpu *c, struct trace *t)
{
    unsigned first = bytes_in_first(t);

    t->checked = c->interp->resyncs;
    read_phys(c, t->paddr, trace_code(t), first);
    if (t->paddr2 != NO_PAGE)
        read_phys(c, t->paddr2, trace_code(t) + first, t->bytes - first);
}

static bool same_bytes(struct cpu *c, uint64_t paddr, const uint8_t *code,
                       unsigned n)
{
    uint64_t offset = paddr % PAGE_BYTES;
    const uint8_t *p = c->bus->ram_page(c->bus->ctx, paddr - offset, false);

    return p && memcmp(p + offset, code, n) == 0;
}

/*
 * Are the bytes still those that `t` was decoded from? Asked once after each
 * interp_resync; from then on writes are seen. If not, it is dropped.
 */
static bool bytes_unchanged(struct cpu *c, struct trace *t)
{
    unsigned first = bytes_in_first(t);

    if (t->checked == c->interp->resyncs)
        return true;
    if (same_bytes(c, t->paddr, trace_code(t), first) &&
        (t->paddr2 == NO_PAGE ||
         same_bytes(c, t->paddr2, trace_code(t) + first, t->bytes - first))) {
        t->checked = c->interp->resyncs;
        return true;
    }
    code_written(c, t->paddr, first);
    return false;
}

bool trace_is_current(struct cpu *c, struct trace *t)
{
    uint32_t rip = (uint32_t)c->rip, lin = (uint32_t)c->seg[CS].base + rip;

    return !t->dropped && t->rip == rip && t->mode == c->run.mode &&
           t->last_rip <= c->seg[CS].limit && t->paddr2 == NO_PAGE &&
           (mmu_fetch_page(c, lin) | lin % PAGE_BYTES) == t->paddr &&
           bytes_unchanged(c, t);
}

struct trace *trace_find(struct cpu *c, bool single, bool *linkable)
{
    struct trace_cache *tc = c->interp->cache;
    uint32_t rip = (uint32_t)c->rip, mode = c->run.mode;
    struct source src = { .c = c, .lin = (uint32_t)c->seg[CS].base + rip,
                          .page2 = NO_PAGE };
    struct trace *t;

    if (rip > c->seg[CS].limit)
        cpu_raise(c, EXC_GP, 0);
    src.page = mmu_fetch_page(c, src.lin);
    src.ip_left = (uint64_t)c->seg[CS].limit - rip + 1;
    if (!single) {
        uint64_t paddr = src.page | src.lin % PAGE_BYTES;

        for (t = *hash_bucket(tc, paddr, mode); t; t = t->hash_next) {
            if (t->paddr == paddr && t->rip == rip && t->mode == mode &&
                t->last_rip <= c->seg[CS].limit &&
                second_page_matches(c, t, src.lin)) {
                if (!bytes_unchanged(c, t))
                    break;
                *linkable = t->last_rip <= trace_ip_limit(mode);
                return t;
            }
        }
    }
    src.host = c->bus->ram_page(c->bus->ctx, src.page, false);
    if (!src.host || single) {
        build(tc->private_trace, &src, rip, mode, 1);
        *linkable = false;
        return tc->private_trace;
    }
    if (tc->used + TRACE_MAX_BYTES > TRACE_ARENA_BYTES ||
        tc->page_count + 2 > PAGES_MAX)
        code_flush_all(c);
    t = (struct trace *)(void *)(tc->arena + tc->used);
    build(t, &src, rip, mode, TRACE_INSNS);
    if (t->paddr2 != NO_PAGE && !c->bus->ram_page(c->bus->ctx, t->paddr2, false)) {
        *linkable = false;      /* cannot be tracked: run it from here once */
        return t;
    }
    keep_bytes(c, t);
    tc->used += (trace_bytes(t->n, t->bytes) + 63) & ~(size_t)63;
    hook(c, t);
    if (c->interp->translator)
        c->interp->translator->built(c, t);
    *linkable = t->last_rip <= trace_ip_limit(mode);
    return t;
}
