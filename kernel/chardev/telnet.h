/*
 * Telnet (RFC 854) around a serial line: bytes as they are, once the other end
 * agrees to BINARY (RFC 856), and BREAK. Pure: bytes in, bytes out.
 */
#ifndef KERNEL_CHARDEV_TELNET_H
#define KERNEL_CHARDEV_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TELNET_IAC 255u
#define TELNET_BREAK 243u       /* IAC BREAK */
#define TELNET_REPLY 96u
#define TELNET_OUT 4u           /* that a byte becomes at most */

enum telnet_input { TELNET_NOTHING, TELNET_DATA, TELNET_BROKE };

struct telnet {
    uint8_t state;              /* of what comes: see telnet.c */
    uint8_t command;            /* WILL and so on, whose option is next */
    bool after_cr;              /* of what came: a NUL belongs to it */
    bool sent_cr;               /* of what goes */
    bool broke;                 /* the user's: a break is to be told */
    /* Options as bits: that are on, that may be, and ours to be answered. */
    uint8_t ours, theirs, we_may, they_may, our_offer, their_offer;
    uint8_t reply[TELNET_REPLY];        /* to be sent */
    size_t reply_len;
};

/* A server begins with what it offers. */
void telnet_init(struct telnet *t, bool server);

/*
 * One byte that came. TELNET_DATA: *out is what it says. Not while
 * telnet_is_full: the other end has to take what it asked for first.
 */
enum telnet_input telnet_input(struct telnet *t, uint8_t c, uint8_t *out);
bool telnet_is_full(const struct telnet *t);

/* What byte `c` is on its way out; returns its length. */
size_t telnet_output(struct telnet *t, uint8_t c, uint8_t out[TELNET_OUT]);

#endif
