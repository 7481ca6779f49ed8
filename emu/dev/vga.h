/*
 * VGA with the Bochs display interface, as PCI device 1234:1111.
 */
#ifndef EMU_DEV_VGA_H
#define EMU_DEV_VGA_H

#include "emu/dev/device.h"
#include "emu/dev/pci.h"
#include "emu/display.h"

struct vga;

#define VGA_VRAM_BYTES (16u << 20)      /* 16 MiB, as qemu's -vga std */

/*
 * Plug into `bus` at `devfn`, map the legacy ports and A0000h-BFFFFh, reset.
 * Starts with a `struct device`. NULL: out of memory or devfn taken.
 */
struct vga *vga_create(struct machine *m, struct pci_bus *bus, uint8_t devfn);
void vga_destroy(struct vga *vga);

/* Its memory, for a snapshot: *bytes of it, whole pages. */
uint8_t *vga_memory(struct vga *vga, size_t *bytes);

/*
 * The text screen as lines ending in '\n', trailing blanks removed. At most
 * `size` bytes with the NUL; returns the length it would have liked, or
 * -ENODATA while a graphics mode is set.
 */
int vga_text(const struct vga *vga, char *buf, size_t size);

/* As machine_display_* of the same name, in display.h. */
bool vga_changed(const struct vga *vga, const struct display_view *view);
unsigned vga_blink(const struct vga *vga);
struct display_mode vga_mode(const struct vga *vga);
int vga_draw(struct vga *vga, struct display_view *view,
             const struct display_target *target, unsigned shown);
int vga_cells(struct vga *vga, struct display_view *view,
              struct display_text *text, struct display_cell *cells,
              size_t count, unsigned shown);
void vga_font(const struct vga *vga, bool bit3, uint8_t glyph[256][32]);

#endif
