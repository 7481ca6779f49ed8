/* Making a translator, its networks and its outside; its text. See nat.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/textbuf.h"
#include "kernel/net/nat/nat_impl.h"

struct nat *nat_create(const struct nat_ops *ops, void *ctx, unsigned flows)
{
    struct nat *nat = calloc(1, sizeof *nat);

    if (!nat)
        return NULL;
    nat->ops = ops;
    nat->ctx = ctx;
    nat->ip_id = ops->random();
    for (unsigned i = 0; i < 4; i++)
        nat->key[i] = ops->random();
    if (flow_tables_create(nat, flows) || fragments_create(nat)) {
        nat_destroy(nat);
        return NULL;
    }
    return nat;
}

void nat_destroy(struct nat *nat)
{
    flow_tables_destroy(nat);
    fragments_destroy(nat);
    free(nat);
}

void nat_set_outside(struct nat *nat, const struct nat_outside *outside)
{
    if (outside->addr != nat->outside.addr) {
        flow_remove_all(nat, NULL);
        fragment_remove_all(nat, NULL);
    }
    nat->outside = *outside;
}

struct nat_net *nat_net_add(struct nat *nat, const struct nat_net_config *c)
{
    for (unsigned i = 0; i < NAT_NETS; i++)
        if (!nat->nets[i].used) {
            nat->nets[i] = (struct nat_net){ .used = true, .config = *c };
            nat->net_count++;
            return &nat->nets[i];
        }
    return NULL;
}

void nat_net_remove(struct nat *nat, struct nat_net *net)
{
    flow_remove_all(nat, net);
    fragment_remove_all(nat, net);
    forward_remove_all(nat, net);
    net->used = false;
    nat->net_count--;
}

unsigned nat_flow_count(const struct nat *nat) { return nat->flow_count; }

uint64_t nat_counter(const struct nat *nat, enum nat_counter c)
{
    return nat->counters[c];
}

/* So many, as what follows them is to be seen, too. */
#define FLOWS_SHOWN 50u

/* ---- Text ---------------------------------------------------------------- */

static const char *const class_names[FLOW_CLASSES] = {
    [FLOW_TCP_CLOSED] = "TCP[CLOSED]", [FLOW_ICMP] = "ICMP",
    [FLOW_UDP_NEW] = "UDP[NEW]", [FLOW_TCP_OPENING] = "TCP[OPENING]",
    [FLOW_UDP] = "UDP", [FLOW_TCP_HALF_CLOSED] = "TCP[HALF_CLOSED]",
    [FLOW_TCP] = "TCP[ESTABLISHED]",
};

static void add_address(struct textbuf *t, uint32_t a, unsigned port)
{
    char text[16];

    snprintf(text, sizeof text, "%u.%u.%u.%u", a >> 24, a >> 16 & 255,
             a >> 8 & 255, a & 255);
    text_add(t, " %15s %5u", text, port);
}

/* There is no socket: the FD column is the outside port's. */
static void add_flow(struct textbuf *t, const struct flow *f)
{
    text_add(t, "  %-16s %5u", class_names[f->class], f->outer.near_port);
    add_address(t, f->inner.near, f->inner.near_port);
    add_address(t, f->outer.far, f->outer.far_port);
    text_add(t, "     0     0\n");
}

static void add_forward(struct textbuf *t, const struct nat_forward *r)
{
    text_add(t, "  %-16s %5s",
             r->protocol == PROTO_TCP ? "TCP[HOST_FORWARD]"
                                      : "UDP[HOST_FORWARD]", "-");
    add_address(t, r->host_addr, r->host_port);
    add_address(t, r->guest_addr, r->guest_port);
    text_add(t, "     0     0\n");
}

int nat_format_flows(const struct nat *nat, const struct nat_net *net,
                     char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };
    unsigned shown = 0;

    for (unsigned i = 0; i < nat->forward_count; i++)
        if (nat->forwards[i].net == net)
            add_forward(&t, &nat->forwards[i].rule);
    for (unsigned c = FLOW_CLASSES; c-- > 0;)
        for (const struct flow *f = net->lists[c].newest;
             f && shown < FLOWS_SHOWN; f = f->older, shown++)
            add_flow(&t, f);
    if (net->flows > shown)
        text_add(&t, "  and %u flows more\n", net->flows - shown);
    return t.wanted;
}

int nat_format_counters(const struct nat *nat, char *buf, size_t size)
{
#define NAT_COUNTER_NAME(name) [NAT_##name] = #name,
    static const char *const names[] = { NAT_COUNTERS(NAT_COUNTER_NAME) };
    struct textbuf t = { buf, size, 0 };

    text_add(&t, "    flows=%u of %u", nat->flow_count, nat->flow_limit);
    if (nat_held(nat))
        text_add(&t, " held=%u", nat_held(nat));
    text_add(&t, "\n");
    for (unsigned i = 1; i < NAT_COUNTER_END; i++)
        if (nat->counters[i])
            text_add(&t, "    %s=%llu\n", names[i],
                     (unsigned long long)nat->counters[i]);
    return t.wanted;
}
