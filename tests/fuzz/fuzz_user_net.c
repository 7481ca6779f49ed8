/* What a guest sends into a user net: frames, headers, fragments; by
 * themselves, pieces of packets in any order. */
// covers: kernel/net/user/input.c kernel/net/user/services.c
// covers: kernel/net/user/output.c kernel/net/user/reassembly.c
// covers: kernel/net/user/icmp.c kernel/net/user/neighbours.c
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "kernel/net/icmp_types.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/outside.h"
#include "kernel/net/user/reassembly.h"
#include "kernel/net/user/user_net.h"

#define GUEST 0x0a00020fu
#define PIECE 0x11              /* every byte of every piece */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- Pieces -------------------------------------------------------------- */

/* Whatever is called whole has nothing in it that did not come. */
static void put_together(struct input *in)
{
    struct reassembly r = { 0 };
    uint64_t now = 0;

    while (input_more(in)) {
        uint8_t what = input_u8(in);
        size_t n = (what & 1 ? input_u8(in) % 8 * 8 : input_u8(in)), whole;
        size_t at = what & 2 ? input_u8(in) % 32 : input_u16(in) & IP_OFFSET;
        uint8_t *ip, *got;

        if (what & 4)
            n = (n + 7) & ~(size_t)7;
        ip = malloc(IP_HEADER + n);
        memset(ip + IP_HEADER, PIECE, n);
        ip_header_write(ip, PROTO_UDP, 1, 2, n);
        put16(ip + IP_ID, what >> 6);
        put16(ip + IP_FRAGMENT, at | (what & 4 ? IP_MORE : 0));
        put16(ip + IP_SUM, 0);
        put16(ip + IP_SUM, checksum(ip, IP_HEADER));
        got = reassemble(&r, ip, IP_HEADER + n, now, &whole);
        if (got && (whole != get16(got + IP_LENGTH) ||
                    checksum(got, IP_HEADER)))
            abort();
        for (size_t i = IP_HEADER; got && i < whole; i++)
            if (got[i] != PIECE)
                abort();
        free(ip);
        now += what >> 3 & 1 ? 1000 : 0;
        reassembly_expire(&r, now);
    }
    reassembly_fini(&r);
}

/* ---- A net --------------------------------------------------------------- */

static int made(struct user_net *un, const struct user_config *config,
                const struct user_site *site, void **out, char *why,
                size_t size)
{
    *out = un;
    return 0;
}

static void gone(void *o) { }

/* It is promised a header that is right. */
static void from_guest(void *o, uint8_t *ip, size_t len)
{
    size_t header = ip_header_length(ip);

    if (len < IP_HEADER || ip[0] >> 4 != 4 || header < IP_HEADER ||
        header > len || get16(ip + IP_LENGTH) != len || checksum(ip, header))
        abort();
}

static int forward_add(void *o, const struct user_forward *f, char *why,
                       size_t size) { return 0; }
static int forward_remove(void *o, const struct user_forward *f) { return 0; }
static bool no_poll(void *o) { return false; }
static uint64_t no_deadline(void *o) { return UINT64_MAX; }
static int no_text(void *o, char *buf, size_t size) { return 0; }

static const struct user_outside_ops outside = {
    .name = "fuzz", .create = made, .destroy = gone,
    .from_guest = from_guest, .forward_add = forward_add,
    .forward_remove = forward_remove, .poll = no_poll,
    .deadline = no_deadline, .format = no_text,
};

/* Frames to the guest are whole, and their packets right. */
static void to_guest(struct nic *nic, struct nic_buf *buf)
{
    const uint8_t *ip = buf->data + 14;

    if (buf->len < 14 || buf->len > 1514)
        abort();
    if (get16(buf->data + 12) == 0x0800 &&
        (buf->len < 34 || get16(ip + IP_LENGTH) + 14u != buf->len ||
         checksum(ip, ip_header_length(ip))))
        abort();
    buf->free(buf);
}

static void buf_free(struct nic_buf *buf)
{
    free(buf->data);
    free(buf);
}

/* A header that is right in most, for those that answer and others. */
static void write_header(struct input *in, uint8_t *ip, size_t len)
{
    static const uint32_t to[] = { 0x0a000202, 0x0a000203, 0x0a000264,
                                   0x0a0002ff, 0xffffffff, 0xc6336401,
                                   0x0a000210, 0xe0000001 };
    static const uint8_t protocols[] = { PROTO_UDP, PROTO_ICMP, PROTO_TCP,
                                         47 };
    uint8_t how = input_u8(in), what = input_u8(in);

    if (how & 1)
        ip_header_write(ip, protocols[what & 3], what & 4 ? 0 : GUEST,
                        to[what >> 3 & 7], len - IP_HEADER);
    if (how & 2)
        put16(ip + IP_FRAGMENT, input_u16(in) & (IP_MORE | 7));
    if (how & 4)
        ip[IP_TTL] = what >> 6;
    if (how & 8 && ip_header_length(ip) <= len) {
        put16(ip + IP_SUM, 0);
        put16(ip + IP_SUM, checksum(ip, ip_header_length(ip)));
    }
    if (how & 16 && len >= IP_HEADER + 8) {
        put16(ip + IP_HEADER + 4, len - IP_HEADER);     /* of UDP */
        put16(ip + IP_HEADER + 6, 0);
    }
    if (how & 32 && len >= IP_HEADER + 8) {
        put16(ip + IP_HEADER, ICMP_ECHO << 8);
        put16(ip + IP_HEADER + 2, 0);
        put16(ip + IP_HEADER + 2, checksum(ip + IP_HEADER, len - IP_HEADER));
    }
}

static void send(struct input *in, struct nic *nic)
{
    size_t n = input_u16(in) % 1515;
    struct nic_buf *buf = calloc(1, sizeof *buf);
    static const uint8_t head[14] = { 0x52, 0x55, 10, 0, 2, 2,
                                      0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 0 };
    uint8_t how = input_u8(in);

    /* Of its own length: the sanitizer sees a read behind it. */
    *buf = (struct nic_buf){ .data = calloc(1, n ? n : 1), .len = n,
                             .free = buf_free };
    for (size_t i = 0; i < n && i < 80u && input_more(in); i++)
        buf->data[i] = input_u8(in);
    if (n >= 14 && how & 3)
        memcpy(buf->data, head, sizeof head);
    if (n >= 14 && (how & 3) == 2)
        buf->data[13] = 6;      /* ARP */
    else if (n >= 14 + IP_HEADER && how & 3)
        write_header(in, buf->data + 14, n - 14);
    if (nic->ops->transmit(nic, buf))
        buf_free(buf);
    nic->ops->poll(nic, 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct user_site site = { .machine = "box", .outside = &outside };
    struct input in = { data, size };
    uint8_t how = input_u8(&in);
    struct nic *nic;
    char why[160];

    if (how & 1) {
        put_together(&in);
        return 0;
    }
    if (user_net_create(how & 2 ? "restrict=on,guestfwd=tcp:10.0.2.100:1-"
                                  "tcp:127.0.0.1:1"
                                : "nameserver=127.0.0.1", &site, &nic, why,
                        sizeof why))
        abort();
    nic->receive = to_guest;
    nic->ops->open(nic);
    while (input_more(&in))
        send(&in, nic);
    nic->ops->close(nic);
    nic->ops->destroy(nic);
    return 0;
}
