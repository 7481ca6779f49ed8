/*
 * TCP and UDP as the host speaks them: for tunnels and the user-mode network.
 * On Linux sockets (kernel/hosted/transport*.c), on the bare machine lwIP on
 * the LAN's own address (kernel/metal/transport*.c). IPv4.
 *
 * I/O core only, and nothing blocks but where it says so. Callbacks come from
 * transport_poll alone, never from inside another call of this header, and may
 * call anything here, closing what they are called for included. After a close
 * nothing comes.
 *
 * Errors are negative errno. Nothing is allocated by what a peer sends: a
 * stream or a dgram is all memory that it ever takes of ours.
 */
#ifndef KERNEL_NET_TRANSPORT_H
#define KERNEL_NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Host byte order. Local: address 0 is any, port 0 is a free one. */
struct endpoint {
    uint32_t addr;
    uint16_t port;
};

static inline bool endpoint_equal(struct endpoint a, struct endpoint b)
{
    return a.addr == b.addr && a.port == b.port;
}

/* Tell what the network did, by callbacks. True: something happened. */
bool transport_poll(void);

/*
 * "1.2.3.4", or on Linux also a name, which may take the time of a DNS query:
 * for start-up, and what the administrator asks for. 0, -EINVAL (not an
 * address), -ENOENT (no such name).
 */
int transport_resolve(const char *host, uint32_t *addr);

/* ---- Streams: TCP connections ------------------------------------------- */

struct stream;

/* Any of them may be NULL: then nobody is told. */
struct stream_events {
    /* The connect that stream_connect began has ended: 0, or -ECONNREFUSED,
     * -ETIMEDOUT, -EHOSTUNREACH ...: only close is left. */
    void (*connected)(void *ctx, int error);
    /* Bytes or the peer's end wait. Comes again until they were read. */
    void (*readable)(void *ctx);
    /* Once after each short stream_write: there is room again. */
    void (*writable)(void *ctx);
    /* Reset, or nothing acknowledged for long: what was not read or sent is
     * lost, only close is left. Comes while paused, too. NULL: what came before
     * it is read first, and the error then; nothing more can be written. */
    void (*failed)(void *ctx, int error);
};

/*
 * Begin to connect to `to`. 0: *out is the caller's, and `connected` follows.
 * Else nothing was made: -ENETUNREACH (no way there, or no address of our own
 * yet), -EMFILE, -ENOMEM ... `events` must outlive the stream.
 */
int stream_connect(struct endpoint to, const struct stream_events *events,
                   void *ctx, struct stream **out);

/*
 * The same, to a command of the host's shell that is started now: the stream is
 * its input, output and errors. -EAGAIN: too many run; -ENOTSUP: where there
 * are no commands, which transport_has_commands tells.
 */
int stream_command(const char *command, const struct stream_events *events,
                   void *ctx, struct stream **out);
bool transport_has_commands(void);

/*
 * The same, to the UNIX socket of that name; its endpoints are nothing. -ENOTSUP:
 * on the bare machine there are none.
 */
int stream_connect_unix(const char *path, const struct stream_events *events,
                        void *ctx, struct stream **out);

/*
 * To say that something is wrong before all goes on: wait `ms` at most for the
 * connect to end. 0: it did, or nothing is known yet; else what `connected`
 * would say (and will, unless it is closed). Where the network needs the loop
 * to move (the bare machine), 0 at once.
 */
int stream_settle(struct stream *s, unsigned ms);

/* Who hears of it; for what a listener has accepted, to be called there. */
void stream_set_events(struct stream *s, const struct stream_events *events,
                       void *ctx);

/*
 * Up to `size` bytes into `buf`. 0: nothing now; -EPIPE: all was read, the peer
 * has ended its side (writing may go on). Other errors: only close is left,
 * and no `failed` follows.
 */
ssize_t stream_read(struct stream *s, void *buf, size_t size);

/*
 * How many bytes were taken to be sent. Fewer than `len`: `writable` follows.
 * 0 before it is connected (then `connected` follows). Errors as above.
 */
ssize_t stream_write(struct stream *s, const void *data, size_t len);

/* No `readable` while paused: the peer is held up once its window is full. */
void stream_pause(struct stream *s, bool paused);

/* Our end, after what was written: the peer reads -EPIPE. Reading goes on. */
void stream_shutdown(struct stream *s);

/* Ask a silent peer now and then whether it is there: `failed` if it is not,
 * after some two minutes. Off at first. */
void stream_keepalive(struct stream *s);

/*
 * Free it. What was written still goes out, unless `reset`: then RST. (So, too,
 * where hundreds of peers leave such ends unacknowledged.)
 */
