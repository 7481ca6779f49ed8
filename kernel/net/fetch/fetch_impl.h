/* What the kinds of fetch.h share. I/O core, but for what says otherwise. */
#ifndef KERNEL_NET_FETCH_FETCH_IMPL_H
#define KERNEL_NET_FETCH_FETCH_IMPL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/net/fetch/url.h"
#include "kernel/receive/receiver.h"
#include "kernel/ring.h"

struct fetch;

struct fetch_ops {
    /* There may be room in the ring, or a time has come. True: it moved. */
    bool (*poll)(struct fetch *f);
    /* Frees it. */
    void (*close)(struct fetch *f);
};

enum { FETCH_RUNS, FETCH_ENDED, FETCH_FAILED };

struct fetch {
    struct receiver receiver;   /* first */
    const struct fetch_ops *ops;
    struct url url;
    uint32_t addr;              /* of url.host */
    struct byte_ring ring;      /* to the task */
    /* Before the first byte or the end: what the file has, or
     * RECEIVER_UNKNOWN. */
    uint64_t size;
    /* FETCH_*; what follows was written before. */
    atomic_int state;
    int error;
    char why[sizeof ((struct receiver *)0)->why];
    struct fetch *next;
};

/* Make one by url->is_tftp; a kind's own way. 0 or negative errno. */
int fetch_http_open(const struct url *url, uint32_t addr, struct fetch **out);
int fetch_tftp_open(const struct url *url, uint32_t addr, struct fetch **out);

/* No more comes: the file is there, ... */
void fetch_end(struct fetch *f);
/* ... or why it is not. Only the first of these calls counts. */
void fetch_fail(struct fetch *f, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What can be shown of a text from outside: in place of other bytes, '?'. */
void fetch_plain(char *out, size_t size, const char *text, size_t len);

#endif
