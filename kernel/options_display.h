/* -display, -curses and -vnc. */
#ifndef KERNEL_OPTIONS_DISPLAY_H
#define KERNEL_OPTIONS_DISPLAY_H

#include "kernel/options_parser.h"

#define OPTIONS_DISPLAY_HELP                                                  \
    "-display WHAT   (Linux) curses: the screen in this terminal, the default\n" \
    "                on one; vnc=WHERE: as -vnc; none: as -nographic;\n"         \
    "                -curses is -display curses"
#define OPTIONS_VNC_HELP                                                      \
    "-vnc [HOST]:N   (Linux) the screen by VNC at port 5900+N, of 127.0.0.1 if\n" \
    "                there is no HOST; ,to=M: or a later one; ,password: for\n"  \
    "                who knows it ('change vnc password'); -vnc none"

options_parser options_parse_display, options_parse_vnc;
/* A serial port or a monitor is to be on the administrator's line. */
bool options_want_terminal(const struct options *o);
options_checker options_check_display;

#endif
