/*
 * XMODEM and YMODEM against a sender of which the input says what it does next:
 * packets, right or damaged, words of the protocol, bytes that are none, or
 * silence; on a clock that only waiting moves. What is received is what good
 * packets had, and it comes to an end.
 */
// covers: kernel/receive/modem.c
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/platform.h"
#include "kernel/receive/modem.h"
#include "tests/fuzz/input.h"

#define BYTE_NS UINT64_C(10000000)      /* slow, so that few last long */
#define READS_MOST 200000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct input in;
static struct modem m;
static uint64_t now_ns, reads;
static uint8_t packet[MODEM_PACKET_MAX + 5];
static size_t packet_at, packet_len;
static uint8_t number;          /* of the next packet, if all goes well */
static bool repeats;            /* what was last, when the input is used up */
static int error;               /* of the line */

uint64_t platform_now_ns(void) { return now_ns; }

/* ---- The sender ---------------------------------------------------------- */

static unsigned crc(const uint8_t *data, size_t len)
{
    unsigned sum = 0;

    for (size_t bit = 0; bit < (len + 2) * 8; bit++) {
        uint8_t byte = bit / 8 < len ? data[bit / 8] : 0;

        sum = sum << 1 | (byte >> (7 - bit % 8) & 1);
        if (sum & 0x10000)
            sum ^= 0x11021;
    }
    return sum;
}

/* `how`: 1: 1024 bytes; 2: another number; 4: one bit is wrong. */
static void make_packet(uint8_t how, const char *text, size_t text_len)
{
    size_t len = how & 1 ? 1024 : 128;
    uint8_t fill = input_u8(&in), sum = 0;

    if (how & 2)
        number = input_u8(&in);
    packet[0] = how & 1 ? 2 : 1;
    packet[1] = number;
    packet[2] = 255 - number;
    memset(packet + 3, fill, len);
    memcpy(packet + 3, text, text_len);
    for (size_t i = 0; i < len; i++)
        sum += packet[3 + i];
    packet[3 + len] = m.crc ? (uint8_t)(crc(packet + 3, len) >> 8) : sum;
    packet[4 + len] = (uint8_t)crc(packet + 3, len);
    packet_len = len + (m.crc ? 5 : 4);
    if (how & 4)
        packet[input_u16(&in) % packet_len] ^= 1 << input_u8(&in) % 8;
    packet_at = 0;
    number++;
}

static void make_header(uint8_t how)
{
    static const char *const headers[] = {
        "name\0" "200 7 0", "\0", "name\0", "name\0" "99999999999999999999",
        "\x1b[2J\0" "0", "name\0" "1024", "n\0x",
    };
    const char *h = headers[how % (sizeof headers / sizeof *headers)];
    size_t name = strlen(h) + 1;

    number = 0;
    make_packet(0, h, name + strlen(h + (*h ? name : 0)));
}

/* The next thing that it says; 0: nothing. */
static void say(void)
{
    static const uint8_t words[] = { 4, 24, 3, 6, 21, 'C', 1, 2 };
    uint8_t what = input_u8(&in);

    packet_len = packet_at = 0;
    if (what < 96) {
        make_packet(what & 7 & (what & 8 ? 7 : 1), "", 0);
    } else if (what < 128) {
        make_header(what);
    } else if (what < 176) {
        number -= what & 1;             /* what was said before, again */
        make_packet(0, "", 0);
    } else if (what < 240) {
        packet_len = 1 + (what >> 3 & 1);
        memset(packet, words[what % sizeof words], packet_len);
    } else if (what >= 254) {
        error = what == 254 ? -EPIPE : -ECANCELED;
    }
}

/* Where the input has ended: silence, or the same for ever. */
static bool has_more(void)
{
    if (packet_at < packet_len)
        return true;
    if (input_more(&in))
        say();
    else if (repeats && packet_len)
        packet_at = 0;
    return packet_at < packet_len;
}

static ssize_t line_read(void *ctx, uint8_t *buf, size_t size,
                         uint64_t deadline)
{
    size_t n;

    if (++reads > READS_MOST)
        abort();                        /* it does not come to an end */
    if (deadline < now_ns)
        abort();
    if (!has_more()) {
        now_ns = deadline;
        return error;
    }
    n = packet_len - packet_at < size ? packet_len - packet_at : size;
    memcpy(buf, packet + packet_at, n);
    packet_at += n;
    now_ns += n * BYTE_NS;
    return (ssize_t)n;
}

static void line_write(void *ctx, const uint8_t *data, size_t len)
{
    if (!len)
        abort();
}

/* ---- The receiver -------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct modem_line line = { line_read, line_write, NULL };
    uint8_t buf[700], what;
    uint64_t all = 0;
    ssize_t n;

    in = (struct input){ data, size };
    what = input_u8(&in);
    now_ns = reads = packet_at = packet_len = 0;
    error = 0;
    repeats = what & 2;
    number = !(what & 1);
    modem_init(&m, &line, what & 1);
    while ((n = modem_read(&m, buf, 1 + what % sizeof buf)) > 0)
        all += (uint64_t)n;
    if (modem_read(&m, buf, sizeof buf) != n || (n && !*m.why) ||
        !memchr(m.name, '\0', sizeof m.name) || m.at > m.len ||
        all > m.packets * (uint64_t)MODEM_PACKET_MAX ||
        (m.size != UINT64_MAX && (all > m.size || (!n && all != m.size))))
        abort();
    modem_close(&m);
    return 0;
}
