/* The part of model.c that needs no processor to try. */
#ifndef EMU_CPU_MODEL_H
#define EMU_CPU_MODEL_H

#include "emu/cpu/cpu.h"

/*
 * Take away from `m` what `host` lacks, of features, address bits and TSC
 * rate (tsc_hz 0: as it is); its vendor becomes the host's where m wants that.
 */
void cpu_model_fit(struct cpu_model *m, const struct cpu_model *host);

#endif
