/*
 * See kernel/net/transport.h: lwIP on the addresses that ip= of -net bridge
 * gives. This file has the telling of news; streams are in transport_tcp.c,
 * datagrams in transport_udp.c.
 */
#include "kernel/metal/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/host_ip.h"
#include "kernel/platform.h"
#include "lwip/def.h"
#include "lwip/ip4_addr.h"

static struct news *first, **last = &first;

void news_mark(struct news *n)
{
    if (n->queued || n->closed)
        return;
    /* A timer of lwIP's may be all that happens for long. */
    if (!first)
        platform_wake();
    n->queued = true;
    n->next = NULL;
    *last = n;
    last = &n->next;
}

static void free_unused(struct news *n)
{
    if (n->closed && !n->queued && !n->telling)
        free(n);
}

void news_close(struct news *n)
{
    n->closed = true;
    free_unused(n);
}

bool transport_poll(void)
{
    struct news *n = first, *next;
    bool any = n;

    /* What is marked from now on has its turn the next time. */
    first = NULL;
    last = &first;
    for (; n; n = next) {
        next = n->next;
        n->queued = false;
        n->telling = true;
        if (!n->closed)
            n->tell(n);
        n->telling = false;
        free_unused(n);
    }
    return any;
}

int transport_service_address(uint32_t *addr)
{
    struct netif *n;

    *addr = 0;
    NETIF_FOREACH(n)
        if (host_ip_wanted(n))
            return 0;
    return -EADDRNOTAVAIL;
}

int transport_resolve(const char *host, uint32_t *addr)
{
    char plain[IP4ADDR_STRLEN_MAX];
    ip4_addr_t a;

    for (const char *p = host; *p; p++)
        if (*p != '.' && (*p < '0' || *p > '9'))
            return -ENOENT;
    /* Four numbers: lwIP would take fewer, and octal ones. */
    if (!ip4addr_aton(host, &a) ||
        strcmp(ip4addr_ntoa_r(&a, plain, sizeof plain), host))
        return -EINVAL;
    *addr = lwip_ntohl(a.addr);
    return 0;
}

int transport_error(err_t e)
{
    static const int errors[] = {
        [-ERR_OK] = 0, [-ERR_MEM] = ENOMEM, [-ERR_BUF] = ENOBUFS,
        [-ERR_TIMEOUT] = ETIMEDOUT, [-ERR_RTE] = ENETUNREACH,
        [-ERR_INPROGRESS] = EINPROGRESS, [-ERR_VAL] = EINVAL,
        [-ERR_WOULDBLOCK] = EAGAIN, [-ERR_USE] = EADDRINUSE,
        [-ERR_ALREADY] = EALREADY, [-ERR_ISCONN] = EISCONN,
        [-ERR_CONN] = ENOTCONN, [-ERR_IF] = ENETDOWN,
        [-ERR_ABRT] = ETIMEDOUT, [-ERR_RST] = ECONNRESET,
        [-ERR_CLSD] = EPIPE, [-ERR_ARG] = EINVAL,
    };

    return e <= 0 && e >= ERR_ARG ? -errors[-e] : -EIO;
}
