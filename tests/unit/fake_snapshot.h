/* A snapshot in memory: sink and source of emu/state.h. */
#ifndef TESTS_UNIT_FAKE_SNAPSHOT_H
#define TESTS_UNIT_FAKE_SNAPSHOT_H

#include "emu/state.h"

struct fake_snapshot {
    uint8_t *bytes;
    size_t len, room;
    size_t fail_at;             /* no byte from here on can be written */
    unsigned reads;             /* from the source, so far */
    unsigned flip_after;        /* then a bit of what is read changes */
    struct state_sink sink;
    struct state_source source; /* of what has been written: see _rewind */
};

void fake_snapshot_init(struct fake_snapshot *f);
void fake_snapshot_free(struct fake_snapshot *f);
/* The source is what the sink has got. */
void fake_snapshot_rewind(struct fake_snapshot *f);

/* A snapshot of one device alone; `device` begins with a struct device. */
void fake_snapshot_save(struct fake_snapshot *f, void *device);
/*
 * Check or load (then with its `loaded`): 0, or -errno with the words in `why`,
 * which has room for struct state's.
 */
int fake_snapshot_read(const struct fake_snapshot *f, enum state_mode mode,
                       void *device, char *why);

#endif
