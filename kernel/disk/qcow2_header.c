/* See qcow2_header.h. */
#include "kernel/disk/qcow2_header.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/disk/bytes.h"
#include "kernel/disk/refuse.h"

#define V2_BYTES 72u
#define V3_BYTES 104u
#define COMPRESSION_TYPE 104u
#define EXTENSIONS_MAX 64u      /* that are looked at */

/* "Header extensions". */
enum { EXTENSION_END = 0, EXTENSION_BACKING_FORMAT = 0xe2792aca,
       EXTENSION_FEATURE_NAMES = 0x6803f857 };
#define FEATURE_BYTES 48u

static const char magic[4] = { 'Q', 'F', 'I', (char)0xfb };

bool qcow2_has_magic(const void *data, size_t len)
{
    return len >= sizeof magic && !memcmp(data, magic, sizeof magic);
}

/* ---- Extensions ----------------------------------------------------------- */

/* What the image itself calls incompatible feature `bit`; or "". */
static int feature_name(struct block *b, uint64_t at, uint32_t len,
                        unsigned bit, char name[FEATURE_BYTES])
{
    for (uint32_t i = 0; i + FEATURE_BYTES <= len && i < 64 * FEATURE_BYTES;
         i += FEATURE_BYTES) {
        uint8_t f[FEATURE_BYTES];
        int r = block_read_bytes(b, at + i, f, sizeof f);

        if (r)
            return r;
        if (f[0] || f[1] != bit)
            continue;
        for (unsigned k = 0; k < FEATURE_BYTES - 2; k++)
            name[k] = f[2 + k] >= ' ' && f[2 + k] < 127 ? f[2 + k] : '\0';
        name[FEATURE_BYTES - 2] = '\0';
    }
    return 0;
}

/* Each extension, up to the end of the header's cluster. */
static int read_extensions(struct block *b, struct qcow2_header *h,
                           uint64_t at, unsigned unknown_bit,
                           char name[FEATURE_BYTES])
{
    uint64_t end = 1ull << h->cluster_bits;
    int r = 0;

    for (unsigned n = 0; !r && n < EXTENSIONS_MAX && at + 8 <= end; n++) {
        uint8_t head[8];
        uint32_t type, len;

        r = block_read_bytes(b, at, head, sizeof head);
        type = bytes_be32(head);
        len = bytes_be32(head + 4);
        at += sizeof head;
        if (r || type == EXTENSION_END)
            return r;
        if (len > end - at)
            return -EINVAL;
        if (type == EXTENSION_BACKING_FORMAT &&
            len < sizeof h->backing_format) {
            memset(h->backing_format, 0, sizeof h->backing_format);
            r = block_read_bytes(b, at, h->backing_format, len);
        } else if (type == EXTENSION_FEATURE_NAMES) {
            r = feature_name(b, at, len, unknown_bit, name);
        }
        at += (len + 7ull) & ~7ull;
    }
    return r;
}

/* ---- Features ------------------------------------------------------------- */

/* Of "incompatible_features", what is known but not done. */
static const struct {
    uint64_t bit;
    const char *name;
} known[] = {
    { 1ull << 2, "external data file" },
    { 1ull << 3, "compression other than zlib (zstd)" },
    { 1ull << 4, "extended L2 entries" },
};

static unsigned first_unknown(uint64_t features)
{
    unsigned bit = 5;

    while (bit < 63 && !(features >> bit & 1))
        bit++;
    return bit;
}

static int check_features(const struct qcow2_header *h, const char *name,
                          char *why, size_t size)
{
    unsigned bit = first_unknown(h->incompatible);

    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (h->incompatible & known[i].bit)
            return refuse(-ENOTSUP, why, size, "it has the qcow2 feature '%s', "
                          "which Trestle lacks: qemu-img convert -O qcow2 "
                          "makes one without", known[i].name);
    if (h->incompatible >> 5)
        return refuse(-ENOTSUP, why, size, "it has the qcow2 feature '%s' (bit "
                      "%u), which Trestle does not know: qemu-img convert -O "
                      "qcow2 makes one without", *name ? name : "without name",
                      bit);
    return 0;
}

/* ---- Fields --------------------------------------------------------------- */

static int take_fields(const uint8_t *p, struct qcow2_header *h, uint32_t *crypt,
                       char *why, size_t size)
{
    h->version = bytes_be32(p + 4);
    h->cluster_bits = bytes_be32(p + 20);
    h->size = bytes_be64(p + 24);
    *crypt = bytes_be32(p + 32);
    h->l1_size = bytes_be32(p + 36);
    h->l1_offset = bytes_be64(p + 40);
    h->reftable_offset = bytes_be64(p + 48);
    h->reftable_clusters = bytes_be32(p + 56);
    h->snapshots = bytes_be32(p + 60);
    h->refcount_order = 4;
    if (!qcow2_has_magic(p, sizeof magic))
        return refuse(-EINVAL, why, size, "it does not begin as a qcow2 image "
                      "does: is it format=raw?");
    if (h->version != 2 && h->version != 3)
        return refuse(-ENOTSUP, why, size, "it is of qcow version %u: qemu-img "
                      "convert -O qcow2 makes one of version 3", h->version);
    if (h->cluster_bits < QCOW2_CLUSTER_BITS_MIN ||
        h->cluster_bits > QCOW2_CLUSTER_BITS_MAX)
        return refuse(-EINVAL, why, size, "its clusters of 2^%u bytes are none "
                      "of 2^9 to 2^21", h->cluster_bits);
    if (h->version == 3) {
        h->incompatible = bytes_be64(p + 72);
        h->autoclear = bytes_be64(p + 88);
        h->refcount_order = bytes_be32(p + 96);
    }
    return 0;
}

