/* See selftest.h. */
#include "kernel/selftest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/platform.h"

#define MS 1000000ull
/* A core that has not done its little work by then is stuck. */
#define PATIENCE_NS (20000 * MS)
#define ROUNDS 500u
/* How far apart two cores' clocks may be, on a loaded emulator too. */
#define SKEW_NS 200000ull
#define LOG_LINES 20u
#define CORES_MAX 64u

/* Wait on core 0 until `core` has nothing to do. */
static bool finished(unsigned core)
{
    uint64_t end = platform_now_ns() + PATIENCE_NS;

    while (platform_core_busy(core) && platform_now_ns() < end)
        platform_wait(platform_now_ns() + 100 * MS);
    return !platform_core_busy(core);
}

/* fn(ctx[i]) on every other core, to the end. */
static const char *on_all(void (*fn)(void *ctx), void *ctx, size_t ctx_size)
{
    unsigned n = platform_core_count();
    const char *wrong = NULL;

    for (unsigned i = 1; i < n; i++)
        if (platform_core_start(i, fn, (char *)ctx + (i - 1) * ctx_size))
            wrong = "a core did not start";
    for (unsigned i = 1; i < n; i++)
        if (!finished(i))
            wrong = "a core did not come to an end";
    return wrong;
}

/* ---- Starting ------------------------------------------------------------ */

static atomic_bool go_on;

static void note_index(void *ctx)
{
    while (!atomic_load(&go_on))
        platform_wait(platform_now_ns() + MS);
    *(unsigned *)ctx = platform_core_index();
}

static const char *test_start(void)
{
    unsigned n = platform_core_count(), index[CORES_MAX] = { 0 };

    if (!n || n > CORES_MAX || platform_core_index())
        return "core numbers";
    if (platform_core_start(0, note_index, index) != -ENODEV ||
        platform_core_start(n, note_index, index) != -ENODEV)
        return "a core that is not there was started";
    atomic_store(&go_on, false);
    for (unsigned i = 1; i < n; i++)
        if (platform_core_start(i, note_index, &index[i]))
            return "a core did not start";
    for (unsigned i = 1; i < n; i++)
        if (platform_core_start(i, note_index, &index[i]) != -EBUSY)
            return "a busy core took more";
    atomic_store(&go_on, true);
    for (unsigned i = 1; i < n; i++)
        if (!finished(i) || index[i] != i)
            return "a core did not run its function";
    return NULL;
}

/* ---- Waiting and waking -------------------------------------------------- */

struct ball {
    atomic_uint at;             /* even: core 0 has it */
    atomic_uint late;           /* waits that only their deadline ended */
};

/* Our turns are those with at % 2 == side; until the game is over. */
static void play(struct ball *b, unsigned side, unsigned other)
{
    while (atomic_load(&b->at) < 2 * ROUNDS) {
        if (atomic_load(&b->at) % 2 == side) {
            atomic_fetch_add(&b->at, 1);
            if (other)
                platform_core_wake(other);
            else
                platform_wake();
        } else {
            uint64_t end = platform_now_ns() + PATIENCE_NS / 2;

            platform_wait(end);
            if (platform_now_ns() >= end)
                atomic_fetch_add(&b->late, 1);
        }
    }
}

static void play_back(void *ctx) { play(ctx, 1, 0); }

/* A wake-up between the look and the sleep must not be lost. */
static const char *test_wake(void)
{
    for (unsigned i = 1; i < platform_core_count(); i++) {
        struct ball b = { 0 };
        uint64_t start = platform_now_ns();

        if (platform_core_start(i, play_back, &b))
            return "a core did not start";
        play(&b, 0, i);
        if (!finished(i))
            return "a core did not come to an end";
        platform_log("selftest: core %u: %u wake-ups there and back, %" PRIu64
                     " ns each", i, ROUNDS,
                     (platform_now_ns() - start) / ROUNDS);
        if (atomic_load(&b.late))
            return "a wake-up was lost";
    }
    return NULL;
}

/* A wait lasts, without an event, and is booked as idle. */
static const char *test_idle(void)
{
    uint64_t start = platform_now_ns(), idle = platform_core_idle_ns(0);
    uint64_t end = start + 50 * MS;

    while (platform_now_ns() < end)
        platform_wait(end);
    idle = platform_core_idle_ns(0) - idle;
    if (idle > platform_now_ns() - start)
        return "more idle than time passed";
    return idle < 25 * MS ? "the wait did not sleep" : NULL;
}

