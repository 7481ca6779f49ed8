/* Where trestle.conf is read from, and written to: see config.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/config_medium.h"
#include "kernel/disk/medium.h"
#include "kernel/options_net.h"
#include "kernel/platform.h"

/* ---- Reading --------------------------------------------------------------- */

static bool is_listed(const char *wanted)
{
    const char *name;

    for (unsigned i = 0; (name = platform_file_list(i)); i++)
        if (!strcmp(name, wanted))
            return true;
    return false;
}

/* A file or a module, the whole of it. */
static bool load_file(struct config_text *t, const char *name, char *why,
                      size_t why_size)
{
    struct platform_file f;
    int r = platform_file_open(name, false, &f);

    snprintf(why, why_size, "cannot read '%s': %s", name, strerror(-r));
    if (r)
        return false;
    t->len = f.size;
    if (f.size > CONFIG_MAX_BYTES) {
        snprintf(why, why_size, "%s: longer than %u bytes: not a "
                 CONFIG_DEFAULT_NAME, name, CONFIG_MAX_BYTES);
        r = -1;
    } else if (!(t->data = malloc(f.size + 1))) {
        snprintf(why, why_size, "%s: out of memory", name);
        r = -1;
    } else if ((r = platform_file_read(&f, 0, t->data, f.size))) {
        snprintf(why, why_size, "cannot read '%s': %s", name, strerror(-r));
    }
    platform_file_close(&f);
    return !r;
}

/* False: it is there, and cannot be read. */
static bool load(struct config *c, char *why, size_t why_size)
{
    char text[200];

    if (c->common.readconfig) {
        c->file = c->common.readconfig;
        c->origin = is_listed(c->file) ? CONFIG_MODULE : CONFIG_FILE;
        return load_file(&c->source, c->file, why, why_size);
    }
    if (is_listed(CONFIG_DEFAULT_NAME)) {
        c->file = CONFIG_DEFAULT_NAME;
        c->origin = CONFIG_MODULE;
        platform_log(CONFIG_DEFAULT_NAME ": the one that the loader brought");
        return load_file(&c->source, c->file, why, why_size);
    }
    if (!medium_selected())
        return true;
    if (config_medium_read(CONFIG_DEFAULT_NAME, &c->source, text,
                           sizeof text)) {
        platform_log(CONFIG_DEFAULT_NAME ": none: %s", text);
        return true;
    }
    c->file = CONFIG_DEFAULT_NAME;
    c->origin = CONFIG_MEDIUM;
    platform_log(CONFIG_DEFAULT_NAME ": from %s", text);
    return true;
}

/* In a text that may be changed. */
static bool parse_copy(struct config *c, const char *name,
                       const struct config_text *t, char *why, size_t why_size)
{
    c->text = malloc(t->len + 1);
    if (!c->text) {
        snprintf(why, why_size, "%s: out of memory", name);
        return false;
    }
    memcpy(c->text, t->data, t->len);
    if (memchr(t->data, '\0', t->len)) {
        snprintf(why, why_size, "%s: has zero bytes: not a text", name);
        return false;
    }
    return config_parse(c, name, c->text, t->len, why, why_size);
}

static enum options_result without_file(struct config *c,
                                        enum options_result result, char *why,
                                        size_t why_size)
{
    c->machine[0] = c->common;
    c->count = 1;
    return result == OPTIONS_RUN &&
                   !options_default_net(&c->machine[0],
                                        platform_default_network, why,
                                        why_size)
               ? OPTIONS_ERROR : result;
}

enum options_result config_read(struct config *c, int argc, char **argv,
                                char *why, size_t why_size)
{
    enum options_result result;

    memset(c, 0, sizeof *c);
    result = options_parse(&c->common, argc, argv, why, why_size);
    if (result == OPTIONS_ERROR || (result != OPTIONS_RUN && argc > 1))
        return result;
    c->command_line = c->common;
    medium_select(c->common.medium);
    if (!load(c, why, why_size))
        return OPTIONS_ERROR;
    if (c->origin == CONFIG_NONE)
        return without_file(c, result, why, why_size);
    if (c->common.own) {
        snprintf(why, why_size, "-%s: with %s it belongs into a machine's "
                 "section", c->common.own, c->file);
        return OPTIONS_ERROR;
    }
    return parse_copy(c, c->file, &c->source, why, why_size) ? OPTIONS_RUN
                                                             : OPTIONS_ERROR;
}

void config_free(struct config *c)
{
    free(c->text);
    free(c->source.data);
    free(c->next.data);
    c->text = c->source.data = c->next.data = NULL;
}

/* ---- Another one ------------------------------------------------------------- */

bool config_check(const struct config *c, const char *name,
                  const struct config_text *t, char *why, size_t why_size)
{
    struct config *other = calloc(1, sizeof *other);
    bool ok;

    if (!other) {
        snprintf(why, why_size, "%s: out of memory", name);
        return false;
    }
    other->common = c->command_line;
    if (c->command_line.own) {
        snprintf(why, why_size, "-%s: is on the command line; with a "
                 CONFIG_DEFAULT_NAME " it belongs into a machine's section",
                 c->command_line.own);
        ok = false;
    } else {
        ok = parse_copy(other, name, t, why, why_size);
    }
    config_free(other);
    free(other);
    return ok;
}

bool config_target(const struct config *c, char *text, size_t size)
{
    if (c->origin == CONFIG_FILE)
        snprintf(text, size, "%.100s", c->file);
    else if (medium_selected())
        snprintf(text, size, "%.60s on the medium %.20s",
                 c->file ? c->file : CONFIG_DEFAULT_NAME, medium_selected());
    else
        snprintf(text, size, "neither -readconfig nor a medium's -medium says "
                 "where it is kept");
    return c->origin == CONFIG_FILE || medium_selected();
}

int config_save(const struct config *c, const struct config_text *t,
                char *why, size_t why_size)
{
    int r;

    if (c->origin != CONFIG_FILE)
        return config_medium_write(c->file ? c->file : CONFIG_DEFAULT_NAME, t,
                                   why, why_size);
    r = platform_file_replace(c->file, t->data, t->len);
    if (r)
        snprintf(why, why_size, "cannot write '%s': %s", c->file,
                 strerror(-r));
    return r;
}
