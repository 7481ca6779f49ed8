/* See fake_dma.h. */
#include "tests/unit/fake_dma.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PIECES 32u
#define PAGE 4096u

static struct {
    void *memory;
    size_t bytes;
} pieces[PIECES];
static unsigned count;

void *fake_dma_alloc(size_t bytes, uint64_t *phys)
{
    uint8_t *p;

    bytes = (bytes + PAGE - 1) / PAGE * PAGE;
    p = mmap(NULL, bytes + PAGE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    assert_true(p != MAP_FAILED && count < PIECES);
    assert_int_equal(mprotect(p + bytes, PAGE, PROT_NONE), 0);
    pieces[count].memory = p;
    pieces[count++].bytes = bytes + PAGE;
    *phys = (uintptr_t)p;
    return p;
}

void fake_dma_free(void)
{
    while (count) {
        count--;
        munmap(pieces[count].memory, pieces[count].bytes);
    }
}
