/* See nic_watch.h. */
#include "kernel/net/nic_watch.h"

#include "kernel/platform.h"

#define HANG_MS 5000u
#define FIRST_MS 1000u
#define MOST_MS 60000u
#define PROBES 4u               /* frames that a NIC gets which hung */

static bool has_frames(const struct nic *nic)
{
    return nic->out.given != nic->out.back;
}

/* It is started anew: the next time is twice as far away. */
static void back_off(struct nic_watch *w, uint32_t now_ms)
{
    w->wait_ms = !w->wait_ms ? FIRST_MS
                 : w->wait_ms < MOST_MS / 2 ? 2 * w->wait_ms : MOST_MS;
    w->tried_ms = now_ms;
}

/* Closed: open it when its time has come. */
static void look_closed(struct nic_watch *w, struct nic *nic, const char *name,
                        uint32_t now_ms)
{
    if (!w->is_closed) {
        w->is_closed = true;
        w->lost++;
        back_off(w, now_ms);
        if (!w->is_ill)
            platform_log("%s: it answers no more: trying again, at least every "
                         "%u s", name, MOST_MS / 1000u);
        w->is_ill = true;
        return;
    }
    if (now_ms - w->tried_ms < w->wait_ms)
        return;
    back_off(w, now_ms);
    if (nic->ops->open(nic))
        return;
    w->is_closed = w->is_ill = w->is_waiting = false;
    w->opened++;
    platform_log("%s: it works again", name);
}

/* What it had has come back with close, which is not that it was sent. */
static void start_anew(struct nic_watch *w, struct nic *nic, const char *name,
                       uint32_t now_ms)
{
    if (!w->is_ill)
        platform_log("%s: it has sent nothing for %u s: starting it anew",
                     name, (now_ms - w->since_ms) / 1000u);
    w->is_ill = true;
    w->hangs++;
    back_off(w, now_ms);
    nic->ops->close(nic);
    /* A failure is seen by the next look, as a NIC that closed itself. */
    nic->ops->open(nic);
    w->back = nic->out.back;
    w->is_waiting = false;
}

static void look_open(struct nic_watch *w, struct nic *nic, const char *name,
                      uint32_t now_ms)
{
    uint32_t limit = w->wait_ms > HANG_MS ? w->wait_ms : HANG_MS;

    if (w->is_ill && w->back != nic->out.back) {
        w->is_ill = false;
        platform_log("%s: it sends again", name);
    }
    if (!w->is_ill && w->wait_ms && now_ms - w->tried_ms >= MOST_MS)
        w->wait_ms = 0;
    if (!has_frames(nic) || !nic->link_up || !w->is_waiting ||
        w->back != nic->out.back) {
        w->is_waiting = has_frames(nic) && nic->link_up;
        w->back = nic->out.back;
        w->since_ms = now_ms;
    } else if (now_ms - w->since_ms >= limit) {
        start_anew(w, nic, name, now_ms);
    }
}

void nic_watch_look(struct nic_watch *w, struct nic *nic, const char *name,
                    uint32_t now_ms)
{
    if (nic->is_open) {
        w->was_open = true;
        w->is_closed = false;
        look_open(w, nic, name, now_ms);
    } else if (w->was_open) {
        look_closed(w, nic, name, now_ms);
    }
}

bool nic_watch_needs_time(const struct nic_watch *w, const struct nic *nic)
{
    return nic->is_open ? has_frames(nic) : w->was_open;
}

bool nic_watch_takes(const struct nic_watch *w, const struct nic *nic)
{
    return !w->is_ill || nic->out.given - nic->out.back < PROBES;
}
