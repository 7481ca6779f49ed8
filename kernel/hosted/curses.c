/* See curses.h. The screen; curses_keys.c is the keys. */
#include "kernel/hosted/curses.h"

#include <curses.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "kernel/hosted/console.h"
#include "kernel/hosted/curses_ending.h"
#include "kernel/hosted/curses_keys.h"
#include "kernel/hosted/log.h"
#include "kernel/screen/canvas.h"

#define COLOURS 16
#define COLOUR_PAIRS 256
#define BRIGHT 8
#define ESCAPE_MS 20            /* within which a key's sequence comes */

static struct canvas canvas;
static uint64_t shown;          /* canvas.changes, as on the terminal */
static short pair[COLOUR_PAIRS];        /* of each colour; 0: none yet */
static short pairs;             /* made */

/* ---- Colours and characters ------------------------------------------------ */

/* VGA has blue in bit 0, terminals have red there. */
static short terminal_colour(unsigned c)
{
    return (short)((c & 1) << 2 | (c & 2) | (c & 4) >> 2 | (c & BRIGHT));
}

/* With `attributes` what the terminal's colours cannot say. */
static short colour_pair(uint8_t colour, attr_t *attributes)
{
    unsigned foreground = colour & 15, background = colour >> 4;
    short *p;

    if (!has_colors()) {
        if (foreground & BRIGHT)
            *attributes |= A_BOLD;
        if (background && foreground != background)
            *attributes |= A_REVERSE;
        return 0;
    }
    if (COLORS < COLOURS) {
        if (foreground & BRIGHT)
            *attributes |= A_BOLD;
        foreground &= ~BRIGHT;
        background &= ~BRIGHT;
    }
    p = &pair[foreground | background << 4];
    if (!*p && pairs + 1 < COLOR_PAIRS &&
        init_pair(pairs + 1, terminal_colour(foreground),
                  terminal_colour(background)) == OK)
        *p = ++pairs;
    return *p;
}

/* Where the locale has no such character: a line drawing one, or like it. */
static const struct {
    uint16_t c;
    chtype vt100;               /* as acsc counts; 0: `plain` */
    char plain;
} likes[] = {
    { 0x2500, 'q', 0 }, { 0x2502, 'x', 0 }, { 0x250c, 'l', 0 },
    { 0x2510, 'k', 0 }, { 0x2514, 'm', 0 }, { 0x2518, 'j', 0 },
    { 0x251c, 't', 0 }, { 0x2524, 'u', 0 }, { 0x252c, 'w', 0 },
    { 0x2534, 'v', 0 }, { 0x253c, 'n', 0 },
    { 0x2550, 'q', 0 }, { 0x2551, 'x', 0 }, { 0x2554, 'l', 0 },
    { 0x2557, 'k', 0 }, { 0x255a, 'm', 0 }, { 0x255d, 'j', 0 },
    { 0x2560, 't', 0 }, { 0x2563, 'u', 0 }, { 0x2566, 'w', 0 },
    { 0x2569, 'v', 0 }, { 0x256c, 'n', 0 },
    { 0x2588, '0', 0 }, { 0x2591, 'a', 0 }, { 0x2592, 'a', 0 },
    { 0x2593, 'a', 0 }, { 0x2580, 0, '"' }, { 0x2584, 0, '_' },
    { 0x2190, 0, '<' }, { 0x2191, 0, '^' }, { 0x2192, 0, '>' },
    { 0x2193, 0, 'v' }, { 0x25ba, 0, '>' }, { 0x25c4, 0, '<' },
    { 0x25b2, 0, '^' }, { 0x25bc, 0, 'v' }, { 0x2022, 0, '*' },
    { 0x00a0, 0, ' ' },
};

static wchar_t character_of(uint16_t c, attr_t *attributes)
{
    char bytes[MB_LEN_MAX];
    mbstate_t state = { 0 };

    if (c < ' ' || (c >= 0x7f && c < 0xa0))
        return ' ';
    if (c < 0x7f)
        return c;
    if (wcrtomb(bytes, c, &state) != (size_t)-1 && wcwidth(c) == 1)
        return c;
    for (size_t i = 0; i < sizeof likes / sizeof *likes; i++)
        if (likes[i].c == c) {
            if (likes[i].plain)
                return likes[i].plain;
            *attributes |= A_ALTCHARSET;
            return (wchar_t)likes[i].vt100;
        }
    return '?';
}

static void put(unsigned y, unsigned x)
{
    struct screen_cell cell = cell_plain(canvas.drawn[y][x]);
    wchar_t text[2] = { 0 };
    attr_t attributes = 0;
    short colour = colour_pair(cell.colour, &attributes);
    cchar_t out;

    text[0] = character_of(cell.c, &attributes);
    if (cell.attributes & CELL_UNDERLINE)
        attributes |= A_UNDERLINE;
    if (cell.attributes & CELL_BLINK)
        attributes |= A_BLINK;
    if (setcchar(&out, text, attributes, colour, NULL) == OK)
        mvadd_wch((int)y, (int)x, &out);
}

void curses_show(void)
{
    if (canvas.changes == shown)
        return;
    shown = canvas.changes;
    for (unsigned y = 0; y < canvas.rows; y++)
        for (unsigned x = 0; x < canvas.columns; x++)
            put(y, x);
    refresh();
}

/* ---- Opened --------------------------------------------------------------- */

static unsigned within(int n, unsigned most)
{
    return n < 1 ? 1 : (unsigned)n < most ? (unsigned)n : most;
}

void curses_resized(void)
{
    int rows, columns;

    getmaxyx(stdscr, rows, columns);
    erase();
    canvas_resize(&canvas, within(columns, CANVAS_COLUMNS_MAX),
                  within(rows, CANVAS_ROWS_MAX));
}

static void set_modes(void)
{
    raw();
    noecho();
    nonl();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    set_escdelay(ESCAPE_MS);
    curs_set(0);
    if (has_colors())
        start_color();
}

int curses_open(struct canvas **out, char *why, size_t why_size)
{
    const struct surface surface = { .is_text = true, .width = 80,
                                     .height = 25 };
    const char *term = getenv("TERM");

    curses_ending_begin();
    setlocale(LC_CTYPE, "");
    if (!term || !newterm(NULL, stdout, stdin)) {
        snprintf(why, why_size, "TERM is %.40s, of which terminfo knows "
                 "nothing", term ? term : "not set");
        return -ENOTSUP;
    }
    set_modes();
    curses_ending_ready();
    console_before_restore(curses_end);
    console_leave_line(true);
    log_hold();
    canvas_init(&canvas, &surface);
    canvas.advice = "screendump and -vnc show it";
    curses_resized();
    curses_keys_open();
    *out = &canvas;
    return 0;
}
