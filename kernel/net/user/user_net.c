/* See user_net.h: its life, its face as a NIC, its text. */
#include "kernel/net/user/user_net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/textbuf.h"
#include "kernel/net/user/impl.h"
#include "kernel/net/user/nat_outside.h"
#include "kernel/platform.h"

#define EXPIRE_NS 1000000000u   /* how often timers are looked at */

static struct user_net *user_nets;

/* ---- A NIC -------------------------------------------------------------- */

static int un_open(struct nic *nic)
{
    nic->is_open = true;
    nic->link_up = true;
    return 0;
}

static void un_close(struct nic *nic)
{
    struct user_net *un = nic->driver;

    nic->is_open = false;
    nic->link_up = false;
    while (un->queue_tail != un->queue_head) {
        struct nic_buf *buf = un->queue[un->queue_tail++ % USER_QUEUE];

        buf->free(buf);
    }
}

/*
 * Frames wait for the next poll: the one who sends may be lwIP in the middle of
 * its work, or the bridge.
 */
static int un_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct user_net *un = nic->driver;

    if (!nic->is_open)
        return -ENETDOWN;
    if (un->queue_head - un->queue_tail == USER_QUEUE) {
        nic->counters.tx_ring_full++;
        return -ENOBUFS;
    }
    un->queue[un->queue_head++ % USER_QUEUE] = buf;
    nic->counters.tx_frames++;
    nic->counters.tx_bytes += buf->len;
    return 0;
}

/*
 * The frame is shared: the bridge may give it to others, and on the way out
 * it is changed. So it is copied.
 */
static void take_frame(struct user_net *un, struct nic_buf *buf)
{
    uint8_t frame[NIC_MAX_FRAME];
    size_t len = buf->len;

    if (len <= sizeof frame)
        memcpy(frame, buf->data, len);
    else
        un->counts[USER_BAD_HEADER]++;
    buf->free(buf);
    if (len <= sizeof frame)
        user_input(un, frame, len);
}

static unsigned take_queue(struct user_net *un, unsigned budget)
{
    unsigned n = 0;

    while (n < budget && un->queue_tail != un->queue_head) {
        take_frame(un, un->queue[un->queue_tail++ % USER_QUEUE]);
        n++;
    }
    return n;
}

/* What guests sent in this round is answered in it. */
static void un_flush(struct nic *nic)
{
    if (nic->is_open)
        take_queue(nic->driver, USER_QUEUE);
}

static unsigned un_poll(struct nic *nic, unsigned budget)
{
    struct user_net *un = nic->driver;
    unsigned n;

    if (!nic->is_open)
        return 0;
    n = take_queue(un, budget);
    if (un->ops && un->ops->poll(un->outside))
        n++;
    user_dns_poll(un);
    user_pending_expire(un, platform_now_ns());
    reassembly_expire(&un->reassembly, platform_now_ns() / 1000000u);
    return n;
}

/* What comes from outside wakes the host by its own means. */
static void un_arm(struct nic *nic) { }

static void un_destroy(struct nic *nic)
{
    struct user_net *un = nic->driver, **at = &user_nets;

    while (*at && *at != un)
        at = &(*at)->next;
    if (*at)
        *at = un->next;
    if (un->outside)
        un->ops->destroy(un->outside);
    user_dns_fini(un);
    tftp_fini(&un->tftp);
    reassembly_fini(&un->reassembly);
    user_pending_drop(un);
    free(un);
}

static const struct nic_ops un_ops = {
    .name = "user", .open = un_open, .close = un_close,
    .transmit = un_transmit, .poll = un_poll, .flush = un_flush,
    .arm = un_arm, .destroy = un_destroy,
};

struct user_net *user_net_of(const struct nic *nic)
{
    return nic->ops == &un_ops ? nic->driver : NULL;
}

/* ---- Making ------------------------------------------------------------- */

static int open_outside(struct user_net *un, const struct user_site *site,
                        char *why, size_t size)
{
    int r;

    un->ops = site->outside ? site->outside
              : un->config.has_via ? &user_outside_nat : user_outside_default;
    if (!un->ops)
        return 0;
    r = un->ops->create(un, &un->config, site, &un->outside, why, size);
    for (unsigned i = 0; i < un->config.forward_count && !r; i++)
        r = un->ops->forward_add(un->outside, &un->config.forward[i], why,
                                 size);
    return r;
}

int user_net_create(const char *params, const struct user_site *site,
                    struct nic **out, char *why, size_t size)
{
    /* The bridge keeps frames to a port's own address to itself, so that it
     * must not be the gateway's. */
    static const uint8_t mac[6] = { 0x02, 0x54, 0x52, 0x53, 0x55, 0x00 };
    static uint8_t next;
    struct user_net *un = calloc(1, sizeof *un);
    int r;

    snprintf(why, size, "out of memory");
    if (!un)
        return -ENOMEM;
    if (!user_config_parse(params, &un->config, why, size)) {
        free(un);
        return -EINVAL;
    }
    un->machine = site->machine;
    un->nic.ops = &un_ops;
    un->nic.driver = un;
    un->nic.poll_fd = -1;
    snprintf(un->nic.label, sizeof un->nic.label, "user %.28s", un->machine);
    memcpy(un->nic.mac, mac, 6);
    un->nic.mac[5] = next++;
    un->next = user_nets;
    user_nets = un;
    user_dns_init(un);
    un->tftp.folder = un->config.tftp;
    r = open_outside(un, site, why, size);
    if (r)
        un_destroy(&un->nic);
    else
        *out = &un->nic;
    return r;
}

/* ---- Forwards ----------------------------------------------------------- */

