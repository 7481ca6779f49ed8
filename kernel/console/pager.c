/* See pager.h. */
#include "kernel/console/pager.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"

#define PART 512u               /* of a text, at a time */
#define MORE "--More--"
#define CTRL_C 3

/* How much of a part fits the rows that are left; all of it without paging. */
static size_t fitting(struct monitor *mon, const char *part, size_t n)
{
    struct monitor_paging *p = &mon->paging;
    size_t i;

    for (i = 0; p->is_on && i < n && p->shown < p->rows - 1; i++) {
        bool is_full = ++p->column == mon->edit.columns;

        if (part[i] != '\n' && !is_full)
            continue;
        p->shown++;
        p->column = 0;
        /* The end of a line that is as long as the row is no row of its own. */
        if (part[i] != '\n' && i + 1 < n && part[i + 1] == '\n')
            i++;
    }
    return p->is_on ? i : n;
}

static bool next_part(struct monitor *mon)
{
    struct monitor_output *o = &mon->output;
    char part[PART];
    size_t n = o->size - o->at < PART - 1 ? o->size - o->at : PART - 1;

    memcpy(part, o->data + o->at, n);
    n = fitting(mon, part, n);
    part[n] = '\0';
    mux_print(mon->mux, part);
    o->at += n;
    if (o->at == o->size)
        return false;
    mon->paging.waits = mon->paging.is_on &&
                        mon->paging.shown >= mon->paging.rows - 1;
    if (mon->paging.waits)
        mux_print(mon->mux, MORE);
    return true;
}

static void end_text(struct monitor *mon) { free(mon->output.data); }

void monitor_print_text(struct monitor *mon, char *text)
{
    struct monitor_output *o = &mon->output;
    size_t len = strlen(text);
    uint8_t *longer;

    if (!len) {
        free(text);
        return;
    }
    if (!o->next) {
        mon->paging.shown = mon->paging.column = 0;
        *o = (struct monitor_output){ next_part, end_text, (uint8_t *)text,
                                      len, 0 };
        return;
    }
    longer = realloc(o->data, o->size + len);
    if (longer) {
        memcpy(longer + o->size, text, len);
        o->data = longer;
        o->size += len;
    } else {
        mux_print(mon->mux, "out of memory\n");
    }
    free(text);
}

bool pager_key(struct monitor *mon, uint8_t c)
{
    struct monitor_paging *p = &mon->paging;

    switch (c) {
    case ' ':
        p->shown = 0;
        break;
    case '\r':
    case '\n':
        p->shown = p->rows - 2;
        break;
    case 'q':
    case CTRL_C:
        break;
    default:
        return true;
    }
    p->waits = false;
    mux_print(mon->mux, "\r        \r");        /* where --More-- stood */
    return c == ' ' || c == '\r' || c == '\n';
}
