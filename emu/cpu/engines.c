#include "emu/cpu/engine.h"

const struct engine_ops *const engines[] = { &engine_interp, NULL };
