/*
 * Telnet against any bytes of its other end, and two ends against each other:
 * answers have an end and stay in their buffer, and what is said is heard.
 */
// covers: kernel/chardev/telnet.c
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "kernel/chardev/telnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Carry answers to and fro until there are none. */
static void settle(struct telnet *a, struct telnet *b)
{
    for (unsigned rounds = 0; a->reply_len || b->reply_len; rounds++) {
        struct telnet *from = rounds % 2 ? b : a, *to = rounds % 2 ? a : b;
        uint8_t c;

        if (rounds > 8)
            abort();            /* they answer each other for ever */
        for (size_t i = 0; i < from->reply_len; i++)
            if (telnet_is_full(to) ||
                telnet_input(to, from->reply[i], &c) != TELNET_NOTHING)
                abort();
        from->reply_len = 0;
    }
}

static void pass(struct telnet *from, struct telnet *to, uint8_t c)
{
    uint8_t out[TELNET_OUT], heard;
    size_t n = telnet_output(from, c, out);
    unsigned count = 0;

    if (!n || n > TELNET_OUT)
        abort();
    for (size_t i = 0; i < n; i++)
        if (telnet_input(to, out[i], &heard) == TELNET_DATA) {
            count++;
            if (heard != c)
                abort();
        }
    if (count != 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct telnet hostile, server, client;
    uint8_t c;

    if (size < 1)
        return 0;
    telnet_init(&hostile, data[0] & 1);
    for (size_t i = 1; i < size; i++) {
        if (telnet_is_full(&hostile))
            hostile.reply_len = 0;
        telnet_input(&hostile, data[i], &c);
        if (hostile.reply_len > TELNET_REPLY)
            abort();
    }
    telnet_init(&server, true);
    telnet_init(&client, false);
    settle(&server, &client);
    for (size_t i = 1; i < size; i++)
        if (i % 2)
            pass(&server, &client, data[i]);
        else
            pass(&client, &server, data[i]);
    return 0;
}
