/* See fake_user_guest.h. */
#include "fake_user_guest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/packet.h"
#include "kernel/net/user/user_net.h"

const uint8_t fake_guest_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

static void receive(struct nic *nic, struct nic_buf *buf)
{
    struct fake_guest *g = nic->upper;

    if (g->count < FAKE_GUEST_FRAMES) {
        memcpy(g->frame[g->count], buf->data, buf->len);
        g->len[g->count++] = buf->len;
    }
    buf->free(buf);
}

static unsigned room(struct nic *nic)
{
    const struct fake_guest *g = nic->upper;

    return g->full ? 0 : ~0u;
}

void fake_guest_plug(struct fake_guest *g, struct nic *nic)
{
    g->nic = nic;
    g->count = 0;
    g->full = false;
    nic->room = room;
    nic->upper = g;
    nic->receive = receive;
    nic->ops->open(nic);
}

void fake_guest_unplug(struct fake_guest *g)
{
    g->nic->ops->close(g->nic);
    g->nic->ops->destroy(g->nic);
}

bool fake_user_net_says(struct user_net *un, const char *text)
{
    static char all[32768];

    user_net_format(un, all, sizeof all);
    return strstr(all, text) != NULL;
}

static void buf_free(struct nic_buf *buf)
{
    free(buf->data);
    free(buf);
}

void fake_guest_sends(struct fake_guest *g, const uint8_t *frame, size_t len)
{
    struct nic_buf *buf = calloc(1, sizeof *buf);

    /* Of its own length, so that a read behind it is seen. */
    *buf = (struct nic_buf){ .data = malloc(len ? len : 1), .len = len,
                             .free = buf_free };
    memcpy(buf->data, frame, len);
    if (g->nic->ops->transmit(g->nic, buf))
        buf_free(buf);
    g->nic->ops->poll(g->nic, 64);
}

void fake_guest_sends_ip(struct fake_guest *g, const uint8_t *ip, size_t len)
{
    uint8_t frame[NIC_MAX_FRAME] = { 0x52, 0x55, 10, 0, 2, 2 };

    memcpy(frame + 6, fake_guest_mac, 6);
    put16(frame + 12, 0x0800);
    memcpy(frame + 14, ip, len);
    fake_guest_sends(g, frame, 14 + len);
}

size_t fake_packet(uint8_t *ip, uint8_t protocol, uint32_t source,
                   uint32_t to, const void *payload, size_t len)
{
    memmove(ip + IP_HEADER, payload, len);
    ip_header_write(ip, protocol, source, to, len);
    return IP_HEADER + len;
}

size_t fake_udp(uint8_t *ip, uint32_t source, uint16_t source_port,
                uint32_t to, uint16_t to_port, const void *data, size_t len)
{
    uint8_t udp[1500];

    put16(udp, source_port);
    put16(udp + 2, to_port);
    put16(udp + 4, 8 + len);
    put16(udp + 6, 0);
    memcpy(udp + 8, data, len);
    put16(udp + 6, checksum_segment(source, to, PROTO_UDP, udp, 8 + len));
    return fake_packet(ip, PROTO_UDP, source, to, udp, 8 + len);
}

const uint8_t *fake_guest_ip(const struct fake_guest *g, unsigned i)
{
    assert(i < g->count && g->len[i] >= 14 + IP_HEADER);
    return g->frame[i] + 14;
}
