/* See chardev_parse.h. */
#include "kernel/chardev_parse.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/number.h"
#include "kernel/options.h"

#define RECONNECT_MAX_S 3600u
#define VC_MAX 1000u
#define RINGBUF_MAX (1u << 20)
/* qemu's: pixels of a character of its font. */
#define VC_CHAR_WIDTH 8u
#define VC_CHAR_HEIGHT 16u

struct reason {
    char *why;
    size_t size;
};

/* Always false. */
static bool __attribute__((format(printf, 2, 3)))
bad(const struct reason *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(r->why, r->size, fmt, ap);
    va_end(ap);
    return false;
}

/* ---- Values ------------------------------------------------------------ */

/* `n` bytes of `text` as a string of its own. */
static bool take(const struct reason *r, const char *what, const char *text,
                 size_t n, char *out, size_t size)
{
    if (n >= size)
        return bad(r, "%s has at most %u characters", what,
                   (unsigned)size - 1);
    memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

static bool take_name(const struct reason *r, const char *what,
                      const char *text, char *out, size_t size)
{
    return *text ? take(r, what, text, strlen(text), out, size)
                 : bad(r, "%s is missing", what);
}

static bool take_port(const struct reason *r, const char *text,
                      bool may_be_any, uint16_t *out)
{
    unsigned port;

    if (!parse_number(text, 65535, &port) || (!port && !may_be_any))
        return bad(r, "a port is a number from 1 to 65535, not '%.20s'", text);
    *out = (uint16_t)port;
    return true;
}

static bool take_switch(const struct reason *r, const char *key,
                        const char *text, bool *out)
{
    bool on = !strcmp(text, "on") || !strcmp(text, "yes") || !*text;

    if (!on && strcmp(text, "off") && strcmp(text, "no"))
        return bad(r, "%s is on or off, not '%.20s'", key, text);
    *out = on;
    return true;
}

/* "[HOST]:PORT"; what is behind the last colon is the port. */
static bool take_endpoint(const struct reason *r, const char *text,
                          char host[CHARDEV_HOST_MAX + 1], bool may_be_any,
                          uint16_t *port)
{
    const char *colon = strrchr(text, ':');

    if (!colon || strchr(text, '[') || strchr(text, ':') != colon)
        return bad(r, "use [HOST]:PORT with an IPv4 address or a name, not "
                   "'%.40s'", text);
    return take(r, "a host's name", text, (size_t)(colon - text), host,
                CHARDEV_HOST_MAX + 1) &&
           take_port(r, colon + 1, may_be_any, port);
}

static bool take_ringbuf_size(const struct reason *r, const char *text,
                              unsigned *out)
{
    char number[16];
    size_t n = strlen(text);
    bool is_kib = n && n < sizeof number &&
                  (text[n - 1] == 'k' || text[n - 1] == 'K');
    unsigned size;

    if (n >= sizeof number)
        n = 0;
    memcpy(number, text, n);
    number[n - is_kib] = '\0';
    if (!parse_number(number, RINGBUF_MAX, &size))
        size = 0;
    if (is_kib)
        size = size <= RINGBUF_MAX >> 10 ? size << 10 : 0;
    if (!size || size > RINGBUF_MAX || (size & (size - 1)))
        return bad(r, "a ringbuf's size is a power of two, 1 MiB (1024K) at "
                   "most, not '%.20s'", text);
    *out = size;
    return true;
}

/* "80Cx24C" in characters, "640x384" in pixels of an 8x16 font. */
static bool take_vc_size(const struct reason *r, const char *text,
                         struct chardev_option *c)
{
    unsigned *const out[2] = { &c->columns, &c->rows };
    const unsigned pixels[2] = { VC_CHAR_WIDTH, VC_CHAR_HEIGHT };

    for (unsigned i = 0; i < 2; i++) {
        char *end;
        unsigned long n = isdigit((unsigned char)*text)
                              ? strtoul(text, &end, 10) : 0;

        if (!n)
            break;
        if (*end == 'C')
            end++;
        else
            n /= pixels[i];
        if (!n || n > VC_MAX || *end != (i ? '\0' : 'x'))
            break;
        *out[i] = (unsigned)n;
        if (i)
            return true;
        text = end + 1;
    }
    return bad(r, "a size is 80Cx24C or, in pixels, 640x384");
}

/* ---- Settings behind a comma ------------------------------------------- */

enum setting_of { OF_SOCKET = 1, OF_TTY = 2, OF_VC = 4, OF_RINGBUF = 8,
                  OF_PATH = 16, OF_UDP = 32, OF_ANY = 64 };

/* The kinds of settings that a device of this kind has. */
static unsigned settings_of(const struct chardev_option *c)
{
    static const unsigned of[] = {
        [CHARDEV_VC] = OF_VC, [CHARDEV_RINGBUF] = OF_RINGBUF,
        [CHARDEV_FILE] = OF_PATH, [CHARDEV_PIPE] = OF_PATH,
        [CHARDEV_TTY] = OF_PATH | OF_TTY, [CHARDEV_UNIX] = OF_SOCKET,
        [CHARDEV_TCP] = OF_SOCKET, [CHARDEV_UDP] = OF_UDP,
        [CHARDEV_NAMED] = 0,
    };

    return of[c->kind];
}

static bool set_line(const struct reason *r, struct chardev_option *c,
                     const char *key, const char *value)
{
    size_t n = strlen(c->line);
    int k = snprintf(c->line + n, sizeof c->line - n, "%s%s=%s",
                     n ? "," : "", key, value);

    return k > 0 && (size_t)k < sizeof c->line - n
               ? true : bad(r, "the line's settings are too long");
}

static bool set_socket(const struct reason *r, struct chardev_option *c,
                       const char *key, const char *value)
{
    bool flag;

    if (!strcmp(key, "server"))
        return take_switch(r, key, value, &c->server);
    if (!strcmp(key, "wait"))
        return take_switch(r, key, value, &c->wait);
    if (!strcmp(key, "nowait")) {
        if (!take_switch(r, key, value, &flag))
            return false;
        c->wait = !flag;
        return true;
    }
    if (!strcmp(key, "telnet"))
        return take_switch(r, key, value, &c->telnet);
    if (!strcmp(key, "nodelay"))
        return take_switch(r, key, value, &c->nodelay);
    if (!strcmp(key, "delay")) {
        if (!take_switch(r, key, value, &flag))
            return false;
        c->nodelay = !flag;
        return true;
    }
    if (!strcmp(key, "reconnect"))
        return parse_number(value, RECONNECT_MAX_S, &c->reconnect_s) ||
               bad(r, "reconnect= takes seconds, 0 to 3600, not '%.20s'",
                   value);
    return bad(r, "a socket has server= wait= telnet= nodelay= reconnect=, "
               "not '%.20s'", key);
}

/* One that may stand in either spelling. */
static bool set(const struct reason *r, struct chardev_option *c,
                const char *key, const char *value)
{
    unsigned of = settings_of(c);

    if (of & OF_SOCKET)
        return set_socket(r, c, key, value);
    if ((of & OF_TTY) && (!strcmp(key, "baud") || !strcmp(key, "parity") ||
                          !strcmp(key, "flow")))
        return set_line(r, c, key, value);
    return bad(r, "there is no setting '%.20s' here", key);
}

char *chardev_next_setting(char **text, char **value)
{
    char *key = *text, *end;

    if (!key || !*key)
        return NULL;
    end = key + strcspn(key, ",");
    *text = *end ? end + 1 : end;
    *end = '\0';
    *value = strchr(key, '=');
    if (*value)
        *(*value)++ = '\0';
    else
        *value = key + strlen(key);
    return key;
}

static bool set_all(const struct reason *r, struct chardev_option *c,
                    char *settings)
{
    char *key, *value;

    while ((key = chardev_next_setting(&settings, &value)))
        if (!set(r, c, key, value))
            return false;
    return true;
}

/* Does it all go together? */
static bool complete(const struct reason *r, const struct chardev_option *c)
{
    if (c->kind != CHARDEV_TCP && c->kind != CHARDEV_UNIX)
        return true;
    if (c->server && c->reconnect_s)
        return bad(r, "reconnect= is a client's; server=on waits for one");
    if (!*c->host && c->kind == CHARDEV_TCP && !c->port)
        return bad(r, "a socket needs a port");
    return true;
}

/* ---- What -serial takes ------------------------------------------------ */

static bool parse_socket(const struct reason *r, struct chardev_option *c,
                         char *text)
{
    char *settings = strchr(text, ',');

    c->wait = true;
    if (settings)
        *settings++ = '\0';
    if (c->kind == CHARDEV_UNIX
            ? !take_name(r, "the socket's file", text, c->path,
                         sizeof c->path)
            : !take_endpoint(r, text, c->host, false, &c->port))
        return false;
    return set_all(r, c, settings);
}

/* "[HOST]:PORT[@[HOST]:PORT]": to whom, and from where. */
static bool parse_udp(const struct reason *r, struct chardev_option *c,
                      char *text)
{
    char *at = strchr(text, '@');

    if (at)
        *at++ = '\0';
    return take_endpoint(r, text, c->host, at != NULL, &c->port) &&
           (!at || take_endpoint(r, at, c->local_host, true, &c->local_port));
}

static bool parse_tty(const struct reason *r, struct chardev_option *c,
                      char *text)
{
    char *settings = strchr(text, ',');

    if (settings)
        *settings++ = '\0';
    return take_name(r, "the line's name", text, c->path, sizeof c->path) &&
           set_all(r, c, settings);
}

static bool parse_vc(const struct reason *r, struct chardev_option *c,
                     char *text)
{
    return take_vc_size(r, text, c);
}

static bool parse_ringbuf(const struct reason *r, struct chardev_option *c,
                          char *text)
{
    return take_ringbuf_size(r, text, &c->size);
}

static bool parse_path(const struct reason *r, struct chardev_option *c,
                       char *text)
{
    return take_name(r, "the file's name", text, c->path, sizeof c->path);
}

static bool parse_named(const struct reason *r, struct chardev_option *c,
                        char *text)
{
    return take_name(r, "the name of a -chardev", text, c->id, sizeof c->id);
}

static const struct {
    const char *word;           /* with a colon: something follows it */
    enum chardev_kind kind;
    bool telnet;
    bool (*parse)(const struct reason *r, struct chardev_option *c,
                  char *text);
} devices[] = {
    { "none", CHARDEV_NONE, false, NULL },
    { "null", CHARDEV_NULL, false, NULL },
    { "stdio", CHARDEV_STDIO, false, NULL },
    { "vc", CHARDEV_VC, false, NULL },
    { "vc:", CHARDEV_VC, false, parse_vc },
    { "ringbuf", CHARDEV_RINGBUF, false, NULL },
    { "ringbuf:", CHARDEV_RINGBUF, false, parse_ringbuf },
    { "pty", CHARDEV_PTY, false, NULL },
    { "file:", CHARDEV_FILE, false, parse_path },
    { "pipe:", CHARDEV_PIPE, false, parse_path },
    { "unix:", CHARDEV_UNIX, false, parse_socket },
    { "tcp:", CHARDEV_TCP, false, parse_socket },
    { "telnet:", CHARDEV_TCP, true, parse_socket },
    { "udp:", CHARDEV_UDP, false, parse_udp },
    { "chardev:", CHARDEV_NAMED, false, parse_named },
};

/* A line of the host's: "/dev/ttyS0", or "com1" to "com4" with settings. */
static bool is_tty(const char *text)
{
    return !strncmp(text, "/dev/", 5) ||
           (!strncasecmp(text, "com", 3) && text[3] >= '1' &&
            text[3] <= '4' && (!text[4] || text[4] == ','));
}

static void begin(struct chardev_option *c, enum chardev_kind kind)
{
    memset(c, 0, sizeof *c);
    c->kind = kind;
    c->size = CHARDEV_RINGBUF_DEFAULT;
}

bool chardev_parse(const char *value, struct chardev_option *c, char *why,
                   size_t size)
{
    const struct reason r = { why, size };
    char text[OPTIONS_TEXT];
    bool mux = !strncmp(value, "mon:", 4);

    if (!take(&r, "a device", value + (mux ? 4 : 0),
              strlen(value) - (mux ? 4 : 0), text, sizeof text))
        return false;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        size_t n = strlen(devices[i].word);

        if (devices[i].parse ? strncmp(text, devices[i].word, n)
                             : strcmp(text, devices[i].word))
            continue;
        begin(c, devices[i].kind);
        c->telnet = devices[i].telnet;
        c->mux = mux;
        if (mux && c->kind == CHARDEV_NONE)
            return bad(&r, "mon: wants a device");
        return (!devices[i].parse || devices[i].parse(&r, c, text + n)) &&
               complete(&r, c);
    }
    if (!is_tty(text))
        return bad(&r, "no such device; use mon:stdio stdio null none vc "
                   "ringbuf pty file: pipe: unix: tcp: telnet: udp: /dev/TTY "
                   "com1");
    begin(c, CHARDEV_TTY);
    c->mux = mux;
    return parse_tty(&r, c, text);
}

