/*
 * See kernel/net/transport.h. The bare machine has no way out yet: whatever is
 * asked for is refused, and so there is nothing that the rest could be called
 * for.
 */
#include "kernel/net/transport.h"

#include <errno.h>

bool transport_poll(void) { return false; }

int transport_resolve(const char *host, uint32_t *addr) { return -ENOENT; }

int stream_connect(struct endpoint to, const struct stream_events *events,
                   void *ctx, struct stream **out)
{
    return -ENETUNREACH;
}

void stream_set_events(struct stream *s, const struct stream_events *events,
                       void *ctx) { }
ssize_t stream_read(struct stream *s, void *buf, size_t size) { return -EIO; }

ssize_t stream_write(struct stream *s, const void *data, size_t len)
{
    return -EIO;
}

void stream_pause(struct stream *s, bool paused) { }
void stream_shutdown(struct stream *s) { }
void stream_close(struct stream *s, bool reset) { }

int listener_open(struct endpoint local,
                  void (*accepted)(void *ctx, struct stream *s,
                                   struct endpoint from),
                  void *ctx, struct listener **out)
{
    return -EADDRNOTAVAIL;
}

void listener_close(struct listener *l) { }

int dgram_open(struct endpoint local, bool reuse,
               void (*received)(void *ctx, const uint8_t *data, size_t len,
                                struct endpoint from),
               void *ctx, struct dgram **out)
{
    return -EADDRNOTAVAIL;
}

int dgram_send(struct dgram *d, struct endpoint to, const void *data,
               size_t len)
{
    return -ENETUNREACH;
}

void dgram_close(struct dgram *d) { }
