/* See capture.h. */
#include "kernel/net/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/textbuf.h"
#include "kernel/net/net_impl.h"
#include "kernel/net/pcap_ring.h"
#include "kernel/platform.h"

struct capture {
    struct net *net;
    struct dump_option option;
    const struct port *port;    /* what it listens to; both NULL: it is gone */
    const struct vlan *vlan;
    struct platform_output *file;       /* or NULL: the ring */
    struct pcap_ring ring;
    uint64_t frames, bytes;
    uint64_t lost;              /* the file could not be written */
};

static struct capture *captures[CAPTURES];
unsigned capture_count;

/* ---- Frames -------------------------------------------------------------- */

static struct pcap_record record_of(const struct capture *c, size_t len)
{
    static uint64_t start_ns;
    static int64_t start_seconds;
    uint64_t now = platform_now_ns(), since;

    if (!start_ns) {
        start_ns = now;
        start_seconds = platform_wall_seconds();
    }
    since = now - start_ns;
    return (struct pcap_record){
        .seconds = start_seconds + since / 1000000000u,
        .micros = since % 1000000000u / 1000u,
        .kept = len < c->option.len ? len : c->option.len,
        .length = len,
    };
}

static void end_file(struct capture *c, int error)
{
    platform_log("%s: capture %s: cannot write to %s: %s; it ends here",
                 c->net->machine, c->option.id, c->option.file,
                 strerror(-error));
    platform_output_close(c->file);
    c->file = NULL;
}

static void take(struct capture *c, const struct pbuf *frame)
{
    /* Header and bytes in one piece: a file gets whole records. */
    static struct {
        struct pcap_record record;
        uint8_t data[NIC_MAX_FRAME];
    } out;
    size_t len = frame->tot_len;
    int r;

    if (len > sizeof out.data)
        return;                 /* no port takes such a frame */
    out.record = record_of(c, len);
    pbuf_copy_partial(frame, out.data, out.record.kept, 0);
    if (!c->file && !c->ring.data) {
        c->lost++;
        return;
    }
    r = c->file ? platform_output_write(c->file, &out, sizeof out.record +
                                        out.record.kept) : 0;
    if (r) {
        c->lost++;
        end_file(c, r);
        return;
    }
    c->frames++;
    c->bytes += len;
    if (!c->file)
        pcap_ring_add(&c->ring, &out.record, out.data);
}

void capture_at_port(const struct port *p, const struct pbuf *frame)
{
    for (unsigned i = 0; i < capture_count; i++)
        if (captures[i]->port == p)
            take(captures[i], frame);
}

void capture_at_vlan(const struct vlan *v, const struct pbuf *frame)
{
    for (unsigned i = 0; i < capture_count; i++)
        if (captures[i]->vlan == v)
            take(captures[i], frame);
}

/* ---- Beginning and ending ------------------------------------------------ */

static struct capture **find(const struct net *net, const char *id)
{
    for (unsigned i = 0; i < capture_count; i++)
        if (captures[i]->net == net && !strcmp(captures[i]->option.id, id))
            return &captures[i];
    return NULL;
}

static void capture_free(struct capture *c)
{
    if (c->file)
        platform_output_close(c->file);
    if (c->ring.data)
        platform_pages_free(c->ring.data, CAPTURE_RING_BYTES);
    free(c);
}

/* The capture, of whichever machine, that writes that file; or NULL. */
static const struct capture *writer_of(const char *file)
{
    for (unsigned i = 0; i < capture_count; i++)
        if (captures[i]->file && !strcmp(captures[i]->option.file, file))
            return captures[i];
    return NULL;
}

/* Where the frames go: the file, or memory where the platform has no files. */
static int open_sink(struct capture *c, char *why, size_t size)
{
    struct pcap_file_header head = pcap_header(c->option.len);
    const char *file = c->option.file;
    const struct capture *other = writer_of(file);
    int r;

    if (other) {
        snprintf(why, size, "capture %s: %s is written by %s's capture %s",
                 c->option.id, file, other->net->machine, other->option.id);
        return -EBUSY;
    }
    r = *file ? platform_output_open(file, &c->file) : -ENOTSUP;
    if (r == -ENOTSUP) {
        c->file = NULL;
        c->option.file[0] = '\0';
        snprintf(why, size, "capture %s: out of memory", c->option.id);
        c->ring.size = CAPTURE_RING_BYTES;
        c->ring.data = platform_pages_alloc(CAPTURE_RING_BYTES);
        return c->ring.data ? 0 : -ENOMEM;
    }
    if (!r)
        r = platform_output_write(c->file, &head, sizeof head);
    snprintf(why, size, "capture %s: cannot write to %s: %s", c->option.id,
             file, strerror(-r));
    return r;
}

