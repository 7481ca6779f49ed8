/* See nat_harness.h. */
#include "nat_harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_sums.h"

struct sent nat_sent[128];
unsigned nat_sent_count;
uint64_t nat_now;
struct nat *nat;
struct nat_net *net, *net2;
int owner, owner2;
bool nat_quiet;

static void keep(int where, void *who, uint8_t *ip, size_t len)
{
    struct sent *s = &nat_sent[nat_sent_count % 128];

    nat_sent_count++;
    if (nat_quiet)
        return;
    assert_true(nat_sent_count <= 128);
    assert_true(len <= sizeof s->ip);
    s->where = where;
    s->owner = who;
    s->len = len;
    memcpy(s->ip, ip, len);
}

static void to_outside(void *ctx, uint8_t *ip, size_t len)
{
    keep(TO_OUTSIDE, NULL, ip, len);
}

static void to_inside(void *ctx, void *who, uint8_t *ip, size_t len)
{
    keep(TO_INSIDE, who, ip, len);
}

static void to_host(void *ctx, uint8_t *ip, size_t len)
{
    keep(TO_HOST, NULL, ip, len);
}

static void about(void *ctx, void *who, uint8_t type, uint8_t code,
                  uint32_t rest, const uint8_t *ip, size_t len)
{
    struct sent *s = &nat_sent[nat_sent_count % 128];

    keep(AN_ERROR, who, (uint8_t *)ip, len);
    s->type = type;
    s->code = code;
    s->rest = rest;
}

static uint32_t next_random(void)
{
    static uint32_t state = 1;

    state = state * 1664525u + 1013904223u;
    return state ^ state >> 16;
}

static const struct nat_ops ops = {
    to_outside, to_inside, to_host, about, next_random
};

void nat_set_addr(uint32_t addr, uint32_t gateway)
{
    nat_set_outside(nat, &(struct nat_outside){ addr, 0xffffff00u, gateway,
                                                1500 });
}

static struct nat_net *add_net(int *who)
{
    return nat_net_add(nat, &(struct nat_net_config){
        ADDR(10, 0, 2, 0), 0xffffff00u, GATEWAY, false, who });
}

void nat_start(unsigned flows)
{
    nat = nat_create(&ops, NULL, flows);
    assert_non_null(nat);
    net = add_net(&owner);
    net2 = NULL;
    nat_now = 1000;
    nat_quiet = false;
    nat_set_addr(OUTSIDE, ROUTER);
    nat_forget();
}

void nat_second_net(void) { net2 = add_net(&owner2); }
void nat_forget(void) { nat_sent_count = 0; }

/* Every packet went on, is held, or was dropped under a name. */
static void assert_totals(void)
{
#define NAME(name) [NAT_##name] = #name,
    static const char *const names[] = { NAT_COUNTERS(NAME) };
    uint64_t went = nat_held(nat) + nat_counter(nat, NAT_out_forwarded) +
                    nat_counter(nat, NAT_in_forwarded) +
                    nat_counter(nat, NAT_in_host);

    for (unsigned i = 1; i < NAT_COUNTER_END; i++)
        if (!strncmp(names[i], "drop_", 5))
            went += nat_counter(nat, i);
    assert_int_equal(went, nat_counter(nat, NAT_out_packets) +
                           nat_counter(nat, NAT_in_packets));
    assert_int_equal(nat_counter(nat, NAT_flows_opened) -
                     nat_counter(nat, NAT_flows_expired) -
                     nat_counter(nat, NAT_flows_evicted) -
                     nat_counter(nat, NAT_flows_ended), nat_flow_count(nat));
}

void nat_stop(void)
{
    assert_totals();
    nat_destroy(nat);
}

int nat_setup(void **state)
{
    nat_start(NAT_FLOWS);
    return 0;
}

int nat_teardown(void **state)
{
    nat_stop();
    return 0;
}

/* ---- Packets ------------------------------------------------------------- */

static uint16_t r16(const uint8_t *p) { return p[0] << 8 | p[1]; }

static uint32_t r32(const uint8_t *p)
{
    return (uint32_t)r16(p) << 16 | r16(p + 2);
}

static unsigned checksum_at(const uint8_t *ip)
{
    return (ip[0] & 15) * 4u + (ip[9] == PROTO_TCP ? 16
                                : ip[9] == PROTO_UDP ? 6 : 2);
}

void seal_header(struct test_packet *p)
{
    w16(p->ip + 10, 0);
    w16(p->ip + 10, ~fake_header_sum(p->ip));
}

void seal(struct test_packet *p)
{
    unsigned at = checksum_at(p->ip);

    w16(p->ip + 2, p->len);
    seal_header(p);
    w16(p->ip + at, 0);
    w16(p->ip + at, ~fake_transport_sum(p->ip, p->len));
    if (p->ip[9] == PROTO_UDP && !r16(p->ip + at))
        w16(p->ip + at, 0xffff);
}

static struct test_packet begin(uint32_t src, uint32_t dst, uint8_t protocol,
                                size_t len)
{
    static uint16_t id = 1;
    struct test_packet p = { .len = 20 + len };

    assert_true(p.len <= sizeof p.ip);
    p.ip[0] = 0x45;
    w16(p.ip + 4, id++);
    p.ip[6] = 0x40;             /* DF */
    p.ip[8] = 64;
    p.ip[9] = protocol;
    w32(p.ip + 12, src);
    w32(p.ip + 16, dst);
    for (size_t i = 20; i < p.len; i++)
        p.ip[i] = i * 7;
    return p;
}

