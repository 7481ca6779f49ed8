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

/* ---- Tasks --------------------------------------------------------------- */

#define TASKS 3u

struct counter {
    atomic_uint wanted, done;
    bool spoiled;               /* its stack was another's */
    atomic_bool end;
};

/* The loop's part, until `done` or for too long. */
static bool loop_until(bool (*done)(const struct counter *c),
                       const struct counter *c)
{
    uint64_t end = platform_now_ns() + PATIENCE_NS;

    while (!done(c) && platform_now_ns() < end) {
        uint64_t next = platform_tasks_run();
        uint64_t soon = platform_now_ns() + MS;

        platform_wait(next < soon ? next : soon);
    }
    return done(c);
}

/* Words on a stack that goes deep, while others have theirs. */
static __attribute__((noinline)) bool keeps_its_own(unsigned depth,
                                                    unsigned mark)
{
    volatile unsigned words[64];
    bool kept = true;

    for (unsigned i = 0; i < 64; i++)
        words[i] = mark + depth * 64 + i;
    if (depth)
        kept = keeps_its_own(depth - 1, mark);
    else
        platform_task_wait(0);
    for (unsigned i = 0; i < 64; i++)
        kept &= words[i] == mark + depth * 64 + i;
    return kept;
}

static void count_pokes(void *arg)
{
    struct counter *c = arg;

    while (!atomic_load(&c->end)) {
        if (atomic_load(&c->done) == atomic_load(&c->wanted)) {
            platform_task_wait(UINT64_MAX);
            continue;
        }
        c->spoiled |= !keeps_its_own(60, (unsigned)(uintptr_t)arg);
        atomic_fetch_add(&c->done, 1);
        platform_wake();
    }
}

static bool all_counted(const struct counter *c)
{
    for (unsigned i = 0; i < TASKS; i++)
        if (atomic_load(&c[i].done) != atomic_load(&c[i].wanted))
            return false;
    return true;
}

static void poke_all(struct counter *c, struct platform_task **t)
{
    for (unsigned i = 0; i < TASKS; i++) {
        atomic_fetch_add(&c[i].wanted, 1);
        platform_task_poke(t[i]);
    }
}

static struct counter task_counter[TASKS];
static struct platform_task *task[TASKS];

static void poke_from_core(void *ctx)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        poke_all(task_counter, task);
}

/* Pokes from core 0 one by one, then many at once from another core. */
static const char *test_tasks(void)
{
    const char *wrong = NULL;

    memset(task_counter, 0, sizeof task_counter);
    for (unsigned i = 0; i < TASKS; i++)
        if (platform_task_start(count_pokes, &task_counter[i], &task[i]))
            return "a task did not start";
    for (unsigned i = 0; i < ROUNDS && !wrong; i++) {
        poke_all(task_counter, task);
        if (!loop_until(all_counted, task_counter))
            wrong = "a poke was lost";
    }
    if (!wrong && platform_core_count() > 1) {
        if (platform_core_start(1, poke_from_core, NULL) || !finished(1))
            wrong = "a core did not run";
        else if (!loop_until(all_counted, task_counter))
            wrong = "another core's poke was lost";
    }
    for (unsigned i = 0; i < TASKS; i++) {
        atomic_store(&task_counter[i].end, true);
        platform_task_poke(task[i]);
        platform_task_free(task[i]);
        if (task_counter[i].spoiled)
            wrong = "a task's stack was changed";
    }
    return wrong;
}

static void sleep_often(void *arg)
{
    struct counter *c = arg;

    for (unsigned i = 0; i < 5; i++) {
        uint64_t until = platform_now_ns() + 3 * MS;

        while (platform_now_ns() < until)
            platform_task_wait(until);
        atomic_fetch_add(&c->done, 1);
    }
}

static bool has_slept(const struct counter *c)
{
    return atomic_load(&c->done) == 5;
}

/* A task's deadline is kept though nobody pokes it; more than once around. */
static const char *test_task_sleeps(void)
{
    for (unsigned i = 0; i < 20; i++) {
        struct counter c = { 0 };
        struct platform_task *t;
        uint64_t start = platform_now_ns();
        bool slept;

        if (platform_task_start(sleep_often, &c, &t))
            return "a task did not start, after others that ended";
        slept = loop_until(has_slept, &c);
        platform_task_free(t);
        if (!slept)
            return "a task did not come to an end";
        if (platform_now_ns() - start < 15 * MS)
            return "a task did not wait";
    }
    return NULL;
}

const struct selftest selftests[] = {
    { "cores start and end", test_start },
    { "no wake-up is lost", test_wake },
    { "a wait sleeps", test_idle },
    { "one clock for all", test_clock },
    { "memory from every core", test_memory },
    { "log from every core", test_log },
    { "tasks are poked", test_tasks },
    { "tasks sleep", test_task_sleeps },
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
