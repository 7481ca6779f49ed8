/*
 * A second flow of control on one core, with a stack of its own: fiber.S. Each
 * goes on where it left; nothing runs at the same time.
 */
#ifndef KERNEL_METAL_FIBER_H
#define KERNEL_METAL_FIBER_H

/* Where a fiber that does not run now goes on. */
typedef void *fiber_state;

/*
 * One that begins by calling run(), which never returns, on the stack that ends
 * at `top`, a multiple of 16.
 */
fiber_state fiber_make(void *top, void (*run)(void));

/* Leave the running one, to go on from *from later; go on at `to`. */
void fiber_switch(fiber_state *from, fiber_state to);

#endif
