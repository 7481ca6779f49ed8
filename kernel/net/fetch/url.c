/* See url.h. */
#include "kernel/net/fetch/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kernel/number.h"

static int fail(char *why, size_t size, const char *what, const char *text)
{
    snprintf(why, size, "%s: '%.80s'", what, text);
    return -EINVAL;
}

/* The scheme's end, and what it means. NULL: another one, or none. */
static const char *take_scheme(const char *text, struct url *u)
{
    static const char http[] = "http://", tftp[] = "tftp://";

    u->is_tftp = !strncasecmp(text, tftp, sizeof tftp - 1);
    if (!u->is_tftp && strncasecmp(text, http, sizeof http - 1))
        return NULL;
    u->port = u->is_tftp ? 69 : 80;
    return text + sizeof http - 1;
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`{|}", *text))
            return false;
    return true;
}

/* "host" or "host:port", `len` characters. */
static bool take_authority(const char *text, size_t len, struct url *u)
{
    const char *colon = memchr(text, ':', len);
    char port[8] = "";
    unsigned n;

    if (colon) {
        size_t digits = (size_t)(text + len - colon - 1);

        if (digits >= sizeof port)
            return false;
        memcpy(port, colon + 1, digits);
        if (!parse_number(port, 65535, &n) || !n)
            return false;
        u->port = (uint16_t)n;
        len = (size_t)(colon - text);
    }
    if (!len || len >= sizeof u->host || memchr(text, '@', len))
        return false;
    memcpy(u->host, text, len);
    u->host[len] = '\0';
    return true;
}

/* What follows the authority, without a fragment. */
static bool take_path(const char *text, struct url *u)
{
    size_t len = strcspn(text, "#");
    const char *slash = u->is_tftp || *text == '/' ? "" : "/";

    if (u->is_tftp) {
        if (*text != '/' || len < 2)
            return false;
        text++;
        len--;
    }
    if (len + strlen(slash) >= sizeof u->path)
        return false;
    snprintf(u->path, sizeof u->path, "%s%.*s", slash, (int)len, text);
    return true;
}

int url_parse(const char *text, struct url *out, char *why, size_t why_size)
{
    const char *rest = take_scheme(text, out);
    size_t len;

    if (!rest)
        return fail(why, why_size, "neither http:// nor tftp://", text);
    if (!is_plain(text))
        return fail(why, why_size, "a character that no URL has", text);
    len = strcspn(rest, "/?#");
    if (!take_authority(rest, len, out))
        return fail(why, why_size, "no HOST or HOST:PORT", text);
    if (!take_path(rest + len, out))
        return fail(why, why_size, out->is_tftp && strlen(rest + len) < 2
                    ? "it names no file" : "its path is too long", text);
    return 0;
}

int url_follow(const struct url *from, const char *text, struct url *out,
               char *why, size_t why_size)
{
    if (*text != '/' || text[1] == '/')
        return url_parse(text, out, why, why_size);
    *out = *from;
    if (!is_plain(text))
        return fail(why, why_size, "a character that no URL has", text);
    return take_path(text, out) ? 0 : fail(why, why_size,
                                           "its path is too long", text);
}
