/*
 * A guest of a user net: frames to it and from it, without a bridge. One at a
 * time; the state is the test's to reset by fake_guest_plug.
 */
#ifndef TESTS_UNIT_FAKE_USER_GUEST_H
#define TESTS_UNIT_FAKE_USER_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/net/nic.h"

#define FAKE_GUEST_ADDR 0x0a00020fu
#define FAKE_GUEST_FRAMES 256

struct fake_guest {
    struct nic *nic;
    uint8_t frame[FAKE_GUEST_FRAMES][NIC_MAX_FRAME];    /* received */
    size_t len[FAKE_GUEST_FRAMES];
    unsigned count;             /* received; those over the limit are lost */
    bool full;                  /* it says that it has no room */
};

struct user_net;

extern const uint8_t fake_guest_mac[6];

/* Its cable goes into `nic`, which is opened. */
void fake_guest_plug(struct fake_guest *g, struct nic *nic);
/* The NIC ends with it. */
void fake_guest_unplug(struct fake_guest *g);
/* Whether `info usernet` has this text. */
bool fake_user_net_says(struct user_net *un, const char *text);
/* A frame of its own, and the user net's turn. */
void fake_guest_sends(struct fake_guest *g, const uint8_t *frame, size_t len);
/* An IPv4 packet to the gateway's MAC. */
void fake_guest_sends_ip(struct fake_guest *g, const uint8_t *ip, size_t len);
/*
 * Write a packet from `source` with `len` bytes of payload; returns its
 * length. The payload is copied behind the header; its checksum is its own.
 */
size_t fake_packet(uint8_t *ip, uint8_t protocol, uint32_t source,
                   uint32_t to, const void *payload, size_t len);
/* The same with a UDP header and its checksum. */
size_t fake_udp(uint8_t *ip, uint32_t source, uint16_t source_port,
                uint32_t to, uint16_t to_port, const void *data, size_t len);
/* The IPv4 packet in its i-th frame; the test checks its checksum. */
const uint8_t *fake_guest_ip(const struct fake_guest *g, unsigned i);

#endif
