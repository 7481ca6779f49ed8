/* The CPU engines of Linux. */
#include <stddef.h>

#include "emu/cpu/engine.h"
#include "kernel/platform.h"

const struct engine_ops *const platform_engines[] = {
    &engine_jit, &engine_interp, NULL
};
