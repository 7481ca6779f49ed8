/* See curses.h: the terminal's keys. */
#include "kernel/hosted/curses_keys.h"

#include <curses.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "kernel/console/local.h"
#include "kernel/console/local_keys.h"
#include "kernel/hosted/console.h"
#include "kernel/hosted/curses.h"
#include "kernel/platform.h"

#define ESC 0x1b
#define ALONE_NS 500000000u     /* Esc behind which nothing comes is Esc */
#define KEYS_AT_ONCE 64u

/* Esc came, and stands in front of what comes next; 0: it did not. */
static uint64_t escape_ns;
static struct local_keys waiting;       /* what the guest has no room for */

/* ---- Keys that curses knows ------------------------------------------------ */

static const struct {
    int code;
    enum vt_key key;
    unsigned modifiers;
} keys[] = {
    { KEY_UP, VT_KEY_UP, 0 }, { KEY_DOWN, VT_KEY_DOWN, 0 },
    { KEY_RIGHT, VT_KEY_RIGHT, 0 }, { KEY_LEFT, VT_KEY_LEFT, 0 },
    { KEY_HOME, VT_KEY_HOME, 0 }, { KEY_END, VT_KEY_END, 0 },
    { KEY_IC, VT_KEY_INSERT, 0 }, { KEY_DC, VT_KEY_DELETE, 0 },
    { KEY_PPAGE, VT_KEY_PAGE_UP, 0 }, { KEY_NPAGE, VT_KEY_PAGE_DOWN, 0 },
    { KEY_BACKSPACE, VT_KEY_BACKSPACE, 0 }, { KEY_ENTER, VT_KEY_RETURN, 0 },
    { KEY_BTAB, VT_KEY_TAB, VT_SHIFT }, { KEY_SR, VT_KEY_UP, VT_SHIFT },
    { KEY_SF, VT_KEY_DOWN, VT_SHIFT }, { KEY_SRIGHT, VT_KEY_RIGHT, VT_SHIFT },
    { KEY_SLEFT, VT_KEY_LEFT, VT_SHIFT }, { KEY_SHOME, VT_KEY_HOME, VT_SHIFT },
    { KEY_SEND, VT_KEY_END, VT_SHIFT }, { KEY_SIC, VT_KEY_INSERT, VT_SHIFT },
    { KEY_SDC, VT_KEY_DELETE, VT_SHIFT },
    { KEY_SPREVIOUS, VT_KEY_PAGE_UP, VT_SHIFT },
    { KEY_SNEXT, VT_KEY_PAGE_DOWN, VT_SHIFT },
};

/* Those with other modifiers have names of terminfo's, "kUP5", and no codes. */
static const struct {
    const char *name;
    enum vt_key key;
} extended[] = {
    { "kUP", VT_KEY_UP }, { "kDN", VT_KEY_DOWN }, { "kRIT", VT_KEY_RIGHT },
    { "kLFT", VT_KEY_LEFT }, { "kHOM", VT_KEY_HOME }, { "kEND", VT_KEY_END },
    { "kIC", VT_KEY_INSERT }, { "kDC", VT_KEY_DELETE },
    { "kPRV", VT_KEY_PAGE_UP }, { "kNXT", VT_KEY_PAGE_DOWN },
};

#define EXTENDED (sizeof extended / sizeof *extended)
#define MODIFIERS 8             /* the name's digit is one more */

static int extended_code[EXTENDED][MODIFIERS];

void curses_keys_open(void)
{
    for (size_t i = 0; i < EXTENDED; i++)
        for (unsigned m = 1; m < MODIFIERS; m++) {
            char name[8];
            const char *sequence;

            snprintf(name, sizeof name, "%s%u", extended[i].name, m + 1);
            sequence = tigetstr(name);
            if (sequence && sequence != (char *)-1)
                extended_code[i][m] = key_defined(sequence);
        }
}

