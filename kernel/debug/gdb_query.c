/*
 * See gdb_session.h: the packets that ask ("General Query Packets").
 */
#include "kernel/debug/gdb_internal.h"

#include <errno.h>
#include <string.h>

#include "kernel/debug/gdb_registers.h"

#define XML_BYTES 8192u
#define O_BYTES 1024u           /* of a command's text in a packet */

static void q_supported(struct gdb_session *s, const char *args)
{
    s->swbreak = strstr(args, "swbreak+");
    gdb_reply(s, "PacketSize=%x;%sqXfer:features:read+;"
          "vContSupported+;swbreak+", GDB_PACKET,
          s->is_reliable ? "QStartNoAckMode+;" : "");
}

static void q_start_no_ack(struct gdb_session *s, const char *args)
{
    if (!s->is_reliable) {
        gdb_unsupported(s);
        return;
    }
    gdb_reply(s, "OK");
    s->no_ack = true;
}

/* "target.xml:OFFSET,LENGTH" */
static void q_features(struct gdb_session *s, const char *args)
{
    static const char annex[] = "target.xml:";
    static char xml[XML_BYTES];
    char text[GDB_PACKET];
    uint64_t at, len;
    size_t size = gdb_registers_xml(s->target->is_64bit(s->ctx), xml,
                                    sizeof xml);

    if (strncmp(args, annex, sizeof annex - 1)) {
        gdb_reply(s, "E00");
        return;
    }
    args += sizeof annex - 1;
    if (!gdb_range(&args, &at, &len) || *args || at > size) {
        gdb_reply_error(s, -EINVAL);
        return;
    }
    if (len > size - at)
        len = size - at;
    if (len > sizeof text - 1)
        len = sizeof text - 1;
    text[0] = at + len < size ? 'm' : 'l';
    memcpy(text + 1, xml + at, len);
    gdb_reply_bytes(s, text, len + 1);
}

/* What a monitor's command says goes back in packets of its own. */
static void send_text(struct gdb_session *s, const char *text)
{
    char packet[1 + 2 * O_BYTES + 1];
    size_t left = strlen(text);

    while (left) {
        size_t n = left < O_BYTES ? left : O_BYTES;

        packet[0] = 'O';
        gdb_to_hex(packet + 1, text, n);
        gdb_reply_bytes(s, packet, 1 + 2 * n);
        text += n;
        left -= n;
    }
}

static void q_monitor(struct gdb_session *s, const char *args)
{
    static char text[GDB_MONITOR_BYTES];        /* one command at a time */
    char line[256];
    size_t n = strlen(args) / 2;

    if (!n || n >= sizeof line || !gdb_from_hex(line, args, n)) {
        gdb_reply_error(s, -EINVAL);
        return;
    }
    line[n] = '\0';
    s->target->monitor(s->ctx, line, text, sizeof text);
    send_text(s, text);
    gdb_reply(s, "OK");
}

static void q_no_more(struct gdb_session *s, const char *args)
{
    gdb_reply(s, "l");
}

static void q_threads(struct gdb_session *s, const char *args)
{
    gdb_reply(s, "m01");
}

static void q_thread(struct gdb_session *s, const char *args)
{
    gdb_reply(s, "QC01");
}

static void q_attached(struct gdb_session *s, const char *args)
{
    gdb_reply(s, "1");
}

static const struct query {
    const char *name;           /* up to the arguments */
    void (*run)(struct gdb_session *s, const char *args);
} queries[] = {
    { "qSupported", q_supported }, { "QStartNoAckMode", q_start_no_ack },
    { "qXfer:features:read:", q_features }, { "qRcmd,", q_monitor },
    { "qfThreadInfo", q_threads }, { "qsThreadInfo", q_no_more },
    { "qC", q_thread }, { "qAttached", q_attached },
};

void gdb_cmd_query(struct gdb_session *s, const char *args)
{
    const char *name = args - 1;

    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        size_t n = strlen(queries[i].name);
        bool takes_any = strchr(",:", queries[i].name[n - 1]);

        if (!strncmp(name, queries[i].name, n) &&
            (takes_any || !name[n] || strchr(":,;", name[n]))) {
            queries[i].run(s, name + n);
            return;
        }
    }
    gdb_unsupported(s);
}

/* H: which thread is meant; T: is it alive? There is one. */
void gdb_cmd_thread(struct gdb_session *s, const char *args)
{
    gdb_reply(s, "OK");
}
