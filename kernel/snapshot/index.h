/*
 * What a store of snapshots knows of them: the record that is kept twice
 * (kernel/disk/twin.h). Pure; it is a file of emu/state.h.
 */
#ifndef KERNEL_SNAPSHOT_INDEX_H
#define KERNEL_SNAPSHOT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_MAX 32u        /* in a store */
#define SNAPSHOT_TAG 32u        /* bytes, with the NUL */
#define SNAPSHOT_EXTENTS 128u   /* pieces of one */
/* The store counts its place in clusters; the first are the record's. */
#define SNAPSHOT_CLUSTER 65536u
#define SNAPSHOT_RECORD_CLUSTERS 2u
#define SNAPSHOT_CLUSTERS_MAX (1u << 24)        /* a file's: 1 TiB */
#define SNAPSHOT_RECORD SNAPSHOT_CLUSTER        /* bytes of it at most */

struct snapshot_extent {
    uint32_t first, count;      /* clusters */
};

struct snapshot {
    uint32_t id;                /* 1 and up; never given twice */
    char tag[SNAPSHOT_TAG];     /* one for each machine */
    char machine[SNAPSHOT_TAG]; /* its name */
    int64_t date;               /* UTC seconds */
    uint64_t clock_ns;          /* the machine's virtual time */
    uint64_t vm_bytes;          /* the machine's state, then */
    uint64_t disk_bytes;        /* the disks' content */
    uint32_t extents;           /* where they lie */
    struct snapshot_extent extent[SNAPSHOT_EXTENTS];
};

struct snapshot_index {
    uint32_t next_id;
    /* Disks of this one are being put back (0: of none): bits of IDE units. */
    uint32_t restoring, restoring_units;
    uint32_t count;
    struct snapshot item[SNAPSHOT_MAX];
};

/* Bytes of `x` in `record` (SNAPSHOT_RECORD); 0 or -errno. */
int snapshot_index_write(const struct snapshot_index *x, uint8_t *record,
                         size_t *len);
/*
 * The other way, of a store that can have `clusters`. Whatever could not have
 * been written is refused: -EINVAL and a sentence in `why`.
 */
int snapshot_index_read(struct snapshot_index *x, const uint8_t *record,
                        size_t len, uint32_t clusters, char *why, size_t size);

/* A text that can be a tag: printable, no blank at its ends, not empty. */
bool snapshot_tag_is_good(const char *tag);
/* By its tag, else by its number, of machine `machine`; or NULL. */
const struct snapshot *snapshot_find(const struct snapshot_index *x,
                                     const char *machine, const char *name);
/* By its number alone. */
const struct snapshot *snapshot_by_id(const struct snapshot_index *x,
                                      uint32_t id);

/*
 * The place that no snapshot takes, of `clusters`: pieces, `max` of them at
 * most, the largest first; but last what is behind all snapshots, for which a
 * file has to grow. Returns how many.
 */
unsigned snapshot_index_free(const struct snapshot_index *x, uint32_t clusters,
                             struct snapshot_extent *out, unsigned max);

#endif
