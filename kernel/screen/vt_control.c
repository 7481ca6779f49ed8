/* What control functions do; see vt_internal.h. */
#include "kernel/screen/vt_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MOST 0xffffu            /* further than any screen goes */

unsigned vt_parameter(const struct vt *vt, unsigned i, unsigned def)
{
    unsigned value = i < vt->parameters ? vt->parameter[i] : 0;

    return value ? value : def;
}

void vt_reply(struct vt *vt, const char *fmt, ...)
{
    char text[64];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (vt->config.reply)
        vt->config.reply(vt->config.ctx, (const uint8_t *)text, (size_t)n);
}

/* ---- Moves --------------------------------------------------------------- */

static void move_up(struct vt *vt, unsigned n)
{
    unsigned row = vt->cursor.row, top = row >= vt->top ? vt->top : 0;

    vt_move(vt, n < row - top ? row - n : top, vt->cursor.column);
}

static void move_down(struct vt *vt, unsigned n)
{
    unsigned row = vt->cursor.row;
    unsigned bottom = row <= vt->bottom ? vt->bottom : vt->config.rows - 1;

    vt_move(vt, n < bottom - row ? row + n : bottom, vt->cursor.column);
}

static void move_left(struct vt *vt, unsigned n)
{
    unsigned column = vt->cursor.column;

    vt_move(vt, vt->cursor.row, n < column ? column - n : 0);
}

void vt_move_to(struct vt *vt, unsigned row, unsigned column)
{
    if (vt->cursor.origin) {
        row += vt->top;
        if (row > vt->bottom)
            row = vt->bottom;
    }
    vt_move(vt, row, column);
}

static unsigned row_seen(const struct vt *vt)
{
    return vt->cursor.row - (vt->cursor.origin ? vt->top : 0);
}

static void return_carriage(struct vt *vt) { vt_move(vt, vt->cursor.row, 0); }

void vt_c0(struct vt *vt, uint8_t c)
{
    switch (c) {
    case '\b':
        move_left(vt, 1);
        break;
    case '\t':
        vt_tab(vt, 1);
        break;
    case '\n':
    case '\v':
    case '\f':
        vt_index(vt);
        if (vt->new_line)
            return_carriage(vt);
        break;
    case '\r':
        return_carriage(vt);
        break;
    case 0x0e:                          /* SO */
        vt->cursor.shift = 1;
        break;
    case 0x0f:                          /* SI */
        vt->cursor.shift = 0;
        break;
    default:                            /* BEL, ENQ, XON and the like */
        break;
    }
}

/* ---- Escape sequences ---------------------------------------------------- */

static void designate(struct vt *vt, unsigned set, uint8_t final)
{
    vt->cursor.charset[set] = final == '0' ? VT_DRAWING
                            : final == 'A' ? VT_UK : VT_ASCII;
}

/* DECALN: the screen full of E, margins and cursor as at the start. */
static void align(struct vt *vt)
{
    const struct screen_cell e = { 'E', CELL_COLOUR_DEFAULT, 0 };

    for (unsigned row = 0; row < vt->config.rows; row++)
        for (unsigned i = 0; i < vt->config.columns; i++)
            vt->line[row][i] = e;
    vt_mark_all(vt);
    vt->top = 0;
    vt->bottom = vt->config.rows - 1;
    vt_move(vt, 0, 0);
}

static void escape_with_intermediate(struct vt *vt, uint8_t final)
{
    if (vt->intermediates > 1)
        return;
    switch (vt->intermediate[0]) {
    case '(':
    case ')':
        designate(vt, vt->intermediate[0] == ')', final);
        break;
    case '#':
        if (final == '8')
            align(vt);
        break;
    case '%':                           /* ISO 2022: G is UTF-8 */
        if (final == 'G' || final == '@')
            vt->utf8 = final == 'G';
        break;
    default:
        break;
    }
}

