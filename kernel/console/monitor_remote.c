/* See monitor_remote.h. */
#include "kernel/console/monitor_remote.h"

#include <string.h>

#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/console/paste.h"

#define CTRL_C 3

void monitor_give_up(struct monitor *mon)
{
    while (mon->answer) {       /* may ask again */
        void (*answer)(struct monitor *, char *, void *) = mon->answer;
        char nothing[] = "";

        mon->answer = NULL;
        answer(mon, nothing, mon->answer_ctx);
    }
    if (mon->paste.done)
        paste_input(mon, CTRL_C);
}

static void finish(struct monitor *mon)
{
    monitor_give_up(mon);
    if (!mon->output.next)
        return;
    while (mon->output.next(mon))
        ;
    mon->output.end(mon);
}

void monitor_remote(struct monitor *mon, unsigned number, char *line,
                    char *out, size_t size)
{
    struct mux *mux = mon->mux;
    struct mux_console *shown = mux->shown;
    struct mux_capture capture = { out, size, 0 };
    static struct monitor remote;       /* too much for a stack */

    *out = '\0';
    monitor_init(&remote, mux);
    remote.config = mon->config;
    remote.is_remote = true;
    mux->capture = &capture;
    mux->shown = &mux->console[number - 1];
    monitor_command(&remote, line);
    finish(&remote);
    mux->shown = shown;
    mux->capture = NULL;
    mon->quit |= remote.quit;
}
