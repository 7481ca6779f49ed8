/* See panic.h. Nothing here allocates, waits for interrupts or trusts data. */
#include "kernel/metal/panic.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/console.h"
#include "kernel/metal/format.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/power.h"
#include "kernel/metal/screen.h"
#include "kernel/metal/smp.h"
#include "kernel/metal/symbols.h"
#include "kernel/metal/trap.h"
#include "kernel/platform.h"

#define MAX_FRAMES 24u
#define LOG_TAIL 2000u          /* bytes of log shown */
#define LINE 160u

extern const uint8_t rodata_start[];

static struct percpu *owner;    /* atomic: the core that panicked first */
static bool halt_at_end;
static bool fault_in_report;    /* -selftest nested */

void panic_set_halt(bool halt) { halt_at_end = halt; }

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
    char line[LINE];
    va_list ap;
    size_t len;

    va_start(ap, fmt);
    len = format_v(line, sizeof line, fmt, ap);
    va_end(ap);
    console_panic_line(line, len);
    screen_panic_line(line, len);
}

static void say_address(const char *what, uint64_t address)
{
    uint64_t offset = 0;
    const char *name = symbol_find(address, &offset);

    if (name)
        say("%s %016lx  %s+0x%lx", what, address, name, offset);
    else
        say("%s %016lx", what, address);
}

static void say_backtrace(uint64_t rip, uint64_t rbp)
{
    say("backtrace:");
    say_address("  ", rip);
    for (unsigned i = 0; i < MAX_FRAMES; i++) {
        const uint64_t *frame = (const uint64_t *)rbp;

        /* Never follow what is not a mapped pair of words further up. */
        if (rbp % 8 || !paging_is_mapped(rbp) || !paging_is_mapped(rbp + 8))
            break;
        if (!frame[1])
            break;
        /* The call lies before the return address. */
        say_address("  ", frame[1] - 1);
        if (frame[0] <= rbp)
            break;
        rbp = frame[0];
    }
}

static void say_registers(const struct trap_frame *f)
{
    say("rip %016lx cs  %04lx rflags %08lx", f->rip, f->cs, f->rflags);
    say("rax %016lx rbx %016lx rcx %016lx", f->rax, f->rbx, f->rcx);
    say("rdx %016lx rsi %016lx rdi %016lx", f->rdx, f->rsi, f->rdi);
    say("rbp %016lx rsp %016lx r8  %016lx", f->rbp, f->rsp, f->r8);
    say("r9  %016lx r10 %016lx r11 %016lx", f->r9, f->r10, f->r11);
    say("r12 %016lx r13 %016lx r14 %016lx", f->r12, f->r13, f->r14);
    say("r15 %016lx cr2 %016lx cr3 %016lx", f->r15, read_cr2(), read_cr3());
}

/* The line that begins at `at`; *next: where the one behind it does. */
static size_t log_line(const char *text, size_t n, size_t at, size_t *next,
                       char line[LINE])
{
    size_t end = at;

    while (end < n && text[end] != '\n')
        end++;
    *next = end + 1;
    return format(line, LINE, "  %.*s", (int)(end - at), text + at);
}

/* The first that may be on the screen: what goes before them is to stay there. */
static size_t first_on_screen(const char *text, size_t n, size_t start)
{
    unsigned room = screen_panic_room(), rows = 0;
    char line[LINE];
    size_t next;

    for (size_t at = start; at < n; at = next)
        rows += screen_panic_rows(log_line(text, n, at, &next, line));
    for (; start < n && rows > room; start = next)
        rows -= screen_panic_rows(log_line(text, n, start, &next, line));
    return start;
}

static void say_log_tail(void)
{
    static char tail[LOG_TAIL];
    size_t n = platform_log_read(tail, sizeof tail), start = 0, next, first;
    char line[LINE];

    if (fault_in_report)
        *(volatile uint8_t *)(uintptr_t)rodata_start = 0;
    say("last log lines:");
    if (n == sizeof tail)       /* begins in the middle of a line */
        while (start < n && tail[start++] != '\n')
            ;
    first = first_on_screen(tail, n, start);
    for (size_t at = start; at < n; at = next) {
        size_t len = log_line(tail, n, at, &next, line);

        console_panic_line(line, len);
        if (at >= first)
            screen_panic_line(line, len);
    }
}

static _Noreturn void finish(void)
{
    if (halt_at_end) {
        say("halted (-no-reboot)");
        for (;;) {
            interrupts_off();
            __asm__ volatile("hlt");
        }
    }
    say("restarting in %u s", PANIC_RESTART_SECONDS);
    clock_delay_us(PANIC_RESTART_SECONDS * 1000000u);
    power_reset();
}

bool panic_elsewhere(void)
{
    struct percpu *first = __atomic_load_n(&owner, __ATOMIC_ACQUIRE);

    return first && first != this_cpu();
}

