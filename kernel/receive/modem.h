/*
 * XMODEM and YMODEM, the receiving end (Chuck Forsberg, "XMODEM/YMODEM Protocol
 * Reference", 1988): packets of 128 or 1024 bytes with a checksum or a CRC, and
 * YMODEM's packet 0 with name and size. A function at a time, which waits for
 * the line.
 */
#ifndef KERNEL_RECEIVE_MODEM_H
#define KERNEL_RECEIVE_MODEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MODEM_PACKET_MAX 1024u
#define MODEM_NAME 128u

/* The line. Times are platform_now_ns's. */
struct modem_line {
    /* Bytes that came, up to `size`, by `deadline`. 0: none; -errno: it ended;
     * -ECANCELED: nobody wants them any more. */
    ssize_t (*read)(void *ctx, uint8_t *buf, size_t size, uint64_t deadline);
    void (*write)(void *ctx, const uint8_t *data, size_t len);
    void *ctx;
};

/* In ns; modem_init has the protocol's. */
struct modem_times {
    uint64_t start;             /* between two calls for the first packet */
    uint64_t packet;            /* for the next one to begin */
    uint64_t byte;              /* for the next byte of one */
    uint64_t quiet;             /* so long without a byte: what was wrong ended */
};

struct modem {
    const struct modem_line *line;
    struct modem_times times;
    bool is_ymodem;
    bool crc;                   /* what was asked for, in place of a checksum */
    bool is_named;              /* YMODEM: packet 0 was there */
    bool began;                 /* a packet of data was */
    bool acknowledge;           /* the last one still is to be */
    bool ended;
    int error;                  /* after which only this is returned */
    char why[100];
    uint8_t expected;           /* the next packet's number */
    char name[MODEM_NAME];      /* YMODEM: as the sender has it; or "" */
    uint64_t size, left;        /* YMODEM: bytes; UINT64_MAX: not told */
    unsigned packets, repeated, damaged;
    unsigned behind;            /* packets, where nothing of the file is left */
    uint8_t in[256];            /* from the line, not looked at yet */
    size_t in_at, in_len;
    uint8_t data[MODEM_PACKET_MAX];
    size_t at, len;             /* of `data`, not given out yet */
};

void modem_init(struct modem *m, const struct modem_line *line,
                bool is_ymodem);
/*
 * The next bytes of the file. What XMODEM and a YMODEM without a size bring is
 * whole packets, the last one padded by the sender. 0: it ended; or negative
 * errno, with a sentence in `why`: -ECANCELED (by the sender, Ctrl-c before the
 * first packet, or the line), -ETIMEDOUT, -EPROTO, and of the line.
 */
ssize_t modem_read(struct modem *m, uint8_t *buf, size_t size);
/* If it has not ended: tell the sender to stop. */
void modem_close(struct modem *m);

#endif
