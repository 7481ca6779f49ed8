/* See options_drive.h. */
#include "kernel/options_drive.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/number.h"
#include "kernel/options_parser.h"

static bool take_place(struct options *o, unsigned unit,
                       const struct drive_option *d, char *why, size_t size)
{
    if (o->drive[unit].used)
        return options_fail(why, size, "this drive was given twice", NULL);
    o->drive[unit] = *d;
    o->drive[unit].used = true;
    return true;
}

bool options_set_drive(struct options *o, unsigned unit, const char *file,
                       bool is_cdrom, char *why, size_t size)
{
    struct drive_option d = { .is_cdrom = is_cdrom };

    if (!*file)
        return options_fail(why, size, "needs the name of an image", NULL);
    snprintf(d.file, sizeof d.file, "%s", file);
    return take_place(o, unit, &d, why, size);
}

/* ---- -drive ---------------------------------------------------------------- */

/* A -drive on its way in. */
struct drive_line {
    struct drive_option drive;
    int index, bus, unit;       /* -1: not given */
    bool read_only_off;
    bool overlay_init_given;
};

static bool take_number(const char *value, unsigned max, int *out)
{
    unsigned n;

    if (!parse_number(value, max, &n))
        return false;
    *out = (int)n;
    return true;
}

static bool set_file(struct drive_line *l, const char *value)
{
    snprintf(l->drive.file, sizeof l->drive.file, "%s", value);
    return *value;
}

static bool set_if(struct drive_line *l, const char *value)
{
    return !strcmp(value, "ide");
}

static bool set_index(struct drive_line *l, const char *value)
{
    return take_number(value, MACHINE_IDE_UNITS - 1, &l->index);
}

static bool set_bus(struct drive_line *l, const char *value)
{
    return take_number(value, 1, &l->bus);
}

static bool set_unit(struct drive_line *l, const char *value)
{
    return take_number(value, 1, &l->unit);
}

static bool set_media(struct drive_line *l, const char *value)
{
    l->drive.is_cdrom = !strcmp(value, "cdrom");
    return l->drive.is_cdrom || !strcmp(value, "disk");
}

static bool set_format(struct drive_line *l, const char *value)
{
    l->drive.format = !strcmp(value, "qcow2") ? IMAGE_QCOW2 : IMAGE_RAW;
    return l->drive.format == IMAGE_QCOW2 || !strcmp(value, "raw");
}

static bool is_on(const char *value) { return !strcmp(value, "on"); }
static bool is_off(const char *value) { return !strcmp(value, "off"); }

static bool set_snapshot(struct drive_line *l, const char *value)
{
    l->drive.snapshot = is_on(value) ? DRIVE_SNAPSHOT_ON : DRIVE_SNAPSHOT_OFF;
    return is_on(value) || is_off(value);
}

static bool set_overlay(struct drive_line *l, const char *value)
{
    snprintf(l->drive.overlay, sizeof l->drive.overlay, "%s", value);
    return *value;
}

static bool set_overlay_init(struct drive_line *l, const char *value)
{
    l->drive.overlay_init = is_on(value);
    l->overlay_init_given = true;
    return is_on(value) || is_off(value);
}

static bool set_readonly(struct drive_line *l, const char *value)
{
    l->drive.read_only = is_on(value);
    l->read_only_off = is_off(value);
    return is_on(value) || is_off(value);
}

/* A limit's key is qemu's short name, or throttling. and its long one. */
static bool is_limit(const char *key, enum throttle_kind kind)
{
    static const char *const long_names[THROTTLE_KINDS] = {
        "bps-total", "bps-read", "bps-write", "iops-total", "iops-read",
        "iops-write",
    };
    static const char prefix[] = "throttling.";

    return !strcmp(key, throttle_name(kind)) ||
           (!strncmp(key, prefix, sizeof prefix - 1) &&
            !strcmp(key + sizeof prefix - 1, long_names[kind]));
}

/* False: it is no limit's key. *ok: it is, and has a number. */
static bool set_limit(struct drive_line *l, const char *key,
                      const char *value, bool *ok)
{
    for (unsigned k = 0; k < THROTTLE_KINDS; k++) {
        unsigned *limit = &l->drive.throttle.of[k];

        if (!is_limit(key, k))
            continue;
        *ok = value && !*limit && parse_number(value, UINT_MAX, limit) &&
              *limit;
        return true;
    }
    return false;
}

static const struct {
    const char *key;
    bool (*set)(struct drive_line *l, const char *value);
    const char *wanted;
} settings[] = {
    { "file", set_file, "file= needs the name of an image" },
    { "if", set_if, "the only interface is if=ide" },
    { "index", set_index, "use index=0 to index=3" },
    { "bus", set_bus, "use bus=0 or bus=1" },
    { "unit", set_unit, "use unit=0 or unit=1" },
    { "media", set_media, "use media=disk or media=cdrom" },
    { "format", set_format, "use format=raw or format=qcow2" },
    { "snapshot", set_snapshot, "use snapshot=on or snapshot=off" },
    { "overlay", set_overlay, "overlay= needs the name of a file or disk" },
    { "overlay-init", set_overlay_init, "use overlay-init=on or overlay-init=off" },
    { "readonly", set_readonly, "use readonly=on or readonly=off" },
    { "read-only", set_readonly, "use read-only=on or read-only=off" },
};

