/*
 * See probe.h. A field is looked at by its offset from the partition's start,
 * and only where the bytes are there (has).
 */
#include "kernel/disk/probe.h"

#include <stdio.h>
#include <string.h>

#include "kernel/disk/bytes.h"

struct bytes {
    const uint8_t *data;
    size_t len;
};

static bool has(const struct bytes *b, size_t offset, const void *magic,
                size_t len)
{
    return offset <= b->len && len <= b->len - offset &&
           !memcmp(b->data + offset, magic, len);
}

/* The printable part of a text field, without what pads it. */
static void take_label(struct probe_fs *out, const uint8_t *text, size_t len)
{
    size_t n = 0;

    while (n < len && n < sizeof out->label - 1 && text[n] >= ' ' &&
           text[n] < 0x7f)
        n++;
    while (n && text[n - 1] == ' ')
        n--;
    memcpy(out->label, text, n);
    out->label[n] = '\0';
}

static bool is_power_of_2(uint32_t v) { return v && !(v & (v - 1)); }

/* ---- File systems ---------------------------------------------------------- */

#define EXT_SUPER 1024u         /* Linux, Documentation/filesystems/ext4 */
#define EXT_SUPER_BYTES 264u

static bool probe_ext(const struct bytes *b, struct probe_fs *out)
{
    const uint8_t *s = b->data + EXT_SUPER;
    uint32_t compatible, incompatible, read_only, log_block;

    if (b->len < EXT_SUPER + EXT_SUPER_BYTES ||
        !has(b, EXT_SUPER + 56, "\x53\xef", 2))
        return false;
    log_block = bytes_le32(s + 24);
    if (log_block > 6)
        return false;
    compatible = bytes_le32(s + 92);
    incompatible = bytes_le32(s + 96);
    read_only = bytes_le32(s + 100);
    /* Extents, 64bit, flex_bg; huge_file, gdt_csum, metadata_csum. */
    out->kind = incompatible & 0x2c0 || read_only & 0x418 ? "ext4"
              : compatible & 0x4 ? "ext3" : "ext2";
    out->bytes = (uint64_t)bytes_le32(s + 4) << (10 + log_block);
    take_label(out, s + 120, 16);
    snprintf(out->detail, sizeof out->detail, "blocks of %u KiB%s",
             1u << log_block, bytes_le16(s + 58) & 1
             ? "" : ", not cleanly unmounted");
    return true;
}

static bool probe_squashfs(const struct bytes *b, struct probe_fs *out)
{
    static const char *const names[] = { "?", "gzip", "lzma", "lzo", "xz",
                                         "lz4", "zstd" };
    unsigned major, compression;

    if (b->len < 96 || !has(b, 0, "hsqs", 4))
        return false;
    out->kind = "squashfs";
    major = bytes_le16(b->data + 28);
    compression = bytes_le16(b->data + 20);
    if (major == 4) {
        out->bytes = bytes_le64(b->data + 40);
        snprintf(out->detail, sizeof out->detail, "version 4, %s",
                 names[compression < 7 ? compression : 0]);
    } else {
        snprintf(out->detail, sizeof out->detail, "version %u", major);
    }
    return true;
}

/* A node of any known kind at its start (Linux, include/uapi/linux/jffs2.h). */
static bool probe_jffs2(const struct bytes *b, struct probe_fs *out)
{
    static const uint16_t kinds[] = { 0xe001, 0xe002, 0x2003, 0x2004, 0x2006 };
    bool is_little;
    uint16_t kind;

    if (b->len < 12)
        return false;
    is_little = has(b, 0, "\x85\x19", 2);
    if (!is_little && !has(b, 0, "\x19\x85", 2))
        return false;
    kind = is_little ? bytes_le16(b->data + 2) : bytes_be16(b->data + 2);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kind == kinds[i]) {
            out->kind = "jffs2";
            snprintf(out->detail, sizeof out->detail, "%s-endian",
                     is_little ? "little" : "big");
            return true;
        }
    return false;
}

/*
 * FAT by its BIOS parameter block; which of the three is told by the number of
 * clusters (Microsoft, FAT specification 3.5).
 */
