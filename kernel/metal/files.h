/* Multiboot modules as the platform's files. */
#ifndef KERNEL_METAL_FILES_H
#define KERNEL_METAL_FILES_H

#include "kernel/metal/multiboot.h"

/* `boot`'s module memory is reserved and stays so. Needs the final tables. */
void files_init(const struct multiboot_info *boot);

#endif
