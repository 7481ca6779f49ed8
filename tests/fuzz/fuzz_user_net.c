/*
 * What a guest sends into a user net - frames, headers, fragments, DHCP, TCP -
 * and what the outside has for it, by the host's sockets and as a translator
 * gives it, while the guest has room or none; by themselves, pieces of packets
 * in any order.
 */
// covers: kernel/net/user/input.c kernel/net/user/services.c
// covers: kernel/net/user/output.c kernel/net/user/reassembly.c
// covers: kernel/net/user/icmp.c kernel/net/user/neighbours.c
// covers: kernel/net/user/inside.c kernel/net/user/sockets.c
// covers: kernel/net/user/sockets_tcp.c kernel/net/user/sockets_flow.c
// covers: kernel/net/user/sockets_udp.c kernel/net/user/sockets_ping.c
#include <stdlib.h>
#include <string.h>

#include "fake_outside.h"
#include "input.h"
#include "kernel/net/icmp_types.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/impl.h"
#include "kernel/net/user/sockets.h"
#include "lwip/init.h"

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

static struct user_net *net;
static struct nic *nic;
static bool is_full;            /* the guest takes nothing */
static uint8_t last[NIC_MAX_FRAME];     /* what it got last, an IP packet */
static size_t last_len;

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

static const struct user_outside_ops translator = {
    .name = "fuzz", .create = made, .destroy = gone,
    .from_guest = from_guest, .forward_add = forward_add,
    .forward_remove = forward_remove, .poll = no_poll,
    .deadline = no_deadline, .format = no_text,
};

/* Frames to the guest are whole, and their packets right. */
static void to_guest(struct nic *n, struct nic_buf *buf)
{
    const uint8_t *ip = buf->data + 14;

    if (buf->len < 14 || buf->len > 1514)
        abort();
    if (get16(buf->data + 12) == 0x0800) {
        if (buf->len < 34 || get16(ip + IP_LENGTH) + 14u != buf->len ||
            checksum(ip, ip_header_length(ip)))
            abort();
        last_len = buf->len - 14;
        memcpy(last, ip, last_len);
    }
    buf->free(buf);
}

static unsigned room(struct nic *n) { return is_full ? 0 : ~0u; }

/* ---- The guest's frames -------------------------------------------------- */

static const uint8_t guest_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

static void buf_free(struct nic_buf *buf)
{
    free(buf->data);
    free(buf);
}

/* Of its own length: the sanitizer sees a read behind it. */
static void send_frame(const uint8_t *frame, size_t len)
{
    struct nic_buf *buf = calloc(1, sizeof *buf);

    *buf = (struct nic_buf){ .data = malloc(len ? len : 1), .len = len,
                             .free = buf_free };
    memcpy(buf->data, frame, len);
    if (nic->ops->transmit(nic, buf))
        buf_free(buf);
    nic->ops->poll(nic, 64);
}

static void send_ip(const uint8_t *ip, size_t len)
{
    uint8_t frame[NIC_MAX_FRAME] = { 0x52, 0x55, 10, 0, 2, 2 };

    memcpy(frame + 6, guest_mac, 6);
    put16(frame + 12, ETHERTYPE_IP);
    memcpy(frame + 14, ip, len);
    send_frame(frame, 14 + len);
}

static uint32_t destination(uint8_t how)
{
    static const uint32_t to[] = { 0x0a000202, 0x0a000203, 0x0a000264,
                                   0x0a0002ff, 0xffffffff, 0xc6336401,
                                   0x0a000210, 0xe0000001 };

    return to[how & 7];
}

