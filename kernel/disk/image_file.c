/* See image_file.h. */
#include "kernel/disk/image_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/block_file.h"
#include "kernel/disk/disk_name.h"
#include "kernel/disk/qcow2.h"
#include "kernel/disk/refuse.h"
#include "kernel/platform.h"
#include "kernel/slots/slots.h"

#define WHY_BYTES 320u

/* The images from the one that was named down to one that it is based on. */
struct chain {
    const char *name;
    const struct chain *above;  /* NULL: the one that was named */
    unsigned length;
};

/* ---- One file -------------------------------------------------------------- */

static int open_bottom(const char *name, bool writable, struct block **out,
                       char *why, size_t size)
{
    int r;

    if (slots_disk_is(name))
        return slots_disk_open(!writable, out, why, size);
    if (disk_name_is(name))
        return disk_name_open(name, writable ? BLOCK_PHYS_WRITE
                                             : BLOCK_PHYS_READ,
                              platform_task_wait, out, why, size);
    r = block_file_open(name, writable, out);
    if (r)
        refuse(r, why, size, "cannot open '%s': %s", name, r == -EBUSY
               ? "busy: only -snapshot or readonly=on, for all, lets several "
                 "have it"
               : strerror(-r));
    return r;
}

static int guess(struct block *b, enum image_format *format)
{
    uint8_t head[4];
    int r = block_read_bytes(b, 0, head, sizeof head);

    *format = !r && qcow2_has_magic(head, sizeof head) ? IMAGE_QCOW2
                                                       : IMAGE_RAW;
    return r;
}

/* ---- What it is based on --------------------------------------------------- */

/* A path in an image is relative to the image's. NULL: no memory. */
static char *resolve(const char *image, const char *path)
{
    const char *slash = strrchr(image, '/');
    size_t folder = *path != '/' && slash ? (size_t)(slash + 1 - image) : 0;
    char *full = malloc(folder + strlen(path) + 1);

    if (full) {
        memcpy(full, image, folder);
        strcpy(full + folder, path);
    }
    return full;
}

static int open_image(const char *name, enum image_format format,
                      bool writable, const struct chain *above,
                      struct image_file *out, char *why, size_t size);

static int take_format(const char *name, enum image_format *format, char *why,
                       size_t size)
{
    *format = !strcmp(name, "raw") ? IMAGE_RAW
            : !strcmp(name, "qcow2") ? IMAGE_QCOW2 : IMAGE_GUESS;
    if (*format != IMAGE_GUESS)
        return 0;
    if (*name)
        return refuse(-ENOTSUP, why, size, "it is based on a file of format "
                      "'%s', not raw or qcow2: qemu-img convert makes one that "
                      "is on its own", name);
    return refuse(-EINVAL, why, size, "it does not say of which format the "
                  "file is that it is based on: qemu-img rebase -u -F FORMAT "
                  "-b FILE tells it");
}

static int check_chain(const struct chain *c, const char *full, char *why,
                       size_t size)
{
    if (c->length >= IMAGE_CHAIN_MAX)
        return refuse(-ELOOP, why, size, "more than %u images are based on "
                      "each other", IMAGE_CHAIN_MAX);
    for (; c; c = c->above)
        if (!strcmp(c->name, full))
            return refuse(-ELOOP, why, size, "it is based on itself, over "
                          "'%s'", full);
    return 0;
}

static int open_backing(const char *name, const struct chain *above,
                        struct block *b, char *why, size_t size)
{
    const struct qcow2_header *h = qcow2_header(b);
    const struct chain c = { name, above, above ? above->length + 1 : 1 };
    struct image_file backing;
    enum image_format format;
    char *full;
    int r = take_format(h->backing_format, &format, why, size);

    /* As qemu reads such names; the file of that name would be "./a:b". */
    if (!r && strchr(h->backing, ':') &&
        !memchr(h->backing, '/', strcspn(h->backing, ":")))
        return refuse(-ENOTSUP, why, size, "it is based on '%s', which is no "
                      "file: qemu-img convert makes one that is on its own",
                      h->backing);
    if (r)
        return r;
    full = resolve(name, h->backing);
    r = full ? check_chain(&c, full, why, size)
             : refuse(-ENOMEM, why, size, "no memory");
    if (!r)
        r = open_image(full, format, false, &c, &backing, why, size);
    if (r) {
        free(full);
        return r;
    }
    qcow2_set_backing(b, backing.block, full);
    return 0;
}

/* ---- An image -------------------------------------------------------------- */

static int open_qcow2(const char *name, bool is_guess,
                      const struct chain *above, struct block **b, char *why,
                      size_t size)
{
    char reason[WHY_BYTES];
    struct block *layer;
    bool may_write = !(*b)->is_volatile && !disk_name_is(name);
    int r = qcow2_open(*b, name, may_write, &layer, reason, sizeof reason);

    if (!r) {
        *b = layer;
        if (!*qcow2_header(layer)->backing)
            return 0;
        r = is_guess ? refuse(-EPERM, reason, sizeof reason, "it is based on "
                              "another file; ask for that with -drive "
                              "format=qcow2,file=... (image info -f qcow2)")
                     : open_backing(name, above, layer, reason, sizeof reason);
    }
    if (r)
        refuse(r, why, size, "'%s': %s", name, reason);
    return r;
}

static int open_image(const char *name, enum image_format format,
                      bool writable, const struct chain *above,
                      struct image_file *out, char *why, size_t size)
{
    struct block *b;
    int r;

    if (slots_disk_is(name) && format == IMAGE_QCOW2)
        return refuse(-EINVAL, why, size, "a slot's disk is always raw");
    out->is_guess = format == IMAGE_GUESS && !disk_name_is(name);
    r = open_bottom(name, writable, &b, why, size);
    if (r)
        return r;
    /* A disk of the PC's own is a guest's, or another system's. */
    if (out->is_guess)
        r = guess(b, &format);
    else if (format == IMAGE_GUESS)
        format = IMAGE_RAW;
    if (r)
        refuse(r, why, size, "cannot read '%s': %s", name, strerror(-r));
    if (!r && format == IMAGE_QCOW2)
        r = open_qcow2(name, out->is_guess, above, &b, why, size);
    if (r) {
        block_close(b);
        return r;
    }
    out->block = b;
    out->format = format;
    return 0;
}

int image_file_open(const char *name, enum image_format format, bool writable,
                    struct image_file *out, char *why, size_t why_size)
{
    return open_image(name, format, writable, NULL, out, why, why_size);
}

bool image_file_disguises(const struct image_file *f, const void *head)
{
    return f->is_guess && f->format == IMAGE_RAW &&
           qcow2_has_magic(head, BLOCK_SECTOR_SIZE);
}

void image_file_text(const struct image_file *f, char text[IMAGE_FILE_TEXT])
{
    const struct qcow2_header *h;

    if (f->format == IMAGE_RAW) {
        snprintf(text, IMAGE_FILE_TEXT, "raw");
        return;
    }
    h = qcow2_header(f->block);
    snprintf(text, IMAGE_FILE_TEXT, "qcow2 version %u, clusters of %u bytes",
             h->version, 1u << h->cluster_bits);
}

const char *image_file_backing(const struct image_file *f)
{
    return f->format == IMAGE_QCOW2 ? qcow2_header(f->block)->backing : "";
}
