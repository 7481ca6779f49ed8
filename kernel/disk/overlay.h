/*
 * Copy-on-write overlay in memory over a read-only or precious disk.
 * Clusters are taken from platform memory as they are first written.
 */
#ifndef KERNEL_DISK_OVERLAY_H
#define KERNEL_DISK_OVERLAY_H

#include <stdint.h>

#include "kernel/platform.h"

struct overlay;

/* An empty overlay for a disk of `sectors`. NULL: no memory. */
struct overlay *overlay_create(uint64_t sectors);
void overlay_destroy(struct overlay *o);

/*
 * Read or write `count` sectors at `sector` (the caller has checked the range)
 * with `backing` beneath. 0 or negative errno (-ENOSPC: memory ran out).
 */
int overlay_read(struct overlay *o, struct platform_file *backing,
                 uint64_t sector, uint32_t count, uint8_t *buf);
int overlay_write(struct overlay *o, struct platform_file *backing,
                  uint64_t sector, uint32_t count, const uint8_t *buf);

#endif
