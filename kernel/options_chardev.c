/* See options_chardev.h. */
#include "kernel/options_chardev.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/chardev_parse.h"

/* Always false. */
static bool __attribute__((format(printf, 3, 4)))
bad(char *why, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, size, fmt, ap);
    va_end(ap);
    return false;
}

static struct chardev_option *find(struct options *o, const char *id)
{
    for (unsigned i = 0; i < o->chardev_count; i++)
        if (!strcmp(o->chardev[i].id, id))
            return &o->chardev[i];
    return NULL;
}

bool options_add_serial(struct options *o, const char *value, char *why,
                        size_t size)
{
    struct chardev_option *c = &o->serial[o->serial_count];

    if (o->serial_count == MACHINE_SERIALS)
        return bad(why, size, "at most four serial ports");
    if (!chardev_parse(value, c, why, size))
        return false;
    if (c->kind != CHARDEV_NAMED)
        snprintf(c->id, sizeof c->id, "serial%u", o->serial_count);
    o->serial_count++;
    return true;
}

static bool add_monitor(struct options *o, struct chardev_option *c,
                        char *why, size_t size)
{
    if (o->monitor_count == OPTIONS_MONITORS)
        return bad(why, size, "at most four monitors");
    if (c->kind != CHARDEV_NAMED)
        snprintf(c->id, sizeof c->id, "compat_monitor%u", o->monitor_count);
    o->monitor[o->monitor_count++] = *c;
    return true;
}

bool options_add_monitor(struct options *o, const char *value, char *why,
                         size_t size)
{
    struct chardev_option c;

    return chardev_parse(value, &c, why, size) &&
           add_monitor(o, &c, why, size);
}

bool options_add_chardev(struct options *o, const char *value, char *why,
                         size_t size)
{
    struct chardev_option c;

    if (o->chardev_count == OPTIONS_CHARDEVS)
        return bad(why, size, "at most eight of them");
    if (!chardev_parse_typed(value, &c, why, size))
        return false;
    if (find(o, c.id))
        return bad(why, size, "there is an id=%s already", c.id);
    o->chardev[o->chardev_count++] = c;
    return true;
}

bool options_add_mon(struct options *o, const char *value, char *why,
                     size_t size)
{
    char text[OPTIONS_TEXT], *rest = text, *key, *v;
    struct chardev_option c;

    snprintf(text, sizeof text, "%s", value);
    memset(&c, 0, sizeof c);
    c.kind = CHARDEV_NAMED;
    while ((key = chardev_next_setting(&rest, &v))) {
        if (!strcmp(key, "mode") && !strcmp(v, "readline"))
            continue;
        if (!*v)                /* chardev= may be left out */
            v = key;
        else if (!strcmp(key, "mode"))
            return bad(why, size, "the monitor is the one for people: "
                       "mode=readline");
        else if (strcmp(key, "chardev"))
            return bad(why, size, "-mon has chardev= and mode=, not '%.20s'",
                       key);
        if (strlen(v) > CHARDEV_ID_MAX)
            return bad(why, size, "there is no -chardev with id=%.40s", v);
        strcpy(c.id, v);
    }
    return *c.id ? add_monitor(o, &c, why, size)
                 : bad(why, size, "needs chardev=ID");
}

/* A monitor is at `named`, too: at the port that has it. */
static void share(struct options *o, const struct chardev_option *named)
{
    for (unsigned i = 0; i < o->serial_count; i++)
        if (o->serial[i].used && !strcmp(o->serial[i].id, named->id))
            o->serial[i].mux = true;
}

/*
 * A serial port and a monitor may be at the same one, with mux=on: then it is a
 * port with mon:. Without a monitor it is one like others.
 */
static bool resolve(struct options *o, struct chardev_option *c,
                    bool is_monitor, char *why, size_t size)
{
    struct chardev_option *named;

    if (c->kind != CHARDEV_NAMED)
        return true;
    named = find(o, c->id);
    if (!named)
        return bad(why, size, "there is no -chardev with id=%s", c->id);
    if (named->used && !(named->mux && is_monitor))
        return bad(why, size, "-chardev %s is in use already%s", c->id,
                   is_monitor ? "; mux=on lets a port and a monitor share it"
                              : "");
    if (named->used) {
        c->kind = CHARDEV_NONE;
        share(o, named);
    } else {
        named->used = true;
        *c = *named;
        c->mux = false;
    }
    return true;
}

static bool is_line(const struct chardev_option *c)
{
    return c->kind == CHARDEV_STDIO;
}

bool options_check_chardevs(struct options *o, char *why, size_t size)
{
    unsigned on_line = 0;

    for (unsigned i = 0; i < o->serial_count; i++) {
        if (!resolve(o, &o->serial[i], false, why, size))
            return false;
        on_line += is_line(&o->serial[i]);
    }
    for (unsigned i = 0; i < o->monitor_count; i++)
        if (!resolve(o, &o->monitor[i], true, why, size))
            return false;
    if (on_line > 1)
        return bad(why, size, "-serial: only one port can be stdio or mon:stdio; "
                   "give the others a line of their own, or null or none");
    return true;
}

bool options_want_line_monitor(const struct options *o)
{
    bool has_port = false;

    for (unsigned i = 0; i < o->serial_count; i++) {
        if (is_line(&o->serial[i]) && o->serial[i].mux)
            return true;
        has_port |= is_line(&o->serial[i]);
    }
    for (unsigned i = 0; i < o->monitor_count; i++)
        if (is_line(&o->monitor[i]))
            return true;
    return !o->monitor_count && (!has_port || o->nographic);
}
