/* Texts about a machine for the monitor's `info`. */
#include "emu/machine_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "emu/dev/ide.h"
#include "emu/dev/ioapic.h"
#include "emu/dev/lapic.h"
#include "emu/dev/ne2000.h"
#include "emu/dev/pci.h"
#include "emu/dev/pic.h"
#include "emu/dev/vga.h"
#include "emu/machine_info.h"
#include "emu/textbuf.h"

#define PAM_BASE 0xc0000u
#define PAM_SEGMENT 0x4000u

static int info_registers(struct machine *m, char *buf, size_t size)
{
    return cpu_format_registers(&m->cpu, buf, size);
}

/* Counters whose name has `part` in it (NULL: all). */
static void add_counters(struct machine *m, struct textbuf *t,
                         const char *part)
{
    for (unsigned i = 0; i < m->counter_count; i++)
        if (!part || strstr(m->counter[i].name, part))
            text_add(t, "%12" PRIu64 "  %s\n", m->counter[i].n,
                     m->counter[i].name);
}

/* And the ticks that did not come when they should have. */
static int info_pic(struct machine *m, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    t.wanted = (size_t)pic_format(m->d.pic, buf, size);
    add_counters(m, &t, "ticks ");
    return (int)t.wanted;
}

static int info_lapic(struct machine *m, char *buf, size_t size)
{
    return lapic_format(m->d.lapic, buf, size);
}

static int info_ioapic(struct machine *m, char *buf, size_t size)
{
    return ioapic_format(m->d.ioapic, buf, size);
}

static int info_pci(struct machine *m, char *buf, size_t size)
{
    return pci_format(m->d.pci, buf, size);
}

static int info_screen(struct machine *m, char *buf, size_t size)
{
    int n = vga_text(m->d.vga, buf, size);
    struct display_mode mode = vga_mode(m->d.vga);
    struct textbuf t = { buf, size, 0 };

    if (n != -ENODATA)
        return n;
    text_add(&t, "(graphics, %u x %u pixels: screendump shows them)\n",
             mode.width, mode.height);
    return (int)t.wanted;
}

static int info_block(struct machine *m, char *buf, size_t size)
{
    return ide_format(m->d.ide, buf, size);
}

static int info_network(struct machine *m, char *buf, size_t size)
{
    size_t wanted = 0;

    if (size)
        buf[0] = 0;
    for (unsigned i = 0; i < MACHINE_NICS; i++) {
        size_t at = wanted < size ? wanted : size;
        int n;

        if (!m->d.nic[i])
            continue;
        n = ne2000_format(m->d.nic[i], buf + at, size - at);
        wanted += n > 0 ? (size_t)n : 0;
    }
    return (int)wanted;
}

static int info_counters(struct machine *m, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    text_add(&t, "%" PRIu64 " instructions\n", m->cpu.icount);
    add_counters(m, &t, NULL);
    return (int)t.wanted;
}

static int info_engine(struct machine *m, char *buf, size_t size)
{
    const struct engine_ops *ops = m->config.engine;
    struct textbuf t = { buf, size, 0 };

    if (ops->info)
        return ops->info(m->engine, buf, size);
    text_add(&t, "%12" PRIu64 " instructions interpreted\n", m->cpu.icount);
    return (int)t.wanted;
}

static void add_range(struct textbuf *t, uint64_t base, uint64_t end,
                      const char *what)
{
    text_add(t, "  %016" PRIx64 "-%016" PRIx64 ": %s\n", base, end - 1, what);
}

static const char *pam_name(unsigned rights)
{
    static const char *const names[] = {
        "rom", "ram for reads, rom for writes", "rom, writes to ram", "ram"
    };

    return names[rights & 3];
}

static int info_mtree(struct machine *m, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };
    uint64_t ram = m->config.ram_bytes;

    text_add(&t, "memory\n");
    add_range(&t, 0, 0xa0000, "ram");
    if (m->smram_open)
        add_range(&t, 0xa0000, PAM_BASE, "smram");
    for (unsigned i = 0, n; i < MACHINE_PAM_SEGMENTS; i = n) {
        n = i + 1;
        while (n < MACHINE_PAM_SEGMENTS && m->pam[n] == m->pam[i])
            n++;
        add_range(&t, PAM_BASE + i * PAM_SEGMENT, PAM_BASE + n * PAM_SEGMENT,
                  pam_name(m->pam[i]));
    }
    if (ram > 1u << 20)
        add_range(&t, 1u << 20, ram, "ram");
    if (m->apic_page != MACHINE_NO_PAGE)
        add_range(&t, m->apic_page, m->apic_page + 4096, "lapic");
    for (unsigned i = 0; i < m->mmio_count; i++)
        add_range(&t, m->mmio[i].base, m->mmio[i].end,
                  m->mmio[i].dev->ops->name);
    add_range(&t, 0x100000000ull - m->config.bios_size, 0x100000000ull, "rom");
    text_add(&t, "I/O\n");
    for (unsigned i = 0; i < m->io_count; i++)
        text_add(&t, "  %04x-%04x: %s\n", m->io[i].base, m->io[i].end - 1,
                 m->io[i].dev->ops->name);
    return (int)t.wanted;
}

int machine_info(struct machine *m, const char *what, char *buf, size_t size)
{
    static const struct {
        const char *what;
        int (*format)(struct machine *m, char *buf, size_t size);
    } texts[] = {
        { "registers", info_registers }, { "pic", info_pic },
        { "pci", info_pci },             { "mtree", info_mtree },
        { "counters", info_counters },   { "block", info_block },
        { "network", info_network },     { "screen", info_screen },
        { "engine", info_engine },       { "tlb", machine_info_tlb },
        { "mem", machine_info_mem },     { "irq", machine_info_irq },
        { "qtree", machine_info_qtree },
        { "lapic", info_lapic },         { "ioapic", info_ioapic },
        { "watchdog", machine_info_watchdog },
    };

    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!strcmp(texts[i].what, what))
            return texts[i].format(m, buf, size);
    return -ENOENT;
}
