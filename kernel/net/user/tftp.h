/*
 * The inside's TFTP server (RFC 1350, options of RFC 2347 to 2349): files are
 * read only, in octet mode. A request's bytes in, a reply's bytes out; it keeps
 * no timer of its own, as clients repeat what was not answered.
 */
#ifndef KERNEL_NET_USER_TFTP_H
#define KERNEL_NET_USER_TFTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/platform.h"

#define TFTP_PORT 69u
#define TFTP_SESSIONS 16u
#define TFTP_BLOCK_MAX 1468u    /* what a frame holds */
#define TFTP_REPLY_MAX (4u + TFTP_BLOCK_MAX)
#define TFTP_NAME_MAX 384u      /* of folder and file together */
#define TFTP_IDLE_MS 30000u     /* then a session may make room */
/* A client that asks again sooner does not: the network doubled its ACK. */
#define TFTP_AGAIN_MS 100u

struct tftp_session {
    bool used;
    uint32_t client;
    uint16_t port;
    struct platform_file file;
    char name[TFTP_NAME_MAX];   /* of the open file */
    unsigned block_size;
    uint64_t block;             /* sent last; 0: options */
    uint64_t seen_ms, sent_ms;
};

struct tftp {
    const char *folder;         /* "" : the platform's files by their name */
    struct tftp_session session[TFTP_SESSIONS];
    uint64_t requests, blocks, finished;
    uint64_t malformed, refused_mode, refused_name, no_file, no_session;
    uint64_t stray, duplicates, read_errors;
};

/*
 * A datagram from a client to our port. Returns the length of `reply`; 0: there
 * is none.
 */
size_t tftp_input(struct tftp *t, uint32_t client, uint16_t port,
                  const uint8_t *data, size_t len, uint64_t now_ms,
                  uint8_t reply[TFTP_REPLY_MAX]);
void tftp_fini(struct tftp *t);

#endif
