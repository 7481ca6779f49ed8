/*
 * Fair shares where guests and cores do not come out even: of three guests that
 * all want the processor, on two cores, the one that got most now and then
 * changes places with the one that got least; and a guest that shares its core
 * changes places with one that lets another core idle.
 */
#ifndef KERNEL_BALANCE_H
#define KERNEL_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#define BALANCE_NS 100000000u   /* how often to look */

/* What balance_choose knows of a guest. */
struct balance_guest {
    unsigned core;              /* 1 and up */
    uint64_t used_ns;           /* host time used since the last look */
    uint64_t average_ns;        /* of that, over some looks; kept between them */
};

/*
 * Update the averages of `count` guests after `passed_ns`, and say which two
 * should change places. False: it is fair as it is. Pure.
 */
bool balance_choose(struct balance_guest *g, unsigned count,
                    uint64_t passed_ns, unsigned *rich, unsigned *poor);

#endif