int user_net_forward_add(struct user_net *un, const char *rule, char *why,
                         size_t size)
{
    struct user_forward f;

    if (!user_forward_parse(rule, true, &un->config, &f, why, size))
        return -EINVAL;
    snprintf(why, size, "there is no way out of this net");
    return un->ops ? un->ops->forward_add(un->outside, &f, why, size)
                   : -ENOTSUP;
}

int user_net_forward_remove(struct user_net *un, const char *rule, char *why,
                            size_t size)
{
    struct user_forward f;

    if (!user_forward_parse(rule, false, &un->config, &f, why, size))
        return -EINVAL;
    snprintf(why, size, "no such forward: '%.60s'", rule);
    return un->ops ? un->ops->forward_remove(un->outside, &f) : -ENOENT;
}

/* ---- Time --------------------------------------------------------------- */

static bool has_pending(const struct user_net *un)
{
    for (unsigned i = 0; i < USER_PENDING; i++)
        if (un->pending[i].ip)
            return true;
    return false;
}

uint64_t user_net_deadline(void)
{
    uint64_t least = UINT64_MAX, now = platform_now_ns();

    for (const struct user_net *un = user_nets; un; un = un->next) {
        uint64_t d = un->ops ? un->ops->deadline(un->outside) : UINT64_MAX;
        uint64_t dns = user_dns_deadline(un);

        if (dns < d)
            d = dns;
        if (has_pending(un) && now + EXPIRE_NS < d)
            d = now + EXPIRE_NS;
        if (un->queue_tail != un->queue_head)
            d = now;
        if (d < least)
            least = d;
    }
    return least;
}

/* ---- Text --------------------------------------------------------------- */

static void add_counter(struct textbuf *t, const char *name, uint64_t v)
{
    if (v)
        text_add(t, "    %s=%llu\n", name, (unsigned long long)v);
}

static void add_leases(struct textbuf *t, const struct user_net *un)
{
    for (unsigned i = 0; i < USER_LEASES; i++) {
        const struct dhcp_lease *l = &un->dhcp.lease[i];
        uint32_t a = un->config.dhcp_start + i;

        if (l->used)
            text_add(t, "  lease %u.%u.%u.%u of "
                     "%02x:%02x:%02x:%02x:%02x:%02x\n", a >> 24,
                     a >> 16 & 255, a >> 8 & 255, a & 255, l->mac[0],
                     l->mac[1], l->mac[2], l->mac[3], l->mac[4], l->mac[5]);
    }
}

static void add_counters(struct textbuf *t, const struct user_net *un)
{
    static const char *const names[USER_COUNTS] = {
        [USER_NOT_OURS] = "not_ours", [USER_RUNT] = "runt",
        [USER_BAD_HEADER] = "bad_header", [USER_BAD_SUM] = "bad_checksum",
        [USER_BAD_ADDRESS] = "bad_address", [USER_BAD_ARP] = "bad_arp",
        [USER_FRAGMENT] = "fragments_held", [USER_BAD_UDP] = "bad_udp",
        [USER_BAD_ICMP] = "bad_icmp", [USER_NO_SERVICE] = "no_service",
        [USER_RESTRICTED] = "restricted", [USER_NO_OUTSIDE] = "no_outside",
        [USER_TTL] = "ttl_exceeded", [USER_NO_NEIGHBOUR] = "no_neighbour",
        [USER_NO_BUFFER] = "no_buffer", [USER_TOO_BIG] = "too_big",
    };
    const struct dhcp *d = &un->dhcp;
    const struct dns *n = &un->dns;
    const struct tftp *f = &un->tftp;

    for (unsigned i = 0; i < USER_COUNTS; i++)
        add_counter(t, names[i], un->counts[i]);
    add_counter(t, "dhcp_offers", d->offers);
    add_counter(t, "dhcp_acks", d->acks);
    add_counter(t, "dhcp_naks", d->naks);
    add_counter(t, "dhcp_bootp", d->bootp);
    add_counter(t, "dhcp_malformed", d->malformed);
    add_counter(t, "dhcp_other_server", d->other_server);
    add_counter(t, "dhcp_relayed", d->relayed);
    add_counter(t, "dhcp_no_lease", d->no_lease);
    add_counter(t, "dhcp_ignored", d->ignored);
    add_counter(t, "dns_queries", n->queries);
    add_counter(t, "dns_answers", n->answers);
    add_counter(t, "dns_repeated", n->repeated);
    add_counter(t, "dns_failures", n->failures);
    add_counter(t, "dns_malformed_queries", n->malformed_queries);
    add_counter(t, "dns_malformed_answers", n->malformed_answers);
    add_counter(t, "dns_foreign_answers", n->foreign_answers);
    add_counter(t, "dns_no_server", n->no_server);
    add_counter(t, "tftp_requests", f->requests);
    add_counter(t, "tftp_finished", f->finished);
    add_counter(t, "tftp_blocks", f->blocks);
    add_counter(t, "tftp_malformed", f->malformed);
    add_counter(t, "tftp_refused_mode", f->refused_mode);
    add_counter(t, "tftp_refused_name", f->refused_name);
    add_counter(t, "tftp_no_file", f->no_file);
    add_counter(t, "tftp_no_session", f->no_session);
    add_counter(t, "tftp_stray", f->stray);
    add_counter(t, "tftp_duplicates", f->duplicates);
    add_counter(t, "tftp_read_errors", f->read_errors);
}

int user_net_format(const struct user_net *un, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };
    size_t room;
    char *at;

    text_add(&t, "  Protocol[State]    FD  Source Address  Port   "
             "Dest. Address  Port RecvQ SendQ\n");
    if (un->ops) {
        at = text_rest(&t, &room);
        t.wanted += un->ops->format(un->outside, at, room);
    }
    add_leases(&t, un);
    add_counters(&t, un);
    return t.wanted;
}
