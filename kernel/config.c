/* See config.h. */
#include "kernel/config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/options_net.h"
#include "kernel/platform.h"

/* What one line says. */
enum line_kind { LINE_EMPTY, LINE_SECTION, LINE_OPTION, LINE_BAD };

struct line {
    char *word;                 /* a section's or an option's name */
    char *value;                /* or NULL */
    const char *wrong;          /* of a LINE_BAD */
};

struct reader {
    struct config *c;
    const char *file;
    unsigned number;            /* of the line */
    struct options *o;          /* where options go: common or a machine */
    unsigned section_line;
    char *why;
    size_t why_size;
};

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Always false. `fmt` is about line `line` of the file. */
static bool __attribute__((format(printf, 3, 4)))
bad(struct reader *r, unsigned line, const char *fmt, ...)
{
    int n = snprintf(r->why, r->why_size, "%.100s:%u: ", r->file, line);
    va_list ap;

    va_start(ap, fmt);
    if (n >= 0 && (size_t)n < r->why_size)
        vsnprintf(r->why + n, r->why_size - n, fmt, ap);
    va_end(ap);
    return false;
}

/* ---- One line -------------------------------------------------------------- */

static bool at_end(const char *p)
{
    while (is_blank(*p))
        p++;
    return !*p || *p == '#';
}

/*
 * One word from `*p` on, its quotes taken out in place; # inside a word is the
 * word's. NULL: a quote is open.
 */
static char *take_word(char **p)
{
    char *start = *p, *out = start, *in = start, quote = '\0';

    for (; *in && (quote || !is_blank(*in)); in++) {
        if (quote && *in == quote)
            quote = '\0';
        else if (!quote && (*in == '"' || *in == '\''))
            quote = *in;
        else
            *out++ = *in;
    }
    *p = *in ? in + 1 : in;
    *out = '\0';
    return quote ? NULL : start;
}

static enum line_kind split_section(char *p, struct line *out)
{
    char *end = strchr(p, ']');

    out->wrong = "a section is one [name] on its line";
    if (!end || !at_end(end + 1))
        return LINE_BAD;
    *end = '\0';
    out->word = p + 1;
    return LINE_SECTION;
}

/* Split `p`, a line without its end, in place. */
static enum line_kind split_line(char *p, struct line *out)
{
    char *end;

    memset(out, 0, sizeof *out);
    while (is_blank(*p))
        p++;
    if (at_end(p))
        return LINE_EMPTY;
    if (*p == '[')
        return split_section(p, out);
    for (int i = 0; i < 2 && *p == '-'; i++)
        p++;
    out->word = p;
    while (*p && !is_blank(*p) && *p != '=')
        p++;
    end = p;
    while (is_blank(*p))
        p++;
    if (*p == '=')              /* qemu's files write m = "64" */
        p++;
    while (is_blank(*p))
        p++;
    if (at_end(p)) {
        *end = '\0';
        return LINE_OPTION;
    }
    out->value = take_word(&p);
    *end = '\0';
    out->wrong = !out->value ? "a quote is open"
                 : "one option a line; put quotes around a value with blanks";
    return out->value && at_end(p) ? LINE_OPTION : LINE_BAD;
}

/*
 * The next line of the `*left` bytes at `*p`, terminated in place; the byte
 * behind the text is there for that. NULL: no more.
 */
static char *next_line(char **p, size_t *left)
{
    char *line = *p, *end;
    size_t len;

    if (!*left)
        return NULL;
    end = memchr(line, '\n', *left);
    len = end ? (size_t)(end - line) : *left;
    *p += end ? len + 1 : len;
    *left -= end ? len + 1 : len;
    if (len && line[len - 1] == '\r')
        len--;
    line[len] = '\0';
    return line;
}

/* Windows editors begin a file with a byte order mark. */
static size_t mark_bytes(const char *text, size_t len)
{
    return len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
}

/* ---- The file -------------------------------------------------------------- */

static bool is_name(const char *name)
{
    size_t n = strlen(name);

    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
            return false;
    return n && n <= OPTIONS_NAME_MAX;
}

