/* See dhcp.h. */
#include "kernel/net/user/dhcp.h"

#include <string.h>

#include "kernel/net/packet.h"

/* The fixed part (RFC 2131, figure 1), by offsets. */
enum {
    OP = 0, HTYPE = 1, HLEN = 2, XID = 4, FLAGS = 10, CIADDR = 12,
    YIADDR = 16, SIADDR = 20, GIADDR = 24, CHADDR = 28, SNAME = 44,
    FILE_NAME = 108, COOKIE = 236, OPTIONS = 240,
};
#define SNAME_BYTES 64u
#define FILE_BYTES 128u
#define BOOTP_MIN 300u          /* RFC 951: 64 bytes of vendor area */
#define MAGIC 0x63825363u
enum { BOOTREQUEST = 1, BOOTREPLY = 2 };
enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM };

/* RFC 2132 */
enum {
    OPT_PAD = 0, OPT_MASK = 1, OPT_ROUTER = 3, OPT_DNS = 6, OPT_HOSTNAME = 12,
    OPT_DOMAIN = 15, OPT_REQUESTED = 50, OPT_LEASE = 51, OPT_OVERLOAD = 52,
    OPT_TYPE = 53, OPT_SERVER = 54, OPT_TFTP = 66, OPT_BOOTFILE = 67,
    OPT_SEARCH = 119,           /* RFC 3397 */
    OPT_END = 255,
};

/* What of a request matters. */
struct request {
    const uint8_t *data;
    uint8_t type;               /* 0: plain BOOTP */
    uint32_t requested, server; /* 0: not told */
    uint32_t client;            /* ciaddr */
};

/*
 * Options in `p`; one that does not fit into its area ends the request.
 * `overload` gets option 52.
 */
static bool read_options(struct request *r, const uint8_t *p, size_t len,
                         uint8_t *overload)
{
    size_t at = 0;

    while (at < len && p[at] != OPT_END) {
        uint8_t code = p[at++], n;

        if (code == OPT_PAD)
            continue;
        if (at == len || p[at] > len - at - 1)
            return false;
        n = p[at++];
        if ((code == OPT_TYPE || code == OPT_OVERLOAD) && n == 1)
            *(code == OPT_TYPE ? &r->type : overload) = p[at];
        else if (code == OPT_REQUESTED && n == 4)
            r->requested = get32(p + at);
        else if (code == OPT_SERVER && n == 4)
            r->server = get32(p + at);
        at += n;
    }
    return true;
}

static bool read_request(struct request *r, const uint8_t *data, size_t len)
{
    uint8_t overload = 0, none = 0;

    /* Ethernet only: an address of 6 bytes that is one host's. */
    if (len < COOKIE || data[OP] != BOOTREQUEST || data[HTYPE] != 1 ||
        data[HLEN] != 6 || data[CHADDR] & 1)
        return false;
    *r = (struct request){ .data = data, .client = get32(data + CIADDR) };
    if (len < OPTIONS || get32(data + COOKIE) != MAGIC)
        return true;            /* BOOTP without a vendor area of RFC 1497 */
    if (!read_options(r, data + OPTIONS, len - OPTIONS, &overload))
        return false;
    if (overload & 1 && !read_options(r, data + FILE_NAME, FILE_BYTES, &none))
        return false;
    if (overload & 2 && !read_options(r, data + SNAME, SNAME_BYTES, &none))
        return false;
    return true;
}

/* ---- Leases ------------------------------------------------------------- */

static uint32_t lease_address(const struct user_config *c, unsigned i)
{
    return c->dhcp_start + i;
}

static bool may_be_leased(const struct user_config *c, unsigned i)
{
    uint32_t a = lease_address(c, i);

    for (unsigned k = 0; k < c->guest_forward_count; k++)
        if (a == c->guest_forward[k].addr)
            return false;
    return a != c->host && a != c->dns;
}

static int lease_of(const struct dhcp *d, const uint8_t *mac)
{
    for (unsigned i = 0; i < USER_LEASES; i++)
        if (d->lease[i].used && !memcmp(d->lease[i].mac, mac, 6))
            return i;
    return -1;
}

