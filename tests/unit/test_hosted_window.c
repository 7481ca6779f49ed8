/* Windows on Linux: what can be mapped, and whose faults they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emu/cpu/window.h"
#include "kernel/hosted/memory.h"
#include "kernel/platform.h"

#define PAGE 4096u
#define BLOCK (1u << 20)        /* the least that has a file */
#define RANGE (2u * BLOCK)
#define CODES 64u               /* watched at a time */

static uint8_t *range, *ram;

static int setup(void **state)
{
    range = platform_windows->reserve(RANGE, PAGE);
    ram = platform_pages_alloc(BLOCK);
    return range && ram ? 0 : -1;
}

static int teardown(void **state)
{
    platform_windows->release(range, RANGE);
    platform_pages_free(ram, BLOCK);
    return 0;
}

static int map(uint32_t at, const uint8_t *host, size_t size)
{
    return platform_windows->map(range + at, host, size, true);
}

/* ---- Memory ------------------------------------------------------------------- */

static void test_head(void **state)
{
    for (unsigned n = 0; n < PAGE; n++)
        assert_int_equal(range[n], 0);
    memset(range, 0xff, PAGE);
}

static void test_same_memory(void **state)
{
    assert_int_equal(map(PAGE, ram, BLOCK), 0);
    assert_int_equal(map(PAGE + BLOCK, ram + BLOCK - PAGE, PAGE), 0);
    range[PAGE + BLOCK - 1] = 5;
    assert_int_equal(ram[BLOCK - 1], 5);
    assert_int_equal(range[2 * PAGE + BLOCK - 1], 5);
    ram[0] = 6;
    assert_int_equal(range[PAGE], 6);
    assert_int_equal(map(PAGE, ram + BLOCK - PAGE, PAGE), 0);   /* instead */
    assert_int_equal(range[2 * PAGE - 1], 5);
    assert_int_equal(ram[0], 6);
}

static void test_refused(void **state)
{
    static uint8_t own[PAGE] __attribute__((aligned(4096)));
    uint8_t *small = platform_pages_alloc(BLOCK - PAGE);

    assert_non_null(small);
    assert_int_equal(map(PAGE, own, PAGE), -EINVAL);
    assert_int_equal(map(PAGE, small, PAGE), -EINVAL);
    assert_int_equal(map(PAGE, range, PAGE), -EINVAL);
    assert_int_equal(map(PAGE, NULL, PAGE), -EINVAL);
    assert_int_equal(map(PAGE, ram - PAGE, PAGE), -EINVAL);
    assert_int_equal(map(PAGE, ram - PAGE, 2 * PAGE), -EINVAL);
    assert_int_equal(map(PAGE, ram + BLOCK, PAGE), -EINVAL);
    assert_int_equal(map(PAGE, ram + BLOCK - PAGE, 2 * PAGE), -EINVAL);
    assert_int_equal(map(PAGE, ram, BLOCK + PAGE), -EINVAL);
    platform_pages_free(small, BLOCK - PAGE);
}

static void test_freed(void **state)
{
    uint8_t *p = platform_pages_alloc(BLOCK + 1);
    off_t at;

    assert_non_null(p);
    assert_int_equal(map(PAGE, p + BLOCK, PAGE), 0);    /* whole pages */
    platform_pages_free(p, BLOCK + 1);
    assert_int_equal(memory_file(p, PAGE, &at), -1);
    assert_int_equal(map(PAGE, p, PAGE), -EINVAL);
}

/* Two threads that get each other's addresses. */
static void *alloc_and_free(void *arg)
{
    bool *bad = arg;

    for (unsigned n = 0; n < 20000 && !*bad; n++) {
        uint8_t *p = platform_pages_alloc(BLOCK), byte = 0;
        off_t at = 0;
        int fd;

        if (!p)
            continue;
        fd = memory_file(p, BLOCK, &at);
        *p = (uint8_t)(n % 255 + 1);
        *bad = fd < 0 || pread(fd, &byte, 1, at) != 1 || byte != *p;
        platform_pages_free(p, BLOCK);
    }
    return NULL;
}

