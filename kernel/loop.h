/*
 * The I/O loop: everything around the guests, and in turn those guests that
 * have no core of their own (cores.h).
 */
#ifndef KERNEL_LOOP_H
#define KERNEL_LOOP_H

struct guest;
struct local;
struct mux;

/*
 * Run until the administrator ends it or no guest is left that runs. 0, or 1
 * when a machine could not go on. `local` is NULL without a local screen.
 */
int loop_run(struct guest *const *guests, unsigned count, struct mux *mux,
             struct local *local);

#endif
