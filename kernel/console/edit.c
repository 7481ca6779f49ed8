/*
 * See edit.h. Sequences are those of the VT100 (DEC, User Guide EK-VT100-UG,
 * chapter 3): CUU, CUF, ED; and the keys of it, of xterm and of the Linux
 * console.
 */
#include "kernel/console/edit.h"

#include <stdio.h>
#include <string.h>

#define CTRL(c) ((c) & 0x1f)
#define ESC 0x1b
#define DEL 0x7f
#define PARAMETER_MAX 99u
#define WITH_CTRL 5u            /* xterm: 1 + a bit each of shift, alt, ctrl */

/* ---- The screen ----------------------------------------------------------- */

static void put(struct edit *e, const char *text) { e->print(e->ctx, text); }

static bool is_continuation(char c) { return ((uint8_t)c & 0xc0) == 0x80; }

/* Columns that bytes [0, n) of a text take. */
static unsigned width(const char *text, unsigned n)
{
    unsigned columns = 0;

    for (unsigned i = 0; i < n; i++)
        columns += !is_continuation(text[i]);
    return columns;
}

/* Columns from the prompt's begin to byte i, over all rows. */
static unsigned place(const struct edit *e, unsigned i)
{
    return width(e->prompt, (unsigned)strlen(e->prompt)) +
           (e->is_hidden ? 0 : width(e->line, i));
}

/* Move the cursor before byte `to`. */
static void go(struct edit *e, unsigned to)
{
    unsigned from = place(e, e->at), want = place(e, to);
    unsigned up, column = want % e->columns;
    char text[16];

    if (from == want) {
        e->at = to;
        return;
    }
    if (e->at_margin)
        put(e, "\n");
    e->at_margin = false;
    e->at = to;
    if (from / e->columns == want / e->columns && want < from &&
        from - want <= 4) {
        while (from-- > want)
            put(e, "\b");
        return;
    }
    up = want < from ? from / e->columns - want / e->columns : 0;
    for (unsigned i = from / e->columns; i < want / e->columns; i++)
        put(e, "\n");           /* these rows are there already */
    put(e, "\r");
    if (up) {
        snprintf(text, sizeof text, "\033[%uA", up);
        put(e, text);
    }
    if (column) {
        snprintf(text, sizeof text, "\033[%uC", column);
        put(e, text);
    }
}

/* The line from the cursor on, which is then at its end. */
static void print_rest(struct edit *e)
{
    if (e->at == e->len)
        return;
    e->line[e->len] = '\0';
    if (!e->is_hidden)
        put(e, e->line + e->at);
    e->at = e->len;
    e->at_margin = !(place(e, e->len) % e->columns);
}

/* The same when it has become shorter, with the cursor at `to` then. */
static void print_shorter(struct edit *e, unsigned to)
{
    print_rest(e);
    if (e->at_margin)
        put(e, "\n");
    e->at_margin = false;
    put(e, "\033[J");
    go(e, to);
}

void edit_show(struct edit *e, const char *prompt)
{
    unsigned at = e->at;

    e->prompt = prompt;
    put(e, prompt);
    e->at = 0;
    e->at_margin = *prompt && !(place(e, 0) % e->columns);
    print_rest(e);
    go(e, at);
}

unsigned edit_leave(struct edit *e)
{
    unsigned at = e->at;

    go(e, e->len);
    return at;
}

void edit_return(struct edit *e, unsigned at, bool is_new)
{
    if (!is_new) {
        go(e, at);
        return;
    }
    e->at = at;
    put(e, "\n");
    edit_show(e, e->prompt);
}

/* ---- The text ------------------------------------------------------------- */

void edit_insert(struct edit *e, uint8_t c)
{
    const char echo[2] = { (char)c, '\0' };
    unsigned next = e->at + 1, start = e->at;

    if (e->len >= EDIT_LINE - 1)
        return;
    memmove(e->line + next, e->line + e->at, e->len - e->at);
    e->line[e->at] = (char)c;
    e->len++;
    if (e->is_hidden) {
        e->at = next;
        return;
    }
    if (next == e->len) {       /* a byte as it comes, also one of several */
        put(e, echo);
        e->at = next;
        if (!is_continuation((char)c))
            e->at_margin = !(place(e, next) % e->columns);
        return;
    }
    while (start && is_continuation(e->line[start]))
        start--;
    go(e, start);
    print_rest(e);
    go(e, next);
}