void vt_escape(struct vt *vt, uint8_t final)
{
    if (vt->intermediates) {
        escape_with_intermediate(vt, final);
        return;
    }
    switch (final) {
    case '7':
        vt_save_cursor(vt);
        break;
    case '8':
        vt_restore_cursor(vt);
        break;
    case 'D':                           /* IND */
        vt_index(vt);
        break;
    case 'E':                           /* NEL */
        vt_index(vt);
        return_carriage(vt);
        break;
    case 'H':                           /* HTS */
        vt->tabs[vt->cursor.column] = 1;
        break;
    case 'M':                           /* RI */
        vt_reverse_index(vt);
        break;
    case 'Z':                           /* DECID */
        vt_reply(vt, "\x1b[?6c");
        break;
    case 'c':                           /* RIS */
        vt_reset(vt);
        break;
    case '=':
    case '>':
        vt->application_keypad = final == '=';
        break;
    default:
        break;
    }
}

/* ---- Control sequences --------------------------------------------------- */

static void erase_display(struct vt *vt, unsigned what)
{
    unsigned row = vt->cursor.row, columns = vt->config.columns;

    switch (what) {
    case 0:
        vt_clear(vt, row, vt->cursor.column, columns);
        vt_clear_rows(vt, row + 1, vt->config.rows);
        break;
    case 1:
        vt_clear_rows(vt, 0, row);
        vt_clear(vt, row, 0, vt->cursor.column + 1);
        break;
    case 2:
        vt_clear_rows(vt, 0, vt->config.rows);
        break;
    case 3:                             /* xterm's: what scrolled away */
        vt_forget_history(vt);
        break;
    default:
        break;
    }
}

static void erase_line(struct vt *vt, unsigned what)
{
    unsigned columns = vt->config.columns, column = vt->cursor.column;

    if (what <= 2)
        vt_clear(vt, vt->cursor.row, what ? 0 : column,
                 what == 1 ? column + 1 : columns);
}

static void erase_cells(struct vt *vt, unsigned n)
{
    unsigned right = vt->config.columns - vt->cursor.column;

    vt_clear(vt, vt->cursor.row, vt->cursor.column,
             vt->cursor.column + (n < right ? n : right));
}

/* IL and DL do nothing outside of the region (VT102 User Guide 5). */
static void move_lines(struct vt *vt, uint8_t final, unsigned n)
{
    unsigned row = vt->cursor.row;

    if (row < vt->top || row > vt->bottom)
        return;
    if (final == 'L')
        vt_scroll_down(vt, row, vt->bottom, n);
    else
        vt_scroll_up(vt, row, vt->bottom, n);
    return_carriage(vt);
}

static void set_margins(struct vt *vt)
{
    unsigned top = vt_parameter(vt, 0, 1), rows = vt->config.rows;
    unsigned bottom = vt_parameter(vt, 1, rows);

    if (bottom > rows)
        bottom = rows;
    if (top >= bottom)
        return;
    vt->top = top - 1;
    vt->bottom = bottom - 1;
    vt_move_to(vt, 0, 0);
}

static void clear_tabs(struct vt *vt, unsigned what)
{
    if (what == 0)
        vt->tabs[vt->cursor.column] = 0;
    else if (what == 3)
        memset(vt->tabs, 0, vt->config.columns);
}

static void report_status(struct vt *vt, unsigned what)
{
    if (what == 5)
        vt_reply(vt, "\x1b[0n");
    else if (what == 6)
        vt_reply(vt, "\x1b[%u;%uR", row_seen(vt) + 1, vt->cursor.column + 1);
}

static void repeat(struct vt *vt, unsigned n)
{
    /* More would only scroll. */
    unsigned most = vt->config.columns * vt->config.rows;
    uint16_t c = vt->last;

    if (n > most)
        n = most;
    while (c && n--)
        vt_print(vt, c);
}

/* DECREQTPARM: no parity, 8 bits, 9600 baud both ways (VT102 User Guide 5). */
static void report_parameters(struct vt *vt, unsigned what)
{
    if (what <= 1)
        vt_reply(vt, "\x1b[%u;1;1;112;112;1;0x", what + 2);
}

