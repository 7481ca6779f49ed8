/* A disk's partition table: MBR with its EBRs, or GPT. */
#ifndef KERNEL_DISK_TABLE_H
#define KERNEL_DISK_TABLE_H

#include "kernel/disk/block.h"
#include "kernel/disk/gpt.h"
#include "kernel/disk/mbr.h"

/* Larger disks are not presented: 16 TiB. */
#define TABLE_SECTORS_MAX (1ull << 35)
#define TABLE_PARTITIONS 128u

enum table_kind { TABLE_NONE, TABLE_MBR, TABLE_GPT };

/* What a table says of the disk as a whole. */
struct table_size {
    enum table_kind kind;
    uint64_t asked;             /* sectors that the disk should have; or 0 */
    unsigned heads, sectors;    /* the geometry it was made with; or 0 */
    const char *fault;          /* what is wrong with it, in words, or NULL */
};

/*
 * Read it. 0, or negative errno of reading. What a guest has written may be
 * anything: a table that makes no sense asks for nothing.
 */
int table_read_size(struct block *b, struct table_size *out);

struct partition {
    unsigned number;            /* as Linux counts: logical ones from 5 */
    uint64_t start, count;      /* sectors */
    bool active;                /* MBR: the one to boot */
    uint8_t type;               /* MBR */
    uint8_t type_guid[16];      /* GPT */
    char name[GPT_NAME_CHARS + 1];      /* GPT; else "" */
};

struct table {
    struct table_size size;
    unsigned count;
    struct partition partition[TABLE_PARTITIONS];
};

/*
 * The same with all partitions, of which some may lie behind the disk's end. The
 * table counts blocks of `block_bytes`, a multiple of 512; the result is in
 * sectors.
 */
int table_read(struct block *b, uint32_t block_bytes, struct table *out);

#endif
