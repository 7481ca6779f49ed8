/* See commands_net.h. */
#include "kernel/console/commands_net.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/console/commands.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/net/net.h"
#include "kernel/net/user/user_net.h"

struct net *monitor_net(struct monitor *mon)
{
    struct net *net = mux_guest(mon->mux)->net;

    if (!net)
        monitor_printf(mon, "no network: no -net option was given\n");
    return net;
}

/* ---- info ---------------------------------------------------------------- */

void monitor_print_net(struct monitor *mon,
                       int (*format)(const struct net *, char *, size_t))
{
    struct net *net = monitor_net(mon);
    int len = net ? format(net, NULL, 0) : 0;
    char *text;

    if (len <= 0)
        return;
    text = malloc((size_t)len + 1);
    if (!text) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    format(net, text, (size_t)len + 1);
    monitor_print_text(mon, text);
}

void info_network(struct monitor *mon)
{
    monitor_print_net(mon, net_format);
    monitor_info_text(mon, "network");
    monitor_info_text(mon, "counters");
}

void info_usernet(struct monitor *mon)
{
    monitor_print_net(mon, net_format_users);
}

void info_bridge(struct monitor *mon)
{
    monitor_print_net(mon, net_format_bridge);
}

/* ---- Commands ------------------------------------------------------------ */

char *monitor_word(char **args)
{
    char *word = *args + strspn(*args, " \t");

    *args = word + strcspn(word, " \t");
    if (**args)
        *(*args)++ = '\0';
    return word;
}

static void list_names(struct monitor *mon, const struct net *net)
{
    const char *name;

    monitor_printf(mon, "names:");
    for (unsigned i = 0; (name = net_name(net, i)); i++)
        monitor_printf(mon, " %s", name);
    monitor_printf(mon, "\n");
}

void cmd_set_link(struct monitor *mon, char *args)
{
    const char *name = monitor_word(&args), *state = monitor_word(&args);
    bool on = !strcmp(state, "on");
    struct net *net;

    if ((!on && strcmp(state, "off")) || *monitor_word(&args)) {
        monitor_printf(mon, "use set_link NAME on|off\n");
        return;
    }
    net = monitor_net(mon);
    if (net && !net_set_link(net, name, on)) {
        monitor_printf(mon, "set_link: no NIC or netdev '%.40s'; ", name);
        list_names(mon, net);
    }
}

void cmd_netdev_add(struct monitor *mon, char *args)
{
    struct net *net = monitor_net(mon);
    char why[320];

    if (net && net_netdev_add(net, args, why, sizeof why))
        monitor_printf(mon, "%s\n", why);
}

void cmd_netdev_del(struct monitor *mon, char *args)
{
    struct net *net = monitor_net(mon);
    char why[320];

    if (net && net_netdev_del(net, args, why, sizeof why))
        monitor_printf(mon, "%s\n", why);
}

/*
 * "[NETDEV] RULE" for one of the two functions of a user network. The rule, or
 * NULL if it said why not.
 */
static const char *change_forward(struct monitor *mon, const char *command,
                           char *args,
                           int (*change)(struct user_net *, const char *,
                                         char *, size_t))
{
    char *id = monitor_word(&args), *rule = monitor_word(&args), why[200];
    struct net *net;
    struct user_net *un;

    if (*monitor_word(&args)) {
        monitor_printf(mon, "use %s [NETDEV] RULE; 'help %s' shows it\n",
                       command, command);
        return NULL;
    }
    net = monitor_net(mon);
    if (!net)
        return NULL;
    un = net_user(net, *rule ? id : NULL);
    if (!un)
        monitor_printf(mon, "no user-mode network%s%.40s\n",
                       *rule ? " " : "", *rule ? id : "");
    else if (change(un, *rule ? rule : id, why, sizeof why))
        monitor_printf(mon, "%s\n", why);
    else
        return *rule ? rule : id;
    return NULL;
}

void cmd_hostfwd_add(struct monitor *mon, char *args)
{
    change_forward(mon, "hostfwd_add", args, user_net_forward_add);
}

void cmd_hostfwd_remove(struct monitor *mon, char *args)
{
    const char *rule = change_forward(mon, "hostfwd_remove", args,
                                      user_net_forward_remove);

    if (rule)
        monitor_printf(mon, "host forwarding rule for %s removed\n", rule);
}

void cmd_announce_self(struct monitor *mon, char *args)
{
    struct net *net = monitor_net(mon);

    if (net)
        net_announce(net);
}
