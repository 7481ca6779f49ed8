/*
 * A translator between two queues, on a clock of the test's own, and packets
 * whose checksums are computed as a whole, not updated.
 */
#ifndef TESTS_UNIT_NAT_HARNESS_H
#define TESTS_UNIT_NAT_HARNESS_H

#include "kernel/net/nat/nat.h"
#include "kernel/net/nat/packet.h"

#define ADDR(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define GUEST ADDR(10, 0, 2, 15)
#define GATEWAY ADDR(10, 0, 2, 2)
#define OUTSIDE ADDR(192, 168, 7, 9)
#define ROUTER ADDR(192, 168, 7, 1)
#define PEER ADDR(198, 51, 100, 20)

struct sent {
    enum { TO_OUTSIDE = 1, TO_INSIDE, TO_HOST, AN_ERROR } where;
    void *owner;                /* TO_INSIDE, AN_ERROR */
    uint8_t type, code;         /* AN_ERROR, about the packet */
    uint32_t rest;
    size_t len;
    uint8_t ip[1600];
};

/* What the translator sent since the last nat_forget, oldest first. */
extern struct sent nat_sent[128];
extern unsigned nat_sent_count;
extern uint64_t nat_now;
extern struct nat *nat;
extern struct nat_net *net, *net2;
extern int owner, owner2;       /* their `owner` are these */
extern bool nat_quiet;          /* only count what is sent */

void nat_start(unsigned flows);         /* with `net`, and an outside */
void nat_stop(void);                    /* checks that the counters add up */
/* A test between the two, with NAT_FLOWS. */
int nat_setup(void **state);
int nat_teardown(void **state);
#define NAT_TEST(f) cmocka_unit_test_setup_teardown(f, nat_setup, nat_teardown)
void nat_second_net(void);
void nat_forget(void);
void nat_set_addr(uint32_t addr, uint32_t gateway);

/* A packet in a buffer of its own; the tests change it, and then seal it. */
struct test_packet {
    uint8_t ip[1600];
    size_t len;
};

/* `data` bytes behind the transport header, all checksums right. */
struct test_packet udp(uint32_t src, uint16_t sport, uint32_t dst,
                       uint16_t dport, size_t data);
struct test_packet tcp(uint32_t src, uint16_t sport, uint32_t dst,
                       uint16_t dport, uint8_t flags);
struct test_packet echo(uint32_t src, uint32_t dst, uint8_t type, uint16_t id,
                        size_t data);
/* An ICMP error from `src` to `dst` that quotes `quoted` bytes of `about`. */
struct test_packet make_icmp_error(uint32_t src, uint32_t dst, uint8_t type,
                                   uint8_t code,
                                   const struct test_packet *about,
                                   size_t quoted);
/* The fragment of `p` with `len` bytes from `at` on (a multiple of 8). */
struct test_packet fragment(const struct test_packet *p, size_t at,
                            size_t len);
void seal_header(struct test_packet *p);        /* IP checksum alone */
void seal(struct test_packet *p);               /* transport's, too */

/* As they come; the packet is copied before. */
void send_out(const struct test_packet *p);
void send_out_of(struct nat_net *n, const struct test_packet *p);
bool send_in(const struct test_packet *p);

/*
 * The only packet sent by it; the test fails if there is none or if its
 * checksums are wrong.
 */
const struct sent *out(const struct test_packet *p);
const struct sent *in(const struct test_packet *p);
/* Nothing is sent, and `c` grows by one. */
void dropped_out(const struct test_packet *p, enum nat_counter c);
void dropped_in(const struct test_packet *p, enum nat_counter c);

void assert_checksums(const struct sent *s);
/* Addresses and ports (an echo's identifier and 0). */
struct packet ends(const struct sent *s);
void assert_ends(const struct sent *s, uint32_t src, uint16_t sport,
                 uint32_t dst, uint16_t dport);

#endif
