/*
 * The PIIX3's IDE function (8086:7010): two channels at the legacy ports with
 * up to four ATA disks and ATAPI CD-ROM drives, and the bus-master engine in
 * BAR4 (82371SB datasheet, "Programming Interface for Bus Master IDE
 * Controller" 1.0, ATA/ATAPI-6).
 */
#ifndef EMU_DEV_IDE_H
#define EMU_DEV_IDE_H

#include <stddef.h>

#include "emu/dev/pci.h"
#include "emu/machine.h"

struct ide;

/*
 * Make the function and plug it into `bus` at `devfn`. `units` are hda hdb
 * hdc hdd; they are copied, their blockdevs stay the caller's and must outlive
 * the result. NULL without memory or when devfn is taken.
 */
struct ide *ide_create(struct machine *m, struct pci_bus *bus, uint8_t devfn,
                       struct irq_line irq14, struct irq_line irq15,
                       const struct machine_ide units[4]);

/*
 * Block requests still in flight lose their requester: their buffers live on
 * until each is done, and nothing else happens then.
 */
void ide_destroy(struct ide *ide);

/* Take finished block requests (blockdev.poll). Start of machine_run. */
void ide_poll(struct ide *ide);

/* No block request is in flight: a snapshot may be taken or loaded. */
bool ide_is_idle(const struct ide *ide);

/*
 * Open the tray of unit 0..3 and take its medium out, or put one in and close
 * it. 0; -ENOTTY: it is no CD drive; -EACCES: the guest has locked the tray,
 * which `force` overrides; -EBUSY: the drive is at work. ide_insert is for a
 * drive that was ejected; the medium stays the caller's, as at ide_create.
 */
int ide_eject(struct ide *ide, unsigned unit, bool force);
void ide_insert(struct ide *ide, unsigned unit, struct blockdev *medium);

/*
 * One line per unit for "info block". Writes a NUL-terminated text of at most
 * `size` bytes; returns the length it would have liked.
 */
int ide_format(const struct ide *ide, char *buf, size_t size);

#endif
