/* A disk's size as its label has it. */
#ifndef KERNEL_DISK_DISK_SIZE_H
#define KERNEL_DISK_DISK_SIZE_H

#include <stdint.h>

#define DISK_SIZE_TEXT 16u
/* "30 GB", "1.0 TB": powers of ten, one digit behind the point below 10. */
void disk_size_text(char text[DISK_SIZE_TEXT], uint64_t sectors);

#endif
