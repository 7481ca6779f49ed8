/* See options_boot.h. */
#include "kernel/options_boot.h"

#include <stdio.h>
#include <string.h>

#include "kernel/number.h"
#include "kernel/options_parser.h"

#define WAIT_MAX 65535u         /* ms: SeaBIOS has 16 bits */

static bool set_order(struct options *o, const char *value)
{
    if (!*value || strlen(value) >= sizeof o->boot_order ||
        strspn(value, "acdn") != strlen(value))
        return false;
    strcpy(o->boot_order, value);
    return true;
}

static bool set_menu(struct options *o, const char *value)
{
    o->boot_menu = !strcmp(value, "on");
    return o->boot_menu || !strcmp(value, "off");
}

static bool set_splash(struct options *o, const char *value)
{
    snprintf(o->splash, sizeof o->splash, "%s", value);
    return *value;
}

static bool set_time(struct options *o, const char *value)
{
    o->has_splash_time = true;
    return parse_number(value, WAIT_MAX, &o->splash_ms);
}

static const struct {
    const char *key;
    bool (*set)(struct options *o, const char *value);
    const char *wanted;
} settings[] = {
    { "order", set_order, "use letters of c (disk), d (CD), n (network)" },
    { "menu", set_menu, "use menu=on or menu=off" },
    { "splash", set_splash, "splash= needs the name of a BMP or JPEG" },
    { "splash-time", set_time, "splash-time= is in ms, 65535 at most" },
};

static bool set(struct options *o, char *setting, char *why, size_t size)
{
    char *value = strchr(setting, '=');

    if (!value)                 /* qemu's first, without its key */
        return set_order(o, setting) || options_fail(why, size,
                                                     settings[0].wanted, NULL);
    *value++ = '\0';
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (!strcmp(setting, settings[i].key))
            return settings[i].set(o, value) ||
                   options_fail(why, size, settings[i].wanted, NULL);
    snprintf(why, size, "there is order=, menu=, splash=, splash-time=; not "
             "'%.*s'", OPTIONS_SHOWN, setting);
    return false;
}

bool options_parse_boot(struct options *o, const char *value, char *why,
                        size_t size)
{
    char setting[OPTIONS_TEXT];

    while (value) {
        value = options_next_setting(value, setting);
        if (!set(o, setting, why, size))
            return false;
    }
    return o->boot_menu || (!*o->splash && !o->has_splash_time) ||
           options_fail(why, size, "splash= and splash-time= go with menu=on",
                        NULL);
}
