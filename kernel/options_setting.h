/* Settings of an option with commas between them. */
#ifndef KERNEL_OPTIONS_SETTING_H
#define KERNEL_OPTIONS_SETTING_H

#include "kernel/options.h"

/*
 * The setting at `at` to `out`, ",," made ",", and cut where it is too long for
 * any; what is behind its comma, or NULL.
 */
const char *options_next_setting(const char *at, char out[OPTIONS_TEXT]);

#endif
