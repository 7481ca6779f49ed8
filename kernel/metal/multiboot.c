/* See multiboot.h. Offsets: Multiboot2 specification 3.6.3 to 3.6.12. */
#include "kernel/metal/multiboot.h"

#include <string.h>

#define BLOCK_MIN 16u           /* fixed part and the end tag */
#define BLOCK_MAX (1u << 20)    /* far beyond what a loader writes */
#define TAG_HEADER 8u

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER = 2,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_RSDP_V1 = 14,
    TAG_RSDP_V2 = 15,
};

enum { FB_RGB = 1, FB_TEXT = 2 };

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

size_t multiboot_size(const void *block)
{
    uint32_t size = get32(block);

    return size >= BLOCK_MIN && size <= BLOCK_MAX ? size : 0;
}

/* A terminated string inside [p, p + len), or NULL. */
static const char *text(const uint8_t *p, size_t len)
{
    return memchr(p, 0, len) ? (const char *)p : NULL;
}

static bool parse_module(struct multiboot_info *out, const uint8_t *tag,
                         size_t size)
{
    struct multiboot_module m;

    if (size < 17 || out->module_count == MULTIBOOT_MAX_MODULES)
        return false;
    m.start = get32(tag + 8);
    m.end = get32(tag + 12);
    m.command_line = text(tag + 16, size - 16);
    if (m.end < m.start || !m.command_line)
        return false;
    out->module[out->module_count++] = m;
    return true;
}

static bool parse_memory_map(struct multiboot_info *out, const uint8_t *tag,
                             size_t size)
{
    uint32_t entry_size;
    bool good = true;

    if (size < 16)
        return false;
    entry_size = get32(tag + 8);
    if (entry_size < 24 || entry_size % 8)
        return false;
    for (size_t at = 16; size - at >= entry_size; at += entry_size) {
        struct multiboot_range r = {get64(tag + at), get64(tag + at + 8),
                                    get32(tag + at + 16)};

        if (r.base + r.length < r.base ||
            out->range_count == MULTIBOOT_MAX_RANGES) {
            good = false;
            continue;
        }
        out->range[out->range_count++] = r;
    }
    return good;
}

static bool good_colour(uint8_t shift, uint8_t bits, uint8_t pixel_bits)
{
    return bits >= 1 && bits <= 8 && shift + bits <= pixel_bits;
}

/* A BIOS without VGA gets a tag at a0000 with 1 bit a pixel: no screen. */
static bool parse_framebuffer(struct multiboot_info *out, const uint8_t *tag,
                              size_t size)
{
    struct multiboot_framebuffer f = {0};

    if (size < 32)
        return false;
    f.base = get64(tag + 8);
    f.pitch = get32(tag + 16);
    f.width = get32(tag + 20);
    f.height = get32(tag + 24);
    f.bits = tag[28];
    if (!f.base || !f.width || !f.height || f.width > 16384 ||
        f.height > 16384)
        return false;
    if (tag[29] == FB_TEXT) {
        f.kind = MULTIBOOT_SCREEN_TEXT;
        if (f.pitch < f.width * 2u || f.pitch > 65536)
            return false;
    } else if (tag[29] == FB_RGB && size >= 38) {
        f.kind = MULTIBOOT_SCREEN_RGB;
        f.red_shift = tag[32], f.red_bits = tag[33];
        f.green_shift = tag[34], f.green_bits = tag[35];
        f.blue_shift = tag[36], f.blue_bits = tag[37];
        if ((f.bits != 16 && f.bits != 24 && f.bits != 32) ||
            f.pitch < f.width * (f.bits / 8u) || f.pitch > 1u << 20 ||
            !good_colour(f.red_shift, f.red_bits, f.bits) ||
            !good_colour(f.green_shift, f.green_bits, f.bits) ||
            !good_colour(f.blue_shift, f.blue_bits, f.bits))
            return false;
    } else {
        return false;
    }
    out->screen = f;
    return true;
}

static bool parse_rsdp(struct multiboot_info *out, const uint8_t *tag,
                       size_t size, size_t wanted)
{
    if (size < TAG_HEADER + wanted)
        return false;
    if (wanted > out->rsdp_size) {
        memcpy(out->rsdp, tag + TAG_HEADER, wanted);
        out->rsdp_size = wanted;
    }
    return true;
}

static bool parse_string(const char **to, const uint8_t *tag, size_t size)
{
    const char *s = text(tag + TAG_HEADER, size - TAG_HEADER);

    if (!s)
        return false;
    *to = s;
    return true;
}

static bool parse_tag(struct multiboot_info *out, uint32_t type,
                      const uint8_t *tag, size_t size)
{
    switch (type) {
    case TAG_COMMAND_LINE: return parse_string(&out->command_line, tag, size);
    case TAG_LOADER: return parse_string(&out->loader, tag, size);
    case TAG_MODULE: return parse_module(out, tag, size);
    case TAG_MEMORY_MAP: return parse_memory_map(out, tag, size);
    case TAG_FRAMEBUFFER: return parse_framebuffer(out, tag, size);
    case TAG_RSDP_V1: return parse_rsdp(out, tag, size, 20);
    case TAG_RSDP_V2: return parse_rsdp(out, tag, size, 36);
    }
    return true;
}

bool multiboot_parse(const void *block, size_t size,
                     struct multiboot_info *out)
{
    const uint8_t *base = block;
    size_t at = 8;

    memset(out, 0, sizeof *out);
    out->command_line = out->loader = "";
    if (size < BLOCK_MIN)
        return false;
    while (size - at >= TAG_HEADER) {
        uint32_t type = get32(base + at), tag_size = get32(base + at + 4);

        if (type == TAG_END)
            return true;
        if (tag_size < TAG_HEADER || tag_size > size - at)
            return false;
        if (!parse_tag(out, type, base + at, tag_size))
            out->refused++;
        if (size - at < ((tag_size + 7u) & ~7u))
            return false;
        at += (tag_size + 7u) & ~7u;
    }
    return false;
}