#define SETTINGS (sizeof settings / sizeof *settings)

static bool set(struct drive_line *l, char *setting, unsigned *seen, char *why,
                size_t size)
{
    char *value = strchr(setting, '=');
    bool ok;

    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < SETTINGS; i++) {
        if (strcmp(settings[i].key, setting))
            continue;
        if (*seen & 1u << i) {
            snprintf(why, size, "%s= stands there twice", setting);
            return false;
        }
        *seen |= 1u << i;
        return (value && settings[i].set(l, value)) ||
               options_fail(why, size, settings[i].wanted, NULL);
    }
    if (set_limit(l, setting, value, &ok))
        return ok || options_fail(why, size, "a limit is a number of bytes or "
                                  "requests a second, 1 to 4294967295, once",
                                  NULL);
    snprintf(why, size, "a drive has file=, index=, media=, snapshot=, "
             "overlay=, overlay-init=,\nreadonly=, if=, bus=, unit=, format=, "
             "bps=, iops=, bps_rd=...; not '%.*s'",
             OPTIONS_SHOWN, setting);
    return false;
}

static bool is_sound(const struct drive_line *l, char *why, size_t size)
{
    const struct drive_option *d = &l->drive;
    const char *limits = throttle_refuses(&d->throttle);

    if (limits)
        return options_fail(why, size, limits, NULL);
    if (!*d->file && !d->is_cdrom)
        return options_fail(why, size, "a disk needs file=", NULL);
    if (l->index >= 0 && (l->bus >= 0 || l->unit >= 0))
        return options_fail(why, size, "use index=, or bus= and unit=; not "
                            "both", NULL);
    if (d->is_cdrom && (l->read_only_off || d->snapshot == DRIVE_SNAPSHOT_ON))
        return options_fail(why, size, "a CD cannot be written", NULL);
    if (d->read_only && d->snapshot == DRIVE_SNAPSHOT_ON)
        return options_fail(why, size, "readonly=on and snapshot=on exclude "
                            "each other", NULL);
    if (*d->overlay && (d->is_cdrom || d->read_only ||
                        d->snapshot == DRIVE_SNAPSHOT_OFF))
        return options_fail(why, size, "overlay= goes with snapshot=on: not "
                            "with a CD, readonly=on or snapshot=off", NULL);
    return *d->overlay || !l->overlay_init_given ||
           options_fail(why, size, "overlay-init= goes with overlay=", NULL);
}

/* By its number, or the first that is free; with none free, the last. */
static unsigned place(const struct options *o, const struct drive_line *l)
{
    unsigned i = 0;

    if (l->index >= 0)
        return l->index;
    if (l->bus >= 0 || l->unit >= 0)
        return (l->bus > 0) * 2 + (l->unit > 0);
    while (i < MACHINE_IDE_UNITS - 1 && o->drive[i].used)
        i++;
    return i;
}

bool options_parse_drive(struct options *o, const char *value, char *why,
                         size_t size)
{
    struct drive_line l = { .index = -1, .bus = -1, .unit = -1 };
    char setting[OPTIONS_TEXT];
    unsigned seen = 0;

    while (value) {
        value = options_next_setting(value, setting);
        if (!set(&l, setting, &seen, why, size))
            return false;
    }
    if (!is_sound(&l, why, size))
        return false;
    if (*l.drive.overlay)
        l.drive.snapshot = DRIVE_SNAPSHOT_ON;
    return take_place(o, place(o, &l), &l.drive, why, size);
}

/* ---- -hdachs --------------------------------------------------------------- */

static bool take_translation(struct drive_geometry *g, const char *word)
{
    static const char *const words[] = {
        [MACHINE_TRANSLATION_AUTO] = "auto",
        [MACHINE_TRANSLATION_NONE] = "none", [MACHINE_TRANSLATION_LBA] = "lba",
        [MACHINE_TRANSLATION_LARGE] = "large",
        [MACHINE_TRANSLATION_RECHS] = "rechs",
    };

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(word, words[i])) {
            g->translation = i;
            return true;
        }
    return false;
}

bool options_parse_hdachs(struct options *o, const char *value, char *why,
                          size_t size)
{
    static const unsigned max[3] = { 16383, 16, 63 };
    unsigned n[3];

    for (unsigned i = 0; i < 3; i++) {
        char *end;
        unsigned long v = strtoul(value, &end, 10);

        if (!isdigit((unsigned char)*value) || !v || v > max[i] ||
            (*end != ',' && (*end || i < 2)))
            return options_fail(why, size, "use CYLINDERS,HEADS,SECTORS: up to "
                                "16383, 16 and 63", NULL);
        n[i] = v;
        value = end + (*end == ',');
        if (!*end && i == 2)
            value = "auto";
    }
    o->hdachs = (struct drive_geometry){ n[0], n[1], n[2], 0 };
    return take_translation(&o->hdachs, value) ||
           options_fail(why, size, "the fourth is none, lba, large, rechs or "
                        "auto", NULL);
}

bool options_check_drives(const struct options *o, char *why, size_t size)
{
    if (!o->hdachs.heads || (o->drive[0].used && !o->drive[0].is_cdrom))
        return true;
    return options_fail(why, size, "-hdachs: there is no hda", NULL);
}
