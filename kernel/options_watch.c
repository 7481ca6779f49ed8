/* See options_watch.h. */
#include "kernel/options_watch.h"

#include <stdio.h>
#include <string.h>

#include "kernel/number.h"

#define WORD 64u
#define DELAY_MAX 86400u

/* A value on its way in, setting by setting. */
struct settings {
    const char *rest;           /* NULL: no more */
    char key[WORD], value[WORD];        /* "key=value", or "key" alone */
};

/* False: no more, or (key is "") one that is too long. */
static bool next_setting(struct settings *s)
{
    size_t n, key;

    if (!s->rest)
        return false;
    n = strcspn(s->rest, ",");
    key = strcspn(s->rest, "=,");
    *s->key = *s->value = '\0';
    if (n < WORD) {
        snprintf(s->key, WORD, "%.*s", (int)key, s->rest);
        if (key < n)
            snprintf(s->value, WORD, "%.*s", (int)(n - key - 1),
                     s->rest + key + 1);
    }
    s->rest = s->rest[n] ? s->rest + n + 1 : NULL;
    return true;
}

/* ---- Devices ------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t flag;                /* where it is in the options */
} devices[] = {
    { "i6300esb", offsetof(struct options, i6300esb) },
    { "ib700", offsetof(struct options, ib700) },
    { "pvpanic", offsetof(struct options, pvpanic) },
};
#define DEVICES (sizeof devices / sizeof *devices)

/* DEVICES: it is none of them. */
static unsigned find_device(const char *name)
{
    unsigned i = 0;

    while (i < DEVICES && strcmp(name, devices[i].name))
        i++;
    return i;
}

bool options_is_watch_device(const char *value)
{
    struct settings s = { .rest = value };

    return next_setting(&s) && find_device(s.key) < DEVICES;
}

bool options_parse_watch_device(struct options *o, const char *value,
                                char *why, size_t size)
{
    struct settings s = { .rest = value };
    bool is_pvpanic;
    unsigned i;

    next_setting(&s);
    i = find_device(s.key);
    is_pvpanic = devices[i].flag == offsetof(struct options, pvpanic);
    while (next_setting(&s))
        if (strcmp(s.key, "id") && (!is_pvpanic || strcmp(s.key, "ioport") ||
                                    (strcmp(s.value, "1285") &&
                                     strcmp(s.value, "0x505"))))
            return options_fail(why, size, is_pvpanic ? "pvpanic has id= and "
                                "ioport=0x505; not" : "a watchdog has id=; not",
                                s.key);
    *(bool *)((char *)o + devices[i].flag) = true;
    return true;
}

static bool parse_watchdog(struct options *o, const char *value, char *why,
                           size_t size)
{
    if (strcmp(value, "i6300esb") && strcmp(value, "ib700"))
        return options_fail(why, size, "use i6300esb or ib700", NULL);
    return options_parse_watch_device(o, value, why, size);
}

/* ---- Actions ------------------------------------------------------------- */

static bool parse_watchdog_action(struct options *o, const char *value,
                                  char *why, size_t size)
{
    return watch_action_parse(value, &o->watchdog_action) ||
           options_fail(why, size, "use " WATCH_ACTIONS, NULL);
}

static bool parse_panic(struct options *o, const char *value, char *why,
                        size_t size)
{
    if (!strcmp(value, "none"))
        o->panic_action = WATCH_NONE;
    else if (!strcmp(value, "reset"))
        o->panic_action = WATCH_RESET;
    else if (!strcmp(value, "pause"))
        o->panic_action = WATCH_PAUSE;
    else if (!strcmp(value, "shutdown"))
        o->panic_action = WATCH_POWEROFF;
    else
        return options_fail(why, size, "panic= is none, reset, pause or "
                            "shutdown, not", value);
    return true;
}

/* One of two words. */
static bool parse_choice(const char *value, const char *off, const char *on,
                         bool *out, char *why, size_t size)
{
    *out = !strcmp(value, on);
    if (*out || !strcmp(value, off))
        return true;
    snprintf(why, size, "use %s or %s, not '%.*s'", off, on, OPTIONS_SHOWN,
             value);
    return false;
}

static bool parse_action(struct options *o, const char *value, char *why,
                         size_t size)
{
    struct settings s = { .rest = value };
    bool ok = true;

    while (ok && next_setting(&s)) {
        if (!strcmp(s.key, "reboot"))
            ok = parse_choice(s.value, "reset", "shutdown", &o->no_reboot, why,
                              size);
        else if (!strcmp(s.key, "shutdown"))
            ok = parse_choice(s.value, "poweroff", "pause", &o->no_shutdown,
                              why, size);
        else if (!strcmp(s.key, "panic"))
            ok = parse_panic(o, s.value, why, size);
        else if (!strcmp(s.key, "watchdog"))
            ok = parse_watchdog_action(o, s.value, why, size);
        else
            ok = options_fail(why, size, "an event is reboot, shutdown, panic "
                              "or watchdog, not", s.key);
    }
    return ok;
}

/* ---- Guards -------------------------------------------------------------- */

/* "192.0.2.1", four numbers. */
static bool parse_address(const char *text, uint32_t *out)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 4; i++) {
        char part[4] = { 0 };
        size_t n = strcspn(text, ".");
        unsigned number;

        if (n > 3 || (i < 3) != (text[n] == '.'))
            return false;
        memcpy(part, text, n);
        if (!parse_number(part, 255, &number))
            return false;
        v = v << 8 | number;
        text += n + (i < 3);
    }
    *out = v;
    return v;
}

