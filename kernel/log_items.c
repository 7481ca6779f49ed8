/* See log_items.h. */
#include "kernel/log_items.h"

#include <stdio.h>
#include <string.h>

#include "emu/machine_log.h"

static const struct {
    const char *name;
    unsigned items;
} known[] = {
    { "guest_errors", MACHINE_LOG_GUEST_ERRORS },
    { "unimp", MACHINE_LOG_UNIMP },
    { "cpu_reset", MACHINE_LOG_CPU_RESET },
    { "all", MACHINE_LOG_ALL },
    { "none", 0 },
};

/* qemu's, which none of the engines could tell without being slow. */
static const char *const absent[] = {
    "in_asm", "out_asm", "op", "op_opt", "op_ind", "int", "exec", "cpu", "fpu",
    "mmu", "pcall", "page", "nochain", "plugin", "strace", "tid", "trace",
};

static bool is_word(const char *word, size_t len, const char *name)
{
    return strlen(name) == len && !memcmp(word, name, len);
}

static void explain(const char *word, size_t len, char *why, size_t size)
{
    size_t name = strcspn(word, ":,");

    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (is_word(word, name, absent[i])) {
            snprintf(why, size, "the item '%s' is not there: what the guest "
                     "executes is not logged;\nx/i, info registers and gdb "
                     "look at it", absent[i]);
            return;
        }
    snprintf(why, size, "no such item: '%.*s'; there are guest_errors, unimp, "
             "cpu_reset, all, none", (int)(len < 28 ? len : 28), word);
}

bool log_items_parse(const char *text, unsigned *items, char *why, size_t size)
{
    unsigned all = 0;

    for (;;) {
        size_t len = strcspn(text, ","), i = 0;

        while (i < sizeof known / sizeof *known &&
               !is_word(text, len, known[i].name))
            i++;
        if (i == sizeof known / sizeof *known) {
            explain(text, len, why, size);
            return false;
        }
        all = known[i].items ? all | known[i].items : 0;
        if (!text[len])
            break;
        text += len + 1;
    }
    *items = all;
    return true;
}
