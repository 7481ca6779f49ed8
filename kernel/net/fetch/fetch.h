/*
 * A file from a server by HTTP or TFTP, as a receiver (kernel/receive/
 * receiver.h): the I/O core speaks with the server, a task takes what came.
 * Between them is a ring, so that a server waits for a slow disk.
 */
#ifndef KERNEL_NET_FETCH_FETCH_H
#define KERNEL_NET_FETCH_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/receive/receiver.h"

/* It is a URL of the kinds that can be fetched. */
bool fetch_is_url(const char *source);
/*
 * Begin to fetch `url`. I/O core. 0, or negative errno with a sentence in `why`.
 * Where a read says negative errno: -ENOENT and -EACCES as the server does,
 * -ETIMEDOUT, -EPROTO, -ENETUNREACH ...
 */
int fetch_open(const char *url, struct receiver **out, char *why,
               size_t why_size);
/* A part of net_poll. True: something moved. */
bool fetch_poll(void);

#endif
