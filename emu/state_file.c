/* The sections of a file; see state.h for its shape. */
#include "emu/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1u
#define FIRST_CAPACITY 4096u
static const char magic[8] = { 'T', 'R', 'S', 'T', 'S', 'N', 'A', 'P' };

#define CRC_POLY 0x82f63b78u    /* CRC-32C, bits reversed */

/* ---- CRC-32C, eight bytes at a time -------------------------------------- */

static void crc_init(struct state *s)
{
    uint32_t (*t)[256] = s->crc_table;

    for (uint32_t n = 0; n < 256; n++) {
        uint32_t c = n;

        for (unsigned bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? CRC_POLY : 0);
        t[0][n] = c;
    }
    for (unsigned k = 1; k < 8; k++)
        for (unsigned n = 0; n < 256; n++)
            t[k][n] = t[k - 1][n] >> 8 ^ t[0][t[k - 1][n] & 0xff];
}

static inline uint32_t crc_of_8(const uint32_t t[8][256], uint32_t crc,
                                const uint8_t *b)
{
    crc ^= b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
    return t[7][crc & 0xff] ^ t[6][crc >> 8 & 0xff] ^ t[5][crc >> 16 & 0xff] ^
           t[4][crc >> 24] ^ t[3][b[4]] ^ t[2][b[5]] ^ t[1][b[6]] ^ t[0][b[7]];
}

uint32_t state_crc(const struct state *s, uint32_t crc, const void *p,
                   size_t len)
{
    const uint32_t (*t)[256] = s->crc_table;
    const uint8_t *b = p;

    crc = ~crc;
    for (; len >= 32; len -= 32, b += 32) {
        crc = crc_of_8(t, crc, b);
        crc = crc_of_8(t, crc, b + 8);
        crc = crc_of_8(t, crc, b + 16);
        crc = crc_of_8(t, crc, b + 24);
    }
    while (len--)
        crc = crc >> 8 ^ t[0][(crc ^ *b++) & 0xff];
    return ~crc;
}

/* ---- Bytes of the file --------------------------------------------------- */

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void emit(struct state *s, const void *p, size_t len)
{
    int error;

    if (s->error || !len)
        return;
    error = s->sink->write(s->sink->ctx, p, len);
    if (error)
        state_error(s, error, "the snapshot cannot be written (error %d)",
                    -error);
    s->offset += len;
}

/* `what` is what a file that ends too early ends in. */
static bool fetch(struct state *s, void *p, size_t len, const char *what)
{
    int error;

    if (s->error)
        return false;
    if (s->offset > s->source->size || len > s->source->size - s->offset) {
        state_error(s, -EINVAL, "the snapshot is cut short: it ends in %s%s%s",
                    what, *s->section ? " after section " : "", s->section);
        return false;
    }
    error = len ? s->source->read(s->source->ctx, s->offset, p, len) : 0;
    if (error) {
        state_error(s, error, "the snapshot cannot be read (error %d)",
                    -error);
        return false;
    }
    s->offset += len;
    return true;
}

/* ---- Opening and closing ------------------------------------------------- */

static void open_any(struct state *s, enum state_mode mode)
{
    memset(s, 0, sizeof *s);
    s->mode = mode;
    crc_init(s);
}

bool state_reserve(struct state *s, size_t len)
{
    size_t capacity = s->capacity ? s->capacity : FIRST_CAPACITY;
    uint8_t *buf;

    if (s->error)
        return false;
    if (len > STATE_SECTION_MAX) {
        state_error(s, -EFBIG, "section '%s' is too long", s->section);
        return false;
    }
    if (len <= s->capacity)
        return true;
    while (capacity < len)
        capacity *= 2;
    buf = realloc(s->buf, capacity);
    if (!buf) {
        state_error(s, -ENOMEM, "no memory for section '%s'", s->section);
        return false;
    }
    s->buf = buf;
    s->capacity = capacity;
    return true;
}

void state_open_save(struct state *s, const struct state_sink *sink)
{
    uint8_t h[STATE_FILE_HEADER];

    open_any(s, STATE_SAVE);
    s->sink = sink;
    memcpy(h, magic, sizeof magic);
    put32(h + 8, FORMAT);
    put32(h + 12, state_crc(s, 0, h, 12));
    emit(s, h, sizeof h);
}

