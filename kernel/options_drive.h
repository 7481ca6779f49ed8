/* Disks on the command line: -hda and its like, -cdrom, -drive, -hdachs. */
#ifndef KERNEL_OPTIONS_DRIVE_H
#define KERNEL_OPTIONS_DRIVE_H

#include "kernel/options_parser.h"

/*
 * `file` in drive `unit`, 0 being hda. False: `why` says what is wrong, as of
 * the others.
 */
bool options_set_drive(struct options *o, unsigned unit, const char *file,
                       bool is_cdrom, char *why, size_t size);
/* -drive's value: "file=x.img,index=1,..."; a comma in a name is doubled. */
options_parser options_parse_drive;
/* -hdachs's value: "CYLINDERS,HEADS,SECTORS[,TRANSLATION]". */
options_parser options_parse_hdachs;
options_checker options_check_drives;

#define OPTIONS_DRIVE_HELP \
    "-drive file=FILE[,index=0-3][,media=disk|cdrom][,if=ide]\n" \
    "                [,format=raw|qcow2][,snapshot=on|off][,readonly=on|off]\n" \
    "                [,overlay=FILE][,overlay-init=on|off][,bps=N][,iops=N] a\n" \
    "                disk or CD, in the first free place without index="
#define OPTIONS_HDACHS_HELP \
    "-hdachs C,H,S[,T] geometry of hda; T: none lba large rechs auto"

#endif
