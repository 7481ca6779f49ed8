/* See options_display.h. */
#include <stdio.h>
#include <string.h>

#include "kernel/number.h"
#include "kernel/options_display.h"

#define PORT_MAX 65535u

static bool fail(char *why, size_t size, const char *what)
{
    snprintf(why, size, "%s", what);
    return false;
}

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
            return fail(why, size, "to= takes a display's number, 0 to 59635");
        v->last_port = VNC_PORT + n;
    } else {
        return fail(why, size, "behind the display's number only to=N and "
                    "password may stand");
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
            return fail(why, size, "a setting behind the display's number is "
                        "too long");
        snprintf(setting, sizeof setting, "%.*s", (int)n, text);
        if (!parse_setting(v, setting, why, size))
            return false;
        text += n;
    }
    if (v->last_port < v->port)
        return fail(why, size, "to= is less than the display's number");
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
        return fail(why, why_size, "use [HOST]:N, as :1 or 0.0.0.0:1, or none");
    snprintf(number, sizeof number, "%.*s", (int)(value + len - colon - 1),
             colon + 1);
    if (!parse_number(number, PORT_MAX - VNC_PORT, &n))
        return fail(why, why_size, "the display's number is 0 to 59635; the "
                    "port is 5900 more");
    if ((size_t)(colon - value) >= sizeof v.host)
        return fail(why, why_size, "the host's name is too long");
    snprintf(v.host, sizeof v.host, "%.*s", (int)(colon - value), value);
    v.port = v.last_port = VNC_PORT + n;
    if (!parse_settings(&v, value + len, why, why_size))
        return false;
    o->vnc = v;
    return true;
}
