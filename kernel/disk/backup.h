/* A copy of a disk as it was at one moment, while a guest is using it. */
#ifndef KERNEL_DISK_BACKUP_H
#define KERNEL_DISK_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/block.h"
#include "kernel/disk/image.h"

#define BACKUP_CLUSTER_SECTORS 128u     /* 64 KiB */
#define BACKUP_KEPT_MOST 1024u          /* 64 MiB */

struct backup_config {
    struct disk_image *img;
    struct block *target;
    const char *target_name;
    /* The target was made for it: it gets the disk's size, and stays sparse. */
    bool is_new;
    /* Clusters that the guest has written and the target has not, at most. */
    uint32_t kept_most;
    /* Asked between two steps, with bytes; false stops it. */
    bool (*go_on)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

/*
 * In a task: the target's beginning becomes what c->img shows to its guest when
 * this is called, in its size, and has it on the medium when 0 is returned.
 * Negative errno: -ECANCELED, or a sentence in `why`: -ENOSPC: the target is too
 * small; -ENOBUFS: the guest wrote more than could be kept; -ESTALE: the disk
 * was exchanged; and what reading or writing said. The target is no copy then;
 * the guest has seen nothing of it in any case.
 */
int disk_backup(const struct backup_config *c, char *why, size_t why_size);

#endif
