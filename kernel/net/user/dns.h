/*
 * The DNS forwarder (RFC 1035, 5452): a client's query goes to one server
 * after the other, under a transaction id of our own, until a whole answer to
 * just that question comes. Nothing here sends: that is what `io` is for.
 */
#ifndef KERNEL_NET_USER_DNS_H
#define KERNEL_NET_USER_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_PORT 53u
#define DNS_QUERIES 64u         /* under way at once */
#define DNS_QUERY_MAX 512u      /* RFC 1035 4.2.1; EDNS is for answers */
#define DNS_ANSWER_MAX 4096u    /* of all that EDNS clients ask for */
#define DNS_TRIES 4u            /* of each query, all servers together */
#define DNS_TRY_MS 2000u

struct dns_io {
    /* The servers as of now, best first. */
    unsigned (*servers)(void *ctx, uint32_t *out, unsigned max);
    /* Send a query for slot `slot`, from a port of that slot's own. */
    void (*ask)(void *ctx, unsigned slot, uint32_t server,
                const uint8_t *query, size_t len);
    /* The slot's query has ended: its port can go. */
    void (*done)(void *ctx, unsigned slot);
    void (*answer)(void *ctx, uint32_t client, uint16_t port,
                   const uint8_t *answer, size_t len);
    uint32_t (*random)(void);
};

struct dns_query {
    bool used;
    uint32_t client;
    uint16_t port;
    uint16_t client_id;
    uint16_t id;                /* ours */
    uint32_t server;            /* asked last */
    unsigned index;             /* of it, among the servers */
    unsigned tries;
    uint64_t until_ms;          /* then the next server is asked */
    size_t len;
    uint8_t data[DNS_QUERY_MAX];        /* with our id */
};

struct dns {
    const struct dns_io *io;
    void *ctx;
    struct dns_query query[DNS_QUERIES];
    unsigned first;             /* the server that answered last */
    uint64_t queries, answers, repeated, failures;
    uint64_t malformed_queries, malformed_answers, foreign_answers, no_server;
};

/* A client's query. */
void dns_query(struct dns *d, uint32_t client, uint16_t port,
               const uint8_t *data, size_t len, uint64_t now_ms);
/* What came to the slot's port from port 53 of `server`. */
void dns_answer(struct dns *d, unsigned slot, uint32_t server,
                const uint8_t *data, size_t len, uint64_t now_ms);
/* Ask the next server for those that took too long. */
void dns_expire(struct dns *d, uint64_t now_ms);
/* When dns_expire has something to do; UINT64_MAX: never. */
uint64_t dns_deadline(const struct dns *d);

#endif
