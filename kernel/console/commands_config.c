/* See commands_config.h. */
#include "kernel/console/commands_config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/console/commands.h"
#include "kernel/console/job.h"
#include "kernel/console/monitor.h"
#include "kernel/console/paste.h"

#define NAME CONFIG_DEFAULT_NAME
#define BEGIN "# ----- " NAME " begins -----\n"
#define END "# ----- " NAME " ends -----\n"
#define HEAD 300u               /* bytes, of what stands around a text */

static unsigned count_lines(const struct config_text *t)
{
    unsigned n = t->len && t->data[t->len - 1] != '\n';

    for (size_t i = 0; i < t->len; i++)
        n += t->data[i] == '\n';
    return n;
}

/* `head`, the text with plain line ends, `tail`; as one. */
static void print(struct monitor *mon, const char *head,
                  const struct config_text *t, const char *tail)
{
    char *text = malloc(strlen(head) + t->len + 1 + strlen(tail) + 1);
    size_t n;

    if (!text) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    n = (size_t)sprintf(text, "%s", head);
    for (size_t i = 0; i < t->len; i++)
        if (t->data[i] != '\r')
            text[n++] = t->data[i];
    if (t->len && t->data[t->len - 1] != '\n')
        text[n++] = '\n';
    strcpy(text + n, tail);
    monitor_print_text(mon, text);
}

/* ---- show, export ----------------------------------------------------------- */

static void show_next(const struct config *c, char *text, size_t size)
{
    if (!c->next.data)
        *text = '\0';
    else if (c->next_is_saved)
        snprintf(text, size, "Another one, of %u lines, is saved: it takes "
                 "effect at the next start.\n", count_lines(&c->next));
    else
        snprintf(text, size, "Another one, of %u lines, is imported and not "
                 "saved: 'config save' does.\n", count_lines(&c->next));
}

static void config_show(struct monitor *mon)
{
    static const char *const from[] = {
        [CONFIG_FILE] = "from a file", [CONFIG_MODULE] = "as the loader "
        "brought it", [CONFIG_MEDIUM] = "from the medium",
    };
    const struct config *c = mon->config;
    char head[HEAD], tail[HEAD];

    show_next(c, tail, sizeof tail);
    if (c->origin == CONFIG_NONE)
        snprintf(head, sizeof head, "No " NAME " runs: the command line "
                 "alone.\n");
    else
        snprintf(head, sizeof head, "What runs, %.60s, %s (%u lines, %u "
                 "machines):\n\n", c->file, from[c->origin],
                 count_lines(&c->source), c->count);
    print(mon, head, &c->source, *tail ? tail : "");
}

/* What `config save` would save. */
static const struct config_text *newest(const struct config *c)
{
    return c->next.data ? &c->next : &c->source;
}

static void config_export(struct monitor *mon)
{
    const struct config_text *t = newest(mon->config);

    if (!t->data)
        monitor_printf(mon, "there is no " NAME ": the command line alone "
                       "runs\n");
    else
        print(mon, BEGIN, t, END);
}

/* ---- import ------------------------------------------------------------------ */

static void imported(struct monitor *mon, char *text, size_t len)
{
    struct config_text t = { text, len };
    struct config *c = mon->config;
    char why[320] = "";

    if (!text)
        return;
    if (!config_check(c, "line", &t, why, sizeof why)) {
        monitor_printf(mon, "%s\nnothing was taken\n", why);
        free(text);
        return;
    }
    free(c->next.data);
    c->next = t;
    c->next_is_saved = false;
    monitor_printf(mon, "%u lines are good; 'config save' saves them\n",
                   count_lines(&t));
}

static void config_import(struct monitor *mon)
{
    paste_start(mon, CONFIG_MAX_BYTES, imported);
}

/* ---- save -------------------------------------------------------------------- */

static int run_save(struct job *job, void *ctx)
{
    struct config *c = ctx;
    char why[200] = "", where[120];
    int r = config_save(c, newest(c), why, sizeof why);

    if (r)
        return job_fail(job, r, "%s", why);
    config_target(c, where, sizeof where);
    job_printf(job, "saved: %s; it takes effect at the next start\n", where);
    return 0;
}

static void end_save(void *ctx, int error)
{
    struct config *c = ctx;

    c->next_is_saved |= !error;
}

static void save(struct monitor *mon)
{
    struct config *c = mon->config;
    char where[120];

    if (!newest(c)->data)
        monitor_printf(mon, "there is no " NAME " to save: 'config import' "
                       "takes one\n");
    else if (!config_target(c, where, sizeof where))
        monitor_printf(mon, "not saved: %s\n", where);
    else
        job_start(mon, "config save", run_save, end_save, c);
}

static const struct {
    const char *name;
    void (*run)(struct monitor *mon);
} actions[] = {
    { "show", config_show }, { "export", config_export },
    { "import", config_import }, { "save", save },
};

void cmd_config(struct monitor *mon, char *args)
{
    const char *action = monitor_word(&args);

    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (!strcmp(action, actions[i].name) && !*args) {
            actions[i].run(mon);
            return;
        }
    monitor_printf(mon, "config show|export|import|save\n");
}
