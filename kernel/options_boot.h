/* -boot: from what the guest boots, and what its screen shows meanwhile. */
#ifndef KERNEL_OPTIONS_BOOT_H
#define KERNEL_OPTIONS_BOOT_H

#include "kernel/options_parser.h"

/*
 * "dc", or "order=dc,menu=on,splash=x.bmp,splash-time=5000", all of which may be
 * left out.
 */
options_parser options_parse_boot;

#define OPTIONS_BOOT_HELP \
    "-boot ORDER     letters of c (disk), d (CD), n (network)\n" \
    "-boot [order=ORDER][,menu=on|off][,splash=FILE][,splash-time=MS] the BIOS's\n" \
    "                boot menu (Esc), a BMP or JPEG behind it, and for how long"

#endif