uint64_t qcow2_l1_entries(const struct qcow2_header *h, uint64_t bytes)
{
    /* A table of a cluster has entries of 8 bytes. */
    unsigned bits = 2 * h->cluster_bits - 3;

    return (bytes >> bits) + !!(bytes & ((1ull << bits) - 1));
}

/* Is [offset, offset + bytes) a table's place? */
static bool is_place(const struct qcow2_header *h, uint64_t offset,
                     uint64_t bytes)
{
    return offset && !(offset & ((1ull << h->cluster_bits) - 1)) &&
           offset < 1ull << 56 && bytes < 1ull << 56;
}

static int check_fields(const struct qcow2_header *h, uint32_t crypt, char *why,
                        size_t size)
{
    uint64_t reftable_bytes = (uint64_t)h->reftable_clusters << h->cluster_bits;

    if (crypt)
        return refuse(-ENOTSUP, why, size, "it is encrypted (%s), which "
                      "Trestle lacks: qemu-img convert makes one that is not",
                      crypt == 1 ? "AES" : crypt == 2 ? "LUKS" : "unknown");
    if (h->refcount_order > 6)
        return refuse(-EINVAL, why, size, "its refcounts have 2^%u bits, not 1 "
                      "to 64", h->refcount_order);
    if (!h->size)
        return refuse(-EINVAL, why, size, "its disk has no sectors");
    if (qcow2_l1_entries(h, h->size) > h->l1_size)
        return refuse(-EINVAL, why, size, "its L1 table of %u entries is too "
                      "short for its disk", h->l1_size);
    if (h->l1_size > QCOW2_L1_MAX ||
        !is_place(h, h->l1_offset, (uint64_t)h->l1_size * 8))
        return refuse(-EINVAL, why, size, "its L1 table is too large, or at no "
                      "place");
    if (reftable_bytes > QCOW2_REFTABLE_BYTES_MAX || !reftable_bytes ||
        !is_place(h, h->reftable_offset, reftable_bytes))
        return refuse(-EINVAL, why, size, "its refcount table is too large, or "
                      "at no place");
    return 0;
}

static int read_backing(struct block *b, const uint8_t *p,
                        struct qcow2_header *h, char *why, size_t size)
{
    uint64_t offset = bytes_be64(p + 8);
    uint32_t len = bytes_be32(p + 16);
    int r;

    if (!offset)
        return 0;
    if (!len || len > QCOW2_BACKING_MAX || offset > 1ull << h->cluster_bits)
        return refuse(-EINVAL, why, size, "the name of its backing file has "
                      "%u bytes, or is at no place", len);
    r = block_read_bytes(b, offset, h->backing, len);
    if (!r && strlen(h->backing) != len)
        return refuse(-EINVAL, why, size, "the name of its backing file has a "
                      "zero in it");
    return r;
}

int qcow2_header_read(struct block *lower, struct qcow2_header *h, char *why,
                      size_t why_size)
{
    uint8_t p[BLOCK_SECTOR_SIZE];
    char name[FEATURE_BYTES] = "";
    uint32_t length = V2_BYTES, crypt;
    int r = block_read_bytes(lower, 0, p, sizeof p);

    memset(h, 0, sizeof *h);
    if (!r)
        r = take_fields(p, h, &crypt, why, why_size);
    else
        refuse(r, why, why_size, "it cannot be read: %s", strerror(-r));
    if (r)
        return r;
    if (h->version == 3)
        length = bytes_be32(p + 100);
    if (h->version == 3 && (length < V3_BYTES || length % 8 ||
                            length > 1u << h->cluster_bits))
        return refuse(-EINVAL, why, why_size, "its header has %u bytes",
                      length);
    r = read_extensions(lower, h, length, first_unknown(h->incompatible), name);
    if (r)
        return refuse(r, why, why_size, r == -EINVAL
                      ? "a header extension is longer than its cluster"
                      : "its header cannot be read");
    r = check_features(h, name, why, why_size);
    if (!r && length > COMPRESSION_TYPE && p[COMPRESSION_TYPE])
        r = refuse(-EINVAL, why, why_size, "it has compression type %u without "
                   "the feature bit for it", p[COMPRESSION_TYPE]);
    if (!r)
        r = check_fields(h, crypt, why, why_size);
    return r ? r : read_backing(lower, p, h, why, why_size);
}

int qcow2_header_write(struct block *lower, const struct qcow2_header *h)
{
    uint8_t p[BLOCK_SECTOR_SIZE];
    int r = block_read(lower, 0, 1, p);

    if (r)
        return r;
    bytes_put_be64(p + 24, h->size);
    bytes_put_be32(p + 36, h->l1_size);
    bytes_put_be64(p + 40, h->l1_offset);
    bytes_put_be64(p + 48, h->reftable_offset);
    bytes_put_be32(p + 56, h->reftable_clusters);
    if (h->version == 3) {
        bytes_put_be64(p + 72, h->incompatible);
        bytes_put_be64(p + 88, h->autoclear);
    }
    return block_write(lower, 0, 1, p);
}
