/* See slot_table.h. */
#include "kernel/slots/slot_table.h"

#include <string.h>

#include "kernel/disk/bytes.h"

/*
 * The table as bytes, little-endian: u32 version, u32 active, u32 previous, u32
 * slots; then for each slot u32 state, u32 attempts, u64 bytes, u64 date, the
 * hash, the source.
 */
#define VERSION 1u
#define HEAD_BYTES 16u
#define SLOT_BYTES (24u + SHA256_BYTES + SLOT_SOURCE)

static const char first_source[] = "the medium's first image";

void slot_table_make(struct slot_table *t, unsigned count)
{
    memset(t, 0, sizeof *t);
    t->count = count;
    t->previous = SLOT_NONE;
    t->slot[0].state = SLOT_GOOD;
    strcpy(t->slot[0].image.source, first_source);
}

/* ---- Bytes ----------------------------------------------------------------- */

void slot_table_encode(const struct slot_table *t,
                       uint8_t bytes[SLOT_TABLE_BYTES])
{
    uint8_t *p = bytes + HEAD_BYTES;

    bytes_put_le32(bytes, VERSION);
    bytes_put_le32(bytes + 4, t->active);
    bytes_put_le32(bytes + 8, t->previous);
    bytes_put_le32(bytes + 12, MEDIUM_SLOTS);
    for (unsigned i = 0; i < MEDIUM_SLOTS; i++, p += SLOT_BYTES) {
        const struct slot *s = &t->slot[i];

        bytes_put_le32(p, s->state);
        bytes_put_le32(p + 4, s->attempts);
        bytes_put_le64(p + 8, s->image.bytes);
        bytes_put_le64(p + 16, (uint64_t)s->image.date);
        memcpy(p + 24, s->image.sha256, SHA256_BYTES);
        memcpy(p + 24 + SHA256_BYTES, s->image.source, SLOT_SOURCE);
    }
}

static bool is_source(const char *text)
{
    for (unsigned i = 0; i < SLOT_SOURCE; i++) {
        if (!text[i])
            return true;
        if (text[i] < ' ' || text[i] > '~')
            return false;
    }
    return false;
}

static bool decode_slot(struct slot *s, const uint8_t *p)
{
    uint32_t state = bytes_le32(p);

    s->state = (enum slot_state)state;
    s->attempts = bytes_le32(p + 4);
    s->image.bytes = bytes_le64(p + 8);
    s->image.date = (int64_t)bytes_le64(p + 16);
    memcpy(s->image.sha256, p + 24, SHA256_BYTES);
    memcpy(s->image.source, p + 24 + SHA256_BYTES, SLOT_SOURCE);
    return state <= SLOT_FAILED && s->attempts <= SLOT_TRIES &&
           is_source(s->image.source);
}

/* What no change brings about is refused. */
static bool is_sound(const struct slot_table *t)
{
    unsigned tried = 0;

    for (unsigned i = 0; i < MEDIUM_SLOTS; i++)
        tried += t->slot[i].state == SLOT_TRYING;
    return tried <= 1 && t->active < MEDIUM_SLOTS &&
           t->slot[t->active].state == SLOT_GOOD &&
           t->previous <= SLOT_NONE && t->previous != t->active &&
           (t->previous == SLOT_NONE ||
            t->slot[t->previous].state == SLOT_GOOD);
}

bool slot_table_decode(struct slot_table *t, const uint8_t *bytes, size_t len)
{
    const uint8_t *p = bytes + HEAD_BYTES;

    if (len != SLOT_TABLE_BYTES || bytes_le32(bytes) != VERSION ||
        bytes_le32(bytes + 12) != MEDIUM_SLOTS)
        return false;
    t->active = bytes_le32(bytes + 4);
    t->previous = bytes_le32(bytes + 8);
    for (unsigned i = 0; i < MEDIUM_SLOTS; i++, p += SLOT_BYTES)
        if (!decode_slot(&t->slot[i], p))
            return false;
    return is_sound(t);
}

/* ---- Questions ------------------------------------------------------------- */

unsigned slot_table_trying(const struct slot_table *t)
{
    unsigned i = 0;

    while (i < MEDIUM_SLOTS && t->slot[i].state != SLOT_TRYING)
        i++;
    return i;
}

unsigned slot_table_spare(const struct slot_table *t, unsigned from)
{
    unsigned i = from;

    if (slot_table_trying(t) != SLOT_NONE)
        return SLOT_NONE;
    while (i < t->count && (i == t->active || i == t->previous))
        i++;
    return i < t->count ? i : SLOT_NONE;
}

/* ---- Changes --------------------------------------------------------------- */

void slot_table_clear(struct slot_table *t, unsigned slot)
{
    memset(&t->slot[slot], 0, sizeof t->slot[slot]);
}

void slot_table_try(struct slot_table *t, unsigned slot,
                    const struct slot_image *image)
{
    t->slot[slot] = (struct slot){ .state = SLOT_TRYING, .image = *image };
}

unsigned slot_table_boot(struct slot_table *t)
{
    unsigned i = slot_table_trying(t);

    if (i == SLOT_NONE)
        return t->active;
    if (t->slot[i].attempts < SLOT_TRIES) {
        t->slot[i].attempts++;
        return i;
    }
    t->slot[i].state = SLOT_FAILED;
    return t->active;
}

bool slot_table_confirm(struct slot_table *t)
{
    unsigned i = slot_table_trying(t);

    if (i == SLOT_NONE)
        return false;
    t->slot[i].state = SLOT_GOOD;
    t->previous = t->active;
    t->active = i;
    return true;
}

bool slot_table_rollback(struct slot_table *t)
{
    unsigned i = slot_table_trying(t), active = t->active;

    if (i != SLOT_NONE) {
        t->slot[i].state = SLOT_FAILED;
        return true;
    }
    if (t->previous == SLOT_NONE)
        return false;
    t->active = t->previous;
    t->previous = active;
    return true;
}
