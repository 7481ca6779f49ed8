/* See commands_screen.h. */
#include "kernel/console/commands_screen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/console/base64.h"
#include "kernel/console/commands.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/picture/picture.h"
#include "kernel/platform.h"

static const struct format {
    const char *name;           /* also the end of a file's name */
    picture_write *write;
} formats[] = {
    { "ppm", picture_write_ppm },
    { "png", picture_write_png },
};
#define PPM (&formats[0])
#define PNG (&formats[1])

struct dump {
    const char *file;           /* "": it is printed */
    const struct format *format;
};

/* ---- To a file ------------------------------------------------------------ */

static int to_file(void *ctx, const void *buf, size_t len)
{
    return platform_output_write(ctx, buf, len);
}

static void save(struct monitor *mon, const struct dump *d,
                 const struct picture *p)
{
    struct platform_output *o;
    int r = platform_output_open(d->file, &o);

    if (!r) {
        r = d->format->write(p, to_file, o);
        platform_output_close(o);
    }
    if (r == -ENOTSUP)
        monitor_printf(mon, "screendump: there is no place for files here; "
                       "without a name it is printed\n");
    else if (r)
        monitor_printf(mon, "screendump: '%.100s': %s\n", d->file,
                       strerror(-r));
}

/* ---- Over the line ---------------------------------------------------------- */

struct memory {
    uint8_t *data;
    size_t size, room;
};

static int to_memory(void *ctx, const void *buf, size_t len)
{
    struct memory *m = ctx;

    if (len > m->room - m->size) {
        size_t room = 2 * m->room + len;
        uint8_t *data = realloc(m->data, room);

        if (!data)
            return -ENOMEM;
        m->data = data;
        m->room = room;
    }
    memcpy(m->data + m->size, buf, len);
    m->size += len;
    return 0;
}

static void print(struct monitor *mon, const struct dump *d,
                  const struct picture *p)
{
    struct memory m = { 0 };
    uint8_t *pages = NULL;
    char name[24];

    if (!d->format->write(p, to_memory, &m))
        pages = platform_pages_alloc(m.size);
    if (pages) {
        memcpy(pages, m.data, m.size);
        snprintf(name, sizeof name, "screen.%s", d->format->name);
        monitor_print_base64(mon, name, pages, m.size);
    } else {
        monitor_printf(mon, "screendump: out of memory\n");
    }
    free(m.data);
}

/* ---- What was typed ---------------------------------------------------------- */

static const struct format *find_format(const char *name)
{
    for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcasecmp(name, formats[i].name))
            return &formats[i];
    return NULL;
}

/* A file is what its name ends in, by default a PPM; what is printed a PNG. */
static const struct format *default_format(const char *file)
{
    const char *dot = strrchr(file, '.');
    const struct format *f = dot ? find_format(dot + 1) : NULL;

    if (f)
        return f;
    return *file ? PPM : PNG;
}

/* False: told what is wrong. */
static bool parse(struct monitor *mon, char *args, struct dump *d)
{
    d->file = "";
    d->format = NULL;
    while (*args) {
        const char *word = monitor_word(&args);

        if (!strcmp(word, "-f")) {
            word = monitor_word(&args);
            d->format = find_format(word);
            if (!d->format) {
                monitor_printf(mon, "screendump: no such format: '%.20s'; "
                               "there are png and ppm\n", word);
                return false;
            }
        } else if ((*word == '-' && word[1]) || *d->file) {
            monitor_printf(mon, "use screendump [FILE] [-f png|ppm]\n");
            return false;
        } else {
            d->file = strcmp(word, "-") ? word : "";
        }
    }
    if (!d->format)
        d->format = default_format(d->file);
    return true;
}

void cmd_screendump(struct monitor *mon, char *args)
{
    struct picture p;
    struct dump d;
    int r;

    if (!parse(mon, args, &d))
        return;
    r = picture_take(mux_guest(mon->mux), &p);
    monitor_answered(mon, r != -ETIMEDOUT);
    if (r && r != -ETIMEDOUT)
        monitor_printf(mon, "screendump: %s\n", strerror(-r));
    if (r)
        return;
    if (*d.file)
        save(mon, &d, &p);
    else
        print(mon, &d, &p);
    picture_free(&p);
}
