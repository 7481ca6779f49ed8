/* See pinger.h. */
#include "kernel/watch/pinger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/guest.h"
#include "kernel/net/guest_ping.h"
#include "kernel/net/transport.h"

#define TTL 64u

struct pinger {
    uint32_t addr;
    struct guest_ping ping;
    struct ping *outside;       /* opened when it is first needed */
    uint16_t sequence;          /* of the last that went out there */
    bool answered;              /* that */
    const char *problem;
};

struct pinger *pinger_create(uint32_t addr)
{
    struct pinger *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->addr = addr;
    p->problem = "";
    guest_ping_open(&p->ping);
    return p;
}

void pinger_destroy(struct pinger *p)
{
    if (!p)
        return;
    guest_ping_close(&p->ping);
    if (p->outside)
        ping_close(p->outside);
    free(p);
}

static void replied(void *ctx, uint32_t from, uint16_t sequence,
                    const uint8_t *data, size_t len)
{
    struct pinger *p = ctx;

    p->answered |= from == p->addr && sequence == p->sequence;
}

static void failed(void *ctx, const struct ping_error *e) { }

static int send_outside(struct pinger *p)
{
    static const struct ping_events events = { replied, failed };
    int r = p->outside ? 0 : ping_open(&events, p, &p->outside);

    p->answered = false;
    return r ? r : ping_send(p->outside, p->addr, TTL, ++p->sequence,
                             "guard", 5);
}

void pinger_send(struct pinger *p, struct guest *g)
{
    int r = g->net ? guest_ping_send(&p->ping, g->net, p->addr) : -ENETUNREACH;

    if (r == -ENETUNREACH && p->addr)
        r = send_outside(p);
    /* A guest that has not said a word is one that does not answer. */
    p->problem = !r || r == -EADDRNOTAVAIL ? ""
                 : r == -ENETUNREACH ? "Trestle has no address on a LAN of the "
                                       "machine's (ip=)"
                 : r == -EACCES ? "this user may not ping"
                 : strerror(-r);
}

bool pinger_answered(struct pinger *p)
{
    uint32_t from;
    bool answered;

    /* A machine without a network has nobody else who does. */
    if (p->outside)
        transport_poll();
    answered = guest_ping_answered(&p->ping, &from) || p->answered;
    if (answered) {
        p->answered = false;
        guest_ping_forget(&p->ping);
    }
    return answered;
}

const char *pinger_problem(const struct pinger *p) { return p->problem; }

void pinger_target(const struct pinger *p, char out[PINGER_TEXT])
{
    uint32_t a = p->addr;

    snprintf(out, PINGER_TEXT, "of the guest");
    if (a)
        snprintf(out, PINGER_TEXT, "%u.%u.%u.%u", a >> 24, a >> 16 & 255,
                 a >> 8 & 255, a & 255);
}
