/* See commands_vnc.h. */
#include "kernel/console/commands_vnc.h"

#include <errno.h>
#include <string.h>

#include "kernel/console/commands.h"
#include "kernel/console/monitor.h"
#include "kernel/platform.h"

static void set(struct monitor *mon, const char *password)
{
    int r = platform_vnc_password(password);

    if (r == -EINVAL)
        monitor_printf(mon, "VNC's passwords have up to 8 characters\n");
    else if (r)
        monitor_printf(mon, "there is no VNC server that wants a password: "
                       "-vnc [HOST]:N,password\n");
}

static void take_password(struct monitor *mon, char *line, void *ctx)
{
    if (*line)
        set(mon, line);
}

void cmd_set_password(struct monitor *mon, char *args)
{
    const char *protocol = monitor_word(&args);

    if (strcmp(protocol, "vnc") || !*args)
        monitor_printf(mon, "use set_password vnc PASSWORD\n");
    else
        set(mon, args);
}

void change_vnc(struct monitor *mon, char *args)
{
    if (strcmp(monitor_word(&args), "password"))
        monitor_printf(mon, "use change vnc password [PASSWORD]\n");
    else if (*args)
        set(mon, args);
    else
        monitor_ask_secret(mon, "Password:", take_password, NULL);
}
