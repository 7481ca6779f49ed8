/*
 * Two equal machines on virtual time, the router image's boot: one on the
 * interpreter, the other on the engine under test, which single-steps because
 * of cpu->exact_count. After each instruction all registers must be equal, at
 * intervals and at the end of a window all memory too. Devices and interrupts
 * come at equal counts by themselves, as time is the number of instructions.
 *
 * The first window begins with the first interrupt that the guest takes, each
 * other one EVERY million instructions after the last. In between both
 * machines are the interpreter's.
 *
 * Arguments: STEPS [WINDOWS [EVERY [SHIFT [BREAK [SLICE]]]]]. SHIFT: an instruction
 * takes 1 << SHIFT ns; 12 makes interrupts frequent, but Linux does not boot
 * at that pace. BREAK: a bit of the second machine's EBX is turned over after
 * so many steps, to see that it is found. SLICE: compare after so many
 * instructions, for an engine that translates: single steps are no test of it.
 * Arithmetic flags may differ then, as some are undefined.
 */
#include <string.h>

#include "emu/cpu/compare.h"
#include "emu/cpu/engine.h"
#include "emu/cpu/undefined.h"
#include "kernel/platform.h"
#include "tests/engine/engine_test.h"
#include "tests/engine/lockstep_compare.h"
#include "tests/engine/lockstep_machine.h"

/* 256 ns an instruction: a timer interrupt every few ten thousand. */
#define SHIFT 8
#define COARSE_NS 10000000ull   /* while both are the interpreter's */
#define MEMORY_EVERY 65536u     /* steps between comparisons of memory */
#define ARITHMETIC 0x8d5u       /* CF, PF, AF, ZF, SF, OF */
#define REPORT_NS 10000000000ull
#define IMAGE "router.img"

struct lockstep {
    struct lockstep_machine a, b;
    const struct engine_ops *engine;
    uint64_t steps;             /* of this window */
    uint64_t total, interrupts; /* of all windows */
    uint64_t undefined;         /* steps after which flags were put right */
    uint64_t break_at;
    uint64_t slice;             /* instructions between comparisons */
    uint64_t step_ns;           /* virtual time of an instruction */
    uint64_t report_at;
};

/* ---- Reports ---------------------------------------------------------------- */

static void say_registers(const struct lockstep_machine *l,
                          const struct engine_ops *engine)
{
    static char text[4096];
    char *save = NULL;

    cpu_format_registers(machine_cpu(l->m), text, sizeof text);
    platform_log("%s, %s:", l->name, engine->name);
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        platform_log("  %s", line);
}

static void say_code(const uint8_t *code, unsigned len)
{
    static const char digits[] = "0123456789abcdef";
    char text[15 * 3 + 1] = "";

    for (unsigned n = 0; n < len; n++) {
        text[3 * n] = digits[code[n] >> 4];
        text[3 * n + 1] = digits[code[n] & 15];
        text[3 * n + 2] = n + 1 < len ? ' ' : '\0';
    }
    platform_log("instruction: %s", text);
}

/* What a slice has run is somewhere around where it ended. */
static void say_code_around(const struct cpu *c)
{
    struct cpu at = *c;
    uint8_t code[15];

    for (at.rip = c->rip - 120; at.rip < c->rip + 30; at.rip += 15) {
        platform_log("at %08llx:", (unsigned long long)at.rip);
        say_code(code, lockstep_code(&at, code));
    }
}

static void say_line(void *ctx, const char *line)
{
    platform_log("%s", line);
}

static void report(struct lockstep *s, const struct cpu *before,
                   const uint8_t *code, unsigned len)
{
    static const struct cpu_say say = { NULL, say_line };
    uint32_t flags;

    platform_log("DIFFERENT after step %llu (instruction %llu) at %04x:%08llx",
                 (unsigned long long)s->steps,
                 (unsigned long long)machine_icount(s->a.m),
                 before->seg[CS].sel, (unsigned long long)before->rip);
    say_code(code, len);
    if (s->slice > 1)
        say_code_around(machine_cpu(s->a.m));
    platform_log("interp | %s:", s->engine->name);
    cpu_same(machine_cpu(s->a.m), machine_cpu(s->b.m), 0, &flags, &say);
    say_registers(&s->a, &engine_interp);
    say_registers(&s->b, s->b.engine);
}

static bool same_memory(struct lockstep *s)
{
    const uint64_t *a = (const void *)s->a.ram, *b = (const void *)s->b.ram;

    if (s->a.serial_hash != s->b.serial_hash) {
        platform_log("DIFFERENT output on the serial line");
        return false;
    }
    if (memcmp(a, b, LOCKSTEP_RAM) == 0)
        return true;
    platform_log("DIFFERENT memory, in the %u steps before step %llu:",
                 MEMORY_EVERY, (unsigned long long)s->steps);
    for (uint64_t n = 0, said = 0; n < LOCKSTEP_RAM / 8 && said < 8; n++)
        if (a[n] != b[n]) {
            platform_log("  %08llx: %016llx | %016llx",
                         (unsigned long long)n * 8, (unsigned long long)a[n],
                         (unsigned long long)b[n]);
            said++;
        }
    return false;
}