struct test_packet udp(uint32_t src, uint16_t sport, uint32_t dst,
                       uint16_t dport, size_t data)
{
    struct test_packet p = begin(src, dst, PROTO_UDP, 8 + data);

    w16(p.ip + 20, sport);
    w16(p.ip + 22, dport);
    w16(p.ip + 24, 8 + data);
    seal(&p);
    return p;
}

struct test_packet tcp(uint32_t src, uint16_t sport, uint32_t dst,
                       uint16_t dport, uint8_t flags)
{
    struct test_packet p = begin(src, dst, PROTO_TCP, 20 + 9);

    w16(p.ip + 20, sport);
    w16(p.ip + 22, dport);
    p.ip[32] = 0x50;
    p.ip[33] = flags;
    seal(&p);
    return p;
}

struct test_packet echo(uint32_t src, uint32_t dst, uint8_t type, uint16_t id,
                        size_t data)
{
    struct test_packet p = begin(src, dst, PROTO_ICMP, 8 + data);

    p.ip[20] = type;
    p.ip[21] = 0;
    w16(p.ip + 24, id);
    seal(&p);
    return p;
}

struct test_packet make_icmp_error(uint32_t src, uint32_t dst, uint8_t type,
                                   uint8_t code,
                                   const struct test_packet *about,
                                   size_t quoted)
{
    struct test_packet p = begin(src, dst, PROTO_ICMP, 8 + quoted);

    p.ip[20] = type;
    p.ip[21] = code;
    w32(p.ip + 24, 1400);
    memcpy(p.ip + 28, about->ip, quoted);
    seal(&p);
    return p;
}

struct test_packet fragment(const struct test_packet *p, size_t at,
                            size_t len)
{
    struct test_packet f = *p;

    f.len = 20 + len;
    memcpy(f.ip + 20, p->ip + 20 + at, len);
    w16(f.ip + 2, f.len);
    w16(f.ip + 6, at / 8 | (20 + at + len < p->len ? 0x2000 : 0));
    seal_header(&f);
    return f;
}

/* ---- In and out ---------------------------------------------------------- */

/* In a block of its own length, so that the sanitizer sees its end. */
static uint8_t *copy(const struct test_packet *p)
{
    uint8_t *ip = malloc(p->len);

    assert_non_null(ip);
    memcpy(ip, p->ip, p->len);
    return ip;
}

void send_out_of(struct nat_net *n, const struct test_packet *p)
{
    uint8_t *ip = copy(p);

    nat_outbound(nat, n, ip, p->len, nat_now);
    free(ip);
}

void send_out(const struct test_packet *p) { send_out_of(net, p); }

bool send_in(const struct test_packet *p)
{
    uint8_t *ip = copy(p);
    bool ours = nat_inbound(nat, ip, p->len, nat_now);

    if (!ours)
        assert_memory_equal(ip, p->ip, p->len);
    free(ip);
    return ours;
}

void assert_checksums(const struct sent *s)
{
    const uint8_t *ip = s->ip;

    assert_true(s->len >= 20 && r16(ip + 2) == s->len);
    assert_int_equal(fake_header_sum(ip), 0xffff);
    if ((r16(ip + 6) & 0x3fff) || (ip[9] == PROTO_UDP && !r16(ip + 26)))
        return;
    assert_int_equal(fake_transport_sum(ip, s->len), 0xffff);
}

static const struct sent *only(int where)
{
    assert_int_equal(nat_sent_count, 1);
    assert_int_equal(nat_sent[0].where, where);
    assert_checksums(&nat_sent[0]);
    return &nat_sent[0];
}

const struct sent *out(const struct test_packet *p)
{
    nat_forget();
    send_out(p);
    return only(TO_OUTSIDE);
}

const struct sent *in(const struct test_packet *p)
{
    nat_forget();
    assert_true(send_in(p));
    return only(TO_INSIDE);
}

void dropped_out(const struct test_packet *p, enum nat_counter c)
{
    uint64_t before = nat_counter(nat, c);

    nat_forget();
    send_out(p);
    assert_int_equal(nat_sent_count, 0);
    assert_int_equal(nat_counter(nat, c), before + 1);
}

void dropped_in(const struct test_packet *p, enum nat_counter c)
{
    uint64_t before = nat_counter(nat, c);

    nat_forget();
    assert_int_equal(send_in(p), c != NAT_in_host);
    assert_int_equal(nat_sent_count, 0);
    assert_int_equal(nat_counter(nat, c), before + 1);
}

struct packet ends(const struct sent *s)
{
    const uint8_t *l4 = s->ip + (s->ip[0] & 15) * 4u;
    struct packet p = { .src = r32(s->ip + 12), .dst = r32(s->ip + 16) };

    if (s->ip[9] == PROTO_ICMP) {
        p.sport = l4[0] == ICMP_ECHO ? r16(l4 + 4) : 0;
        p.dport = l4[0] == ICMP_ECHO_REPLY ? r16(l4 + 4) : 0;
    } else {
        p.sport = r16(l4);
        p.dport = r16(l4 + 2);
    }
    return p;
}

void assert_ends(const struct sent *s, uint32_t src, uint16_t sport,
                 uint32_t dst, uint16_t dport)
{
    struct packet p = ends(s);

    assert_int_equal(p.src, src);
    assert_int_equal(p.sport, sport);
    assert_int_equal(p.dst, dst);
    assert_int_equal(p.dport, dport);
}
