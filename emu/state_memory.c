/*
 * Memory in a snapshot: a section for each chunk that is not all zero, with
 * its first page's number, a bit for each page that is there, and those pages.
 */
#include "emu/state.h"

#include <string.h>

#define CHUNK_PAGES (STATE_CHUNK / STATE_PAGE)

_Static_assert(STATE_CHUNK + CHUNK_PAGES / 8 + 8 <= STATE_SECTION_MAX,
               "a chunk fits into a section");

static bool is_zero(const uint8_t *p)
{
    return !p[0] && !memcmp(p, p + 1, STATE_PAGE - 1);
}

void state_pages(struct state *s, uint8_t *p, size_t len)
{
    for (size_t at = 0; at < len && !s->error; at += STATE_PAGE) {
        bool there = state_saving(s) && !is_zero(p + at);

        state_bool(s, &there);
        if (there)
            state_outside(s, p + at, STATE_PAGE);
        else if (s->mode == STATE_LOAD)
            memset(p + at, 0, STATE_PAGE);
    }
}

/* Pages of the chunk at `page`, of `pages` in all. */
static unsigned chunk_pages(uint64_t page, uint64_t pages)
{
    return pages - page < CHUNK_PAGES ? (unsigned)(pages - page) : CHUNK_PAGES;
}

void state_save_chunk(struct state *s, const char *name, const uint8_t *p,
                      uint64_t page, unsigned count)
{
    uint8_t there[CHUNK_PAGES / 8] = { 0 };
    bool any = false;

    for (unsigned i = 0; i < count; i++)
        if (!is_zero(p + (size_t)i * STATE_PAGE)) {
            there[i / 8] |= (uint8_t)(1u << i % 8);
            any = true;
        }
    if (!any)
        return;
    state_begin(s, name, 1);
    state_u64(s, &page);
    state_bytes(s, there, sizeof there);
    for (unsigned i = 0; i < count; i++)
        if (there[i / 8] >> i % 8 & 1)
            state_bytes(s, (uint8_t *)p + (size_t)i * STATE_PAGE, STATE_PAGE);
    state_end(s);
}

/*
 * A section's beginning: its first page, and which ones are `there`. After an
 * error it is `pages`.
 */
static uint64_t begin_chunk(struct state *s, const char *name, uint64_t from,
                            uint64_t pages, uint8_t there[CHUNK_PAGES / 8])
{
    uint64_t page = 0;

    state_begin(s, name, 1);
    state_u64(s, &page);
    state_bytes(s, there, CHUNK_PAGES / 8);
    state_check(s, page >= from && page < pages && page % CHUNK_PAGES == 0,
                "pages out of order or outside the memory");
    return s->error ? pages : page;
}

/* Its pages, `count` of them, to `p` if `fills`. */
static void end_chunk(struct state *s, uint8_t *p, unsigned count,
                      const uint8_t there[CHUNK_PAGES / 8], bool fills)
{
    for (unsigned i = 0; i < CHUNK_PAGES && !s->error; i++) {
        bool is_there = there[i / 8] >> i % 8 & 1;

        if (is_there && i >= count)
            state_refuse(s, "a page outside the memory");
        else if (is_there && fills)
            state_bytes(s, p + (size_t)i * STATE_PAGE, STATE_PAGE);
        else if (is_there)
            state_outside(s, p + (size_t)i * STATE_PAGE, STATE_PAGE);
        else if (i < count && fills)
            memset(p + (size_t)i * STATE_PAGE, 0, STATE_PAGE);
    }
    state_end(s);
}

uint64_t state_read_chunk(struct state *s, const char *name, uint8_t *p,
                          uint64_t from, uint64_t pages)
{
    uint8_t there[CHUNK_PAGES / 8];
    uint64_t page = begin_chunk(s, name, from, pages, there);

    if (page < pages)
        end_chunk(s, p, chunk_pages(page, pages), there, true);
    return s->error ? pages : page;
}

static void passed(struct state *s, unsigned pages)
{
    size_t bytes = (size_t)pages * STATE_PAGE;

    if (state_saving(s) && s->sink->passed)
        s->sink->passed(s->sink->ctx, bytes);
    else if (!state_saving(s) && s->source->passed)
        s->source->passed(s->source->ctx, bytes);
}

/* Memory that nobody has written to yet stays so: it may be none so far. */
static void clear_pages(uint8_t *p, unsigned count)
{
    for (unsigned i = 0; i < count; i++, p += STATE_PAGE)
        if (!is_zero(p))
            memset(p, 0, STATE_PAGE);
}

/* Chunks from `page` to `end` are zeros. */
static void clear(struct state *s, uint8_t *p, uint64_t page, uint64_t end)
{
    unsigned count;

    for (; page < end && !s->error; page += count) {
        count = chunk_pages(page, end);
        if (s->mode == STATE_LOAD)
            clear_pages(p + page * STATE_PAGE, count);
        passed(s, count);
    }
}

static void load_memory(struct state *s, const char *name, uint8_t *p,
                        uint64_t pages)
{
    uint8_t there[CHUNK_PAGES / 8];
    uint64_t page = 0;

    while (page < pages && state_next_is(s, name)) {
        uint64_t next = begin_chunk(s, name, page, pages, there);

        clear(s, p, page, next);
        if (s->error)
            return;
        page = next + chunk_pages(next, pages);
        end_chunk(s, p + next * STATE_PAGE, (unsigned)(page - next), there,
                  s->mode == STATE_LOAD);
        passed(s, (unsigned)(page - next));
    }
    clear(s, p, page, pages);
}

void state_memory(struct state *s, const char *name, uint8_t *p,
                  uint64_t bytes)
{
    uint64_t pages = bytes / STATE_PAGE;
    unsigned count;

    if (!state_saving(s)) {
        load_memory(s, name, p, pages);
        return;
    }
    for (uint64_t page = 0; page < pages && !s->error; page += count) {
        count = chunk_pages(page, pages);
        state_save_chunk(s, name, p + page * STATE_PAGE, page, count);
        passed(s, count);
    }
}