/* ---- What -chardev takes ----------------------------------------------- */

static const struct {
    const char *type;
    enum chardev_kind kind;
} types[] = {
    { "null", CHARDEV_NULL }, { "stdio", CHARDEV_STDIO }, { "vc", CHARDEV_VC },
    { "ringbuf", CHARDEV_RINGBUF }, { "memory", CHARDEV_RINGBUF },
    { "file", CHARDEV_FILE }, { "pipe", CHARDEV_PIPE }, { "pty", CHARDEV_PTY },
    { "serial", CHARDEV_TTY }, { "tty", CHARDEV_TTY },
    { "socket", CHARDEV_TCP }, { "udp", CHARDEV_UDP },
};

/* `key` of its own type; *known is false if it has no such. */
static bool set_own(const struct reason *r, struct chardev_option *c,
                    const char *key, const char *value, bool *known)
{
    unsigned of = settings_of(c);
    bool is_socket = of & OF_SOCKET, is_udp = of & OF_UDP;

    if ((is_socket || (of & OF_PATH)) && !strcmp(key, "path")) {
        if (is_socket)
            c->kind = CHARDEV_UNIX;
        return take_name(r, "path=", value, c->path, sizeof c->path);
    }
    if ((is_socket || is_udp) && !strcmp(key, "host"))
        return take(r, "host=", value, strlen(value), c->host, sizeof c->host);
    if ((is_socket || is_udp) && !strcmp(key, "port"))
        return take_port(r, value, is_udp, &c->port);
    if (is_udp && !strcmp(key, "localaddr"))
        return take(r, "localaddr=", value, strlen(value), c->local_host,
                    sizeof c->local_host);
    if (is_udp && !strcmp(key, "localport"))
        return take_port(r, value, true, &c->local_port);
    if ((of & OF_RINGBUF) && !strcmp(key, "size"))
        return take_ringbuf_size(r, value, &c->size);
    if ((of & OF_VC) && !strcmp(key, "cols"))
        return (parse_number(value, VC_MAX, &c->columns) && c->columns) ||
               bad(r, "cols= takes a number, 1 to 1000");
    if ((of & OF_VC) && !strcmp(key, "rows"))
        return (parse_number(value, VC_MAX, &c->rows) && c->rows) ||
               bad(r, "rows= takes a number, 1 to 1000");
    *known = false;
    return false;
}

