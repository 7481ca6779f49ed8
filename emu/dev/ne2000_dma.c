/*
 * Remote DMA (9.0): the guest's way into the PROM and the packet memory.
 *
 * One address counter, which goes from PSTOP to PSTART. A strobe moves its
 * width; only a byte strobe in word mode moves a word, of which it shows
 * the low half.
 */
#include <string.h>

#include "emu/dev/ne2000_internal.h"

/*
 * The piece of memory at `addr`, cut at its end and at *len; NULL if nothing
 * is there.
 */
static uint8_t *memory_at(struct ne2000 *s, uint16_t addr, uint32_t *len)
{
    uint8_t *at = NULL;
    uint32_t end;

    if (addr < NE_PROM_BYTES) {
        at = s->prom + addr;
        end = NE_PROM_BYTES;
    } else if (addr < NE_RAM_START) {
        end = NE_RAM_START;
    } else if (addr < NE_RAM_END) {
        at = s->ram + (addr - NE_RAM_START);
        end = NE_RAM_END;
    } else {
        end = 0x10000;
    }
    if (*len > end - addr)
        *len = end - addr;
    return at;
}

/* Bytes from RSAR up to where the counter wraps. */
static uint32_t to_wrap(const struct ne2000 *s)
{
    uint32_t stop = s->pstop * NE_PAGE;

    return (s->rsar < stop ? stop : 0x10000u) - s->rsar;
}

static void advance(struct ne2000 *s, uint32_t n)
{
    s->rsar += n;
    if (s->rsar == s->pstop * NE_PAGE && s->pstart < s->pstop)
        s->rsar = s->pstart * NE_PAGE;
}

static void copy_out(struct ne2000 *s, uint8_t *buf, uint32_t len)
{
    while (len) {
        uint32_t n = to_wrap(s);
        const uint8_t *from;

        if (n > len)
            n = len;
        from = memory_at(s, s->rsar, &n);
        if (from) {
            memcpy(buf, from, n);
        } else {
            memset(buf, 0xff, n);
            ne_refuse(s, "ne2000: remote read outside memory");
        }
        advance(s, n);
        buf += n;
        len -= n;
    }
}

static void copy_in(struct ne2000 *s, const uint8_t *buf, uint32_t len)
{
    while (len) {
        uint32_t n = to_wrap(s);
        uint8_t *to;

        if (n > len)
            n = len;
        to = memory_at(s, s->rsar, &n);
        if (to && s->rsar >= NE_RAM_START)
            memcpy(to, buf, n);
        else
            ne_refuse(s, "ne2000: remote write outside memory");
        advance(s, n);
        buf += n;
        len -= n;
    }
}

/* `n` bytes of the byte count are done; at 0 the command ends. */
static void counted(struct ne2000 *s, uint32_t n)
{
    s->rbcr = n < s->rbcr ? s->rbcr - n : 0;
    if (s->rbcr)
        return;
    if (s->remote == REMOTE_SEND)
        s->bnry = s->send_next;
    s->remote = REMOTE_NONE;
    ne_raise(s, ISR_RDC);
}

/* Send Packet (9.0): read the packet at BNRY, as its header says. */
static void send_packet(struct ne2000 *s)
{
    uint8_t header[4];

    s->rsar = s->bnry * NE_PAGE;
    copy_out(s, header, sizeof header);
    s->rsar = s->bnry * NE_PAGE;
    s->rbcr = header[2] | header[3] << 8;
    s->send_next = header[1];
    s->remote = REMOTE_SEND;
}

void ne_remote_command(struct ne2000 *s, uint8_t rd)
{
    static const enum ne_remote commands[4] = {
        REMOTE_NONE, REMOTE_READ, REMOTE_WRITE, REMOTE_SEND
    };

    if (rd & CR_RD_ABORT) {
        s->remote = REMOTE_NONE;
        return;
    }
    if (!rd)                    /* "not allowed": nothing changes */
        return;
    s->remote = commands[rd >> 3 & 3];
    if (s->remote == REMOTE_SEND)
        send_packet(s);
    if (!s->rbcr)
        counted(s, 0);
}

/* How many bytes of `count` strobes are covered by the byte count. */
static uint32_t bytes_left(const struct ne2000 *s, unsigned size, size_t count)
{
    uint32_t strobes = (s->rbcr + size - 1) / size;

    return (count < strobes ? count : strobes) * size;
}

static bool byte_of_word(const struct ne2000 *s, unsigned size)
{
    return size == 1 && (s->dcr & DCR_WTS);
}

void ne_data_read(struct ne2000 *s, unsigned size, uint8_t *buf, size_t count)
{
    size_t len = size * count;

    while (len && (s->remote == REMOTE_READ || s->remote == REMOTE_SEND)) {
        if (byte_of_word(s, size)) {
            uint8_t word[2];

            copy_out(s, word, sizeof word);
            *buf++ = word[0];
            len--;
            counted(s, sizeof word);
        } else {
            uint32_t n = bytes_left(s, size, len / size);

            copy_out(s, buf, n);
            buf += n;
            len -= n;
            counted(s, n);
        }
    }
    if (len) {
        memset(buf, 0xff, len);
        ne_refuse(s, "ne2000: data read without remote read");
    }
}

void ne_data_write(struct ne2000 *s, unsigned size, const uint8_t *buf,
                   size_t count)
{
    size_t len = size * count;

    while (len && s->remote == REMOTE_WRITE) {
        if (byte_of_word(s, size)) {
            uint8_t word[2] = { buf[0], 0 };

            copy_in(s, word, sizeof word);
            buf++;
            len--;
            counted(s, sizeof word);
        } else {
            uint32_t n = bytes_left(s, size, len / size);

            copy_in(s, buf, n);
            buf += n;
            len -= n;
            counted(s, n);
        }
    }
    if (len)
        ne_refuse(s, "ne2000: data write without remote write");
}
