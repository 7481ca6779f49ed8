/* How large a disk is: its image's part, used by image.c alone. */
#ifndef KERNEL_DISK_IMAGE_SIZE_H
#define KERNEL_DISK_IMAGE_SIZE_H

struct disk_image;

/*
 * As large as its table, or disk_image_resize, asks, if that is more than it
 * has. 0 or negative errno. By whoever has the stack.
 */
int image_size_follow_table(struct disk_image *img);
/* The machine was reset (BLOCK_RESIZE): the same, and what is there is kept. */
int image_size_reset(struct disk_image *img);

#endif
