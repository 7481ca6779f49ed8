/*
 * Tests that fail because of the processor which plays the host, with what it
 * does wrong. They still run; a failure is shown, named and not counted.
 */
#include <cpuid.h>
#include <stddef.h>
#include <string.h>

#include "tests/engine/cmocka.h"
#include "tests/unit/cpu_harness.h"

/* QEMU's TCG as a processor: what its manual calls a hypervisor's name. */
static const char tcg[] = "TCGTCGTCGTCG";

static const struct {
    const char *test;
    const char *engine;         /* NULL: any */
    const char *host;
    const char *reason;
} known[] = {
    { "test_mf", NULL, tcg, "x87 pops in spite of an unmasked exception" },
    { "test_ferr", NULL, tcg, "x87 pops in spite of an unmasked exception" },
    { "test_store_suppressed", NULL, tcg,
      "x87 stores in spite of an unmasked exception" },
};

static bool host_is(const char *name)
{
    unsigned eax, ebx, ecx, edx;
    char text[13] = "";

    __cpuid(0x40000000, eax, ebx, ecx, edx);
    memcpy(text, &ebx, 4);
    memcpy(text + 4, &ecx, 4);
    memcpy(text + 8, &edx, 4);
    return strcmp(text, name) == 0;
}

const char *cmocka_excuse(const char *test)
{
    for (size_t n = 0; n < sizeof known / sizeof known[0]; n++)
        if (strcmp(known[n].test, test) == 0 &&
            (!known[n].engine ||
             strcmp(known[n].engine, harness_engine->name) == 0) &&
            host_is(known[n].host))
            return known[n].reason;
    return NULL;
}
