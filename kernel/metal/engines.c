/* The CPU engines of the bare machine. */
#include <stddef.h>

#include "emu/cpu/engine.h"
#include "kernel/metal/svm.h"
#include "kernel/metal/vmx.h"
#include "kernel/platform.h"

const struct engine_ops *const platform_engines[] = {
    &engine_vmx, &engine_svm, &engine_jit, &engine_interp, NULL
};
