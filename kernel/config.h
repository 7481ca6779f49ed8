/*
 * trestle.conf: several machines, each in a [name] section with its options,
 * one a line, in qemu's words with or without the dash. What stands before the
 * first section, and on the command line, is for all machines.
 *
 *     echr 20                      # the console line: before any section
 *     [wan]
 *     m 64
 *     hda "my router.img"
 *     net nic,macaddr=52:54:00:00:00:01
 *     net bridge,pci=00:03.0
 *
 * # at the start of a line or after a blank begins a comment. Quotes ("" or
 * '') keep blanks and #. Lines may end in CRLF.
 */
#ifndef KERNEL_CONFIG_H
#define KERNEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/options.h"

/* Found by itself where files have plain names (a module on the appliance). */
#define CONFIG_DEFAULT_NAME "trestle.conf"
#define CONFIG_MAX_BYTES 65536u

/* Where it came from. */
enum config_origin { CONFIG_NONE, CONFIG_FILE, CONFIG_MODULE, CONFIG_MEDIUM };

/* malloc's, or NULL. */
struct config_text {
    char *data;
    size_t len;
};

struct config {
    struct options common;      /* the command line, then the file's head */
    struct options machine[OPTIONS_MACHINES];
    unsigned count;
    char *text;                 /* of the file: the options point into it */
    struct options command_line;        /* alone */
    enum config_origin origin;
    const char *file;           /* its name, or NULL */
    struct config_text source;  /* what is in it */
    struct config_text next;    /* what was imported in its place */
    bool next_is_saved;
};

/*
 * The command line, and the file that it names or that is there by itself,
 * into *c. As options_parse; under OPTIONS_RUN, c->count machines. The result
 * refers to argv's strings.
 */
enum options_result config_read(struct config *c, int argc, char **argv,
                                char *why, size_t why_size);
void config_free(struct config *c);

/*
 * Would this text do as the file's, with this command line? False: `why`, which
 * has `name` in place of the file's.
 */
bool config_check(const struct config *c, const char *name,
                  const struct config_text *t, char *why, size_t why_size);
/*
 * Where config_save writes: a file, or one on the medium that Trestle was
 * started from. False: nowhere, and why.
 */
bool config_target(const struct config *c, char *text, size_t size);
/*
 * Let the file have this content, as a whole or not at all, for the next start.
 * In a task. 0, or negative errno and a sentence in `why`.
 */
int config_save(const struct config *c, const struct config_text *t,
                char *why, size_t why_size);

/*
 * The `len` bytes of `text`, which is changed and must outlive *c, and has
 * room for one more byte. c->common holds what the command line said. False:
 * `why` names file, line, option and what to do.
 */
bool config_parse(struct config *c, const char *file, char *text, size_t len,
                  char *why, size_t why_size);

/*
 * The value of option `name` in the head of a file, copied to `out`; the last
 * one counts. False: it is not there. Needs no memory: for the platform's
 * start.
 */
bool config_find(const char *text, size_t len, const char *name, char *out,
                 size_t size);

#endif
