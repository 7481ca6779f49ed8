/*
 * CDs that are taken out of a guest's drive, and put in, while it runs; I/O
 * core. The machine stands still for a moment.
 */
#ifndef KERNEL_GUEST_MEDIA_H
#define KERNEL_GUEST_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

struct guest;

/*
 * Of the drive `unit`, "hda" to "hdd". 0, or negative errno with a sentence in
 * `why`: it is none, the guest has locked it (which `force` overrides), or it
 * is at work.
 */
int guest_eject(struct guest *g, const char *unit, bool force, char *why,
                size_t why_size);
/*
 * The same, and then `file` is in it, which is opened as -cdrom's. One that
 * cannot be opened changes nothing.
 */
int guest_change(struct guest *g, const char *unit, const char *file,
                 bool force, char *why, size_t why_size);
/*
 * Let the drive `unit`, hda being 0, be that slow from now on (throttle.h). 0, or
 * negative errno with a sentence in `why`.
 */
struct throttle_limits;
int guest_throttle(struct guest *g, unsigned unit,
                   const struct throttle_limits *limits, char *why,
                   size_t why_size);
/* A name that guest_change made, of a disk that is closed: given back. */
void guest_forget_medium(struct guest *g, unsigned unit);

#endif
