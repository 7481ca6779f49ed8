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

void wait_end(void *unused) { this_cpu()->wake = true; }

void platform_wake(void)
{
    struct percpu *io = percpu_get(IO_CORE);

    io->wake = true;
    if (this_cpu() != io)
        apic_send_wake(io->apic_id);
}

void platform_wait(uint64_t deadline_ns)
{
    struct percpu *cpu = this_cpu();
    uint64_t now, longest = clock_max_sleep_ns();

    log_flush();
    if (limit < longest)
        longest = limit;
    interrupts_off();
    now = platform_now_ns();
    if (!cpu->wake && deadline_ns > now) {
        if (deadline_ns - now > longest)
            deadline_ns = now + longest;
        apic_timer_start(deadline_ns);
        interrupts_on_halt();
        interrupts_off();
        apic_timer_stop();
    }
    cpu->wake = false;
    interrupts_on();
}
