/*
 * The texts of machine_info that have files of their own, as that: the subjects
 * "tlb", "mem", "irq" and "qtree".
 */
#ifndef EMU_MACHINE_INFO_H
#define EMU_MACHINE_INFO_H

#include <stddef.h>

struct machine;

/* machine_info_cpu.c */
int machine_info_tlb(struct machine *m, char *buf, size_t size);
int machine_info_mem(struct machine *m, char *buf, size_t size);
int machine_info_irq(struct machine *m, char *buf, size_t size);
/* machine_info_tree.c */
int machine_info_qtree(struct machine *m, char *buf, size_t size);

#endif