/* A header that is right in most, for those that answer and others. */
static void write_header(struct input *in, uint8_t *ip, size_t len)
{
    static const uint8_t protocols[] = { PROTO_UDP, PROTO_ICMP, PROTO_TCP,
                                         47 };
    uint8_t how = input_u8(in), what = input_u8(in);

    if (how & 1)
        ip_header_write(ip, protocols[what & 3], what & 4 ? 0 : GUEST,
                        destination(what >> 3), len - IP_HEADER);
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

/* Bytes of the input's, some of them put right. */
static void send_any(struct input *in)
{
    static const uint8_t head[14] = { 0x52, 0x55, 10, 0, 2, 2,
                                      0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 0 };
    size_t n = input_u16(in) % 1515;
    uint8_t how = input_u8(in), frame[NIC_MAX_FRAME] = { 0 };

    for (size_t i = 0; i < n && i < 80u && input_more(in); i++)
        frame[i] = input_u8(in);
    if (n >= 14 && how & 3)
        memcpy(frame, head, sizeof head);
    if (n >= 14 && (how & 3) == 2)
        frame[13] = 6;          /* ARP */
    else if (n >= 14 + IP_HEADER && how & 3)
        write_header(in, frame + 14, n - 14);
    send_frame(frame, n);
}

/* "I am at `addr`", for what waits for it. */
static void send_arp(struct input *in)
{
    static const uint8_t shape[8] = { 0, 1, 8, 0, 6, 4, 0, 2 };
    uint8_t frame[42] = { 0x52, 0x55, 10, 0, 2, 2 }, how = input_u8(in);

    memcpy(frame + 6, guest_mac, 6);
    put16(frame + 12, ETHERTYPE_ARP);
    memcpy(frame + 14, shape, sizeof shape);
    frame[21] = how & 1 ? 1 : 2;
    memcpy(frame + 22, guest_mac, 6);
    put32(frame + 28, how & 2 ? destination(how >> 2) : GUEST + (how >> 2 & 7));
    put32(frame + 38, destination(how >> 5));
    send_frame(frame, sizeof frame);
}

static void send_udp(struct input *in, uint32_t from, uint32_t to,
                     uint16_t from_port, uint16_t to_port,
                     const uint8_t *data, size_t len)
{
    uint8_t ip[1500], *udp = ip + IP_HEADER;

    put16(udp, from_port);
    put16(udp + 2, to_port);
    put16(udp + 4, 8 + len);
    put16(udp + 6, 0);
    memcpy(udp + 8, data, len);
    if (input_u8(in) & 1)
        put16(udp + 6, checksum_segment(from, to, PROTO_UDP, udp, 8 + len));
    ip_header_write(ip, PROTO_UDP, from, to, 8 + len);
    send_ip(ip, IP_HEADER + 8 + len);
}

static void send_dhcp(struct input *in)
{
    uint8_t data[300] = { 1, 1, 6 }, how = input_u8(in);

    memcpy(data + 28, guest_mac, 6);
    data[33] += how >> 5;
    put32(data + 236, 0x63825363);
    data[240] = 53;
    data[241] = 1;
    data[242] = how & 7;
    for (size_t i = 243; i < 260; i++)
        data[i] = how & 8 ? input_u8(in) : 255;
    send_udp(in, how & 16 ? GUEST : 0, how & 16 ? 0x0a000202 : 0xffffffff, 68,
             67, data, sizeof data);
}

/* To the services, a forward's peers and others, with the input's bytes. */
static void send_datagram(struct input *in)
{
    static const uint16_t ports[8] = { 53, 69, 7, 2000, 67, 1, 53, 33434 };
    static const uint8_t dns[17] = { 0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                                     1, 'a', 0, 0, 1 };
    uint8_t data[64] = { 0 }, how = input_u8(in), n = input_u8(in) % 64;

    if (how & 0x40) {
        memcpy(data, dns, sizeof dns);
        data[sizeof dns + 1] = 1;
        n = sizeof dns + 2;
    } else {
        for (size_t i = 0; i < n; i++)
            data[i] = input_u8(in);
    }
    send_udp(in, GUEST, destination(how >> 3), how & 0x80 ? 80 : 1025,
             ports[how & 7], data, n);
}

/* A segment of its own, or the answer to the last that it got. */
static void send_tcp(struct input *in)
{
    static const uint16_t ports[4] = { 1, 53, 80, 2 };
    uint8_t ip[1500] = { 0 }, *tcp = ip + IP_HEADER, how = input_u8(in);
    size_t data = how & 4 ? input_u8(in) * 5u : 0, header, got;
    uint32_t to = destination(input_u8(in));

    put16(tcp, 4000 + (how >> 6));
    put16(tcp + 2, ports[how >> 4 & 3]);
    put32(tcp + 4, 1000);
    tcp[13] = how & 8 ? input_u8(in) : 2;
    if (how & 1 && last_len >= 40 && last[IP_PROTOCOL] == PROTO_TCP) {
        const uint8_t *l = last + (header = ip_header_length(last));

        got = last_len - header - (l[12] >> 4) * 4u + (l[13] & 1) +
              (l[13] >> 1 & 1);
        to = get32(last + IP_SOURCE);
        memcpy(tcp, l + 2, 2);
        memcpy(tcp + 2, l, 2);
        memcpy(tcp + 4, l + 8, 4);
        put32(tcp + 8, get32(l + 4) + got);
        tcp[13] = how & 8 ? tcp[13] : l[13] == 2 ? 0x12 : 0x18;
    }
    tcp[12] = 5 << 4;
    put16(tcp + 14, how & 2 ? 65535 : input_u16(in));
    put16(tcp + 16, checksum_segment(GUEST, to, PROTO_TCP, tcp, 20 + data));
    ip_header_write(ip, PROTO_TCP, GUEST, to, 20 + data);
    send_ip(ip, IP_HEADER + 20 + data);
}

static void send_echo(struct input *in)
{
    uint8_t ip[128] = { 0 }, *icmp = ip + IP_HEADER, how = input_u8(in);
    size_t len = 8 + (how >> 3);

    icmp[0] = how & 0x80 ? input_u8(in) & 15 : ICMP_ECHO;
    icmp[5] = how >> 6;
    put16(icmp + 2, checksum(icmp, len));
    ip_header_write(ip, PROTO_ICMP, GUEST, destination(how), len);
    send_ip(ip, IP_HEADER + len);
}

/* ---- What comes for it --------------------------------------------------- */

/* As a translator has it: any packet whose header is right. */
static void from_translator(struct input *in)
{
    uint8_t how = input_u8(in);
    size_t len = input_u8(in) * (how & 1 ? 24u : 4u), options = how >> 5 & 1;
    size_t header = IP_HEADER + 4 * options;
    uint8_t *ip = calloc(1, header + len);

    ip_header_write(ip, PROTO_UDP, destination(input_u8(in)),
                    how & 2 ? destination(how >> 3) : GUEST + (how >> 6),
                    len + 4 * options);
    ip[0] += options;
    put16(ip + IP_ID, how & 4 ? 7 : 0);
    put16(ip + IP_FRAGMENT, (how & 8 ? IP_DONT_FRAGMENT : 0) |
          (how & 16 ? IP_MORE | 3 : 0));
    put16(ip + IP_SUM, 0);
    put16(ip + IP_SUM, checksum(ip, header));
    if (how == 0xff)
        user_net_icmp_error(net, ICMP_UNREACHABLE, 4, 1400, ip, header + len);
    else
        user_net_to_guest(net, ip, header + len);
    free(ip);
}

static void step(struct input *in)
{
    uint8_t what = input_u8(in);

    switch (what & 15) {
    case 0:
        send_dhcp(in);
        break;
    case 1:
        send_arp(in);
        break;
    case 2:
    case 3:
        send_datagram(in);
        break;
    case 4:
    case 5:
    case 6:
        send_tcp(in);
        break;
    case 7:
        send_echo(in);
        break;
    case 8:
        from_translator(in);
        break;
    case 9:
    case 10:
    case 11:
    case 12:
        outside_event(in);
        break;
    case 13:
        is_full = what & 16;
        nic->ops->poll(nic, 64);
        if (what & 32)
            user_pending_expire(net, UINT64_MAX);
        break;
    default:
        send_any(in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const settings[4] = {
        "nameserver=198.51.100.1", "tftp=/nonexistent,hostfwd=tcp::80-:80,"
        "hostfwd=udp::81-:80,guestfwd=tcp:10.0.2.100:2-cmd:cat",
        "restrict=on,guestfwd=tcp:10.0.2.100:1-tcp:127.0.0.1:1",
        "nameserver=198.51.100.1,nameserver=198.51.100.2",
    };
    static bool ready;
    static char text[8192];
    struct user_site site = { .machine = "box" };
    struct input in = { data, size };
    uint8_t how = input_u8(&in);
    char why[160];

    if ((how & 7) == 1) {
        put_together(&in);
        return 0;
    }
    if (!ready)
        lwip_init();
    ready = true;
    outside_in = &in;
    is_full = false;
    last_len = 0;
    site.outside = how & 8 ? &translator : &user_sockets;
    if (user_net_create(settings[how >> 4 & 3], &site, &nic, why, sizeof why))
        abort();
    net = user_net_of(nic);
    nic->receive = to_guest;
    nic->room = room;
    nic->ops->open(nic);
    while (input_more(&in))
        step(&in);
    user_net_format(net, text, sizeof text);
    nic->ops->close(nic);
    nic->ops->destroy(nic);
    outside_check();
    return 0;
}