/* Index of the lease with `addr`, if it is free or `mac`'s own; else -1. */
static int lease_wanted(const struct dhcp *d, const struct user_config *c,
                        uint32_t addr, const uint8_t *mac, uint64_t now)
{
    uint32_t i = addr - c->dhcp_start;
    const struct dhcp_lease *l;

    if (i >= USER_LEASES || !may_be_leased(c, i))
        return -1;
    l = &d->lease[i];
    return !l->used || l->until_ms <= now || !memcmp(l->mac, mac, 6)
               ? (int)i : -1;
}

/* The client's own, what it asks for, a free one, or one that is over. */
static int lease_choose(const struct dhcp *d, const struct user_config *c,
                        uint32_t wish, const uint8_t *mac, uint64_t now)
{
    int own = lease_of(d, mac), i = lease_wanted(d, c, wish, mac, now);

    if (own >= 0)
        return own;
    if (i >= 0)
        return i;
    for (i = 0; i < (int)USER_LEASES; i++)
        if (!d->lease[i].used && may_be_leased(c, i))
            return i;
    for (i = 0; i < (int)USER_LEASES; i++)
        if (d->lease[i].until_ms <= now && may_be_leased(c, i))
            return i;
    return -1;
}

static void lease_take(struct dhcp *d, int i, const uint8_t *mac,
                       uint64_t now, uint64_t seconds)
{
    int own = lease_of(d, mac);

    if (own >= 0 && own != i)
        d->lease[own].used = false;
    d->lease[i].used = true;
    memcpy(d->lease[i].mac, mac, 6);
    d->lease[i].until_ms = now + seconds * 1000;
}

static void lease_release(struct dhcp *d, const uint8_t *mac)
{
    int own = lease_of(d, mac);

    if (own >= 0)
        d->lease[own].used = false;
}

/* ---- Replies ------------------------------------------------------------ */

static void add_option(struct dhcp_reply *r, uint8_t code, const void *value,
                       size_t n)
{
    /* With one byte left for the end. */
    if (n > 255 || r->len + 2 + n + 1 > sizeof r->data) {
        r->cut = true;
        return;
    }
    r->data[r->len++] = code;
    r->data[r->len++] = n;
    memcpy(r->data + r->len, value, n);
    r->len += n;
}

static void add_address(struct dhcp_reply *r, uint8_t code, uint32_t addr)
{
    uint8_t value[4];

    put32(value, addr);
    add_option(r, code, value, sizeof value);
}

static void add_text(struct dhcp_reply *r, uint8_t code, const char *text)
{
    if (*text)
        add_option(r, code, text, strlen(text));
}

/* The options that say how the net is; in a NAK there are none. */
static void add_settings(struct dhcp_reply *r, const struct user_config *c)
{
    add_address(r, OPT_MASK, c->mask);
    if (!c->restricted) {
        add_address(r, OPT_ROUTER, c->host);
        add_address(r, OPT_DNS, c->dns);
    }
    add_text(r, OPT_HOSTNAME, c->hostname);
    add_text(r, OPT_DOMAIN, c->domain);
    if (c->search.len)
        add_option(r, OPT_SEARCH, c->search.data, c->search.len);
    add_text(r, OPT_TFTP, c->tftp_name);
    add_text(r, OPT_BOOTFILE, c->bootfile);
}

/* RFC 2131 4.1: where a reply goes. */
static uint32_t reply_to(const struct request *q, uint8_t type, uint32_t yours)
{
    if (type == NAK || (!q->client && get16(q->data + FLAGS) & 0x8000))
        return 0xffffffffu;
    return q->client ? q->client : yours;
}

