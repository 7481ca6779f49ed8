/* Packets from both sides, time, forwards and addresses against the NAT. */
// covers: kernel/net/nat/nat.c kernel/net/nat/packet.c kernel/net/nat/flow.c
// covers: kernel/net/nat/mapping.c kernel/net/nat/translate.c
// covers: kernel/net/nat/flow_track.c kernel/net/nat/icmp_error.c
// covers: kernel/net/nat/answer.c kernel/net/nat/fragment.c
// covers: kernel/net/nat/forward.c kernel/net/nat/nat_setup.c
#include <stdlib.h>
#include <string.h>

#include "kernel/net/nat/nat.h"
#include "tests/fuzz/input.h"
#include "tests/unit/fake_sums.h"

#define FLOWS 24u
#define GUEST 0x0a00020fu
#define GATEWAY 0x0a000202u
#define OUTSIDE 0xc0a80709u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct nat *nat;
    struct nat_net *net[2];
    struct input in;
    uint64_t now;
    uint32_t outside, random;
    uint8_t last[1600];         /* what was sent last, for answers */
    size_t last_len;
    bool sealed;                /* the transport's checksum was right */
} rig;

/* Whatever goes on has a right header, and a right rest if it had one. */
static void look_at(const uint8_t *ip, size_t len)
{
    if (len < 20 || (ip[2] << 8 | ip[3]) != len ||
        fake_header_sum(ip) != 0xffff)
        abort();
    if (rig.sealed && !((ip[6] & 0x3f) | ip[7]) &&
        fake_transport_sum(ip, len) != 0xffff &&
        !(ip[9] == 17 && !ip[(ip[0] & 15) * 4 + 6] &&
          !ip[(ip[0] & 15) * 4 + 7]))
        abort();
    if (len <= sizeof rig.last) {
        memcpy(rig.last, ip, len);
        rig.last_len = len;
    }
}

static void to_outside(void *ctx, uint8_t *ip, size_t len)
{
    look_at(ip, len);
}

static void to_inside(void *ctx, void *owner, uint8_t *ip, size_t len)
{
    if (owner != &rig.net[0] && owner != &rig.net[1])
        abort();
    look_at(ip, len);
}

static void to_host(void *ctx, uint8_t *ip, size_t len) { look_at(ip, len); }

static void icmp_error(void *ctx, void *owner, uint8_t type, uint8_t code,
                       uint32_t rest, const uint8_t *ip, size_t len)
{
    if (owner != &rig.net[0] && owner != &rig.net[1])
        abort();
}

static uint32_t next_random(void)
{
    return rig.random = rig.random * 1664525u + 1013904223u;
}

static const struct nat_ops ops = {
    to_outside, to_inside, to_host, icmp_error, next_random
};

static void set_outside(uint8_t how)
{
    static const uint32_t addr[4] = { OUTSIDE, OUTSIDE + 1, GUEST, 0 };

    rig.outside = addr[how & 3];
    nat_set_outside(rig.nat, &(struct nat_outside){
        rig.outside, 0xffffff00u, how & 4 ? 0 : rig.outside ^ 3,
        how & 8 ? 576 : 1500 });
}

static void add_net(unsigned i)
{
    rig.net[i] = nat_net_add(rig.nat, &(struct nat_net_config){
        0x0a000200u, 0xffffff00u, GATEWAY, i && input_u8(&rig.in) & 1,
        &rig.net[i] });
}

static uint32_t some_address(uint8_t how)
{
    static const uint32_t set[8] = {
        0xc6336414u, GATEWAY, OUTSIDE, 0xc6336415u, GUEST, 0xffffffffu,
        0x0a00024du, OUTSIDE ^ 3
    };

    return (how & 7) == 2 ? rig.outside : set[how & 7];
}

/* The other direction of what was sent last. */
static void turn_round(uint8_t *ip, size_t header)
{
    uint8_t was[4];

    memcpy(was, ip + 12, 4);
    memmove(ip + 12, ip + 16, 4);
    memcpy(ip + 16, was, 4);
    if (ip[9] != 1) {
        memcpy(was, ip + header, 2);
        memmove(ip + header, ip + header + 2, 2);
        memcpy(ip + header + 2, was, 2);
    } else if (ip[header] == 8) {
        ip[header] = 0;
    }
}

/* A packet of the input's choice; most are such as may pass. */
static size_t make(uint8_t *ip, bool outward)
{
    uint8_t how = input_u8(&rig.in), ports = input_u8(&rig.in);
    size_t len = 28 + (how & 1 ? 16 : 0) + input_u8(&rig.in) % 64;

    memset(ip, ports, len);
    ip[0] = 0x45;
    w16(ip + 4, how >> 6);
    w16(ip + 6, how & 2 ? 0x4000 : input_u8(&rig.in) % 8 * 0x2000 / 4 |
        input_u8(&rig.in) % 6);
    ip[8] = how & 4 ? 64 : 2 - (ports & 1);
    ip[9] = how & 0x10 ? 6 : how & 0x20 ? 17 : 1;
    w32(ip + 12, outward ? GUEST + (ports & 1) : some_address(ports >> 5));
    w32(ip + 16, outward ? some_address(ports >> 5) : rig.outside);
    if (ip[9] == 1) {
        ip[20] = ports & 2 ? 8 : input_u8(&rig.in) % 14;
        ip[21] = 0;
        w16(ip + 24, ports & 3);
    } else {
        w16(ip + 20, 1000 + (ports & 3));
        w16(ip + 22, 1000 + (ports >> 2 & 7));
    }
    if (ip[9] == 6 && len >= 40) {
        ip[32] = 0x50;
        ip[33] = input_u8(&rig.in);
    }
    return len;
}