static void test_threads(void **state)
{
    bool bad[2] = { false, false };
    pthread_t t[2];

    for (unsigned n = 0; n < 2; n++)
        assert_int_equal(pthread_create(&t[n], NULL, alloc_and_free, &bad[n]),
                         0);
    for (unsigned n = 0; n < 2; n++)
        pthread_join(t[n], NULL);
    assert_false(bad[0] || bad[1]);
}

/* ---- Faults -------------------------------------------------------------------- */

static uint8_t *code;           /* two functions, at 0 and 16 */
#define LOAD 0                  /* mov (%rdi),%eax; ret */
#define STORE 16                /* mov %eax,(%rdi); ret */
#define WILD 32                 /* movabs $1<<63,%rdi; mov (%rdi),%eax; ret */
#define SKIP 64                 /* mov $0x77,%eax; ret */

static struct seen {
    unsigned count;
    const void *pc;
    const uint8_t *at;
    bool write;
} seen;
static enum { FILL, SKIP_IT, REFUSE } answer;

static const void *fault(void *ctx, const void *pc, const uint8_t *at,
                         bool write)
{
    seen = (struct seen){ seen.count + 1, pc, at, write };
    assert_ptr_equal(ctx, &seen);
    if (answer == REFUSE)
        return NULL;
    if (answer == SKIP_IT)
        return code + SKIP;
    if (map((uint32_t)(at - range) & ~(PAGE - 1), ram, PAGE) < 0)
        return NULL;
    return pc;
}

static struct window_code watched = { .size = PAGE, .fault = fault,
                                      .ctx = &seen };

static int setup_code(void **state)
{
    static const uint8_t load[] = { 0x8b, 0x07, 0xc3 };
    static const uint8_t store[] = { 0x89, 0x07, 0xc3 };
    static const uint8_t wild[] = { 0x48, 0xbf, 0, 0, 0, 0, 0, 0, 0, 0x80,
                                    0x8b, 0x07, 0xc3 };
    static const uint8_t skip[] = { 0xb8, 0x77, 0, 0, 0, 0xc3 };

    code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED)
        return -1;
    memcpy(code + LOAD, load, sizeof(load));
    memcpy(code + STORE, store, sizeof(store));
    memcpy(code + WILD, wild, sizeof(wild));
    memcpy(code + SKIP, skip, sizeof(skip));
    watched.exec = code;
    seen.count = 0;
    answer = FILL;
    return setup(state);
}

static int teardown_code(void **state)
{
    munmap(code, PAGE);
    return teardown(state);
}

static uint32_t call(unsigned function, const void *at)
{
    uint32_t (*f)(const void *);

    *(const void **)&f = code + function;
    return f(at);
}

static void expect_fault(unsigned count, unsigned function, const uint8_t *at,
                         bool write)
{
    assert_int_equal(seen.count, count);
    assert_ptr_equal(seen.pc, code + function);
    assert_ptr_equal(seen.at, at);
    assert_int_equal(seen.write, write);
}

static void test_filled(void **state)
{
    assert_int_equal(platform_windows->watch(&watched), 0);
    memcpy(ram + 8, "\1\2\3\4", 4);
    assert_int_equal(call(LOAD, range + PAGE + 8), 0x04030201);
    expect_fault(1, LOAD, range + PAGE + 8, false);
    assert_int_equal(call(LOAD, range + PAGE + 8), 0x04030201);
    assert_int_equal(seen.count, 1);
    platform_windows->unmap(range + PAGE, PAGE);
    assert_int_equal(call(LOAD, range + PAGE + 8), 0x04030201);
    assert_int_equal(seen.count, 2);
    assert_int_equal(platform_windows->map(range + PAGE, ram, PAGE, false), 0);
    call(STORE, range + PAGE + 12);
    expect_fault(3, STORE, range + PAGE + 12, true);
    answer = SKIP_IT;
    assert_int_equal(call(LOAD, range + 4 * PAGE - 2), 0x77);
    expect_fault(4, LOAD, range + 4 * PAGE - 2, false);
    call(WILD, NULL);           /* #GP */
    expect_fault(5, WILD + 10, NULL, false);
    platform_windows->unwatch(&watched);
}

