/* Forwards: outside ports that lead to a guest (-redir, hostfwd). */
#include <errno.h>

#include "kernel/net/nat/nat_impl.h"

static bool covers(const struct forward *f, uint32_t addr)
{
    return !f->rule.host_addr || f->rule.host_addr == addr;
}

const struct forward *forward_by_port(const struct nat *nat, uint8_t protocol,
                                      uint32_t addr, uint16_t port)
{
    for (unsigned i = 0; i < nat->forward_count; i++) {
        const struct forward *f = &nat->forwards[i];

        if (f->net && f->rule.protocol == protocol &&
            f->rule.host_port == port && covers(f, addr))
            return f;
    }
    return NULL;
}

const struct forward *forward_by_guest(const struct nat *nat,
                                       const struct nat_net *net,
                                       uint8_t protocol, uint32_t addr,
                                       uint16_t port)
{
    for (unsigned i = 0; i < nat->forward_count; i++) {
        const struct forward *f = &nat->forwards[i];

        if (f->net == net && f->rule.protocol == protocol &&
            f->rule.guest_addr == addr && f->rule.guest_port == port &&
            covers(f, nat->outside.addr))
            return f;
    }
    return NULL;
}

static struct forward *find_rule(struct nat *nat, const struct nat_forward *r)
{
    for (unsigned i = 0; i < nat->forward_count; i++) {
        struct forward *f = &nat->forwards[i];

        if (f->net && f->rule.protocol == r->protocol &&
            f->rule.host_port == r->host_port &&
            (!f->rule.host_addr || !r->host_addr ||
             f->rule.host_addr == r->host_addr))
            return f;
    }
    return NULL;
}

/* Another forward has the port, by another address of the host's. */
static bool is_shared(const struct nat *nat, const struct forward *self,
                      const struct nat_forward *r)
{
    for (unsigned i = 0; i < nat->forward_count; i++) {
        const struct forward *f = &nat->forwards[i];

        if (f->net && f != self && f->rule.protocol == r->protocol &&
            f->rule.host_port == r->host_port)
            return true;
    }
    return false;
}

int nat_forward_add(struct nat *nat, struct nat_net *net,
                    const struct nat_forward *r)
{
    unsigned i = 0;

    if ((r->protocol != PROTO_TCP && r->protocol != PROTO_UDP) ||
        !r->host_port || !r->guest_port || !net_has(net, r->guest_addr) ||
        r->guest_addr == net->config.gateway)
        return -EINVAL;
    /* A port of the translator's own range may be a guest's. */
    if (find_rule(nat, r) || (port_is_taken(nat, r->protocol, r->host_port) &&
                              !is_shared(nat, NULL, r)))
        return -EADDRINUSE;
    while (i < nat->forward_count && nat->forwards[i].net)
        i++;
    if (i == NAT_FORWARDS)
        return -ENOSPC;
    if (i == nat->forward_count)
        nat->forward_count++;
    nat->forwards[i] = (struct forward){ net, *r };
    port_take(nat, r->protocol, r->host_port);
    return 0;
}

static void remove_rule(struct nat *nat, struct forward *f)
{
    if (!is_shared(nat, f, &f->rule))
        port_release(nat, f->rule.protocol, f->rule.host_port);
    f->net = NULL;
    while (nat->forward_count && !nat->forwards[nat->forward_count - 1].net)
        nat->forward_count--;
}

static void end_flows(struct nat *nat, const struct forward *r)
{
    for (unsigned i = 0; i < nat->flow_limit; i++) {
        struct flow *f = &nat->flows[i];

        if (f->net != r->net || f->mapping ||
            f->protocol != r->rule.protocol ||
            f->outer.near_port != r->rule.host_port ||
            !covers(r, f->outer.near))
            continue;
        nat->counters[NAT_flows_ended]++;
        flow_remove(nat, f);
    }
}

int nat_forward_remove(struct nat *nat, struct nat_net *net,
                       const struct nat_forward *r)
{
    struct forward *f = find_rule(nat, r);

    if (!f || f->net != net || f->rule.host_addr != r->host_addr)
        return -ENOENT;
    end_flows(nat, f);
    remove_rule(nat, f);
    return 0;
}

void forward_remove_all(struct nat *nat, const struct nat_net *net)
{
    for (unsigned i = nat->forward_count; i-- > 0;)
        if (nat->forwards[i].net == net)
            remove_rule(nat, &nat->forwards[i]);
}
