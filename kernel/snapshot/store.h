/*
 * A store of snapshots on a file or a partition: a record in two copies that
 * says which there are and where (index.h), and their bytes in clusters of 64
 * KiB behind it. Every change is one change of the record: a snapshot is there
 * as a whole or not at all. What it says in words is for the administrator.
 *
 * One caller at a time; calls may wait for the device below.
 */
#ifndef KERNEL_SNAPSHOT_STORE_H
#define KERNEL_SNAPSHOT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/block.h"
#include "kernel/snapshot/index.h"

struct snapshot_store;

/*
 * Open the store on `block`, which is closed with it or on failure. Where there
 * is nothing but zeros a new one is begun, and with `init` where anything else
 * than a good store lies, too; it is written with the first snapshot.
 * 0, or negative errno and a sentence in `why`.
 */
int snapshot_store_open(struct block *block, bool init,
                        struct snapshot_store **out, char *why, size_t size);
void snapshot_store_close(struct snapshot_store *st);

const struct snapshot_index *snapshot_store_index(
    const struct snapshot_store *st);
/* Bytes for more; UINT64_MAX: as many as what is below it has. */
uint64_t snapshot_store_free(const struct snapshot_store *st);
/* Its writes are lost at power-off. */
bool snapshot_store_is_volatile(const struct snapshot_store *st);

/* Why the last call failed; NUL-terminated. */
const char *snapshot_store_why(const struct snapshot_store *st);

/* ---- Writing one: begin, append, commit or abort ------------------------- */

/*
 * Nothing of it counts before the commit, so abort just forgets it. Negative
 * errno: -ENOSPC, -EROFS, -EIO.
 */
int snapshot_begin(struct snapshot_store *st);
int snapshot_append(struct snapshot_store *st, const void *buf, size_t len);
/*
 * `p` without id and place, which it gets here: vm_bytes and disk_bytes are
 * together what was appended. One of the same machine with the same tag is
 * replaced.
 */
int snapshot_commit(struct snapshot_store *st, struct snapshot *p);
void snapshot_abort(struct snapshot_store *st);

/* ---- The others ---------------------------------------------------------- */

/* `len` bytes at `offset`, inside both lengths together. 0 or -errno. */
int snapshot_read(struct snapshot_store *st, const struct snapshot *p,
                  uint64_t offset, void *buf, size_t len);
int snapshot_delete(struct snapshot_store *st, uint32_t id);
/*
 * Remember that the disks `units` (bits) are being put back as snapshot `id`
 * has them; 0 and 0: no longer.
 */
int snapshot_mark(struct snapshot_store *st, uint32_t id, uint32_t units);

#endif
