/*
 * Random guest code against the host: whatever a guest executes, the host
 * stays as it is and goes on. Programs come from the seed and their number
 * alone; a failure is repeated by starting at the number last reported. With
 * check=on a translator is compared with the interpreter, too.
 *
 * Arguments: SECONDS [SEED [FIRST [LAST]]]. FIRST, LAST: numbers of programs,
 * each logged before it runs.
 */
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/engine.h"
#include "emu/jit/jit.h"
#include "emu/machine_internal.h"
#include "kernel/disassemble.h"
#include "kernel/firmware.h"
#include "kernel/platform.h"
#include "tests/engine/engine_test.h"
#include "tests/engine/fuzz_code.h"
#include "tests/engine/host_check.h"

#define GUARD_BYTES 65536u      /* around the guest's RAM */
#define GUARD 0xc5u
#define BUDGET_NS 500000u       /* of a program */
#define REPORT_NS 10000000000ull
#define THOROUGH_EVERY 2000u    /* programs */
#define INFO_BYTES 4096u
#define HOT 16u                 /* jit: executions */
#define NEVER (1ull << 60)      /* ... instructions before the window is used */
#define MISSES 60000u           /* ... of a trace that it is no use for */

#define EXT_LM (1u << 29)        /* CPUID 80000001h EDX: long mode */

/* A machine of each kind of CPU that the engine can run. */
struct fuzz_machine {
    struct machine *m;
    struct machine_host host;
    struct chardev serial;
    uint8_t *memory, *ram;      /* guard, RAM, guard */
    const struct engine_ops *engine;
    bool has_long, reports;
};

struct fuzz {
    struct fuzz_machine machine[2];
    unsigned machines;
    uint64_t seed, number, first, last;
    uint64_t ends[8];           /* programs by enum machine_status */
    uint64_t instructions;
};

static uint64_t host_clock(void *ctx) { return platform_now_ns(); }

/* What check=on reports, which is the last that a machine says. */
static void host_log(void *ctx, const char *line)
{
    struct fuzz_machine *f = ctx;

    f->reports |= strncmp(line, "check=on:", 9) == 0;
    if (f->reports)
        platform_log("%s", line);
}

static size_t serial_write(void *ctx, const uint8_t *buf, size_t len)
{
    return len;
}

static size_t serial_read(void *ctx, uint8_t *buf, size_t len) { return 0; }

/* ---- Machines ----------------------------------------------------------------- */

static bool create(struct fuzz_machine *f, const struct engine_ops *engine,
                   const struct cpu_model *model, const char **error)
{
    struct machine_config config = {
        .name = "fuzz", .ram_bytes = FUZZ_RAM, .engine = engine,
        .cpu_model = model, .bios = firmware_bios,
        .bios_size = (size_t)(firmware_bios_end - firmware_bios),
        .serial = { &f->serial }, .icount_shift = -1, .host = &f->host,
        .check_every = engine_test_check,
    };

    *error = "no memory";
    f->memory = platform_pages_alloc(FUZZ_RAM + 2 * GUARD_BYTES);
    if (!f->memory)
        return false;
    memset(f->memory, GUARD, FUZZ_RAM + 2 * GUARD_BYTES);
    f->ram = config.ram = f->memory + GUARD_BYTES;
    memset(f->ram, 0, FUZZ_RAM);
    f->host = (struct machine_host){
        .ctx = f, .clock_ns = host_clock, .log = host_log,
        .code_memory = platform_code_alloc,
        .code_memory_free = platform_code_free,
        .windows = platform_windows,
        .disassemble = disassemble,
    };
    f->serial = (struct chardev){ f, serial_write, serial_read, NULL };
    f->engine = engine;
    f->has_long = model->ext_edx & EXT_LM;
    f->m = machine_create(&config, error);
    if (!f->m)
        platform_pages_free(f->memory, FUZZ_RAM + 2 * GUARD_BYTES);
    return f->m;
}

/* The default model, and one with long mode where the engine takes it. */
static bool create_all(struct fuzz *f, const struct engine_ops *engine)
{
    const char *error;

    if (!create(&f->machine[f->machines++], engine,
                cpu_model_find(CPU_MODEL_DEFAULT), &error)) {
        platform_log("fuzz: %s", error);
        return false;
    }
    for (unsigned n = 0; cpu_models[n]; n++) {
        if (!(cpu_models[n]->ext_edx & EXT_LM))
            continue;
        if (create(&f->machine[f->machines], engine, cpu_models[n], &error)) {
            f->machines++;
            break;
        }
        platform_log("fuzz: no long mode: %s", error);
        break;
    }
    return true;
}