static bool parse_seconds(const char *value, unsigned *out, char *why,
                          size_t size)
{
    return (parse_number(value, GUARD_SECONDS_MAX, out) && *out) ||
           options_fail(why, size, "use a number of seconds, 1 to 1000000, not",
                        value);
}

static bool set_guard(struct guard_option *g, const struct settings *s,
                      char *why, size_t size)
{
    static const char numbers[] = "use a number from 1 to 1000, not";

    if (!strcmp(s->key, "every") && g->kind == GUARD_PING)
        return parse_seconds(s->value, &g->every, why, size);
    if (!strcmp(s->key, "grace"))
        return parse_seconds(s->value, &g->grace, why, size);
    if (!strcmp(s->key, "calm"))
        return parse_seconds(s->value, &g->calm, why, size);
    if (!strcmp(s->key, "misses"))
        return (parse_number(s->value, 1000, &g->misses) && g->misses) ||
               options_fail(why, size, numbers, s->value);
    if (!strcmp(s->key, "backoff"))
        return (parse_number(s->value, 1000, &g->backoff) && g->backoff) ||
               options_fail(why, size, numbers, s->value);
    if (!strcmp(s->key, "restarts"))
        return (parse_number(s->value, 1000, &g->restarts) && g->restarts) ||
               options_fail(why, size, numbers, s->value);
    if (!strcmp(s->key, "action"))
        return watch_action_parse(s->value, &g->action) ||
               options_fail(why, size, "action= is " WATCH_ACTIONS ", not",
                            s->value);
    return options_fail(why, size, "a guard has every= (of a ping), misses=, "
                        "grace=, backoff=, restarts=, calm= and action=; not",
                        s->key);
}

static bool parse_trial(struct options *o, const char *value, char *why,
                        size_t size)
{
    o->trial_given = true;
    o->trial_seconds = 0;
    return !strcmp(value, "off") ||
           parse_seconds(value, &o->trial_seconds, why, size);
}

static bool parse_guard(struct options *o, const char *value, char *why,
                        size_t size)
{
    struct guard_option g = {
        .every = 10, .misses = 6, .grace = 120, .backoff = 8, .restarts = 5,
        .calm = 3600, .action = WATCH_RESET,
    };
    struct settings s = { .rest = value };

    next_setting(&s);
    if (!strcmp(s.key, "trial") && !s.rest)
        return parse_trial(o, s.value, why, size);
    if (!strcmp(s.key, "ping")) {
        g.kind = GUARD_PING;
        if (*s.value && !parse_address(s.value, &g.address))
            return options_fail(why, size, "ping= is an address as "
                                "192.168.1.1, not", s.value);
    } else if (!strcmp(s.key, "silence")) {
        g.kind = GUARD_SILENCE;
        g.misses = 1;
        if (!parse_seconds(s.value, &g.every, why, size))
            return false;
    } else {
        return options_fail(why, size, "a guard begins with ping, "
                            "ping=ADDRESS, silence=SECONDS or is trial=SECONDS",
                            NULL);
    }
    while (next_setting(&s))
        if (!set_guard(&g, &s, why, size))
            return false;
    if (o->guard_count == GUARDS)
        return options_fail(why, size, "a machine has four guards at most",
                            NULL);
    o->guard[o->guard_count++] = g;
    return true;
}

/* ---- The start ----------------------------------------------------------- */

static bool parse_autostart(struct options *o, const char *value, char *why,
                            size_t size)
{
    return parse_choice(value, "on", "off", &o->no_autostart, why, size);
}

static bool parse_start_delay(struct options *o, const char *value, char *why,
                              size_t size)
{
    return parse_number(value, DELAY_MAX, &o->start_delay) ||
           options_fail(why, size, "use a number of seconds, 0 to 86400", NULL);
}

static bool parse_start_after(struct options *o, const char *value, char *why,
                              size_t size)
{
    o->start_after = value;
    return *value || options_fail(why, size, "needs a machine's name", NULL);
}

bool options_parse_watch(struct options *o, const char *name,
                         const char *value, char *why, size_t size)
{
    static const struct {
        const char *name;
        bool (*parse)(struct options *o, const char *value, char *why,
                      size_t size);
    } parsers[] = {
        { "watchdog", parse_watchdog },
        { "watchdog-action", parse_watchdog_action },
        { "action", parse_action }, { "guard", parse_guard },
        { "autostart", parse_autostart },
        { "start-delay", parse_start_delay },
        { "start-after", parse_start_after },
    };
    unsigned i = 0;

    while (strcmp(parsers[i].name, name))
        i++;
    return parsers[i].parse(o, value, why, size);
}

/* Which option of `o` says rollback; NULL: none. */
static const char *rolls_back(const struct options *o)
{
    for (unsigned i = 0; i < o->guard_count; i++)
        if (o->guard[i].action == WATCH_ROLLBACK)
            return "-guard";
    return o->watchdog_action == WATCH_ROLLBACK ? "-watchdog-action" : NULL;
}

bool options_check_watch(const struct options *o, char *why, size_t size)
{
    const char *option = rolls_back(o);

    if (!option && o->trial_seconds)
        option = "-guard trial";
    for (unsigned i = 0; option && i < MACHINE_IDE_UNITS; i++)
        if (!strcmp(o->drive[i].file, "slot"))
            return true;
    if (!option)
        return true;
    snprintf(why, size, "%s: rollback and trial are for a machine whose disk "
             "is a slot (-hda slot)", option);
    return false;
}
