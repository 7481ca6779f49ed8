/* See machine_watchdog.h. */
#include "emu/machine_internal.h"

#include "emu/dev/i6300esb.h"
#include "emu/dev/ib700.h"
#include "emu/textbuf.h"

void machine_on_watchdog(struct machine *m, enum machine_reaction what)
{
    m->on_watchdog = what;
}

void machine_on_panic(struct machine *m, enum machine_reaction what)
{
    m->on_panic = what;
}

void machine_tell(struct machine *m, enum machine_event event,
                  const char *text)
{
    const struct machine_host *host = m->config.host;

    if (host->event)
        host->event(host->ctx, event, text);
}

static void react(struct machine *m, enum machine_reaction what)
{
    switch (what) {
    case MACHINE_REACT_RESET:
        machine_request(m, MACHINE_REQ_RESET);
        break;
    case MACHINE_REACT_SHUTDOWN:
        machine_power_button(m);
        break;
    case MACHINE_REACT_POWEROFF:
        machine_request(m, MACHINE_REQ_POWEROFF);
        break;
    case MACHINE_REACT_PAUSE:
        machine_stop(m);
        break;
    case MACHINE_REACT_NMI:
        machine_nmi(m);
        break;
    case MACHINE_REACT_NONE:
        break;
    }
}

void machine_serve_events(struct machine *m)
{
    uint32_t events = m->requests & MACHINE_REQ_EVENTS;

    m->requests &= ~events;
    if (events & 1u << MACHINE_REQ_CRASH_LOADED)
        machine_tell(m, MACHINE_EVENT_CRASH_LOADED,
                     "the guest's kernel panicked, and boots to look why");
    if (events & 1u << MACHINE_REQ_PANIC) {
        machine_count(m, "pvpanic: the guest panicked");
        machine_tell(m, MACHINE_EVENT_PANIC, "the guest's kernel panicked");
        react(m, m->on_panic);
    }
    if (events & 1u << MACHINE_REQ_WATCHDOG) {
        machine_count(m, "watchdog: expired");
        machine_tell(m, MACHINE_EVENT_WATCHDOG, "the guest's watchdog expired");
        react(m, m->on_watchdog);
    }
}

/* ---- Text ---------------------------------------------------------------- */

static void add_status(struct machine *m, struct textbuf *t, const char *name,
                       const struct watchdog_status *s)
{
    uint64_t now = machine_now(m);
    uint64_t ms = s->ends > now ? (s->ends - now) / 1000000 : 0;

    text_add(t, "%s: ", name);
    if (s->running && s->stage)
        text_add(t, "stage %u, ", s->stage);
    if (s->running)
        text_add(t, "%llu.%llu s left", (unsigned long long)ms / 1000,
                 (unsigned long long)ms / 100 % 10);
    else
        text_add(t, "the guest does not use it");
    text_add(t, "%s%s; expired %llu times\n", s->locked ? ", locked" : "",
             s->no_output ? ", output disabled" : "",
             (unsigned long long)s->expired);
}

int machine_info_watchdog(struct machine *m, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };
    struct watchdog_status s;

    if (size)
        buf[0] = '\0';
    if (m->d.i6300esb) {
        i6300esb_status(m->d.i6300esb, &s);
        add_status(m, &t, "i6300esb", &s);
    }
    if (m->d.ib700) {
        ib700_status(m->d.ib700, &s);
        add_status(m, &t, "ib700", &s);
    }
    return (int)t.wanted;
}
