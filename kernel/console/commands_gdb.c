/* See commands_gdb.h. */
#include "kernel/console/commands_gdb.h"

#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/debug/gdb_device.h"
#include "kernel/debug/gdbstub.h"
#include "kernel/guest.h"

/* qemu's: without a device it is -s. */
void cmd_gdbserver(struct monitor *mon, char *args)
{
    struct guest *g = mux_guest(mon->mux);
    char why[160], text[GDBSTUB_TEXT];

    if (mon->is_remote) {       /* it would end whoever asks */
        monitor_printf(mon, "gdbserver is for the monitor itself\n");
        return;
    }
    if (gdbstub_open(g, *args ? args : GDB_DEVICE_DEFAULT, why, sizeof why)) {
        monitor_printf(mon, "gdbserver: %s\n", why);
        return;
    }
    gdbstub_text(g, text, sizeof text);
    monitor_printf(mon, "gdb server: %s\n", text);
}
