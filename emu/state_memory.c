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

/* Pages of the chunk at `page`, of `pages` in all. */
static unsigned chunk_pages(uint64_t page, uint64_t pages)
{
    return pages - page < CHUNK_PAGES ? (unsigned)(pages - page) : CHUNK_PAGES;
}

static void save_chunk(struct state *s, const char *name, uint8_t *p,
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
            state_bytes(s, p + (size_t)i * STATE_PAGE, STATE_PAGE);
    state_end(s);
}

/* One section; `from` is the first page that may be in it. */
static uint64_t load_chunk(struct state *s, const char *name, uint8_t *p,
                           uint64_t from, uint64_t pages)
{
    uint8_t there[CHUNK_PAGES / 8];
    uint64_t page = 0;
    unsigned count;

    state_begin(s, name, 1);
    state_u64(s, &page);
    state_bytes(s, there, sizeof there);
    state_check(s, page >= from && page < pages && page % CHUNK_PAGES == 0,
                "pages out of order or outside the memory");
    if (s->error)
        return pages;
    count = chunk_pages(page, pages);
    for (unsigned i = 0; i < CHUNK_PAGES && !s->error; i++) {
        bool is_there = there[i / 8] >> i % 8 & 1;
        uint8_t *at = p + (page + i) * STATE_PAGE;

        if (is_there && i >= count)
            state_refuse(s, "a page outside the memory");
        else if (is_there)
            state_outside(s, at, STATE_PAGE);
        else if (i < count && s->mode == STATE_LOAD)
            memset(at, 0, STATE_PAGE);
    }
    state_end(s);
    if (s->mode == STATE_LOAD)
        memset(p + from * STATE_PAGE, 0, (page - from) * STATE_PAGE);
    return page + count;
}

void state_memory(struct state *s, const char *name, uint8_t *p,
                  uint64_t bytes)
{
    uint64_t pages = bytes / STATE_PAGE, page = 0;

    if (state_saving(s)) {
        for (; page < pages && !s->error; page += CHUNK_PAGES)
            save_chunk(s, name, p + page * STATE_PAGE, page,
                       chunk_pages(page, pages));
        return;
    }
    while (page < pages && state_next_is(s, name))
        page = load_chunk(s, name, p, page, pages);
    if (s->mode == STATE_LOAD && !s->error)
        memset(p + page * STATE_PAGE, 0, (pages - page) * STATE_PAGE);
}