void stream_close(struct stream *s, bool reset);

/*
 * Something that was written is still on its way, and would be lost with the
 * PC's power. False where that goes on without us.
 */
bool transport_is_sending(void);

/* Our end's and the peer's. */
struct endpoint stream_local(const struct stream *s);
struct endpoint stream_peer(const struct stream *s);

/* ---- Listeners ---------------------------------------------------------- */

struct listener;

/*
 * Where a service of the host's own listens if nobody says: on Linux at
 * 127.0.0.1, on the bare machine at all of its addresses (0). 0 or
 * -EADDRNOTAVAIL: that has none, nor asks for one.
 */
int transport_service_address(uint32_t *addr);

/*
 * `accepted` gets a connected stream that is its own from then on: it sets
 * events, or closes it. 0, or -EADDRINUSE, -EADDRNOTAVAIL, -EACCES ...
 * Peers for whom there is no memory or descriptor are closed at once and
 * counted (listener_refused).
 */
int listener_open(struct endpoint local,
                  void (*accepted)(void *ctx, struct stream *s,
                                   struct endpoint from),
                  void *ctx, struct listener **out);
/*
 * The same, at a UNIX socket, in place of one of that name where nobody listens
 * any more. -EADDRINUSE: somebody does; -EEXIST: it is another kind of file.
 */
int listener_open_unix(const char *path,
                       void (*accepted)(void *ctx, struct stream *s,
                                        struct endpoint from),
                       void *ctx, struct listener **out);
void listener_close(struct listener *l);
struct endpoint listener_local(const struct listener *l);
uint64_t listener_refused(const struct listener *l);

/* ---- Datagrams: UDP ----------------------------------------------------- */

struct dgram;

#define DGRAM_MAX 65507u        /* bytes of data: RFC 791, RFC 768 */

/*
 * `received` (may be NULL) gets each datagram; `data` is valid during the call.
 * With `reuse` several programs may have the same local endpoint (multicast).
 * 0 or errors as listener_open.
 */
int dgram_open(struct endpoint local, bool reuse,
               void (*received)(void *ctx, const uint8_t *data, size_t len,
                                struct endpoint from),
               void *ctx, struct dgram **out);

/* 0, or it was not sent: -EAGAIN (no room now), -EMSGSIZE, -ENETUNREACH ... */
int dgram_send(struct dgram *d, struct endpoint to, const void *data,
               size_t len);

/* Receive what is sent to `group`, too, at the interface with the address
 * `iface` (0: where the routes lead); one group a dgram. 0 or an error. */
int dgram_join(struct dgram *d, uint32_t group, uint32_t iface);

/* Multicasts of `d` go out there and come back to other programs of this host;
 * `iface` as above. 0 or an error. */
int dgram_multicast_from(struct dgram *d, uint32_t iface);

/* Datagrams that came and found no room. */
uint64_t dgram_dropped(const struct dgram *d);
/* Its own endpoint as bound. */
struct endpoint dgram_local(const struct dgram *d);
/* The source that a datagram from `d` to `to` has on the wire now, for an
 * unbound address, too; address 0: there is no way there. */
struct endpoint dgram_source(const struct dgram *d, struct endpoint to);
void dgram_close(struct dgram *d);

/* ---- Echo: ping (RFC 792) ------------------------------------------------ */

struct ping;

/* An ICMP error (RFC 792: types 3, 11) about an echo that `to` was sent. */
struct ping_error {
    uint32_t from, to;
    uint8_t type, code;
    uint16_t sequence;
    const uint8_t *echo;        /* as it was on the wire, as far as it is quoted
                                   (8 bytes at least), with an identifier of
                                   the transport's */
    size_t len;
};

struct ping_events {
    /* A reply to what this one sent; `data` is valid during the call. */
    void (*replied)(void *ctx, uint32_t from, uint16_t sequence,
                    const uint8_t *data, size_t len);
    /* Not told: "fragmentation needed", which the host itself heeds. */
    void (*failed)(void *ctx, const struct ping_error *e);
};

/* 0, or -EACCES (this user may not ping), -ENOTSUP, -EMFILE ... `events` must
 * outlive it. */
int ping_open(const struct ping_events *events, void *ctx, struct ping **out);
/* An echo with this TTL, 1 to 255. 0, or it was not sent: -ENETUNREACH ... */
int ping_send(struct ping *p, uint32_t to, uint8_t ttl, uint16_t sequence,
              const void *data, size_t len);
/* Replies and errors that were malformed, and not told. */
uint64_t ping_malformed(const struct ping *p);
void ping_close(struct ping *p);

#endif