static void progress(struct lockstep *s)
{
    uint64_t now = platform_now_ns();

    if (now < s->report_at)
        return;
    s->report_at = now + REPORT_NS;
    platform_log("instruction %llu, %llu steps, %llu interrupts",
                 (unsigned long long)machine_icount(s->a.m),
                 (unsigned long long)s->total + s->steps,
                 (unsigned long long)s->a.interrupts);
}

/* ---- Running ---------------------------------------------------------------- */

/* Both for `ns`; false when they end differently or cannot go on. */
static bool run_both(struct lockstep *s, uint64_t ns)
{
    enum machine_status a = machine_run(s->a.m, ns);
    enum machine_status b = machine_run(s->b.m, ns);

    if (a == b && a != MACHINE_ERROR && a != MACHINE_POWEROFF)
        return true;
    platform_log("DIFFERENT end of a slice: status %d | %d", a, b);
    return false;
}

/* One instruction each, and all registers compared. */
static bool step(struct lockstep *s)
{
    struct cpu *a = machine_cpu(s->a.m), *b = machine_cpu(s->b.m);
    struct cpu before = *a;
    uint8_t code[15];
    unsigned len = lockstep_code(a, code);
    uint32_t flags, undefined;

    if (!run_both(s, s->step_ns * s->slice))
        return false;
    s->steps += s->slice;
    if (s->break_at && s->steps - s->slice < s->break_at &&
        s->steps >= s->break_at)
        b->gpr[RBX] ^= 1u << 7;
    undefined = s->slice > 1 ? ARITHMETIC
                             : undefined_after(code, len, &before);
    if (!cpu_same(a, b, undefined, &flags, NULL)) {
        report(s, &before, code, len);
        return false;
    }
    if (flags) {                /* the interpreter's choice, from here on */
        b->rflags = a->rflags;
        s->undefined++;
    }
    return true;
}

static bool window(struct lockstep *s, uint64_t steps)
{
    uint64_t interrupts = s->a.interrupts;

    s->steps = 0;
    if (!lockstep_machine_engine(&s->b, s->engine))
        return false;
    while (s->steps < steps) {
        if (!step(s))
            return false;
        if ((s->steps % (MEMORY_EVERY * s->slice) < s->slice ||
             s->steps >= steps) &&
            !same_memory(s))
            return false;
        progress(s);
    }
    platform_log("window from instruction %llu: %llu steps, %llu interrupts",
                 (unsigned long long)(machine_icount(s->a.m) - s->steps),
                 (unsigned long long)s->steps,
                 (unsigned long long)(s->a.interrupts - interrupts));
    lockstep_machine_say_engine(&s->b);
    s->total += s->steps;
    s->interrupts += s->a.interrupts - interrupts;
    return lockstep_machine_engine(&s->b, &engine_interp);
}

/* Both on the interpreter up to the first interrupt that is taken. */
static bool first_interrupt(struct lockstep *s)
{
    while (!s->a.interrupts)
        if (!run_both(s, s->step_ns))
            return false;
    return same_memory(s);
}

static bool skip_to(struct lockstep *s, uint64_t icount)
{
    while (machine_icount(s->a.m) < icount) {
        if (!run_both(s, COARSE_NS))
            return false;
        progress(s);
    }
    return same_memory(s);
}

static bool create(struct lockstep *s, int shift)
{
    int64_t rtc = platform_wall_seconds();

    s->step_ns = 1ull << shift;
    s->a.echo = true;
    return lockstep_machine_create(&s->a, "first", IMAGE, rtc, shift) &&
           lockstep_machine_create(&s->b, "second", IMAGE, rtc, shift);
}

int lockstep_run(const struct engine_ops *engine, int argc, char **argv)
{
    static struct lockstep s;
    uint64_t steps = engine_test_number(argc, argv, 0, 50000);
    uint64_t windows = engine_test_number(argc, argv, 1, 1);
    uint64_t every = engine_test_number(argc, argv, 2, 50) * 1000000;
    bool ok;

    s.engine = engine;
    s.break_at = engine_test_number(argc, argv, 4, 0);
    s.slice = engine_test_number(argc, argv, 5, 1);
    ok = create(&s, (int)engine_test_number(argc, argv, 3, SHIFT)) && first_interrupt(&s);
    for (uint64_t n = 0; ok && n < windows; n++) {
        if (n)
            ok = skip_to(&s, machine_icount(s.a.m) + every);
        ok = ok && window(&s, steps);
    }
    platform_log("%llu steps beyond the first interrupt, %llu interrupts in "
                 "them", (unsigned long long)s.total,
                 (unsigned long long)s.interrupts);
    platform_log("undefined flags differed %llu times",
                 (unsigned long long)s.undefined);
    platform_log("%d passed, %d failed", ok, !ok);
    return !ok;
}