static bool probe_fat(const struct bytes *b, struct probe_fs *out)
{
    const uint8_t *d = b->data;
    uint64_t sectors, meta, clusters;
    uint32_t bytes, fat;
    bool is_fat32;

    if (b->len < 512 || !has(b, 510, "\x55\xaa", 2))
        return false;
    bytes = bytes_le16(d + 11);
    if (bytes < 512 || bytes > 4096 || !is_power_of_2(bytes) ||
        !is_power_of_2(d[13]) || !bytes_le16(d + 14) || !d[16] || d[16] > 2 ||
        d[21] < 0xf0)
        return false;
    fat = bytes_le16(d + 22) ? bytes_le16(d + 22) : bytes_le32(d + 36);
    sectors = bytes_le16(d + 19) ? bytes_le16(d + 19) : bytes_le32(d + 32);
    meta = bytes_le16(d + 14) + (uint64_t)d[16] * fat +
           (bytes_le16(d + 17) * 32u + bytes - 1) / bytes;
    if (!fat || meta >= sectors)
        return false;
    clusters = (sectors - meta) / d[13];
    is_fat32 = clusters >= 65525;
    out->kind = is_fat32 ? "FAT32" : clusters >= 4085 ? "FAT16" : "FAT12";
    out->bytes = sectors * bytes;
    take_label(out, d + (is_fat32 ? 71 : 43), 11);
    return true;
}

static bool probe_swap(const struct bytes *b, struct probe_fs *out)
{
    if (!has(b, 4086, "SWAPSPACE2", 10))
        return false;
    out->kind = "swap";
    /* Its header is behind 1024 bytes: version, last page. */
    out->bytes = ((uint64_t)bytes_le32(b->data + 1028) + 1) * 4096;
    take_label(out, b->data + 1052, 16);
    return true;
}

static bool probe_iso9660(const struct bytes *b, struct probe_fs *out)
{
    const uint8_t *d = b->data + 32768;

    if (b->len < 32768 + 2048 || !has(b, 32768, "\1CD001", 6))
        return false;
    out->kind = "ISO 9660";
    out->bytes = (uint64_t)bytes_le32(d + 80) * 2048;
    take_label(out, d + 40, 31);
    return true;
}

bool probe_fs(const uint8_t *data, size_t len, struct probe_fs *out)
{
    static bool (*const probes[])(const struct bytes *, struct probe_fs *) = {
        probe_ext, probe_squashfs, probe_jffs2, probe_swap, probe_iso9660,
        probe_fat,
    };
    const struct bytes b = { data, len };

    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        memset(out, 0, sizeof *out);
        if (probes[i](&b, out))
            return true;
    }
    return false;
}

/* ---- Boot loaders ---------------------------------------------------------- */

/* The text that GRUB's first sector says of itself, of both its kinds. */
static bool says_grub(const struct bytes *b)
{
    for (size_t i = 0; i + 5 <= 440; i++)
        if (has(b, i, "GRUB ", 5))
            return true;
    return false;
}

/*
 * GRUB legacy's stage 1 has its version at 3Eh and then the drive to boot and
 * stage 2's address. Stage 1.5 follows in the next sectors: one that loads the
 * rest, then that, with a version's text at 12h.
 */
static void grub_legacy(const struct bytes *b, char *text, size_t size)
{
    const uint8_t *stage = b->data + 1024;
    char version[17] = "";
    size_t n = 0;

    if (b->len >= 1024 + 0x12 + sizeof version &&
        has(b, 1024 + 6, b->data + 0x3e, 2)) {
        while (n < sizeof version - 1 && stage[0x12 + n] > ' ' &&
               stage[0x12 + n] < 0x7f)
            n++;
        memcpy(version, stage + 0x12, n);
    }
    snprintf(text, size, "GRUB legacy%s%s, stage 1 version %u.%u%s",
             n ? " " : "", version, b->data[0x3e], b->data[0x3f],
             n ? "" : ", stage 1.5 not embedded");
}

bool probe_boot(const uint8_t *data, size_t len, char *text, size_t size)
{
    const struct bytes b = { data, len };
    bool is_legacy;

    if (len < 512 || !has(&b, 510, "\x55\xaa", 2) || !says_grub(&b))
        return false;
    /* Where stage 2 or 1.5 goes; GRUB 2 has that elsewhere, and zeros here. */
    is_legacy = data[0x3e] == 3 && (has(&b, 0x42, "\x00\x80", 2) ||
                                    has(&b, 0x42, "\x00\x20", 2));
    if (is_legacy)
        grub_legacy(&b, text, size);
    else
        snprintf(text, size, "GRUB 2");
    return true;
}
