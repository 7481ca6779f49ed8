/*
 * The framing of -net socket over TCP, and its settings: a stream cut anywhere
 * gives the same frames, none longer than a NIC's, and nothing is read or
 * written out of place.
 */
// covers: kernel/net/tunnel_frames.c kernel/net/tunnel_options.c
#include <stdlib.h>
#include <string.h>

#include "kernel/net/tunnel_frames.h"
#include "kernel/net/tunnel_options.h"
#include "tests/fuzz/input.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tunnel_config c;
    struct seen whole, cut;
    char text[512], why[160];
    bool ok;

    if (size < 2)
        return 0;
    if (data[0] & 1) {
        size_t n = size - 1 < sizeof text - 1 ? size - 1 : sizeof text - 1;

        memcpy(text, data + 1, n);
        text[n] = '\0';
        if (tunnel_parse(text, &c, why, sizeof why) && !c.to.port)
            abort();
        return 0;
    }
    ok = feed(data + 2, size - 2, size, &whole);
    if (feed(data + 2, size - 2, data[1] % 97 + 1, &cut) != ok ||
        whole.count != cut.count || whole.bytes != cut.bytes ||
        whole.hash != cut.hash)
        abort();
    return 0;
}
