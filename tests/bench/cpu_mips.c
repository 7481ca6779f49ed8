/*
 * How fast are the engines on integer code? Runs each part of the mix in a guest
 * with paging on, compares the result with the host's own and prints millions of
 * guest instructions per second and the slowdown against the host.
 *
 *   cpu_mips IMAGE [PART]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/part.h"
#include "tests/unit/cpu_harness.h"

#define RAM_BYTES (16u << 20)
#define IMAGE_AT 0x100000u
#define PAGE_TABLES 0x800000u
#define STACK_TOP 0xf00000u

/* Of processor time: other work on the host does not count. */
static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#define PARTS (bench_integer.count + bench_flags.count)

/* Integer parts first, then those of the flags: cpu_guest.c counts alike. */
static const struct bench_part *part_of(unsigned number)
{
    return number < bench_integer.count
               ? &bench_integer.parts[number]
               : &bench_flags.parts[number - bench_integer.count];
}

static int load(struct harness *h, const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    if (!f)
        return -1;
    n = fread(h->ram + IMAGE_AT, 1, PAGE_TABLES - IMAGE_AT, f);
    fclose(f);
    return n ? 0 : -1;
}

/* One part in a fresh guest: its seconds, or a negative number. */
static double run_guest(const struct engine_ops *ops, const char *path,
                        unsigned part, uint32_t want, uint64_t *insns)
{
    struct harness *h = harness_new(ops, RAM_BYTES);
    double start, took = -1;

    if (load(h, path) == 0) {
        harness_protected(h);
        harness_paging(h, PAGE_TABLES);
        h->cpu.rip = IMAGE_AT;
        h->cpu.gpr[RSP] = STACK_TOP;
        h->cpu.gpr[RAX] = part;
        start = seconds();
        h->ops->run(h->engine, UINT64_MAX / 2, UINT64_MAX);
        took = seconds() - start;
        *insns = h->cpu.icount;
        if ((uint32_t)h->cpu.gpr[RAX] != want || harness_vector(h) >= 0) {
            fprintf(stderr, "%s: wrong result\n", part_of(part)->name);
            took = -1;
        }
    }
    harness_free(h);
    return took;
}

int main(int argc, char **argv)
{
    static const struct engine_ops *const engines[] = { &engine_interp,
                                                        &engine_jit };
    uint64_t total_insns[2] = { 0 };
    double total[2] = { 0 };

    if (argc < 2) {
        fprintf(stderr, "usage: %s IMAGE [PART]\n", argv[0]);
        return 2;
    }
    for (unsigned part = 0; part < PARTS; part++) {
        double start = seconds(), native;
        uint32_t want;

        if (argc > 2 && strcmp(argv[2], part_of(part)->name) != 0)
            continue;
        want = part_of(part)->run();
        native = seconds() - start;
        printf("%-10s", part_of(part)->name);
        for (unsigned e = 0; e < 2; e++) {
            uint64_t insns = 0;
            double took = run_guest(engines[e], argv[1], part, want, &insns);

            if (took < 0)
                return 1;
            printf("  %-6s %7.1f M insns/s %5.1f x native", engines[e]->name,
                   (double)insns / took * 1e-6, took / native);
            total[e] += took;
            total_insns[e] += insns;
        }
        printf("\n");
        fflush(stdout);
    }
    printf("%-10s", "all");
    for (unsigned e = 0; e < 2; e++)
        printf("  %-6s %7.1f M insns/s %14s", engines[e]->name,
               (double)total_insns[e] / total[e] * 1e-6, "");
    printf("\n");
    return 0;
}
