/* See commands_gdb.h. */
#include "kernel/console/commands_gdb.h"

#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/debug/gdb_device.h"
#include "kernel/debug/gdbstub.h"
#include "kernel/guest.h"

void info_gdb(struct monitor *mon)
{
    char text[GDBSTUB_TEXT];

    gdbstub_text(mux_guest(mon->mux), text, sizeof text);
    monitor_printf(mon, "gdb server: %s\n", text);
}

/* qemu's: without a device it is -s. */
void cmd_gdbserver(struct monitor *mon, char *args)
{
    struct guest *g = mux_guest(mon->mux);
    char why[160];

    if (mon->is_remote) {       /* it would end whoever asks */
        monitor_printf(mon, "gdbserver is for the monitor itself\n");
        return;
    }
    if (gdbstub_open(g, *args ? args : GDB_DEVICE_DEFAULT, why, sizeof why)) {
        monitor_printf(mon, "gdbserver: %s\n", why);
        return;
    }
    info_gdb(mon);
}
