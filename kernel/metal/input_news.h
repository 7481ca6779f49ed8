/* What the log says of a PS/2 device that comes and goes. */
#ifndef KERNEL_METAL_INPUT_NEWS_H
#define KERNEL_METAL_INPUT_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/input/kbc.h"
#include "kernel/log_limit.h"

#define INPUT_NEWS_MAX 6u       /* lines in */
#define INPUT_NEWS_NS 600000000000u

/* All zero at first. */
struct input_news {
    enum kbc_state told;
    struct log_limit limit;
};

/*
 * Is a line due, that it is there, or not any more? Where one was left out, the
 * next tells how it is then.
 */
bool input_news(struct input_news *n, enum kbc_state state, uint64_t now);

#endif
