/*
 * A client of the gdb stub that sends anything: whole packets of words that
 * mean something with good checksums, and raw bytes. Nothing outside of its
 * machine is touched, replies are well-formed, and what is taken comes to an
 * end.
 */
// covers: kernel/debug/gdb_session.c kernel/debug/gdb_state.c
// covers: kernel/debug/gdb_query.c kernel/debug/gdb_packet.c
// covers: kernel/debug/gdb_registers.c emu/cpu/poke.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/input.h"
#include "tests/unit/fake_gdb.h"

static const char *const words[] = {
    "g", "G", "p", "P", "m", "M", "X", "c", "s", "C", "S", "vCont;", "vCont?",
    "Z0,", "z2,", "Z4,", "H", "T", "D", "k", "qRcmd,", "qSupported:", "?",
    "qXfer:features:read:target.xml:", "QStartNoAckMode", "qC", "1000", "2ff0",
    "ffffffffffffffff", ",", ":", "=", ";", "0", "4", "800", "7f", "}",
    "swbreak+",
    "00112233445566778899aabbccddeeff",
};

/* Only acknowledgements and packets with their checksum. */
static void check(const struct gdb_session *s)
{
    struct gdb_reader r = { .len = 0 };

    if (s->out_len > sizeof s->out)
        abort();
    for (size_t i = 0; i < s->out_len; i++)
        if (gdb_reader_take(&r, (uint8_t)s->out[i]) == GDB_DAMAGED)
            abort();
    if (s->out_len && r.state != GDB_OUTSIDE)
        abort();
}

static void give(struct gdb_session *s, const char *data, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t n = gdb_session_input(s, data + at, len - at);

        check(s);
        if (!n && !s->out_len)
            abort();            /* it would wait for ever */
        gdb_session_sent(s, s->out_len);
        at += n;
    }
}

static void packet(struct gdb_session *s, struct input *in)
{
    char data[GDB_PACKET], frame[GDB_FRAME];
    unsigned parts = input_u8(in) % 12;
    size_t len = 0;

    while (parts--) {
        unsigned w = input_u8(in);
        const char *word = words[w % (sizeof words / sizeof *words)];
        size_t n = strlen(word);

        if (w >= 0xe0) {
            data[len++] = (char)input_u8(in);
        } else if (len + n < sizeof data - 16) {
            memcpy(data + len, word, n);
            len += n;
        }
    }
    give(s, frame, gdb_frame(frame, data, len));
}

static void raw(struct gdb_session *s, struct input *in)
{
    unsigned n = input_u8(in);

    while (n-- && input_more(in)) {
        char c = (char)input_u8(in);

        give(s, &c, 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gdb_session s;
    static struct fake_gdb fake;
    struct input in = { data, size };

    fake_gdb_init(&fake, input_u8(&in) & 1 ? "trestle64" : "trestle32");
    fake.says = "a line\nanother\n";
    gdb_session_init(&s, &fake_gdb_target, &fake, true);
    while (input_more(&in) && !s.over) {
        unsigned what = input_u8(&in);

        if (what < 0xc0)
            packet(&s, &in);
        else if (what < 0xe0)
            raw(&s, &in);
        else
            fake.state = (enum gdb_state)(what & 3);
        fake.refuse = what == 0xc1 ? -16 : 0;
        gdb_session_poll(&s);
        check(&s);
        gdb_session_sent(&s, s.out_len);
    }
    return 0;
}
