/*
 * The monitor's commands for captures (commands_net.h). What memory holds is
 * printed as uuencode -m does (POSIX.1-2017, uuencode), so that it can be taken
 * out of a log of the serial line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/base64.h"
#include "kernel/console/commands.h"
#include "kernel/console/commands_net.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/net/capture.h"
#include "kernel/net/net.h"
#include "kernel/options_net.h"
#include "kernel/platform.h"

void info_capture(struct monitor *mon)
{
    monitor_print_net(mon, capture_format);
}

/* ---- Beginning and ending ----------------------------------------------- */

static void start(struct monitor *mon, struct net *net,
                  const struct dump_option *o)
{
    char why[400];

    if (capture_start(net, o, why, sizeof why))
        monitor_printf(mon, "%s\n", why);
}

void cmd_object_add(struct monitor *mon, char *args)
{
    struct net *net = monitor_net(mon);
    struct options *o = net ? malloc(sizeof *o) : NULL;
    char why[200];

    if (!o)
        return;
    options_defaults(o);
    if (options_parse_object(o, args, why, sizeof why))
        start(mon, net, &o->dump[0]);
    else
        monitor_printf(mon, "object_add: %s\n", why);
    free(o);
}

static void stop(struct monitor *mon, struct net *net, const char *id)
{
    if (capture_stop(net, id))
        monitor_printf(mon, "no capture '%.40s'; 'info capture' lists them\n",
                       id);
}

void cmd_object_del(struct monitor *mon, char *args)
{
    struct net *net = monitor_net(mon);

    if (net)
        stop(mon, net, args);
}

/* ---- Printing ----------------------------------------------------------- */

static void print(struct monitor *mon, const struct net *net, const char *id)
{
    char name[OPTIONS_ID_MAX + sizeof ".pcap"];
    uint8_t *data;
    size_t size;
    int r = capture_copy(net, id, &data, &size);

    if (r) {
        monitor_printf(mon, r == -ENOENT
                       ? "no capture '%.40s'; 'info capture' lists them\n"
                       : r == -EINVAL ? "'%.40s' goes to a file\n"
                       : "'%.40s': out of memory\n", id);
        return;
    }
    snprintf(name, sizeof name, "%s.pcap", id);
    monitor_print_base64(mon, name, data, size);
}

void cmd_capture(struct monitor *mon, char *args)
{
    char *name = monitor_word(&args), *what = monitor_word(&args);
    char *file = monitor_word(&args);
    bool is_on = !strcmp(what, "on");
    struct dump_option o = { .len = DUMP_LEN_MAX };
    struct net *net;

    if (*args || (*file && !is_on) || strlen(name) > OPTIONS_ID_MAX ||
        (!is_on && strcmp(what, "off") && strcmp(what, "print"))) {
        monitor_printf(mon, "use capture NAME on [FILE]|off|print\n");
        return;
    }
    net = monitor_net(mon);
    if (!net)
        return;
    if (is_on) {
        strcpy(o.id, name);
        strcpy(o.netdev, name);
        snprintf(o.file, sizeof o.file, "%s", file);
        start(mon, net, &o);
    } else if (*what == 'o') {
        stop(mon, net, name);
    } else {
        print(mon, net, name);
    }
}
