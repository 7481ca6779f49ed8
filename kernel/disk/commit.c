/*
 * See commit.h. In rounds, each over what the guest wrote in the one before,
 * until so little is left that the guest can wait for it.
 */
#include "kernel/disk/commit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/disk/overlay.h"
#include "kernel/disk/overlay_store.h"

#define STEP_CLUSTERS 16u       /* 1 MiB */
#define LAST_CLUSTERS 64u       /* of the last step */
#define ROUNDS 8u               /* before that, however much is left */

struct commit {
    struct disk_image *img;
    bool (*go_on)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
    uint64_t did, left;         /* clusters */
    unsigned step;
};

/* ---- Steps, each in the disk's turn ---------------------------------------- */

static int begin(struct disk_image *img, void *ctx)
{
    uint8_t head[BLOCK_SECTOR_SIZE];
    int r;

    /* What is safe in the store would not be there any more. */
    if (!img->top->is_volatile && img->file->is_volatile)
        return -EPERM;
    /* An overlay that is kept may be from a run with another format. */
    r = block_read(img->top, 0, 1, head);
    if (!r && image_file_disguises(&img->image, head))
        r = -EACCES;
    return r ? r : overlay_commit_begin(img->top);
}

static int begin_round(struct disk_image *img, void *ctx)
{
    struct commit *c = ctx;

    return overlay_commit_round(img->top, &c->left);
}

static int write_some(struct disk_image *img, void *ctx)
{
    struct commit *c = ctx;

    return overlay_commit_some(img->top, STEP_CLUSTERS, &c->step);
}

static int end(struct disk_image *img, void *ctx)
{
    return overlay_commit_end(img->top);
}

static int stop(struct disk_image *img, void *ctx)
{
    overlay_commit_stop(img->top);
    return 0;
}

/* ---- All of them ----------------------------------------------------------- */

static bool goes_on(const struct commit *c)
{
    return c->go_on(c->ctx, c->did * OVERLAY_CLUSTER_BYTES,
                    (c->did + c->left) * OVERLAY_CLUSTER_BYTES);
}

static int do_round(struct commit *c)
{
    do {
        int r = disk_image_visit(c->img, write_some, c);

        if (r)
            return r;
        c->did += c->step;
        c->left -= c->step < c->left ? c->step : c->left;
        if (!goes_on(c))
            return -ECANCELED;
    } while (c->step);
    return 0;
}

static int do_rounds(struct commit *c)
{
    int r = disk_image_visit(c->img, begin_round, c);

    for (unsigned i = 0; !r && c->left > LAST_CLUSTERS && i < ROUNDS; i++) {
        r = goes_on(c) ? do_round(c) : -ECANCELED;
        if (!r)
            r = disk_image_visit(c->img, begin_round, c);
    }
    if (r)
        return r;
    c->did += c->left;
    c->left = 0;
    r = disk_image_visit(c->img, end, c);
    if (!r)
        goes_on(c);
    return r;
}

static void explain(const struct disk_image *img, int error, char *why,
                    size_t size)
{
    const char *text = strerror(-error);

    if (error == -EPERM)
        text = "it is in RAM, and what is safe in the overlay would be lost at "
               "power-off";
    else if (error == -EACCES)
        text = "it would look like a qcow2 image then, and its format was "
               "guessed; say format=raw";
    else if (error == -EBUSY)
        text = "another one is reading it, as its image";
    else if (error == -EROFS)
        text = "it cannot be written";
    else if (error == -ENOSPC)
        text = "it has no room for all of it, or cannot get larger; what the "
               "guest wrote stays in the overlay";
    snprintf(why, size, "'%s': %s", img->dev.name, text);
}

int disk_commit(struct disk_image *img,
                bool (*go_on)(void *ctx, uint64_t done, uint64_t total),
                void *ctx, char *why, size_t why_size)
{
    struct commit c = { .img = img, .go_on = go_on, .ctx = ctx };
    int r = disk_image_visit(img, begin, &c);

    if (!r) {
        r = do_rounds(&c);
        disk_image_visit(img, stop, &c);
    }
    if (r && r != -ECANCELED)
        explain(img, r, why, why_size);
    return r;
}
