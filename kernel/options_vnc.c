/* See options_display.h. */
#include <stdio.h>
#include <string.h>

#include "kernel/number.h"
#include "kernel/options_display.h"

#define PORT_MAX 65535u

/* ",to=9,password=on": false with the reason. */
static bool parse_setting(struct vnc_option *v, const char *text, char *why,
                          size_t size)
{
    unsigned n;

    if (!strcmp(text, "password") || !strcmp(text, "password=on")) {
        v->password = true;
    } else if (!strcmp(text, "password=off")) {
        v->password = false;
    } else if (!strncmp(text, "to=", 3)) {
        if (!parse_number(text + 3, PORT_MAX - VNC_PORT, &n))
            return options_fail(why, size, "to= takes a display's number, 0 to "
                                "59635", NULL);
        v->last_port = VNC_PORT + n;
    } else {
        return options_fail(why, size, "behind the display's number only to=N "
                            "and password may stand", NULL);
    }
    return true;
}

static bool parse_settings(struct vnc_option *v, const char *text, char *why,
                           size_t size)
{
    char setting[32];

    while (*text) {
        size_t n = strcspn(++text, ",");

        if (n >= sizeof setting)
            return options_fail(why, size, "a setting behind the display's "
                                "number is too long", NULL);
        snprintf(setting, sizeof setting, "%.*s", (int)n, text);
        if (!parse_setting(v, setting, why, size))
            return false;
        text += n;
    }
    if (v->last_port < v->port)
        return options_fail(why, size, "to= is less than the display's number",
                            NULL);
    return true;
}

/* "127.0.0.1", a name, or, as an IPv6 address has colons, "[::1]". */
static bool parse_host(struct vnc_option *v, const char *text, size_t len,
                       char *why, size_t size)
{
    if (len && *text == '[') {
        if (len < 3 || text[len - 1] != ']')
            return options_fail(why, size, "an IPv6 address stands as [::1]",
                                NULL);
        text++;
        len -= 2;
    }
    if (len >= sizeof v->host)
        return options_fail(why, size, "the host's name is too long", NULL);
    snprintf(v->host, sizeof v->host, "%.*s", (int)len, text);
    return true;
}

bool options_parse_vnc(struct options *o, const char *value, char *why,
                       size_t why_size)
{
    struct vnc_option v = { .port = 0 };
    size_t len = strcspn(value, ",");
    const char *colon = NULL;
    char number[8];
    unsigned n;

    for (size_t i = 0; i < len; i++)    /* the last: IPv6 has some, too */
        if (value[i] == ':')
            colon = value + i;
    if (!strcmp(value, "none")) {
        o->vnc = v;
        return true;
    }
    if (!colon || (size_t)(value + len - colon) > sizeof number)
        return options_fail(why, why_size, "use [HOST]:N, as :1 or 0.0.0.0:1, "
                            "or none", NULL);
    snprintf(number, sizeof number, "%.*s", (int)(value + len - colon - 1),
             colon + 1);
    if (!parse_number(number, PORT_MAX - VNC_PORT, &n))
        return options_fail(why, why_size, "the display's number is 0 to "
                            "59635; the port is 5900 more", NULL);
    if (!parse_host(&v, value, (size_t)(colon - value), why, why_size))
        return false;
    v.port = v.last_port = VNC_PORT + n;
    if (!parse_settings(&v, value + len, why, why_size))
        return false;
    o->vnc = v;
    return true;
}
