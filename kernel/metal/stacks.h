/* Stacks of cores and tasks, with unmapped pages between. */
#ifndef KERNEL_METAL_STACKS_H
#define KERNEL_METAL_STACKS_H

/* Four disks for each of nine machines, and some to spare. */
#define STACKS_TASKS 40u

/* The end, 16-aligned, of core `index`'s or task `index`'s; NULL: no memory. */
void *stacks_core(unsigned index);
void *stacks_task(unsigned index);

#endif