/* Where the character before byte i begins, and behind which the next does. */
static unsigned before(const struct edit *e, unsigned i)
{
    if (i)
        i--;
    while (i && is_continuation(e->line[i]))
        i--;
    return i;
}

static unsigned after(const struct edit *e, unsigned i)
{
    if (i < e->len)
        i++;
    while (i < e->len && is_continuation(e->line[i]))
        i++;
    return i;
}

static unsigned word_before(const struct edit *e, unsigned i)
{
    while (i && e->line[i - 1] == ' ')
        i--;
    while (i && e->line[i - 1] != ' ')
        i--;
    return i;
}

static unsigned word_after(const struct edit *e, unsigned i)
{
    while (i < e->len && e->line[i] == ' ')
        i++;
    while (i < e->len && e->line[i] != ' ')
        i++;
    return i;
}

/* Bytes [from, to) go; the cursor is where they were. */
static void erase(struct edit *e, unsigned from, unsigned to)
{
    bool is_last = to == e->len && e->at == to && from == before(e, to) &&
                   place(e, to) % e->columns && !e->is_hidden;

    if (from == to)
        return;
    if (is_last) {              /* what any terminal understands */
        put(e, "\b \b");
        e->len = e->at = from;
        return;
    }
    go(e, from);
    memmove(e->line + from, e->line + to, e->len - to);
    e->len -= to - from;
    print_shorter(e, from);
}

/* Another line in this one's place. */
static void replace(struct edit *e, const char *text)
{
    go(e, 0);
    snprintf(e->line, sizeof e->line, "%s", text);
    e->len = (unsigned)strlen(e->line);
    print_shorter(e, e->len);
}

void edit_clear(struct edit *e)
{
    e->len = e->at = e->back = 0;
    e->at_margin = false;
    e->escape = EDIT_PLAIN;
}

/* ---- History -------------------------------------------------------------- */

static unsigned kept(const struct edit *e)
{
    return e->remembered < EDIT_HISTORY ? e->remembered : EDIT_HISTORY;
}

const char *edit_remembered(const struct edit *e, unsigned n)
{
    return n < kept(e) ? e->history[(e->remembered - kept(e) + n) %
                                    EDIT_HISTORY] : NULL;
}

static void remember(struct edit *e)
{
    const char *last = kept(e) ? edit_remembered(e, kept(e) - 1) : "";

    if (!e->keeps || e->line[strspn(e->line, " ")] == '\0' ||
        !strcmp(e->line, last))
        return;
    strcpy(e->history[e->remembered++ % EDIT_HISTORY], e->line);
}

/* 1: one line further back; -1: one towards the new one. */
static void recall(struct edit *e, int step)
{
    unsigned back = e->back + (unsigned)step;

    if (!e->keeps || (step < 0 && !e->back) || back > kept(e))
        return;
    e->line[e->len] = '\0';
    if (!e->back)
        strcpy(e->put_aside, e->line);
    e->back = back;
    replace(e, back ? edit_remembered(e, kept(e) - back) : e->put_aside);
}

/* ---- Keys ----------------------------------------------------------------- */

/* The last byte of a sequence: ESC [ and ESC O are the same keys. */
static void sequence_key(struct edit *e, uint8_t c)
{
    bool by_word = e->parameters && e->parameter[1] == WITH_CTRL;

    switch (c) {
    case 'A':
        recall(e, 1);
        break;
    case 'B':
        recall(e, -1);
        break;
    case 'C':
        go(e, by_word ? word_after(e, e->at) : after(e, e->at));
        break;
    case 'D':
        go(e, by_word ? word_before(e, e->at) : before(e, e->at));
        break;
    case 'H':
        go(e, 0);
        break;
    case 'F':
        go(e, e->len);
        break;
    case '~':
        if (e->parameter[0] == 1 || e->parameter[0] == 7)
            go(e, 0);
        else if (e->parameter[0] == 4 || e->parameter[0] == 8)
            go(e, e->len);
        else if (e->parameter[0] == 3)
            erase(e, e->at, after(e, e->at));
        break;
    }
}

