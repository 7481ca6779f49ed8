/* The I/O loop: runs the guests and everything around them, in turn. */
#ifndef KERNEL_LOOP_H
#define KERNEL_LOOP_H

struct guest;
struct mux;

/*
 * Run until the administrator ends it or no guest is left that runs. 0, or 1
 * when a machine could not go on.
 */
int loop_run(struct guest *const *guests, unsigned count, struct mux *mux);

#endif
