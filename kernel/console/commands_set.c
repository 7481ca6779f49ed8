/* The monitor's `set`: the terminal at its line, and what is done with it. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/commands.h"
#include "kernel/console/monitor.h"

#define COLUMNS_MIN 40u
#define ROWS_MIN 4u
#define SIZE_MAX_TYPED 1000u

static void show(struct monitor *mon)
{
    monitor_printf(mon, "paging %s, columns %u, rows %u\n",
                   mon->paging.is_on ? "on" : "off", mon->edit.columns,
                   mon->paging.rows);
}

static void set_size(struct monitor *mon, const char *value, unsigned least,
                     unsigned *size)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || *end || n < least ||
        n > SIZE_MAX_TYPED) {
        monitor_printf(mon, "'%.40s' is no number from %u to %u\n", value,
                       least, SIZE_MAX_TYPED);
        return;
    }
    *size = (unsigned)n;
    show(mon);
}

void cmd_set(struct monitor *mon, char *args)
{
    char *what = monitor_word(&args), *value = monitor_word(&args);
    bool is_on = !strcmp(value, "on");

    if (!*what) {
        show(mon);
    } else if (!strcmp(what, "columns") && !*args) {
        set_size(mon, value, COLUMNS_MIN, &mon->edit.columns);
    } else if (!strcmp(what, "rows") && !*args) {
        set_size(mon, value, ROWS_MIN, &mon->paging.rows);
    } else if (!strcmp(what, "paging") && !*args &&
               (is_on || !strcmp(value, "off"))) {
        mon->paging.is_on = is_on;
        show(mon);
    } else {
        monitor_printf(mon, "use set paging on|off, set columns N or set rows "
                       "N\n");
    }
}
