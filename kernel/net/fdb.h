/*
 * The bridge's forwarding database: a set-associative hash with ageing, in
 * place of lwIP's linear example (its bridgeif_fdb.c is not linked). lwIP calls
 * the three bridgeif_fdb_* functions; this adds a way to read it.
 */
#ifndef KERNEL_NET_FDB_H
#define KERNEL_NET_FDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 802.1D-2004, table 7-5: default ageing time. */
#define FDB_AGE_MS 300000u

struct fdb_entry {
    uint8_t mac[6];
    uint8_t port;
    bool used;
    uint64_t seen_ms;           /* net_now_ms() of the last frame from it */
};

struct fdb;

/* The database of the bridge that was made last (bridgeif hides its own). */
struct fdb *fdb_last_made(void);

/* Forget what was learned at `port`: its link is down, or it is gone. */
void fdb_forget_port(struct fdb *fdb, unsigned port);

/*
 * Walk the live entries: *cursor starts at 0. NULL at the end. The
 * pointer holds until the next frame.
 */
const struct fdb_entry *fdb_next(const struct fdb *fdb, size_t *cursor);

#endif
