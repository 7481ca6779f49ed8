/*
 * A disk presented larger than what is below. The tail reads as zeros. It is
 * written for real where what is below can grow; else memory keeps it.
 */
#ifndef KERNEL_DISK_BLOCK_GROWN_H
#define KERNEL_DISK_BLOCK_GROWN_H

#include "kernel/disk/block.h"

/*
 * A layer over `lower`, which it closes with itself, of the same size; then
 * use block_grow. NULL: no memory.
 */
struct block *block_grown_open(struct block *lower);

/* Below is another disk now: as block_grown_open made it. */
void block_grown_begin(struct block *b);

/* From now on, what does not fit below is not kept in memory, but -ENOSPC. */
void block_grown_keep_out_of_memory(struct block *b);

/* Is its tail, or what is written of it, only in memory? */
bool block_grown_in_memory(const struct block *b);

#endif