/* `type` 0: BOOTP. `yours` is the client's address or 0. */
static void write_reply(struct dhcp_reply *r, const struct user_config *c,
                        const struct request *q, uint8_t type, uint32_t yours)
{
    memset(r, 0, sizeof *r);
    r->data[OP] = BOOTREPLY;
    r->data[HTYPE] = 1;
    r->data[HLEN] = 6;
    memcpy(r->data + XID, q->data + XID, 4);
    memcpy(r->data + FLAGS, q->data + FLAGS, 2);
    memcpy(r->data + CHADDR, q->data + CHADDR, 6);
    put32(r->data + COOKIE, MAGIC);
    r->len = OPTIONS;
    if (type)
        add_option(r, OPT_TYPE, &type, 1);
    if (type)
        add_address(r, OPT_SERVER, c->host);
    if (type != NAK) {
        put32(r->data + CIADDR, q->type == DISCOVER ? 0 : q->client);
        put32(r->data + YIADDR, yours);
        put32(r->data + SIADDR, c->host);
        /* The config's are shorter than the field. */
        memcpy(r->data + FILE_NAME, c->bootfile, strlen(c->bootfile));
        if (type && yours) {
            uint8_t seconds[4];

            put32(seconds, DHCP_LEASE_S);
            add_option(r, OPT_LEASE, seconds, sizeof seconds);
        }
        add_settings(r, c);
    }
    r->data[r->len++] = OPT_END;
    if (r->len < BOOTP_MIN)
        r->len = BOOTP_MIN;
    memcpy(r->mac, q->data + CHADDR, 6);
    r->lease = yours;
    r->to = reply_to(q, type, yours);
}

bool dhcp_settings_fit(const struct user_config *c)
{
    static const uint8_t nothing[OPTIONS];
    const struct request q = { .data = nothing, .type = REQUEST };
    struct dhcp_reply r;

    write_reply(&r, c, &q, ACK, c->dhcp_start);
    return !r.cut;
}

static bool offer(struct dhcp *d, const struct user_config *c,
                  const struct request *q, uint64_t now, struct dhcp_reply *r)
{
    const uint8_t *mac = q->data + CHADDR;
    int i = lease_choose(d, c, q->requested, mac, now);

    if (i < 0) {
        d->no_lease++;
        return false;
    }
    /* Kept for a minute: the client has yet to choose a server. A running
     * lease is not cut short. */
    if (lease_of(d, mac) != i || d->lease[i].until_ms < now + 60000)
        lease_take(d, i, mac, now, 60);
    if (q->type) {
        d->offers++;
        write_reply(r, c, q, OFFER, lease_address(c, i));
    } else {
        d->bootp++;
        lease_take(d, i, mac, now, DHCP_LEASE_S);
        write_reply(r, c, q, 0, lease_address(c, i));
    }
    return true;
}

static bool acknowledge(struct dhcp *d, const struct user_config *c,
                        const struct request *q, uint64_t now,
                        struct dhcp_reply *r)
{
    const uint8_t *mac = q->data + CHADDR;
    uint32_t wanted = q->requested ? q->requested : q->client;
    int i = lease_wanted(d, c, wanted, mac, now);

    if (q->server && q->server != c->host) {
        d->other_server++;      /* it chose another: the offer is over */
        lease_release(d, mac);
        return false;
    }
    if (i < 0) {
        d->naks++;
        write_reply(r, c, q, NAK, 0);
        return true;
    }
    d->acks++;
    lease_take(d, i, mac, now, DHCP_LEASE_S);
    write_reply(r, c, q, ACK, wanted);
    return true;
}

bool dhcp_request(struct dhcp *d, const struct user_config *c,
                  const uint8_t *request, size_t len, uint64_t now_ms,
                  struct dhcp_reply *reply)
{
    struct request q;

    if (!read_request(&q, request, len)) {
        d->malformed++;
        return false;
    }
    if (get32(request + GIADDR)) {
        d->relayed++;           /* the inside is one net */
        return false;
    }
    switch (q.type) {
    case 0:
    case DISCOVER:
        return offer(d, c, &q, now_ms, reply);
    case REQUEST:
        return acknowledge(d, c, &q, now_ms, reply);
    case RELEASE:
    case DECLINE:
        lease_release(d, request + CHADDR);
        break;
    case INFORM:
        if (!q.client)
            break;
        d->acks++;
        write_reply(reply, c, &q, ACK, 0);
        return true;
    default:
        break;
    }
    d->ignored++;
    return false;
}
