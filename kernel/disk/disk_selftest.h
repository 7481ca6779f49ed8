/*
 * -selftest disks: the drivers of the PC's own disks at work. All disks are
 * read; only those whose serial number is DISK_SELFTEST_SERIAL are written to.
 */
#ifndef KERNEL_DISK_DISK_SELFTEST_H
#define KERNEL_DISK_DISK_SELFTEST_H

#define DISK_SELFTEST_SERIAL "SELFTEST"

/* One log line each; the number of disks that failed. */
unsigned selftest_disks(void);

#endif
