#ifndef TESTS_BENCH_CPU_MIX_H
#define TESTS_BENCH_CPU_MIX_H

#include <stdint.h>

struct cpu_mix {
    const char *name;
    uint32_t (*run)(void);
};

extern const struct cpu_mix cpu_mix[];
extern const unsigned cpu_mix_count;

#endif