static bool guards_whole(const struct fuzz_machine *f)
{
    const uint8_t *end = f->ram + FUZZ_RAM;

    for (unsigned n = 0; n < GUARD_BYTES; n++)
        if (f->memory[n] != GUARD || end[n] != GUARD)
            return false;
    return true;
}

/* ---- Running ------------------------------------------------------------------- */

/* At once or when hot; with the window, where there is one, or not. */
static void set_translator(struct engine *e, uint64_t number)
{
    jit_set_threshold(e, number % 2 ? HOT : 0);
    jit_set_window(e, number % 4 < 2 ? 0 : NEVER, MISSES);
}

static void run_program(struct fuzz *f)
{
    struct fuzz_random r;
    struct fuzz_machine *m;
    struct cpu *c;
    enum fuzz_mode mode;
    enum machine_status end;
    uint64_t icount;

    fuzz_seed(&r, f->seed ^ f->number << 20);
    m = &f->machine[fuzz_below(&r, f->machines)];
    mode = fuzz_below(&r, m->has_long ? FUZZ_MODES : FUZZ_LONG);
    if (m->engine == &engine_jit && fuzz_one_in(&r, 2))
        mode = FUZZ_LOOPS;
    if (f->last)
        platform_log("program %llu, mode %d", (unsigned long long)f->number,
                     mode);
    machine_reset(m->m);
    c = machine_cpu(m->m);
    fuzz_program(&r, mode, m->ram, c);
    m->engine->map_changed(m->m->engine);
    if (m->engine == &engine_jit)
        set_translator(m->m->engine, f->number);
    icount = c->icount;
    end = machine_run(m->m, BUDGET_NS);
    f->ends[end & 7]++;
    f->instructions += c->icount - icount;
}

/* NULL, or what is broken. */
static const char *check(struct fuzz *f)
{
    bool thorough = f->number % THOROUGH_EVERY == 0;

    for (unsigned n = 0; thorough && n < f->machines; n++)
        if (!guards_whole(&f->machine[n]))
            return "memory beside the guest's";
    if (f->ends[MACHINE_ERROR])
        return "the machine gave up";
    return host_check(thorough);
}

static void report(const struct fuzz *f)
{
    platform_log("seed %llu, %llu programs; ended: budget %llu, halt %llu, "
                 "reset %llu", (unsigned long long)f->seed,
                 (unsigned long long)f->number,
                 (unsigned long long)f->ends[MACHINE_BUDGET],
                 (unsigned long long)f->ends[MACHINE_HALTED],
                 (unsigned long long)f->ends[MACHINE_RESET]);
}

/* What the engine of the default model says of itself. */
static void report_engine(const struct fuzz *f)
{
    const struct fuzz_machine *m = &f->machine[0];
    char text[INFO_BYTES], *save = NULL;

    if (!m->engine->info)
        return;
    m->engine->info(m->m->engine, text, sizeof text);
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        platform_log("%s", line);
}

static const char *run_all(struct fuzz *f, uint64_t seconds)
{
    uint64_t now = platform_now_ns(), report_at = now + REPORT_NS;
    uint64_t end = now + seconds * 1000000000;
    const char *wrong = NULL;

    for (f->number = f->first; now < end && !wrong; f->number++) {
        run_program(f);
        if (f->number == f->first && !host_check_init())
            return "no memory";
        wrong = check(f);
        if (wrong || f->number + 1 == f->last)
            break;
        now = platform_now_ns();
        if (now < report_at)
            continue;
        report_at = now + REPORT_NS;
        report(f);
    }
    return wrong;
}

int fuzz_run(const struct engine_ops *engine, int argc, char **argv)
{
    static struct fuzz f;
    const char *wrong;

    f.seed = engine_test_number(argc, argv, 1, 1);
    f.first = engine_test_number(argc, argv, 2, 0);
    f.last = engine_test_number(argc, argv, 3, 0);
    if (!create_all(&f, engine))
        return 1;
    platform_log("fuzz: seed %llu, %s, modes 16, 32%s",
                 (unsigned long long)f.seed, engine->name,
                 f.machines > 1 ? ", 64" : "");
    wrong = run_all(&f, engine_test_number(argc, argv, 0, 20));
    report(&f);
    report_engine(&f);
    if (wrong)
        platform_log("BROKEN in program %llu: %s",
                     (unsigned long long)f.number, wrong);
    platform_log("%llu instructions", (unsigned long long)f.instructions);
    platform_log("%d passed, %d failed", !wrong, wrong != NULL);
    return wrong != NULL;
}