/* Returns for the first panic alone: the full report may go on. */
static void begin(const char *what, const struct trap_frame *f, uint64_t rip)
{
    struct percpu *cpu = this_cpu(), *nobody = NULL;
    unsigned now;

    interrupts_off();
    cpu->panic_what = what;
    now = ++cpu->panics;
    if (__atomic_compare_exchange_n(&owner, &nobody, cpu, false,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        smp_stop_others();
        return;
    }
    if (panic_elsewhere()) {
        cpu->stopped_rip = rip;
        smp_stop_here(f);
    }
    if (now == 2) {
        say("panic inside a panic: %s at %016lx", what, rip);
        finish();
    }
    power_reset();
}

static void say_other_cores(void)
{
    for (unsigned i = 0; i < PERCPU_MAX; i++) {
        const struct percpu *cpu = percpu_get(i);
        char what[40];

        if (cpu == this_cpu() || !smp_online(i))
            continue;
        format(what, sizeof what, "core %u %s", i,
               cpu->panics ? "panicked too" : cpu->stopped ? "stopped"
                                            : "does not stop");
        if (cpu->panics)
            say("%s: %s", what, cpu->panic_what);
        if (cpu->stopped_rip)
            say_address(what, cpu->stopped_rip);
        else if (!cpu->panics)
            say("%s", what);
    }
}

static void say_build(void)
{
    char id[48];

    build_id_text(id, sizeof id);
    say("core %u, build id %s", this_cpu()->index, id);
}

void panic_exception(const struct trap_frame *f)
{
    const char *name = trap_exception_name((unsigned)f->vector);

    begin(name, f, f->rip);
    say("%s", "");
    say("PANIC: exception %lu (%s), error code %lx", f->vector, name, f->error);
    say_build();
    say_registers(f);
    say_backtrace(f->rip, f->rbp);
    say_other_cores();
    say_log_tail();
    finish();
}

void platform_fatal(const char *fmt, ...)
{
    static char reason[160];
    struct {
        uint64_t rbx, rbp, rsp, r12, r13, r14, r15;
    } r;
    uint64_t caller = (uintptr_t)__builtin_return_address(0);
    va_list ap;

    begin(fmt, NULL, caller);
    __asm__ volatile("mov %%rbx, %0\n\tmov %%rbp, %1\n\tmov %%rsp, %2\n\t"
                     "mov %%r12, %3\n\tmov %%r13, %4\n\tmov %%r14, %5\n\t"
                     "mov %%r15, %6"
                     : "=m"(r.rbx), "=m"(r.rbp), "=m"(r.rsp), "=m"(r.r12),
                       "=m"(r.r13), "=m"(r.r14), "=m"(r.r15));
    va_start(ap, fmt);
    format_v(reason, sizeof reason, fmt, ap);
    va_end(ap);
    say("%s", "");
    say("PANIC: %s", reason);
    say_build();
    /* The call clobbered the others: only these mean anything. */
    say("rbx %016lx rbp %016lx rsp %016lx", r.rbx, r.rbp, r.rsp);
    say("r12 %016lx r13 %016lx r14 %016lx", r.r12, r.r13, r.r14);
    say("r15 %016lx cr3 %016lx", r.r15, read_cr3());
    say_backtrace(caller - 1, *(const uint64_t *)r.rbp);
    say_other_cores();
    say_log_tail();
    finish();
}

static __attribute__((noinline)) void selftest_fault(void)
{
    *(volatile uint8_t *)(uintptr_t)rodata_start = 0;
}

static __attribute__((noinline)) void selftest_fatal(void)
{
    platform_fatal("self-test, asked for by -selftest");
}

static __attribute__((noinline)) unsigned selftest_stack(unsigned depth_now)
{
    volatile unsigned frame[64];

    frame[depth_now % 64] = depth_now;
    if (depth_now == 1u << 20)  /* 256 MiB: no stack is that large */
        return 0;
    return selftest_stack(depth_now + 1) + frame[depth_now % 64];
}

static void selftest_core(void *ctx) { selftest_fatal(); }

static void selftest_core_stack(void *ctx) { selftest_stack(0); }

static volatile unsigned cores_ready;

/* Every core but this comes here, and all go on at once. */
static void selftest_cores(void *ctx)
{
    __atomic_add_fetch(&cores_ready, 1, __ATOMIC_SEQ_CST);
    while (cores_ready < platform_core_count() - 1)
        cpu_relax();
    selftest_fatal();
}

/* The panic is to come from elsewhere. */
static bool wait_for_panic(int started)
{
    while (!started)
        platform_wait(UINT64_MAX);
    return false;
}

bool panic_selftest(const char *name)
{
    if (!strcmp(name, "core"))
        return wait_for_panic(platform_core_start(1, selftest_core, NULL));
    if (!strcmp(name, "corestack"))
        return wait_for_panic(platform_core_start(1, selftest_core_stack,
                                                  NULL));
    if (!strcmp(name, "cores")) {
        for (unsigned i = 1; i < platform_core_count(); i++)
            platform_core_start(i, selftest_cores, NULL);
        return wait_for_panic(platform_core_count() > 1 ? 0 : -1);
    }
    fault_in_report = !strcmp(name, "nested");
    if (!strcmp(name, "panic") || fault_in_report)
        selftest_fatal();
    else if (!strcmp(name, "fault"))
        selftest_fault();
    else if (!strcmp(name, "stack"))
        selftest_stack(0);
    return false;
}