/* Those that move the cursor. False: it is none of them. */
static bool csi_move(struct vt *vt, uint8_t final)
{
    unsigned n = vt_parameter(vt, 0, 1);

    switch (final) {
    case 'A':                           /* CUU */
    case 'F':                           /* CPL */
        move_up(vt, n);
        break;
    case 'B':                           /* CUD */
    case 'E':                           /* CNL */
    case 'e':                           /* VPR */
        move_down(vt, n);
        break;
    case 'C':                           /* CUF */
    case 'a':                           /* HPR */
        vt_move(vt, vt->cursor.row, vt->cursor.column + n);
        break;
    case 'D':                           /* CUB */
        move_left(vt, n);
        break;
    case 'G':                           /* CHA */
    case '`':                           /* HPA */
        vt_move(vt, vt->cursor.row, n - 1);
        break;
    case 'H':                           /* CUP */
    case 'f':                           /* HVP */
        vt_move_to(vt, n - 1, vt_parameter(vt, 1, 1) - 1);
        break;
    case 'I':                           /* CHT */
        vt_tab(vt, n);
        break;
    case 'Z':                           /* CBT */
        vt_tab_back(vt, n);
        break;
    case 'd':                           /* VPA */
        vt_move_to(vt, n - 1, vt->cursor.column);
        break;
    default:
        return false;
    }
    if (final == 'E' || final == 'F')
        return_carriage(vt);
    return true;
}

/* Those that change cells. */
static bool csi_edit(struct vt *vt, uint8_t final)
{
    unsigned n = vt_parameter(vt, 0, 1);

    switch (final) {
    case '@':                           /* ICH */
        vt_insert_cells(vt, n);
        break;
    case 'J':                           /* ED */
        erase_display(vt, vt->parameter[0]);
        return true;
    case 'K':                           /* EL */
        erase_line(vt, vt->parameter[0]);
        return true;
    case 'L':                           /* IL */
    case 'M':                           /* DL */
        move_lines(vt, final, n);
        break;
    case 'P':                           /* DCH */
        vt_delete_cells(vt, n);
        break;
    case 'S':                           /* SU */
        vt_scroll_up(vt, vt->top, vt->bottom, n);
        return true;
    case 'T':                           /* SD; with more, xterm's mouse */
        if (vt->parameters == 1)
            vt_scroll_down(vt, vt->top, vt->bottom, n);
        return true;
    case 'X':                           /* ECH */
        erase_cells(vt, n);
        break;
    case 'b':                           /* REP */
        repeat(vt, n);
        return true;
    default:
        return false;
    }
    vt->cursor.wrap_next = false;
    return true;
}

static void csi_other(struct vt *vt, uint8_t final)
{
    unsigned n = vt->parameter[0];

    switch (final) {
    case 'c':                           /* DA: a VT102 */
        if (!n)
            vt_reply(vt, "\x1b[?6c");
        break;
    case 'g':                           /* TBC */
        clear_tabs(vt, n);
        break;
    case 'h':                           /* SM */
    case 'l':                           /* RM */
        vt_set_modes(vt, final == 'h');
        break;
    case 'm':
        vt_sgr(vt);
        break;
    case 'n':                           /* DSR */
        report_status(vt, n);
        break;
    case 'r':                           /* DECSTBM */
        set_margins(vt);
        break;
    case 's':                           /* as DECSC and DECRC */
        vt_save_cursor(vt);
        break;
    case 'u':
        vt_restore_cursor(vt);
        break;
    case 'x':
        report_parameters(vt, n);
        break;
    default:
        break;
    }
}

static void csi_private(struct vt *vt, uint8_t final)
{
    switch (final) {
    case 'J':                           /* DECSED, DECSEL: no cell is */
        erase_display(vt, vt->parameter[0]);    /* protected here */
        break;
    case 'K':
        erase_line(vt, vt->parameter[0]);
        break;
    case 'h':
    case 'l':
        vt_set_modes(vt, final == 'h');
        break;
    default:
        break;
    }
}

void vt_csi(struct vt *vt, uint8_t final)
{
    if (vt->intermediates) {
        if (vt->intermediates == 1 && vt->intermediate[0] == '!' &&
            final == 'p' && !vt->prefix)
            vt_soft_reset(vt);
        return;
    }
    if (vt->prefix == '?')
        csi_private(vt, final);
    else if (!vt->prefix && !csi_move(vt, final) && !csi_edit(vt, final))
        csi_other(vt, final);
}