/* The last section is complete: do its options go together? */
static bool end_section(struct reader *r)
{
    char reason[200];

    return r->o == &r->c->common ||
           (options_finish(r->o, reason, sizeof reason) &&
            options_default_net(r->o, platform_default_network, reason,
                                sizeof reason)) ||
           bad(r, r->section_line, "[%s]: %s", r->o->name, reason);
}

static bool begin_section(struct reader *r, const char *name)
{
    struct config *c = r->c;

    if (!end_section(r))
        return false;
    if (!is_name(name))
        return bad(r, r->number, "[%.40s]: a name is 1 to %u letters, digits, "
                   "- _ .", name, OPTIONS_NAME_MAX);
    if (c->count == OPTIONS_MACHINES)
        return bad(r, r->number, "[%s]: at most %u machines", name,
                   OPTIONS_MACHINES);
    for (unsigned i = 0; i < c->count; i++)
        if (!strcmp(c->machine[i].name, name))
            return bad(r, r->number, "[%s]: there is such a section already",
                       name);
    r->o = &c->machine[c->count++];
    *r->o = c->common;
    r->o->name = name;
    r->section_line = r->number;
    return true;
}

static bool set_option(struct reader *r, const struct line *l)
{
    bool in_section = r->o != &r->c->common;
    int scope = options_scope(l->word);
    char reason[200];

    if (!strcmp(l->word, "name"))
        return bad(r, r->number, "-name: a machine's name is its section's "
                   "[name]");
    if (scope == OPTION_COMMAND_LINE)
        return bad(r, r->number, "-%s: only on the command line", l->word);
    if (scope == OPTION_OWN && !in_section)
        return bad(r, r->number, "-%s: belongs to one machine; put it below "
                   "its [name]", l->word);
    if (scope == OPTION_COMMON && in_section)
        return bad(r, r->number, "-%s: is for all machines; put it before the "
                   "first [name]", l->word);
    if (!strcmp(l->word, "uart") && platform_has_uart)
        return true;            /* taken by config_find, long ago */
    return options_set(r->o, l->word, l->value, reason, sizeof reason) ||
           bad(r, r->number, "%s", reason);
}

bool config_parse(struct config *c, const char *file, char *text, size_t len,
                  char *why, size_t why_size)
{
    struct reader r = { c, file, 0, &c->common, 0, why, why_size };
    char *p = text + mark_bytes(text, len), *line;
    size_t left = len - (p - text);
    bool ok = true;

    c->count = 0;
    while (ok && (line = next_line(&p, &left))) {
        struct line l;

        r.number++;
        switch (split_line(line, &l)) {
        case LINE_EMPTY:
            break;
        case LINE_SECTION:
            ok = begin_section(&r, l.word);
            break;
        case LINE_OPTION:
            ok = set_option(&r, &l);
            break;
        case LINE_BAD:
            ok = bad(&r, r.number, "%.*s%s%s", OPTIONS_SHOWN,
                     l.word ? l.word : "", l.word ? ": " : "", l.wrong);
        }
    }
    if (!ok || !end_section(&r))
        return false;
    if (!c->count)
        snprintf(why, why_size, "%s: no machine; one begins with a line "
                 "[name]", file);
    return c->count;
}

bool config_find(const char *text, size_t len, const char *name, char *out,
                 size_t size)
{
    char copy[OPTIONS_TEXT];
    size_t at = mark_bytes(text, len);
    bool found = false;

    while (at < len) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = (end ? (size_t)(end - text) : len) - at, left = n;
        char *p = copy;
        struct line l;

        if (n < sizeof copy) {
            enum line_kind kind;

            memcpy(copy, text + at, n);
            copy[n] = '\0';
            kind = split_line(n ? next_line(&p, &left) : copy, &l);
            if (kind == LINE_SECTION)
                return found;
            if (kind == LINE_OPTION && l.value && !strcmp(l.word, name)) {
                size_t value = strlen(l.value);

                found = value < size;
                memcpy(out, l.value, found ? value + 1 : 0);
            }
        }
        at += n + 1;
    }
    return found;
}
