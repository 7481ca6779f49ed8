/* See overlay_sample.h. */
#include "kernel/disk/overlay_sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_SECTORS 8u
#define OF_PARTITIONS 15u       /* of the samples */

static int crc_at(struct block *b, uint64_t end, uint64_t sector,
                  uint32_t *crc)
{
    uint8_t buf[SAMPLE_SECTORS * BLOCK_SECTOR_SIZE] = { 0 };
    uint32_t n = sector >= end ? 0
               : end - sector < SAMPLE_SECTORS ? (uint32_t)(end - sector)
                                               : SAMPLE_SECTORS;
    int r = n ? block_read(b, sector, n, buf) : 0;

    *crc = gpt_crc32(0, buf, sizeof buf);
    return r;
}

static int take(struct block *b, uint64_t end, uint64_t sector,
                struct overlay_sample *sample, uint32_t *count)
{
    sample[*count].sector = sector;
    return crc_at(b, end, sector, &sample[(*count)++].crc);
}

int overlay_samples_take(struct block *b, uint64_t end,
                         struct overlay_sample sample[OVERLAY_SAMPLES],
                         uint32_t *count)
{
    struct table *t = malloc(sizeof *t);
    int r = t ? table_read(b, BLOCK_SECTOR_SIZE, t) : -ENOMEM;
    uint32_t spread;

    *count = 0;
    for (unsigned i = 0; !r && i < t->count && *count < OF_PARTITIONS; i++)
        r = take(b, end, t->partition[i].start, sample, count);
    free(t);
    spread = OVERLAY_SAMPLES - *count;
    for (uint64_t i = 0; !r && i < spread; i++)
        r = take(b, end, i * (end / spread), sample, count);
    return r;
}

int overlay_sample_check(struct block *b, uint64_t end,
                         const struct overlay_sample *s, bool *same)
{
    uint32_t crc;
    int r = crc_at(b, end, s->sector, &crc);

    *same = crc == s->crc;
    return r;
}