/* About what was sent last. */
static size_t make_error(uint8_t *ip)
{
    size_t quoted = rig.last_len;
    uint8_t cut = input_u8(&rig.in);

    if (cut < quoted && cut & 1)
        quoted = cut;
    if (quoted > 500)
        quoted = 500;
    memmove(ip + 28, rig.last, quoted);
    memset(ip, 0, 28);
    ip[0] = 0x45;
    ip[8] = 9;
    ip[9] = 1;
    memcpy(ip + 12, rig.last + 16, 4);
    memcpy(ip + 16, rig.last + 12, 4);
    ip[20] = cut & 2 ? 3 : 11;
    ip[21] = 4;
    return 28 + quoted;
}

static void seal(uint8_t *ip, size_t len)
{
    size_t header = (ip[0] & 15) * 4u;
    size_t at = header + (ip[9] == 6 ? 16 : ip[9] == 17 ? 6 : 2);
    uint16_t sum;

    rig.sealed = false;
    w16(ip + 2, len);
    if (header < 20 || header > len)
        return;
    w16(ip + 10, 0);
    w16(ip + 10, ~fake_header_sum(ip));
    if (at + 2 > len || (ip[9] != 1 && ip[9] != 6 && ip[9] != 17))
        return;
    w16(ip + at, 0);
    sum = ~fake_transport_sum(ip, len);
    w16(ip + at, ip[9] == 17 && !sum ? 0xffff : sum);
    rig.sealed = true;
}

static void packet(uint8_t op)
{
    uint8_t ip[1600], *exact;
    bool outward = op & 8;
    size_t len, at;

    switch (op >> 4 & 3) {
    case 0:
        len = make(ip, outward);
        break;
    case 1:
        len = rig.last_len;
        memcpy(ip, rig.last, len);
        if (len >= 28)
            turn_round(ip, (ip[0] & 15) * 4u);
        break;
    case 2:
        len = make_error(ip);
        break;
    default:                    /* the last one again, or as the input says */
        len = rig.last_len;
        memcpy(ip, rig.last, len);
        if (len) {
            at = input_u8(&rig.in) % len;
            ip[at] = input_u8(&rig.in);
        }
        break;
    }
    if (op & 0x40)
        seal(ip, len);
    else
        rig.sealed = false;
    exact = malloc(len + 1);
    memcpy(exact, ip, len);
    if (outward)
        nat_outbound(rig.nat, rig.net[op >> 7], exact, len, rig.now);
    else
        nat_inbound(rig.nat, exact, len, rig.now);
    free(exact);
}

static void forward(bool add)
{
    uint8_t how = input_u8(&rig.in);
    struct nat_forward f = {
        how & 1 ? 6 : 17, how & 2 ? OUTSIDE : 0, 1000 + (how >> 2 & 7),
        GUEST + (how >> 5 & 1), 1000 + (how >> 6)
    };

    if (add)
        nat_forward_add(rig.nat, rig.net[how & 1], &f);
    else
        nat_forward_remove(rig.nat, rig.net[how & 1], &f);
}

static void step(void)
{
    uint8_t op = input_u8(&rig.in);

    switch (op & 7) {
    case 0:
        rig.now += (uint64_t)op * op * 1000;
        nat_expire(rig.nat, rig.now);
        if (nat_deadline(rig.nat) <= rig.now)
            abort();
        break;
    case 1:
        forward(op & 8);
        break;
    case 2:
        if (op & 0x80)
            set_outside(op >> 3);
        else if (op == 2) {
            nat_net_remove(rig.nat, rig.net[1]);
            add_net(1);
        }
        break;
    default:
        packet(op);
        break;
    }
}

static void check_totals(void)
{
#define NAME(name) #name,
    static const char *const names[] = { "", NAT_COUNTERS(NAME) };
    uint64_t went = nat_held(rig.nat);

    for (unsigned i = 1; i < NAT_COUNTER_END; i++)
        if (!strncmp(names[i], "drop_", 5) || i == NAT_out_forwarded ||
            i == NAT_in_forwarded || i == NAT_in_host)
            went += nat_counter(rig.nat, i);
    if (went != nat_counter(rig.nat, NAT_out_packets) +
                nat_counter(rig.nat, NAT_in_packets) ||
        nat_flow_count(rig.nat) > FLOWS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[600];

    rig.in = (struct input){ data, size };
    rig.random = 7;
    rig.now = 5000;
    rig.last_len = 0;
    rig.nat = nat_create(&ops, NULL, FLOWS);
    if (!rig.nat)
        abort();
    add_net(0);
    add_net(1);
    set_outside(0);
    while (input_more(&rig.in))
        step();
    check_totals();
    nat_format_flows(rig.nat, rig.net[0], text, sizeof text);
    nat_format_counters(rig.nat, text, sizeof text);
    nat_destroy(rig.nat);
    return 0;
}
