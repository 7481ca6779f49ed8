/* What the parsers of options share. */
#ifndef KERNEL_OPTIONS_PARSER_H
#define KERNEL_OPTIONS_PARSER_H

#include "kernel/options.h"

/*
 * Take an option's value into `o`. False: `why`, of `size` bytes, says what is
 * wrong with it.
 */
typedef bool options_parser(struct options *o, const char *value, char *why,
                            size_t size);
/* After the last option: whether they go together. The same. */
typedef bool options_checker(const struct options *o, char *why, size_t size);

/* Always false; `why` becomes "what 'value'", or `what` if value is NULL. */
bool options_fail(char *why, size_t size, const char *what, const char *value);

/*
 * Of a value with commas: the setting at `at` to `out`, ",," made ",", and cut
 * where it is too long for any; what is behind its comma, or NULL.
 */
const char *options_next_setting(const char *at, char out[OPTIONS_TEXT]);

#endif