static void test_unmap_all(void **state)
{
    assert_int_equal(platform_windows->watch(&watched), 0);
    assert_int_equal(map(PAGE, ram, BLOCK), 0);
    platform_windows->unmap(range + PAGE, RANGE - PAGE);
    answer = SKIP_IT;
    assert_int_equal(call(LOAD, range + PAGE), 0x77);
    assert_int_equal(call(LOAD, range + BLOCK), 0x77);
    assert_int_equal(seen.count, 2);
    range[0] = 1;               /* the head stays */
    platform_windows->unwatch(&watched);
}

static void test_watched_at_a_time(void **state)
{
    struct window_code many[CODES + 1];

    for (unsigned n = 0; n < CODES; n++) {
        many[n] = watched;
        assert_int_equal(platform_windows->watch(&many[n]), 0);
    }
    many[CODES] = watched;
    assert_int_equal(platform_windows->watch(&many[CODES]), -ENOSPC);
    platform_windows->unwatch(&many[CODES]);    /* never was */
    platform_windows->unwatch(&many[7]);
    assert_int_equal(platform_windows->watch(&many[CODES]), 0);
    for (unsigned n = 0; n <= CODES; n++)
        platform_windows->unwatch(&many[n]);
}

/* ---- Faults of others -------------------------------------------------------------- */

/* The signal that ends a child in which `function` accesses what is not there. */
static int end_of_child(void (*child)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);       /* neither cmocka's nor a sanitizer's */
        if (platform_windows->watch(&watched) < 0)
            _exit(2);
        child();
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1 - WEXITSTATUS(status);
}

static void well_done(void)
{
    if (call(LOAD, range + PAGE) != 0 || seen.count != 1)
        _exit(3);
}

static void of_other_code(void)
{
    *(volatile uint8_t *)(range + 8 * PAGE) = 1;
}

static void refused(void)
{
    answer = REFUSE;
    call(LOAD, range + PAGE);
}

static void unwatched(void)
{
    platform_windows->unwatch(&watched);
    call(LOAD, range + PAGE);
}

/* Next to the code that is watched. */
static void behind(void)
{
    watched.size = LOAD + 1;
    call(STORE, range + PAGE);
}

static void sent(void)
{
    kill(getpid(), SIGSEGV);
    usleep(10000);
    kill(getpid(), SIGSEGV);    /* the first one has only put it back */
    usleep(10000);
}

static const void *bad_fault(void *ctx, const void *pc, const uint8_t *at,
                             bool write)
{
    return (const void *)(uintptr_t)*(volatile uint8_t *)(range + 8 * PAGE);
}

static void in_fault(void)
{
    watched.fault = bad_fault;
    call(LOAD, range + PAGE);
}

static void test_others_faults(void **state)
{
    assert_int_equal(end_of_child(well_done), -1);
    assert_int_equal(end_of_child(of_other_code), SIGSEGV);
    assert_int_equal(end_of_child(refused), SIGSEGV);
    assert_int_equal(end_of_child(unwatched), SIGSEGV);
    assert_int_equal(end_of_child(behind), SIGSEGV);
    assert_int_equal(end_of_child(in_fault), SIGSEGV);
    assert_int_equal(end_of_child(sent), SIGSEGV);
}

/* Whoever handled it before does so again. */
static void handled_before(int sig)
{
    _exit(42);
}

static void test_handler_before(void **state)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        signal(SIGSEGV, handled_before);
        if (platform_windows->watch(&watched) < 0 ||
            call(LOAD, range + PAGE) != 0)
            _exit(2);
        of_other_code();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 42 << 8);
}

#define WITH_MEMORY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define WITH_CODE(f) cmocka_unit_test_setup_teardown(f, setup_code, teardown_code)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MEMORY(test_head),
        WITH_MEMORY(test_same_memory),
        WITH_MEMORY(test_refused),
        WITH_MEMORY(test_freed),
        WITH_MEMORY(test_threads),
        WITH_CODE(test_filled),
        WITH_CODE(test_unmap_all),
        WITH_CODE(test_watched_at_a_time),
        WITH_CODE(test_others_faults),
        WITH_CODE(test_handler_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
