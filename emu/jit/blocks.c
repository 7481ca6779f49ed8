/*
 * What inline code leaves of REP MOVS and REP STOS: more than a page, or over
 * the end of one. Guest pages beside each other mostly are so in the host, too,
 * and are then done in one go.
 *
 * Called as jit_leaf is, so nothing here may use the FPU's registers.
 */
#pragma GCC target("general-regs-only")

#include "emu/jit/jit.h"

static const struct tlb_entry *entry_of(const struct cpu *c, uint32_t lin)
{
    return &c->run.tlb[lin >> 12 & (TLB_SIZE - 1)];
}

/* May all of the bytes be accessed at once, without anybody looking? */
static bool reachable(const struct cpu *c, uint32_t lin, uint32_t bytes,
                      bool write)
{
    uint32_t page = lin & MMU_PAGE_MASK, last = lin + bytes - 1;

    if (last < lin)
        return false;
    for (;; page += MMU_PAGE_SIZE) {
        const struct tlb_entry *e = entry_of(c, page);

        if ((write ? e->write : e->read) != page)
            return false;
        if (page == (last & MMU_PAGE_MASK))
            return true;
    }
}

/* Of `most` reachable bytes, those that are beside each other in the host. */
static uint32_t stretch(const struct cpu *c, uint32_t lin, uint32_t most)
{
    uint32_t room = MMU_PAGE_SIZE - lin % MMU_PAGE_SIZE;
    uintptr_t addend = entry_of(c, lin)->addend;

    while (room < most && entry_of(c, lin + room)->addend == addend)
        room += MMU_PAGE_SIZE;
    return room < most ? room : most;
}

/* Does every page that ends a stretch hold whole elements of `size` bytes? */
static bool whole(const struct cpu *c, uint32_t lin, uint32_t bytes,
                  uint32_t size)
{
    return !(lin & (size - 1)) || stretch(c, lin, bytes) == bytes;
}

static bool may_do(const struct cpu *c, uint32_t lin, uint32_t bytes,
                   uint32_t size, bool write)
{
    return reachable(c, lin, bytes, write) && whole(c, lin, bytes, size);
}

/* Bytes to be moved, if a chunk of the interpreter's does it too. */
static uint32_t bytes_of(const struct cpu *c, uint32_t size)
{
    uint32_t count = R32(c, RCX);

    return count > STRING_CHUNK_BYTES / size || (c->rflags & FLAG_DF) ?
           0 : count * size;
}

static void done(struct cpu *c, uint32_t bytes, uint32_t size)
{
    R32(c, RDI) += bytes;
    R32(c, RCX) -= bytes / size;
    c->run.left -= (int64_t)shorten_run(c, bytes, c->run.left);
}

/*
 * The host's own instruction: by bytes, which is the fastest way, unless what
 * has been written is read again, as then the size of an element tells.
 */
static void copy_up(uint8_t *to, const uint8_t *from, uint32_t bytes,
                    uint32_t size)
{
    uintptr_t ahead = (uintptr_t)to - (uintptr_t)from, count = bytes;

    if (size == 1 || !ahead || ahead >= bytes) {
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)
                         : : "memory");
        return;
    }
    count /= size;
    if (size == 4)
        __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count)
                         : : "memory");
    else
        __asm__ volatile("rep movsw" : "+D"(to), "+S"(from), "+c"(count)
                         : : "memory");
}

bool jit_rep_movs(struct cpu *c, uint32_t size)
{
    uint32_t left = bytes_of(c, size);

    if (!left || !may_do(c, R32(c, RSI), left, size, false) ||
        !may_do(c, R32(c, RDI), left, size, true))
        return false;
    while (left) {
        uint32_t si = R32(c, RSI), di = R32(c, RDI);
        uint32_t n = stretch(c, di, stretch(c, si, left));

        copy_up(tlb_host(entry_of(c, di), di), tlb_host(entry_of(c, si), si),
                n, size);
        R32(c, RSI) += n;
        done(c, n, size);
        left -= n;
    }
    return true;
}

static void fill(uint8_t *to, uint32_t v, uint32_t size, uintptr_t count)
{
    if (size == 4)
        __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(v)
                         : "memory");
    else if (size == 2)
        __asm__ volatile("rep stosw" : "+D"(to), "+c"(count) : "a"(v)
                         : "memory");
    else
        __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(v)
                         : "memory");
}

bool jit_rep_stos(struct cpu *c, uint32_t size)
{
    uint32_t left = bytes_of(c, size);

    if (!left || !may_do(c, R32(c, RDI), left, size, true))
        return false;
    while (left) {
        uint32_t di = R32(c, RDI), n = stretch(c, di, left);

        fill(tlb_host(entry_of(c, di), di), R32(c, RAX), size, n / size);
        done(c, n, size);
        left -= n;
    }
    return true;
}
