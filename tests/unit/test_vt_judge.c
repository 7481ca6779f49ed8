/*
 * The terminal beside libvterm's, on random programs: after each of 100,000
 * steps both have the same characters, colours and attributes in all cells, and
 * the cursor in the same place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <vterm.h>

#include "kernel/screen/vt.h"

#define COLUMNS 24u
#define ROWS 8u
#define PROGRAMS 2000u
#define STEPS 50u
/* The judge's DECRC needs a saved cursor. */
#define RESET "\x1b" "c\x1b" "7"

static uint32_t seed;
static unsigned kind;           /* of program: which of `own` it has */
static bool other_page;         /* that is shown */
static bool has_region;         /* it may have set one */

static unsigned any(unsigned below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static const char *pick(const char *const *table, unsigned count)
{
    return table[any(count)];
}

#define PAGE "\x1b[?1049"

/*
 * The judge saves one cursor for both pages, and DECOM not with it: a program
 * has two of these.
 */
static const char *const own[3][2] = {
    { "\x1b" "7", "\x1b" "8" }, { PAGE, PAGE }, { "\x1b[?6h", "\x1b[?6l" },
};
static const char *const plain[] = {
    "\r", "\n", "\r\n", "\b", "\t", "\x1b" "D", "\x1bM", "\x1b" "E", "\x1bH",
    "\x1b[g", "\x1b[3g", "\x1b(0lqk~`x\x1b(B",
    "\x1b)0\x0ejm\x0fxx\x0en\x0f\x1b)B",
    "\x1b[?7l", "\x1b[?7h", "\x1b[4h", "\x1b[4l", "\x1b[20h",
    "\x1b[20l", "\x1b[r", "\xc3\xa4", "\xe2\x94\x82", "\x1b]0;t\x07",
    "\x1b[?5h\x1b[?5l", "\x1b[m\x1b#8\x1b[r", RESET,
};
/* What else ends the wait at a line's end differs. */
static const char *const at_end[] = { "\r", "\r\n", "\b" };
static const char *const sgr[] = {
    "", "1", "4", "5", "7", "22", "24", "25", "27", "39", "49", "31", "42",
    "93", "104", "1;33;44", "38;5;9", "48;5;2", "0;36",
};
/*
 * With a region the judge's ABEFe cross its margins, and @P do nothing outside
 * of it; xterm's do not, and do.
 */
static const char moves[] = "ABEFeCDGHdfa`Z", edits[] = "@PKJLMXST";

#define COUNT(table) (sizeof table / sizeof *table)

static void plain_step(char *out, size_t size)
{
    snprintf(out, size, "%s", any(8) ? pick(plain, COUNT(plain))
                                     : pick(own[kind], 2));
    if (other_page && !strcmp(out, RESET))
        strcpy(out, "\r");              /* the judge stays there */
    if (!strcmp(out, PAGE)) {
        other_page = !other_page;       /* the judge's is not empty */
        strcat(out, other_page ? "h\x1b[2J" : "l");
    }
    has_region &= !strpbrk(out, "rc");
}

static void edit_step(char *out, size_t size)
{
    const char *edit = edits + (has_region ? 2 : 0);
    char c = edit[any((unsigned)strlen(edit))];

    /* xterm's IL and DL, and ours, go to the line's start. */
    snprintf(out, size, "\x1b[%u%c%s", any(4), c,
             c == 'L' || c == 'M' ? "\r" : "");
}

/* A step of a program, of less than 64 bytes. */
static void generate(char *out, size_t size, bool at_edge)
{
    const char *move = moves + (has_region ? 5 : 0);
    unsigned top;

    if (at_edge && any(2)) {
        snprintf(out, size, "%s", pick(at_end, COUNT(at_end)));
        return;
    }
    switch (at_edge ? 1 + 4 * any(2) : any(6)) {
    case 0:
        plain_step(out, size);
        break;
    case 1:
        snprintf(out, size, "\x1b[%sm", pick(sgr, COUNT(sgr)));
        break;
    case 2:
        snprintf(out, size, "\x1b[%u;%u%c", any(ROWS + 3), any(COLUMNS + 3),
                 move[any((unsigned)strlen(move))]);
        break;
    case 3:
        edit_step(out, size);
        break;
    case 4:
        top = 1 + any(ROWS - 1);        /* xterm ignores what is no region */
        snprintf(out, size, "\x1b[%u;%ur", top, top + 1 + any(ROWS - top));
        has_region = true;
        break;
    default:
        snprintf(out, size, "%.*s", (int)any(20),
                 "The quick fox jumps over lazy dogs");
    }
}

struct judge {
    VTerm *vterm;
    VTermScreen *screen;
    VTermPos cursor;
};

static int moved(VTermPos pos, VTermPos old, int visible, void *user)
{
    ((struct judge *)user)->cursor = pos;
    return 1;
}

static const VTermScreenCallbacks callbacks = { .movecursor = moved };

static void judge_init(struct judge *j)
{
    j->vterm = vterm_new(ROWS, COLUMNS);
    assert_non_null(j->vterm);
    vterm_set_utf8(j->vterm, 1);
    j->screen = vterm_obtain_screen(j->vterm);
    vterm_screen_enable_altscreen(j->screen, 1);
    vterm_screen_set_callbacks(j->screen, &callbacks, j);
    vterm_screen_reset(j->screen, 1);
    j->cursor = (VTermPos){ 0, 0 };
}

/* VGA's number of a colour of the judge's. */
static unsigned colour_of(const VTermColor *c, unsigned def)
{
    static const uint8_t vga[8] = { 0, 4, 2, 6, 1, 5, 3, 7 };

    if (VTERM_COLOR_IS_DEFAULT_FG(c) || VTERM_COLOR_IS_DEFAULT_BG(c))
        return def;
    assert_true(VTERM_COLOR_IS_INDEXED(c) && c->indexed.idx < 16);
    return vga[c->indexed.idx & 7] | (c->indexed.idx & 8);
}

static struct screen_cell cell_of(const struct judge *j, unsigned row,
                                  unsigned column)
{
    const VTermPos pos = { (int)row, (int)column };
    VTermScreenCell v;
    struct screen_cell cell;

    vterm_screen_get_cell(j->screen, pos, &v);
    cell.c = v.chars[0] ? (uint16_t)v.chars[0] : ' ';
    cell.colour = (uint8_t)CELL_COLOUR(colour_of(&v.fg, 7),
                                       colour_of(&v.bg, 0));
    cell.attributes = (uint8_t)(v.attrs.bold * CELL_BOLD |
                                !!v.attrs.underline * CELL_UNDERLINE |
                                v.attrs.blink * CELL_BLINK |
                                v.attrs.reverse * CELL_REVERSE);
    return cell;
}

/* What is erased has a background alone here, and the judge's whole pen. */
static bool alike(struct screen_cell a, struct screen_cell b)
{
    if (a.c == ' ' && b.c == ' ') {
        a.attributes = b.attributes = 0;
        a.colour &= 0xf0;
        b.colour &= 0xf0;
    }
    return a.c == b.c && a.colour == b.colour && a.attributes == b.attributes;
}

static void compare(const struct judge *j, const struct vt *vt,
                    const char *program)
{
    struct screen_cell cells[COLUMNS];
    unsigned row, column;

    vt_cursor(vt, &row, &column);
    if (row != (unsigned)j->cursor.row || column != (unsigned)j->cursor.col)
        fail_msg("cursor %u,%u, judge %d,%d after %s", row, column,
                 j->cursor.row, j->cursor.col, program);
    for (row = 0; row < ROWS; row++) {
        vt_row(vt, 0, row, cells);
        for (column = 0; column < COLUMNS; column++) {
            struct screen_cell want = cell_of(j, row, column);

            if (!alike(cells[column], want))
                fail_msg("row %u column %u: %x %x %x, judge %x %x %x after %s",
                         row, column, cells[column].c, cells[column].colour,
                         cells[column].attributes, want.c, want.colour,
                         want.attributes, program);
        }
    }
}

/* What was fed, so that a failure can be read. */
static void note(char *program, size_t size, const char *step)
{
    size_t used = strlen(program);

    for (; *step && used + 5 < size; step++)
        used += (size_t)snprintf(program + used, size - used,
                                 *step < ' ' || *step > '~' ? "\\x%02x" : "%c",
                                 (unsigned char)*step);
    if (used + 2 < size)
        strcat(program, " ");
}

static void test_random_programs(void **state)
{
    const struct vt_config config = { .columns = COLUMNS, .rows = ROWS,
                                      .history = 50 };

    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct vt *vt = vt_create(&config);
        char program[STEPS * 64] = "", step[64];
        struct judge j;

        seed = i;
        kind = i % 3;
        has_region = other_page = false;
        judge_init(&j);
        for (unsigned k = 0; k < STEPS; k++) {
            if (k)
                generate(step, sizeof step, j.cursor.col == COLUMNS - 1);
            else
                strcpy(step, RESET);
            note(program, sizeof program, step);
            vt_write(vt, (const uint8_t *)step, strlen(step));
            vterm_input_write(j.vterm, step, strlen(step));
            vterm_screen_flush_damage(j.screen);
            compare(&j, vt, program);
        }
        vterm_free(j.vterm);
        vt_destroy(vt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
