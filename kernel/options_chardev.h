/*
 * Character devices on the command line: -serial, -monitor, -chardev, -mon. See
 * chardev_option.h.
 */
#ifndef KERNEL_OPTIONS_CHARDEV_H
#define KERNEL_OPTIONS_CHARDEV_H

#include "kernel/options_parser.h"

options_parser options_add_serial, options_add_monitor, options_add_chardev;
/* -mon: "chardev=x,mode=readline". */
options_parser options_add_mon;
/* After the last option: names of -chardev's become what they stand for. */
bool options_check_chardevs(struct options *o, char *why, size_t size);

/*
 * This machine's options want a monitor on the administrator's line: they say
 * so, or they name none and the line would be without.
 */
bool options_want_line_monitor(const struct options *o);

#define OPTIONS_SERIAL_HELP \
    "-serial DEVICE  a guest serial port, COM1 to COM4 in turn: mon:stdio stdio\n" \
    "                null none vc ringbuf tcp:[HOST]:PORT[,server=on][,wait=off]\n" \
    "                telnet:... udp:[HOST]:PORT[@[HOST]:PORT] com1 ... com4;\n" \
    "                on Linux /dev/TTY pty file:F pipe:F unix:F[,server=on];\n" \
    "                mon:DEVICE: with a monitor there, behind the escape key"
#define OPTIONS_MONITOR_HELP \
    "-monitor DEVICE a monitor there; none: not on this line either"
#define OPTIONS_CHARDEV_HELP \
    "-chardev TYPE,id=ID[,...] a device for -serial chardev:ID and -mon"
#define OPTIONS_MON_HELP \
    "-mon chardev=ID a monitor there"

#endif
