/* The names of what a machine logs on request: -d and the monitor's log. */
#ifndef KERNEL_LOG_ITEMS_H
#define KERNEL_LOG_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

/* All of them, in lines. */
#define LOG_ITEMS_HELP \
    "Items, with commas between them:\n" \
    "guest_errors    what the guest did that was refused: what, where, and near\n" \
    "                which instruction; 'info network' counts it\n" \
    "unimp           of that, what its devices do not have\n" \
    "cpu_reset       its CPU's registers before each reset\n" \
    "all             all of these\n" \
    "none            none of them\n" \
    "What it executes is not logged: there are no in_asm, out_asm, op, op_opt,\n" \
    "op_ind, int, exec, cpu, fpu, mmu, pcall, page, nochain, plugin, strace, tid\n" \
    "and trace:. At most 20 lines, or resets, at once, and two a second; the\n" \
    "others are counted.\n"

/*
 * "ITEM,ITEM" to bits of enum machine_log_item. False: `why` says which is none
 * of them, or not there and why.
 */
bool log_items_parse(const char *text, unsigned *items, char *why,
                     size_t size);

#endif
