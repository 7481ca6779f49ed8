/* Texts for the monitor's `info`: the CPU's pages, and interrupts. */
#include <inttypes.h>
#include <string.h>

#include "emu/cpu/pages.h"
#include "emu/cpu/paging.h"
#include "emu/machine_info.h"
#include "emu/machine_internal.h"
#include "emu/textbuf.h"

#define ISA_IRQS 16u

static bool has_paging(const struct machine *m, struct textbuf *t)
{
    if (!(m->cpu.cr0 & CR0_PG))
        text_add(t, "PG disabled\n");
    return m->cpu.cr0 & CR0_PG;
}

static void cut_off(struct textbuf *t)
{
    text_add(t, "the guest's page tables have no end: cut off here\n");
}

/* qemu's columns: NX, global, 2 MiB or more, dirty, accessed, ... */
static void add_entry(void *ctx, const struct cpu_page *p)
{
    static const struct { uint64_t bit; char letter; } bits[] = {
        { PTE_NX, 'X' }, { PTE_G, 'G' }, { PTE_PS, 'P' }, { PTE_D, 'D' },
        { PTE_A, 'A' }, { PTE_PCD, 'C' }, { PTE_PWT, 'T' }, { PTE_US, 'U' },
        { PTE_RW, 'W' },
    };
    uint64_t entry = p->bytes > 4096 ? p->entry : p->entry & ~PTE_PS;
    char letters[sizeof bits / sizeof *bits + 1] = "";

    for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++)
        letters[i] = entry & bits[i].bit ? bits[i].letter : '-';
    text_add(ctx, "%016" PRIx64 ": %016" PRIx64 " %s\n", p->lin, p->phys,
             letters);
}

int machine_info_tlb(struct machine *m, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    if (has_paging(m, &t) && !cpu_visit_pages(&m->cpu, add_entry, &t))
        cut_off(&t);
    return (int)t.wanted;
}

/* Pages that follow each other with the same rights. */
struct range {
    struct textbuf *t;
    uint64_t start, end;
    bool user, write, any;
};

static void end_range(struct range *r)
{
    if (r->any)
        text_add(r->t, "%016" PRIx64 "-%016" PRIx64 " %016" PRIx64 " %cr%c\n",
                 r->start, r->end, r->end - r->start, r->user ? 'u' : '-',
                 r->write ? 'w' : '-');
    r->any = false;
}

static void add_page(void *ctx, const struct cpu_page *p)
{
    struct range *r = ctx;

    if (!r->any || p->lin != r->end || p->user != r->user ||
        p->write != r->write) {
        end_range(r);
        r->start = p->lin;
    }
    r->end = p->lin + p->bytes;
    r->user = p->user;
    r->write = p->write;
    r->any = true;
}

int machine_info_mem(struct machine *m, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };
    struct range r = { .t = &t };
    bool whole;

    if (!has_paging(m, &t))
        return (int)t.wanted;
    whole = cpu_visit_pages(&m->cpu, add_page, &r);
    end_range(&r);
    if (!whole)
        cut_off(&t);
    return (int)t.wanted;
}

int machine_info_irq(struct machine *m, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    text_add(&t, "IRQ statistics for isa-i8259:\n");
    for (unsigned i = 0; i < ISA_IRQS; i++)
        if (m->irq_count[i])
            text_add(&t, "%2u: %" PRIu64 "\n", i, m->irq_count[i]);
    return (int)t.wanted;
}
