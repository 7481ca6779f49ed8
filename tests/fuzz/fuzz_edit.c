/* What is typed at the monitor: any keys, and any expression. */
// covers: kernel/console/edit.c kernel/console/expression.c
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/edit.h"
#include "kernel/console/expression.h"
#include "kernel/guest_debug.h"

#define PROMPT "(trestle) "

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing goes to the terminal but text and sequences that are whole. */
static void print(void *ctx, const char *text)
{
    for (; *text; text++) {
        if (*text != '\033') {
            if ((uint8_t)*text < ' ' && !strchr("\r\n\b", *text))
                abort();
            continue;
        }
        if (*++text != '[')
            abort();
        while (*++text >= '0' && *text <= '9')
            continue;
        if (!*text || !strchr("ACHJ", *text))
            abort();
    }
}

static void keys(const uint8_t *data, size_t size)
{
    static struct edit e;

    edit_init(&e, print, NULL);
    e.columns = 20 + data[0] % 80;
    e.keeps = true;
    edit_show(&e, PROMPT);
    for (size_t i = 1; i < size; i++) {
        enum edit_event event = edit_input(&e, data[i]);

        if (e.len >= EDIT_LINE || e.at > e.len)
            abort();
        if (event == EDIT_TAB)
            edit_return(&e, edit_leave(&e), i % 2);
        if ((event == EDIT_ENTER || event == EDIT_CANCEL) &&
            strlen(e.line) >= EDIT_LINE)
            abort();
        if (event == EDIT_ENTER || event == EDIT_CANCEL)
            edit_show(&e, PROMPT);
    }
}

static void value(const uint8_t *data, size_t size)
{
    struct guest_registers r = { .bits = 32 };
    char *text = malloc(size + 1), why[64] = "";
    const char *at = text;
    uint64_t v;

    memcpy(text, data, size);
    text[size] = '\0';
    memset(r.gpr, data[0], sizeof r.gpr);
    if (expression(&at, &r, &v, why, sizeof why)) {
        if (!*why || at != text)
            abort();
    } else if (at <= text || at > text + strlen(text)) {
        abort();
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (data[0] & 1)
        keys(data + 1, size - 1);
    else
        value(data + 1, size - 1);
    return 0;
}
