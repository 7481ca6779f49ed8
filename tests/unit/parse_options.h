/* A command line's words to options, for the tests of what they mean. */
#ifndef TESTS_UNIT_PARSE_OPTIONS_H
#define TESTS_UNIT_PARSE_OPTIONS_H

#include "kernel/options.h"

static struct options o;
static char why[320];

/* Into `o` and `why`; the value is options_parse's. */
#define PARSE(...)                                                        \
    ({                                                                    \
        char *argv[] = { (char *)"trestle", __VA_ARGS__ };                \
        why[0] = '\0';                                                    \
        options_parse(&o, sizeof argv / sizeof *argv, argv, why, sizeof why); \
    })

#endif
