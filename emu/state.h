/*
 * The state of a whole machine as bytes: sections with a name, a version, a
 * length and a checksum, in a fixed order, field by field and little-endian.
 *
 *   file     magic (8), u32 format, u32 CRC of these 12; sections; "end"
 *   section  name (16, NUL-padded), u32 version, u32 length, u32 CRC of the
 *            payload, u32 CRC of these 28; payload
 *   "end"    u32 number of sections before it, u64 bytes before it, u32 CRC
 *            of the 28 bytes of each of their headers (with its own CRC behind
 *            it a header would add the same to that, whatever it says)
 *
 * CRCs are CRC-32C (RFC 3720, appendix B.4). Bytes behind "end" do not count:
 * a snapshot may lie in something larger.
 *
 * One function for each thing names its fields, and does for three modes: to
 * save them, to check what a file says (on a copy of the thing: nothing else
 * may change), and to load them (of a file that was checked just before). Names
 * in it are of no use to a hostile file: whatever is an index, a count or a
 * choice is refused by state_refuse where it is out of range.
 *
 * state.c: fields. state_file.c: sections. state_device.c, state_memory.c: those
 * of devices and of memory.
 */
#ifndef EMU_STATE_H
#define EMU_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_NAME 16u                  /* with its NUL */
#define STATE_SECTION_HEADER 32u
#define STATE_FILE_HEADER 16u
/* A section's payload at most: what a reader allocates for one. */
#define STATE_SECTION_MAX (2u << 20)

/*
 * Where the bytes go, one after the other. 0 or -errno. `passed`, which may be
 * NULL, is told of each piece of memory that is done, of STATE_CHUNK at most.
 */
struct state_sink {
    void *ctx;
    int (*write)(void *ctx, const void *buf, size_t len);
    void (*passed)(void *ctx, size_t bytes);
};

/* Where they come from: `len` bytes at `offset`, inside `size`. 0 or -errno. */
struct state_source {
    void *ctx;
    uint64_t size;
    int (*read)(void *ctx, uint64_t offset, void *buf, size_t len);
    void (*passed)(void *ctx, size_t bytes);
};

enum state_mode { STATE_SAVE, STATE_CHECK, STATE_LOAD };

struct state {
    enum state_mode mode;
    const struct state_sink *sink;
    const struct state_source *source;
    char section[STATE_NAME];   /* the one under way */
    uint32_t version;           /* its version in the file, 1..ours */
    uint8_t *buf;               /* its payload */
    size_t capacity, len, pos;
    uint64_t offset;            /* of what comes next in the file */
    uint32_t sections;          /* before that */
    uint32_t headers;           /* CRC of their headers so far */
    int error;                  /* the first: 0 or -errno */
    char why[160];              /* it in words */
    uint32_t crc_table[8][256];
};

/* ---- A file -------------------------------------------------------------- */

/*
 * Make `s` save into `sink` or (STATE_CHECK, STATE_LOAD) read from `source`.
 * The file's header is written, or read and checked, at once. Any error from
 * here on is s->error and s->why, and makes the rest do nothing.
 */
void state_open_save(struct state *s, const struct state_sink *sink);
void state_open_read(struct state *s, enum state_mode mode,
                     const struct state_source *source);
/* Frees what `s` holds. Returns s->error. */
int state_close(struct state *s);

/*
 * A section begins, ends. `version` is what this program writes, and the
 * newest that it reads. Reading, the next section has to be this one; at its
 * end no bytes may be left.
 */
void state_begin(struct state *s, const char *name, uint32_t version);
void state_end(struct state *s);
/* Reading: is a section of this name next? Saving: false. */
bool state_next_is(struct state *s, const char *name);
/* The section "end", which says that all is there. */
void state_finish(struct state *s);

/*
 * Note the first error: -EINVAL and "section 'NAME': " before the words. The
 * sentence without the section: state_error.
 */
void state_refuse(struct state *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void state_error(struct state *s, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- Fields -------------------------------------------------------------- */

static inline bool state_saving(const struct state *s)
{
    return s->mode == STATE_SAVE;
}

/* After an error, fields that are read are zero. */
void state_u8(struct state *s, uint8_t *v);
void state_u16(struct state *s, uint16_t *v);
void state_u32(struct state *s, uint32_t *v);
void state_u64(struct state *s, uint64_t *v);
void state_i64(struct state *s, int64_t *v);
void state_bool(struct state *s, bool *v);
void state_bytes(struct state *s, void *p, size_t len);
/* A choice, an index, a count: at most `max`, or "WHAT is out of range". */
unsigned state_choice(struct state *s, unsigned v, unsigned max,
                      const char *what);
/* A signed value from -`max` to `max`. */
void state_within(struct state *s, int64_t *v, int64_t max, const char *what);
/* Refuse with "WHAT" unless `ok`; for what is read. */
void state_check(struct state *s, bool ok, const char *what);
/*
 * A fact that has to be the same in the file as it is here (`what` names it):
 * saved, and compared.
 */
void state_same(struct state *s, uint64_t v, const char *what);
/*
 * Bytes that lie outside the thing that STATE_CHECK copied: saved and loaded,
 * but left alone by STATE_CHECK.
 */
void state_outside(struct state *s, void *p, size_t len);

/*
 * The same of whole pages, of which those that are all zeros are left out
 * (state_memory.c).
 */
void state_pages(struct state *s, uint8_t *p, size_t len);

/* ---- Devices (state_device.c) --------------------------------------------- */

struct device;

/* A device's section, called `name`; nothing for one without state. */
void state_device(struct state *s, struct device *dev, const char *name);

/* ---- Memory (state_memory.c) --------------------------------------------- */

#define STATE_PAGE 4096u
/* Memory in one section: so many bytes at most. */
#define STATE_CHUNK (1u << 20)

/*
 * Sections "NAME" with `bytes` bytes (whole pages) at `p`: pages of zeros are
 * left out. Loading fills and clears; checking changes nothing.
 */
void state_memory(struct state *s, const char *name, uint8_t *p,
                  uint64_t bytes);

/*
 * Such a section by itself, for what is not in memory as a whole. `page` counts
 * STATE_PAGE and is where a chunk begins; `count` of its pages are at `p`.
 * Saving: no section if all are zeros.
 */
void state_save_chunk(struct state *s, const char *name, const uint8_t *p,
                      uint64_t page, unsigned count);
/*
 * Reading: the section that is next, of `pages` in all and none before `from`.
 * Returns where it begins and fills STATE_CHUNK bytes at `p`, which is the
 * caller's own, by STATE_CHECK, too; after an error it returns `pages`.
 */
uint64_t state_read_chunk(struct state *s, const char *name, uint8_t *p,
                          uint64_t from, uint64_t pages);

/* ---- Inside -------------------------------------------------------------- */

/* Make room for a payload of `len` bytes. False: an error was noted. */
bool state_reserve(struct state *s, size_t len);

/* CRC-32C of `len` bytes, `crc` being that of the bytes before them, or 0. */
uint32_t state_crc(const struct state *s, uint32_t crc, const void *p,
                   size_t len);

#endif