/* ---- The clock ----------------------------------------------------------- */

static struct {
    _Atomic uint64_t told;      /* the latest time that anyone has read */
    _Atomic uint64_t worst;     /* how far behind it another reading lay */
} times;

static void read_clock(void *ctx)
{
    uint64_t end = platform_now_ns() + 100 * MS, now = 0;

    while (now < end) {
        uint64_t told = atomic_load(&times.told);
        uint64_t worst = atomic_load(&times.worst);

        now = platform_now_ns();        /* after `told` was read */
        while (told > now && told - now > worst &&
               !atomic_compare_exchange_weak(&times.worst, &worst, told - now))
            ;
        while (now > told &&
               !atomic_compare_exchange_weak(&times.told, &told, now))
            ;
    }
}

static const char *test_clock(void)
{
    unsigned n = platform_core_count();
    char unused[CORES_MAX];

    atomic_store(&times.worst, 0);
    for (unsigned i = 1; i < n; i++)
        if (platform_core_start(i, read_clock, unused))
            return "a core did not start";
    read_clock(unused);
    for (unsigned i = 1; i < n; i++)
        if (!finished(i))
            return "a core did not come to an end";
    platform_log("selftest: clocks differ by %" PRIu64 " ns at most",
                 atomic_load(&times.worst));
    return atomic_load(&times.worst) > SKEW_NS
               ? "time runs back from core to core" : NULL;
}

/* ---- Memory -------------------------------------------------------------- */

static const char *check_pages(unsigned seed)
{
    size_t bytes = 4096u * (1 + seed % 40);
    uint8_t *pages = platform_pages_alloc(bytes);
    uint8_t *heap = malloc(bytes / 3);
    const char *wrong = NULL;

    if (!pages || !heap)
        wrong = "no memory";
    else if ((uintptr_t)pages % 4096 || pages[0] || pages[bytes - 1])
        wrong = "pages are not aligned or not zero";
    if (!wrong) {
        memset(pages, (int)seed, bytes);
        memset(heap, (int)~seed, bytes / 3);
        for (size_t i = 0; i < bytes / 3 && !wrong; i++)
            if (pages[i * 3] != (uint8_t)seed || heap[i] != (uint8_t)~seed)
                wrong = "two owners of one piece of memory";
    }
    platform_pages_free(pages, bytes);
    free(heap);
    return wrong;
}

static void use_memory(void *ctx)
{
    const char **wrong = ctx;

    for (unsigned i = 0; i < 100 && !*wrong; i++)
        *wrong = check_pages(platform_core_index() * 1000 + i);
}

static const char *test_memory(void)
{
    const char *wrong[CORES_MAX] = { NULL }, *all;

    all = on_all(use_memory, wrong, sizeof *wrong);
    for (unsigned i = 0; i < CORES_MAX && !all; i++)
        all = wrong[i];
    use_memory(&all);
    return all;
}

/* ---- The log ------------------------------------------------------------- */

static void write_log(void *ctx)
{
    for (unsigned i = 0; i < LOG_LINES; i++)
        platform_log("<core %u says %u>", platform_core_index(), i);
}

/* Every line of every core is there, whole. */
static const char *test_log(void)
{
    char unused[CORES_MAX], *text = calloc(1, 65537);
    const char *wrong = on_all(write_log, unused, 1);
    unsigned found = 0;

    if (!text)
        return "no memory";
    platform_log_read(text, 65536);
    for (char *l = text; (l = strstr(l, "<core ")); l++) {
        char *close = strchr(l, '\n');

        found += close && close[-1] == '>' && close - l < 30;
    }
    free(text);
    if (!wrong && found != LOG_LINES * (platform_core_count() - 1))
        wrong = "lines of the log are lost or mixed";
    return wrong;
}

const struct selftest selftests[] = {
    { "cores start and end", test_start },
    { "no wake-up is lost", test_wake },
    { "a wait sleeps", test_idle },
    { "one clock for all", test_clock },
    { "memory from every core", test_memory },
    { "log from every core", test_log },
    { NULL, NULL },
};

unsigned selftest_platform(void)
{
    unsigned failed = 0, n = 0;

    for (const struct selftest *t = selftests; t->name; t++, n++) {
        const char *wrong = t->run();

        platform_log("selftest: %s: %s", t->name, wrong ? wrong : "passed");
        failed += wrong != NULL;
    }
    platform_log("selftest: %u cores, %u passed, %u failed",
                 platform_core_count(), n - failed, failed);
    return failed;
}
