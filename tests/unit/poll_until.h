/* Waiting for what a poll function brings about, bounded in time. */
#ifndef TESTS_UNIT_POLL_UNTIL_H
#define TESTS_UNIT_POLL_UNTIL_H

#include "kernel/platform.h"

#define MS 1000000ull
#define PATIENCE_NS (20000 * MS)

/* `poll` says whether it moved anything; else the test sleeps `ms` at most. */
#define POLL_UNTIL_BY(poll, ms, what) do { \
        uint64_t end_ = platform_now_ns() + PATIENCE_NS; \
        while (!(what) && platform_now_ns() < end_) \
            if (!poll()) \
                platform_wait(platform_now_ns() + (ms) * MS); \
        assert_true(what); \
    } while (0)

/* Going on with it for so long, whatever happens. */
#define POLL_FOR_BY(poll, ms) do { \
        uint64_t end_ = platform_now_ns() + (ms) * MS; \
        while (platform_now_ns() < end_) \
            if (!poll()) \
                platform_wait(end_); \
    } while (0)

#endif