void state_open_read(struct state *s, enum state_mode mode,
                     const struct state_source *source)
{
    uint8_t h[STATE_FILE_HEADER];

    open_any(s, mode);
    s->source = source;
    if (!fetch(s, h, sizeof h, "its header"))
        return;
    if (memcmp(h, magic, sizeof magic))
        state_error(s, -EINVAL, "this is no Trestle snapshot");
    else if (get32(h + 12) != state_crc(s, 0, h, 12))
        state_error(s, -EINVAL, "the snapshot's header is damaged");
    else if (get32(h + 8) != FORMAT)
        state_error(s, -EINVAL, "the snapshot's format %u is not this "
                    "Trestle's %u", get32(h + 8), FORMAT);
}

int state_close(struct state *s)
{
    free(s->buf);
    s->buf = NULL;
    return s->error;
}

/* ---- Sections ------------------------------------------------------------ */

static void set_name(struct state *s, const char *name)
{
    size_t len = strlen(name);

    if (len >= STATE_NAME)
        len = STATE_NAME - 1;
    memset(s->section, 0, sizeof s->section);
    memcpy(s->section, name, len);
}

/* A section's header is right by itself and is that of `name`. */
static bool check_header(struct state *s, const uint8_t *h, const char *name,
                         uint32_t version)
{
    char found[STATE_NAME];

    if (get32(h + 28) != state_crc(s, 0, h, 28)) {
        state_error(s, -EINVAL, "the header of section '%s' is damaged", name);
        return false;
    }
    memcpy(found, h, sizeof found);
    found[STATE_NAME - 1] = 0;
    for (char *c = found; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    if (strcmp(found, name)) {
        state_error(s, -EINVAL, "section '%s' where '%s' belongs", found, name);
        return false;
    }
    s->version = get32(h + 16);
    s->len = get32(h + 20);
    if (s->version > version)
        state_error(s, -EINVAL, "section '%s' version %u is newer than this "
                    "Trestle's %u", name, s->version, version);
    else if (!s->version)
        state_error(s, -EINVAL, "section '%s' has no version", name);
    else if (s->len > STATE_SECTION_MAX)
        state_error(s, -EINVAL, "section '%s' is too long", name);
    return !s->error;
}

static void read_section(struct state *s, const char *name, uint32_t version)
{
    uint8_t h[STATE_SECTION_HEADER];

    if (!fetch(s, h, sizeof h, "a section's header"))
        return;
    if (!check_header(s, h, name, version)) {
        s->len = 0;
        return;
    }
    set_name(s, name);
    if (!state_reserve(s, s->len) || !fetch(s, s->buf, s->len, "its content"))
        return;
    if (get32(h + 24) != state_crc(s, 0, s->buf, s->len)) {
        state_refuse(s, "was changed: its checksum does not fit");
        return;
    }
    s->headers = state_crc(s, s->headers, h, 28);
}

void state_begin(struct state *s, const char *name, uint32_t version)
{
    s->len = s->pos = 0;
    s->version = version;
    if (state_saving(s))
        set_name(s, name);
    else
        read_section(s, name, version);
    s->sections++;
}

static void write_section(struct state *s)
{
    uint8_t h[STATE_SECTION_HEADER];

    memcpy(h, s->section, STATE_NAME);
    put32(h + 16, s->version);
    put32(h + 20, (uint32_t)s->len);
    put32(h + 24, state_crc(s, 0, s->buf, s->len));
    put32(h + 28, state_crc(s, 0, h, 28));
    s->headers = state_crc(s, s->headers, h, 28);
    emit(s, h, sizeof h);
    emit(s, s->buf, s->len);
}

void state_end(struct state *s)
{
    if (s->error)
        return;
    if (state_saving(s))
        write_section(s);
    else if (s->pos != s->len)
        state_refuse(s, "is longer than its fields");
}

bool state_next_is(struct state *s, const char *name)
{
    uint64_t at = s->offset;
    uint8_t h[STATE_SECTION_HEADER];

    if (state_saving(s) || !fetch(s, h, sizeof h, "a section's header"))
        return false;
    s->offset = at;
    return !strncmp((const char *)h, name, STATE_NAME);
}

void state_finish(struct state *s)
{
    uint32_t sections = s->sections, headers = s->headers;
    uint32_t said_sections = sections, said_headers = headers;
    uint64_t bytes = s->offset, said_bytes = bytes;

    state_begin(s, "end", 1);
    state_u32(s, &said_sections);
    state_u64(s, &said_bytes);
    state_u32(s, &said_headers);
    state_end(s);
    state_check(s, said_sections == sections && said_bytes == bytes &&
                said_headers == headers,
                "is the end of another snapshot");
}
