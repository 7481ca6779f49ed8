#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/cpu/state.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

struct mapping mappings[MEM_COUNT] =
    MAPPINGS(PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC);
struct exchange *exchange;
static uint8_t *code_view;

static void fail(const char *what, uint32_t base)
{
    fprintf(stderr, "%s for %#x\n", what, base);
    exit(2);
}

/* New shared memory, mapped writable anywhere. */
static uint8_t *make_memory(struct mapping *m, uint32_t size)
{
    void *view = MAP_FAILED;

    m->fd = memfd_create("cputest", 0);
    if (m->fd >= 0 && !ftruncate(m->fd, size))
        view = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_POPULATE, m->fd, 0);
    if (view == MAP_FAILED)
        fail("no memory", m->base);
    return view;
}

/* Where the code expects it. */
static void map_at_base(const struct mapping *m)
{
    void *want = (void *)(uintptr_t)m->base;

    if (mmap(want, m->size, m->prot,
             MAP_SHARED | MAP_POPULATE | MAP_FIXED_NOREPLACE, m->fd,
             m->offset) != want)
        fail("address taken", m->base);
}

/*
 * Code under test reaches any address below 4 GiB (BTS with a register may go
 * 256 MiB from its operand) and must find nothing there but its own memory.
 * Linux puts the heap of a program that is not position-independent up to
 * 1 GiB behind it, at random.
 */
static void check_low_memory_free(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    unsigned long start;

    if (!f || fscanf(f, "%lx-", &start) != 1)
        fail("cannot read /proc/self/maps", 0);
    fclose(f);
    if (start < 1ul << 32)
        fail("memory in the way", (uint32_t)start);
}

void memory_init(void)
{
    uint8_t *lowcode;

    check_low_memory_free();
    code_view = make_memory(&mappings[MEM_CODE], CODE_SIZE);
    memset(code_view, 0xcc, CODE_SIZE);
    areas[AREA_DATA].native = make_memory(&mappings[MEM_DATA], DATA_SIZE);
    mappings[MEM_DATA_RO].fd = mappings[MEM_DATA].fd;
    areas[AREA_STACK].native = make_memory(&mappings[MEM_STACK], STACK_SIZE);
    lowcode = make_memory(&mappings[MEM_LOWCODE], PAGE);
    memset(lowcode, 0xcc, PAGE);
    areas[AREA_LOWDATA].native = make_memory(&mappings[MEM_LOWDATA],
                                             LOWDATA_SIZE);
    exchange = (void *)make_memory(&mappings[MEM_EXCHANGE], PAGE);
    for (unsigned n = MEM_CODE; n <= MEM_STACK; n++)
        map_at_base(&mappings[n]);
}

void native_code(uint32_t offset, const uint8_t *code, unsigned n)
{
    static uint32_t last_offset, last_n;

    memset(code_view + last_offset, 0xcc, last_n);
    memcpy(code_view + offset, code, n);
    last_offset = offset;
    last_n = n;
}