/* ESC and a character: Alt, as far as it is a key here. */
static void alt_key(struct edit *e, uint8_t c)
{
    if (c == 'b')
        go(e, word_before(e, e->at));
    else if (c == 'f')
        go(e, word_after(e, e->at));
    else if (c == 'd')
        erase(e, e->at, word_after(e, e->at));
}

static void add_parameter(struct edit *e, uint8_t c)
{
    unsigned *p = &e->parameter[e->parameters ? 1 : 0];

    if (c == ';')
        e->parameters++;
    else if (c >= '0' && c <= '9' && e->parameters < 2 && *p < PARAMETER_MAX)
        *p = *p * 10 + c - '0';
}

/*
 * A byte of a sequence (ECMA-48 5.4): parameters and intermediates up to 3Fh,
 * then its last one. The Linux console's F1 to F5 are ESC [ [ and one more.
 */
static void escape_input(struct edit *e, uint8_t c)
{
    bool is_first = e->escape == EDIT_ESC;
    bool is_more = e->escape == EDIT_ONE_MORE;

    if (is_first && (c == '[' || c == 'O')) {
        e->escape = c == '[' ? EDIT_CSI : EDIT_SS3;
        e->parameters = e->parameter[0] = e->parameter[1] = 0;
    } else if (is_first) {
        e->escape = EDIT_PLAIN;
        alt_key(e, c);
    } else if (is_more) {
        e->escape = EDIT_PLAIN;
    } else if (c < '@') {
        add_parameter(e, c);
    } else if (c == '[') {
        e->escape = EDIT_ONE_MORE;
    } else {
        e->escape = EDIT_PLAIN;
        sequence_key(e, c);
    }
}

static enum edit_event control_key(struct edit *e, uint8_t c)
{
    switch (c) {
    case '\r':
    case '\n':
        go(e, e->len);
        put(e, "\n");
        e->line[e->len] = '\0';
        remember(e);
        edit_clear(e);
        return EDIT_ENTER;
    case '\t':
        return EDIT_TAB;
    case CTRL('c'):
        go(e, e->len);
        put(e, "^C\n");
        edit_clear(e);
        e->line[0] = '\0';
        return EDIT_CANCEL;
    case '\b':
    case DEL:
        erase(e, before(e, e->at), e->at);
        break;
    case CTRL('a'):
        go(e, 0);
        break;
    case CTRL('e'):
        go(e, e->len);
        break;
    case CTRL('b'):
        go(e, before(e, e->at));
        break;
    case CTRL('f'):
        go(e, after(e, e->at));
        break;
    case CTRL('d'):
        erase(e, e->at, after(e, e->at));
        break;
    case CTRL('k'):
        erase(e, e->at, e->len);
        break;
    case CTRL('u'):
        erase(e, 0, e->at);
        break;
    case CTRL('w'):
        erase(e, word_before(e, e->at), e->at);
        break;
    case CTRL('p'):
        recall(e, 1);
        break;
    case CTRL('n'):
        recall(e, -1);
        break;
    case CTRL('l'):
        put(e, "\033[H\033[J");
        edit_show(e, e->prompt);
        break;
    case ESC:
        e->escape = EDIT_ESC;
        break;
    }
    return EDIT_NOTHING;
}

enum edit_event edit_input(struct edit *e, uint8_t c)
{
    bool is_control = c < ' ' || c == DEL;

    if (e->escape != EDIT_PLAIN && !is_control) {
        escape_input(e, c);
        return EDIT_NOTHING;
    }
    e->escape = EDIT_PLAIN;     /* a control key ends what never came whole */
    if (is_control)
        return control_key(e, c);
    edit_insert(e, c);
    return EDIT_NOTHING;
}

void edit_init(struct edit *e, void (*print)(void *ctx, const char *text),
               void *ctx)
{
    memset(e, 0, sizeof *e);
    e->print = print;
    e->ctx = ctx;
    e->prompt = "";
    e->columns = EDIT_COLUMNS;
}
