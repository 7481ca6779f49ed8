/*
 * An open FAT file system and its table: which clusters follow each other, which
 * are free. What fat.c and fat_dir.c stand on.
 */
#ifndef KERNEL_DISK_FAT_TABLE_H
#define KERNEL_DISK_FAT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/disk/block.h"
#include "kernel/disk/fat_boot.h"

struct fat {
    struct block *b;
    struct fat_boot boot;
    const char *fault;          /* what is damaged, after -EBADMSG */
    bool has_sector, is_dirty;  /* one sector of the table */
    uint32_t sector;
    uint8_t data[BLOCK_SECTOR_SIZE];
};

/* -EBADMSG, with that said in f->fault. */
int fat_damaged(struct fat *f, const char *fault);

/* Is there such a cluster? */
bool fat_has_cluster(const struct fat *f, uint32_t cluster);
/* The sector where it begins. */
uint64_t fat_cluster_sector(const struct fat *f, uint32_t cluster);

/* What the table has for a cluster; FAT_FREE: nothing. 0 or negative errno. */
#define FAT_FREE 0u
int fat_get(struct fat *f, uint32_t cluster, uint32_t *value);
/* Change that: `next` is FAT_FREE, FAT_LAST or the cluster that follows. */
#define FAT_LAST 0x0fffffffu
int fat_set(struct fat *f, uint32_t cluster, uint32_t next);
/* Write what fat_set changed to all copies of the table. */
int fat_sync(struct fat *f);

/* A walk along a chain, from its first cluster on. */
struct fat_chain {
    uint32_t cluster, steps;    /* 0: behind the last; how many were made */
    uint32_t mark, next_mark;
};
/* -EBADMSG: there is no such cluster. */
int fat_chain_start(struct fat *f, struct fat_chain *c, uint32_t cluster);
/* -EBADMSG: it leads astray, or round. */
int fat_chain_next(struct fat *f, struct fat_chain *c);

#endif
