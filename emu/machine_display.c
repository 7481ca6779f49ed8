/* See display.h: a machine's one screen is its VGA's. */
#include "emu/display.h"

#include "emu/dev/vga.h"
#include "emu/machine_internal.h"

bool machine_display_changed(const struct machine *m,
                             const struct display_view *view)
{
    return vga_changed(m->d.vga, view);
}

unsigned machine_display_blink(struct machine *m)
{
    return vga_blink(m->d.vga);
}

struct display_mode machine_display_mode(struct machine *m)
{
    return vga_mode(m->d.vga);
}

int machine_display_draw(struct machine *m, struct display_view *view,
                         const struct display_target *target, unsigned shown)
{
    return vga_draw(m->d.vga, view, target, shown);
}

int machine_display_text(struct machine *m, struct display_view *view,
                         struct display_text *text, struct display_cell *cells,
                         size_t count, unsigned shown)
{
    return vga_cells(m->d.vga, view, text, cells, count, shown);
}

void machine_display_font(struct machine *m, bool bit3,
                          uint8_t glyph[256][32])
{
    vga_font(m->d.vga, bit3, glyph);
}
