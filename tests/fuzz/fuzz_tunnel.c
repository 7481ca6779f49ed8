/*
 * The framing of -net socket over TCP, and its settings: a stream cut anywhere
 * gives the same frames, none longer than a NIC's, and nothing is read or
 * written out of place.
 */
// covers: kernel/net/tunnel_frames.c kernel/net/tunnel_options.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/tunnel_frames.h"
#include "kernel/net/tunnel_options.h"

struct seen {
    size_t count, bytes;
    uint64_t hash;
};

static void take(void *ctx, const uint8_t *frame, size_t len)
{
    struct seen *s = ctx;

    s->count++;
    s->bytes += len;
    if (!frame != (len > NIC_MAX_FRAME))
        abort();
    for (size_t i = 0; frame && i < len; i++)
        s->hash = s->hash * 31 + frame[i];
}

/* All that there is, `cut` bytes at a time. */
static bool feed(const uint8_t *data, size_t len, size_t cut, struct seen *s)
{
    struct tunnel_reader r = { .want = 0 };

    *s = (struct seen){ 0 };
    for (size_t at = 0; at < len; at += cut) {
        size_t n = len - at < cut ? len - at : cut;
        uint8_t *copy = malloc(n);      /* so that its end is seen */
        bool ok;

        memcpy(copy, data + at, n);
        ok = tunnel_reader_feed(&r, copy, n, take, s);
        free(copy);
        if (!ok)
            return false;
    }
    return true;
}

/* Settings, of words that mean something and bytes that need not. */
static void try_settings(const uint8_t *data, size_t size)
{
    static const char *const words[] = {
        "listen=", "connect=", "mcast=", "udp=", "localaddr=", ",", ":",
        "1", "65535", "65536", "0", "224.0.0.1", "239.1.2.3:5", "10.0.0.1",
        "127.0.0.1:80", "host", "=", "fd=",
    };
    struct tunnel_config c;
    char text[512] = "", why[160];
    size_t n = 0;

    for (size_t i = 0; i < size && n < sizeof text - 32; i++) {
        if (data[i] < 0xc0)
            n += (size_t)sprintf(text + n, "%s", words[data[i] %
                                 (sizeof words / sizeof *words)]);
        else
            text[n++] = (char)(data[i] - 0x80);
        text[n] = '\0';
    }
    if (tunnel_parse(text, &c, why, sizeof why) && !c.to.port)
        abort();
    if (tunnel_check(text, why, sizeof why) !=
        tunnel_parse(text, &c, why, sizeof why))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, cut;
    bool ok;

    if (size < 2)
        return 0;
    if (data[0] & 1) {
        try_settings(data + 1, size - 1);
        return 0;
    }
    ok = feed(data + 2, size - 2, size, &whole);
    if (feed(data + 2, size - 2, data[1] % 97 + 1, &cut) != ok ||
        whole.count != cut.count || whole.bytes != cut.bytes ||
        whole.hash != cut.hash)
        abort();
    return 0;
}
