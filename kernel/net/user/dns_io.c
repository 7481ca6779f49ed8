/* The DNS forwarder's ports: one of each query's own, so that nobody can
 * guess where its answer is awaited (RFC 5452 9.2). */
#include <string.h>

#include "kernel/net/arch/cc.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/impl.h"
#include "kernel/platform.h"

static uint64_t now_ms(void) { return platform_now_ns() / 1000000u; }

unsigned user_nameservers(struct user_net *un, uint32_t *out, unsigned max)
{
    const struct user_config *c = &un->config;
    unsigned n = 0;

    if (c->nameserver_count) {
        for (; n < c->nameserver_count && n < max; n++)
            out[n] = c->nameserver[n];
        return n;
    }
    return un->ops && un->ops->nameservers
               ? un->ops->nameservers(un->outside, out, max)
               : user_host_nameservers(out, max);
}

static unsigned io_servers(void *ctx, uint32_t *out, unsigned max)
{
    return user_nameservers(ctx, out, max);
}

static void received(void *ctx, const uint8_t *data, size_t len,
                     struct endpoint from)
{
    struct user_dns_port *p = ctx;
    struct dns *d = &p->un->dns;

    if (from.port == DNS_PORT)
        dns_answer(d, p - p->un->dns_port, from.addr, data, len, now_ms());
    else
        d->foreign_answers++;
}

static void io_done(void *ctx, unsigned slot)
{
    struct user_net *un = ctx;

    if (un->dns_port[slot].dgram)
        dgram_close(un->dns_port[slot].dgram);
    un->dns_port[slot].dgram = NULL;
}

static void io_ask(void *ctx, unsigned slot, uint32_t server,
                   const uint8_t *query, size_t len)
{
    struct user_net *un = ctx;
    struct user_dns_port *p = &un->dns_port[slot];
    struct endpoint any = { 0, 0 }, to = { server, DNS_PORT };

    io_done(ctx, slot);         /* another port for another try */
    p->un = un;
    /* What cannot be sent is like what was lost: the next server's turn
     * comes. */
    if (!dgram_open(any, false, received, p, &p->dgram))
        dgram_send(p->dgram, to, query, len);
}

static void io_answer(void *ctx, uint32_t client, uint16_t port,
                      const uint8_t *answer, size_t len)
{
    struct user_net *un = ctx;

    user_send_udp(un, NULL, un->config.dns, DNS_PORT, client, port, answer,
                  len);
}

static const struct dns_io io = {
    .servers = io_servers, .ask = io_ask, .done = io_done,
    .answer = io_answer, .random = net_random,
};

void user_dns_init(struct user_net *un)
{
    un->dns.io = &io;
    un->dns.ctx = un;
}

void user_dns_input(struct user_net *un, uint32_t client, uint16_t port,
                    const uint8_t *data, size_t len)
{
    dns_query(&un->dns, client, port, data, len, now_ms());
}

void user_dns_poll(struct user_net *un) { dns_expire(&un->dns, now_ms()); }

uint64_t user_dns_deadline(const struct user_net *un)
{
    uint64_t ms = dns_deadline(&un->dns);

    return ms == UINT64_MAX ? ms : ms * 1000000u;
}

void user_dns_fini(struct user_net *un)
{
    for (unsigned i = 0; i < DNS_QUERIES; i++)
        io_done(un, i);
}
