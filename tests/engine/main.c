/*
 * The engines' test program: the host program's platform with this in place of
 * kernel/main.c. On the bare machine it is build/enginetest.elf, on Linux
 * build/enginetest (which has no hardware engine). Its command line:
 *
 *   cpu ENGINE [step] [TEST]      tests/unit/test_cpu_*.c under that engine,
 *                                 and long_mode.c if it has that
 *   lockstep ENGINE STEPS         two machines side by side (lockstep.c)
 *   fuzz ENGINE SECONDS SEED      random guest code (fuzz.c)
 *
 * step: a hardware engine counts instructions, one at a time, all along.
 * fuzz takes ENGINE "jit,check=on" too: compared with interp at every step.
 * ENGINE "insn" is interp, its tests by instruction (tests/unit/sys_insn.h).
 * The last line is "N passed, M failed".
 */
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/engine.h"
#include "kernel/main.h"
#include "kernel/platform.h"
#include "tests/engine/cmocka.h"
#include "tests/engine/engine_test.h"
#include "tests/unit/cpu_harness.h"
#include "tests/unit/sys_insn.h"

const char trestle_version[] = "test of the engines";

#define CPU_TEST(name) int test_cpu_##name(void)
CPU_TEST(int);
CPU_TEST(fpu);
CPU_TEST(sys_code);
CPU_TEST(sys_int);
CPU_TEST(sys_mmu);
CPU_TEST(sys_reg);
CPU_TEST(sys_seg);

static const struct {
    const char *name;
    int (*run)(void);
} cpu_tests[] = {
    { "test_cpu_int", test_cpu_int }, { "test_cpu_fpu", test_cpu_fpu },
    { "test_cpu_sys_code", test_cpu_sys_code },
    { "test_cpu_sys_int", test_cpu_sys_int },
    { "test_cpu_sys_mmu", test_cpu_sys_mmu },
    { "test_cpu_sys_reg", test_cpu_sys_reg },
    { "test_cpu_sys_seg", test_cpu_sys_seg },
    { "long_mode", test_long_mode },
};

static bool by_insn;            /* always for engines but interp */
bool engine_test_check;

static const struct engine_ops *find_engine(const char *name)
{
    static char plain[16];
    size_t n = strcspn(name, ",");
    char why[160] = "";

    engine_test_check = strcmp(name + n, ",check=on") == 0;
    if (engine_test_check && n < sizeof plain)
        name = memcpy(plain, name, n);
    by_insn = strcmp(name, "interp") != 0;
    if (strcmp(name, "insn") == 0)
        name = "interp";
    for (unsigned i = 0; platform_engines[i]; i++) {
        if (strcmp(platform_engines[i]->name, name))
            continue;
        if (!platform_engines[i]->probe(why, sizeof why))
            return platform_engines[i];
        platform_log("%s: %s", name, why);
        return NULL;
    }
    platform_log("%s: no such engine", name);
    return NULL;
}

uint64_t engine_test_number(int argc, char **argv, int i, uint64_t otherwise)
{
    return i < argc ? strtoull(argv[i], NULL, 0) : otherwise;
}

static int run_cpu(const struct engine_ops *engine, int argc, char **argv)
{
    harness_engine = engine;
    sys_by_insn = by_insn;
    if (argc > 0 && strcmp(argv[0], "step") == 0) {
        argc--;
        argv++;
    } else {
        harness_exact = false;
    }
    cmocka_only = argc > 0 ? argv[0] : NULL;
    for (size_t i = 0; i < sizeof cpu_tests / sizeof cpu_tests[0]; i++) {
        if (cpu_tests[i].run == test_long_mode && !engine->long_mode)
            continue;
        if (!cmocka_only)
            platform_log("-- %s", cpu_tests[i].name);
        cpu_tests[i].run();
    }
    platform_log("%u skipped, %u excused", cmocka_totals.skipped,
                 cmocka_totals.excused);
    platform_log("%u passed, %u failed", cmocka_totals.passed,
                 cmocka_totals.failed);
    return cmocka_totals.failed != 0;
}

static const struct {
    const char *name;
    int (*run)(const struct engine_ops *engine, int argc, char **argv);
} modes[] = {
    { "cpu", run_cpu },
    { "lockstep", lockstep_run },
    { "fuzz", fuzz_run },
};

int kernel_main(int argc, char **argv)
{
    const struct engine_ops *engine;

    for (size_t i = 0; argc > 2 && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(argv[1], modes[i].name))
            continue;
        engine = find_engine(argv[2]);
        if (!engine)
            return 1;
        return modes[i].run(engine, argc - 3, argv + 3);
    }
    platform_log("cpu|lockstep|fuzz ENGINE ...; see tests/engine/main.c");
    return 1;
}
