/*
 * Captures: what passes a port or a VLAN, as pcap. To a file where the
 * platform has some, else to a bounded ring in memory, which keeps the newest
 * frames. I/O core only.
 */
#ifndef KERNEL_NET_CAPTURE_H
#define KERNEL_NET_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/options.h"

struct net;
struct pbuf;
struct port;
struct vlan;

#define CAPTURE_RING_BYTES (1u << 20)
#define CAPTURES 32u            /* of all machines together */

/*
 * Begin what `o` asks for, on the machine of `net`: at the NIC or netdev
 * o->netdev, or if that is "" of VLAN o->vlan. 0, or negative errno with a
 * sentence in `why`. An empty o->file means memory.
 */
int capture_start(struct net *net, const struct dump_option *o, char *why,
                  size_t why_size);
/* End the machine's capture `id`; what memory held is gone. -ENOENT: none. */
int capture_stop(struct net *net, const char *id);
/* End all of the machine's. */
void capture_stop_all(struct net *net);
/* That port's NIC is gone, or that bridge: nothing more will come from it. */
void capture_forget_port(const struct port *p);
void capture_forget_vlan(const struct vlan *v);

/*
 * All that memory holds of the machine's capture `id`, as a pcap file of *size
 * bytes in pages that the caller gives back (platform_pages_free(*out, *size)).
 * 0; -ENOENT: there is none; -EINVAL: it goes to a file; -ENOMEM.
 */
int capture_copy(const struct net *net, const char *id, uint8_t **out,
                 size_t *size);

/* The id of the machine's i-th capture; NULL past the last. */
const char *capture_name(const struct net *net, unsigned i);
/* Text of `info capture`, as machine_info does. */
int capture_format(const struct net *net, char *buf, size_t size);

/* ---- Where frames pass --------------------------------------------------- */

extern unsigned capture_count;
void capture_at_port(const struct port *p, const struct pbuf *frame);
void capture_at_vlan(const struct vlan *v, const struct pbuf *frame);

/* A frame comes into bridge `v` at `p`. */
static inline void capture_in(const struct port *p, const struct vlan *v,
                              const struct pbuf *frame)
{
    if (capture_count) {
        capture_at_port(p, frame);
        capture_at_vlan(v, frame);
    }
}

/* The bridge gives a frame to `p`. */
static inline void capture_out(const struct port *p, const struct pbuf *frame)
{
    if (capture_count)
        capture_at_port(p, frame);
}

#endif
