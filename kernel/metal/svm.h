/* AMD-V; see svm.c. */
#ifndef KERNEL_METAL_SVM_H
#define KERNEL_METAL_SVM_H

#include "emu/cpu/engine.h"

extern const struct engine_ops engine_svm;

#endif
