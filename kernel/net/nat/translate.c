/* Writing other addresses and ports into a packet, and its checksums. */
#include "kernel/net/nat/checksum.h"
#include "kernel/net/nat/nat_impl.h"

/* A checksum inside an ICMP error is data of the one around it. */
static void fix(uint8_t *at, uint32_t delta, uint32_t *around)
{
    uint16_t old = get16(at);

    checksum_apply(at, delta);
    if (around)
        *around += checksum_delta16(old, get16(at));
}

/*
 * One that comes to 0 is written as 0xffff, the other zero. In UDP 0 means
 * none; and ICMP's, which covers no address, may be that of nothing but zeros:
 * an update cannot tell their sum, the one zero, from the other.
 */
static void fix_zero(uint8_t *at, uint32_t delta, uint32_t *around)
{
    uint16_t old = get16(at);

    checksum_apply(at, delta);
    if (!get16(at))
        put16(at, 0xffff);
    if (around)
        *around += checksum_delta16(old, get16(at));
}

static void write_ports(struct packet *p, const struct tuple *to,
                        bool near_is_src)
{
    if (p->protocol == PROTO_ICMP) {
        put16(p->l4 + 4, to->near_port);
        return;
    }
    put16(p->l4, near_is_src ? to->near_port : to->far_port);
    put16(p->l4 + 2, near_is_src ? to->far_port : to->near_port);
}

static void fix_transport(struct packet *p, uint32_t addr_delta,
                          uint32_t port_delta, uint32_t *around)
{
    switch (p->protocol) {
    case PROTO_TCP:
        /* An error may quote less of it. */
        if (p->l4_len >= 18)
            fix(p->l4 + 16, addr_delta + port_delta, around);
        break;
    case PROTO_UDP:
        if (get16(p->l4 + 6))
            fix_zero(p->l4 + 6, addr_delta + port_delta, around);
        break;
    default:
        fix_zero(p->l4 + 2, port_delta, around);
        break;
    }
}

void translate(struct packet *p, const struct flow *f, bool outward,
               bool near_is_src, uint32_t *around)
{
    const struct tuple *to = outward ? &f->outer : &f->inner;
    /* The other way is the complement of this one. */
    uint16_t addr_delta = outward ? f->addr_delta : ~f->addr_delta;
    uint16_t port_delta = outward ? f->port_delta : ~f->port_delta;

    p->src = near_is_src ? to->near : to->far;
    p->dst = near_is_src ? to->far : to->near;
    put32(p->ip + 12, p->src);
    put32(p->ip + 16, p->dst);
    fix(p->ip + 10, addr_delta, around);
    write_ports(p, to, near_is_src);
    fix_transport(p, addr_delta, port_delta, around);
    if (around)
        *around += addr_delta + port_delta;
}

static void set_addr(struct packet *p, unsigned at, uint32_t addr)
{
    checksum_apply(p->ip + 10, checksum_delta32(get32(p->ip + at), addr));
    put32(p->ip + at, addr);
}

void translate_src(struct packet *p, uint32_t addr)
{
    set_addr(p, 12, addr);
    p->src = addr;
}

void translate_dst(struct packet *p, uint32_t addr)
{
    set_addr(p, 16, addr);
    p->dst = addr;
}

void translate_id(struct packet *p, uint16_t id)
{
    checksum_apply(p->ip + 10, checksum_delta16(p->id, id));
    put16(p->ip + 4, id);
    p->id = id;
}

void translate_ttl(struct packet *p)
{
    uint16_t old = get16(p->ip + 8), new = old - 0x100;

    checksum_apply(p->ip + 10, checksum_delta16(old, new));
    put16(p->ip + 8, new);
}