/* False: none that a PC has. */
static bool find_key(int code, struct local_typed *t)
{
    t->is_key = true;
    if (code >= KEY_F(1) && code <= KEY_F(36)) {        /* xterm's counting */
        static const unsigned modifiers[] = { 0, VT_SHIFT, VT_CTRL };
        unsigned n = (unsigned)(code - KEY_F(1));

        t->key = VT_KEY_F1 + n % 12;
        t->modifiers = modifiers[n / 12];
        return true;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].code == code) {
            t->key = keys[i].key;
            t->modifiers = keys[i].modifiers;
            return true;
        }
    for (size_t i = 0; i < EXTENDED; i++)
        for (unsigned m = 1; m < MODIFIERS; m++)
            if (extended_code[i][m] > 0 && extended_code[i][m] == code) {
                t->key = extended[i].key;
                t->modifiers = m;
                return true;
            }
    return false;
}

/* Characters that are keys with a name. */
static void find_character(wint_t c, struct local_typed *t)
{
    static const struct { wint_t c; enum vt_key key; } named[] = {
        { '\r', VT_KEY_RETURN }, { '\t', VT_KEY_TAB },
        { '\b', VT_KEY_BACKSPACE }, { 0x7f, VT_KEY_BACKSPACE },
    };

    t->character = c;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i].c == c) {
            t->is_key = true;
            t->key = named[i].key;
        }
}

/* ---- To the console -------------------------------------------------------- */

static void send_escape(struct local *l, uint64_t now)
{
    escape_ns = 0;
    local_keys_type(&waiting, l, (struct local_typed){ .character = ESC }, now);
}

/* Esc and a digit. False: it is for the console. */
static bool choose(struct local *l, uint32_t c, uint64_t now)
{
    struct consoles *all = local_consoles(l);

    if (c == '0')               /* one after the other, where there are many */
        return consoles_show(all, (all->shown + 1) % all->count + 1, now);
    return c >= '1' && c <= '9' && consoles_show(all, c - '0', now);
}

static void take(struct local *l, int kind, wint_t c, uint64_t now)
{
    struct local_typed t = { 0 };

    if (kind == KEY_CODE_YES && c == KEY_RESIZE) {
        curses_resized();
        return;
    }
    if (kind == OK && c == ESC) {
        if (escape_ns)
            send_escape(l, now);
        else
            escape_ns = now;
        return;
    }
    if (kind == OK)
        find_character(c, &t);
    else if (!find_key((int)c, &t))
        return;
    if (escape_ns) {
        escape_ns = 0;
        if (!t.is_key && choose(l, t.character, now))
            return;
        t.modifiers |= VT_ALT;
    }
    local_keys_type(&waiting, l, t, now);
}

/* Nothing can come any more. */
static bool has_ended(void)
{
    struct pollfd p = { STDIN_FILENO, POLLIN, 0 };

    return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR | POLLNVAL);
}

/*
 * As get_wch, which loses what follows bytes that are no character. These are
 * dropped here, but where each byte is one, it is that of ISO 8859-1.
 */
static int next(wint_t *c)
{
    static mbstate_t begun;

    for (;;) {
        int n = getch();
        char byte = (char)n;
        wchar_t wide;
        size_t len;

        if (n == ERR)
            return ERR;
        *c = (wint_t)n;
        if (n >= KEY_MIN)
            return KEY_CODE_YES;
        len = mbrtowc(&wide, &byte, 1, &begun);
        if (len == (size_t)-1) {        /* or the next one's first */
            memset(&begun, 0, sizeof begun);
            len = mbrtowc(&wide, &byte, 1, &begun);
        }
        if (len == (size_t)-1) {
            memset(&begun, 0, sizeof begun);
            if (MB_CUR_MAX == 1)
                return OK;
        } else if (len != (size_t)-2) {
            *c = (wint_t)wide;
            return OK;
        }
    }
}

uint64_t curses_poll(struct local *l, uint64_t now)
{
    uint64_t next_look;
    wint_t c;
    int kind;

    local_keys_poll(&waiting, l, now);
    for (unsigned i = 0; i < KEYS_AT_ONCE && local_keys_wants(&waiting, now);
         i++) {
        kind = next(&c);
        if (kind == ERR) {
            if (has_ended())
                console_input_ended();
            break;
        }
        take(l, kind, c, now);
    }
    console_hold_input(!local_keys_wants(&waiting, now));
    if (escape_ns && now - escape_ns >= ALONE_NS)
        send_escape(l, now);
    next_look = local_keys_poll(&waiting, l, now);
    if (escape_ns && escape_ns + ALONE_NS < next_look)
        next_look = escape_ns + ALONE_NS;
    return next_look;
}
