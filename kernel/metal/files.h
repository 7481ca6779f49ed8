/* Multiboot modules as the platform's files. */
#ifndef KERNEL_METAL_FILES_H
#define KERNEL_METAL_FILES_H

#include <stddef.h>

#include "kernel/metal/multiboot.h"

/* `boot`'s module memory is reserved and stays so. Needs the final tables. */
void files_init(const struct multiboot_info *boot);

/*
 * The bytes of the module that platform_file_open would find by `name`, for
 * reading before files_init. NULL: there is none below 4 GiB, where the boot
 * loader's tables reach.
 */
const char *files_find(const struct multiboot_info *boot, const char *name,
                       size_t *size);

#endif
