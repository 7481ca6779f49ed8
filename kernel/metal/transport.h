/* What the parts of transport.h on the bare machine share: news of lwIP's. */
#ifndef KERNEL_METAL_TRANSPORT_H
#define KERNEL_METAL_TRANSPORT_H

#include <stdbool.h>

#include "kernel/net/transport.h"
#include "lwip/def.h"
#include "lwip/err.h"
#include "lwip/ip_addr.h"

/*
 * First in what has news, which is one block of malloc's. lwIP calls us while
 * it works on a segment, when nothing may call it: what it says is noted, and
 * transport_poll tells it.
 */
struct news {
    struct news *next;
    bool queued, telling, closed;
    void (*tell)(struct news *n);
};

/* There is something to tell. */
void news_mark(struct news *n);
/* Nothing more is told; it is freed, now or once nobody has it in hand. */
void news_close(struct news *n);

/* As lwIP has it, of host byte order. */
static inline ip_addr_t transport_address(uint32_t addr)
{
    ip_addr_t a = IPADDR4_INIT(lwip_htonl(addr));

    return a;
}

/* lwIP's error as a negative errno. */
int transport_error(err_t e);

#endif