static int find_source(struct capture *c, char *why, size_t size)
{
    const struct dump_option *o = &c->option;

    if (*o->netdev)
        c->port = net_find_port(c->net, o->netdev);
    else
        c->vlan = net_vlan_of(c->net, o->vlan);
    if (*o->netdev)
        snprintf(why, size, "capture %s: %s has no NIC or netdev '%s'", o->id,
                 c->net->machine, o->netdev);
    else
        snprintf(why, size, "capture %s: %s has no VLAN %u", o->id,
                 c->net->machine, o->vlan);
    return c->port || c->vlan ? 0 : -ENODEV;
}

int capture_start(struct net *net, const struct dump_option *o, char *why,
                  size_t why_size)
{
    struct capture *c;
    int r;

    snprintf(why, why_size, "capture: the id %s is in use", o->id);
    if (find(net, o->id))
        return -EEXIST;
    snprintf(why, why_size, "capture: at most %u", CAPTURES);
    if (capture_count == CAPTURES)
        return -ENOSPC;
    snprintf(why, why_size, "capture: out of memory");
    c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->net = net;
    c->option = *o;
    r = find_source(c, why, why_size);
    if (!r)
        r = open_sink(c, why, why_size);
    if (r)
        capture_free(c);
    else
        captures[capture_count++] = c;
    return r;
}

int capture_stop(struct net *net, const char *id)
{
    struct capture **at = find(net, id);

    if (!at)
        return -ENOENT;
    capture_free(*at);
    *at = captures[--capture_count];
    return 0;
}

void capture_stop_all(struct net *net)
{
    for (unsigned i = capture_count; i-- > 0; )
        if (captures[i]->net == net) {
            capture_free(captures[i]);
            captures[i] = captures[--capture_count];
        }
}

void capture_forget_port(const struct port *p)
{
    for (unsigned i = 0; i < capture_count; i++)
        if (captures[i]->port == p)
            captures[i]->port = NULL;
}

void capture_forget_vlan(const struct vlan *v)
{
    for (unsigned i = 0; i < capture_count; i++)
        if (captures[i]->vlan == v)
            captures[i]->vlan = NULL;
}

/* ---- What was captured --------------------------------------------------- */

int capture_copy(const struct net *net, const char *id, uint8_t **out,
                 size_t *size)
{
    struct capture **at = find(net, id);
    struct pcap_file_header head;

    if (!at)
        return -ENOENT;
    if (!(*at)->ring.data)
        return -EINVAL;
    *size = sizeof head + pcap_ring_used(&(*at)->ring);
    *out = platform_pages_alloc(*size);
    if (!*out)
        return -ENOMEM;
    head = pcap_header((*at)->option.len);
    memcpy(*out, &head, sizeof head);
    pcap_ring_copy(&(*at)->ring, *out + sizeof head);
    return 0;
}

const char *capture_name(const struct net *net, unsigned i)
{
    for (unsigned k = 0; k < capture_count; k++)
        if (captures[k]->net == net && !i--)
            return captures[k]->option.id;
    return NULL;
}

static void add_capture(struct textbuf *t, const struct capture *c)
{
    const struct dump_option *o = &c->option;

    text_add(t, "%s: ", o->id);
    if (*o->netdev)
        text_add(t, "netdev=%s", o->netdev);
    else
        text_add(t, "vlan=%u", o->vlan);
    text_add(t, " maxlen=%u %s%s%s\n", o->len,
             *o->file ? "file=" : "in memory", o->file,
             c->port || c->vlan ? "" : ", which is gone");
    text_add(t, "    frames=%llu bytes=%llu", (unsigned long long)c->frames,
             (unsigned long long)c->bytes);
    if (c->lost)
        text_add(t, " lost=%llu", (unsigned long long)c->lost);
    if (c->ring.given_up)
        text_add(t, " given_up=%llu (the oldest, for the newest)",
                 (unsigned long long)c->ring.given_up);
    text_add(t, "\n");
}

int capture_format(const struct net *net, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    for (unsigned i = 0; i < capture_count; i++)
        if (captures[i]->net == net)
            add_capture(&t, captures[i]);
    if (!t.wanted)
        text_add(&t, "no captures\n");
    return t.wanted;
}
