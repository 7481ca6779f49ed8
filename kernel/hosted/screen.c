/* The local screen on Linux: the terminal is all there is. */
#include "kernel/platform.h"

struct canvas *platform_screen(void (*log)(const char *line, size_t len))
{
    return NULL;
}
