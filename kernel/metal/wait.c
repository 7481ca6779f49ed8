/* See wait.h. */
#include "kernel/metal/wait.h"

#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/log.h"
#include "kernel/metal/percpu.h"
#include "kernel/platform.h"

#define IO_CORE 0u

static uint64_t limit = UINT64_MAX;

void wait_limit(uint64_t ns)
{
    if (ns < limit)
        limit = ns;
}

void wait_end(void *unused)
{
    __atomic_store_n(&this_cpu()->wake, true, __ATOMIC_SEQ_CST);
}

void platform_core_wake(unsigned core)
{
    struct percpu *cpu = percpu_get(core);

    __atomic_store_n(&cpu->wake, true, __ATOMIC_SEQ_CST);
    /* Awake, it looks at `wake` before it sleeps. */
    if (this_cpu() != cpu && __atomic_load_n(&cpu->asleep, __ATOMIC_SEQ_CST))
        apic_send_wake(cpu->apic_id);
}

void platform_wake(void) { platform_core_wake(IO_CORE); }

static void sleep_until(struct percpu *cpu, uint64_t now, uint64_t deadline)
{
    uint64_t longest = clock_max_sleep_ns();

    if (cpu->index == IO_CORE && limit < longest)
        longest = limit;
    if (deadline - now > longest)
        deadline = now + longest;
    apic_timer_start(deadline);
    interrupts_on_halt();
    interrupts_off();
    apic_timer_stop();
    __atomic_store_n(&cpu->idle_ns, cpu->idle_ns + platform_now_ns() - now,
                     __ATOMIC_RELAXED);
}

void platform_wait(uint64_t deadline_ns)
{
    struct percpu *cpu = this_cpu();
    uint64_t now;

    log_flush();
    interrupts_off();
    __atomic_store_n(&cpu->asleep, true, __ATOMIC_SEQ_CST);
    now = platform_now_ns();
    if (!__atomic_load_n(&cpu->wake, __ATOMIC_SEQ_CST) && deadline_ns > now)
        sleep_until(cpu, now, deadline_ns);
    __atomic_store_n(&cpu->asleep, false, __ATOMIC_RELAXED);
    /* Gone before the caller looks for what it stood for: a full barrier. */
    __atomic_store_n(&cpu->wake, false, __ATOMIC_SEQ_CST);
    interrupts_on();
}

uint64_t platform_core_idle_ns(unsigned core)
{
    return __atomic_load_n(&percpu_get(core)->idle_ns, __ATOMIC_RELAXED);
}