static bool chardev_setting(const struct reason *r, struct chardev_option *c,
                            const char *key, const char *value)
{
    bool known = true, ok;

    if (!strcmp(key, "id"))
        return take_name(r, "id=", value, c->id, sizeof c->id);
    if (!strcmp(key, "mux"))
        return take_switch(r, key, value, &c->mux);
    ok = set_own(r, c, key, value, &known);
    return known ? ok : set(r, c, key, value);
}

/* What has no sense without it. */
static bool has_needed(const struct reason *r, const struct chardev_option *c)
{
    if (!*c->id)
        return bad(r, "needs id=");
    if (c->kind == CHARDEV_TCP && !c->port)
        return bad(r, "a socket needs port= or path=");
    if (c->kind == CHARDEV_UDP && !c->port && !c->local_port)
        return bad(r, "udp needs port=");
    if ((settings_of(c) & OF_PATH) && !*c->path)
        return bad(r, "needs path=");
    return true;
}

bool chardev_parse_typed(const char *value, struct chardev_option *c,
                         char *why, size_t size)
{
    const struct reason r = { why, size };
    char text[OPTIONS_TEXT], *rest = text, *key, *v;
    size_t i, count = sizeof types / sizeof *types;

    if (!take(&r, "a chardev", value, strlen(value), text, sizeof text))
        return false;
    key = chardev_next_setting(&rest, &v);
    for (i = 0; key && i < count && strcmp(key, types[i].type); i++)
        continue;
    if (!key || i == count || *v)
        return bad(&r, "the types are null stdio vc ringbuf file pipe pty "
                   "serial socket udp");
    begin(c, types[i].kind);
    c->wait = true;
    while ((key = chardev_next_setting(&rest, &v)))
        if (!chardev_setting(&r, c, key, v))
            return false;
    return has_needed(&r, c) && complete(&r, c);
}
