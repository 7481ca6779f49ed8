/*
 * The terminal against any bytes, in a size that the input says. Where the
 * cursor is, what the cells hold and how much is kept stay within bounds, and
 * RIS makes it what a new one is.
 */
// covers: kernel/screen/vt.c kernel/screen/vt_parse.c
// covers: kernel/screen/vt_control.c kernel/screen/vt_mode.c
// covers: kernel/screen/vt_sgr.c kernel/screen/palette.c
#include <stdlib.h>
#include <string.h>

#include "kernel/screen/vt.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_reply(void *ctx, const uint8_t *data, size_t len)
{
    if (len < 3 || data[0] != 0x1b || memchr(data, '\0', len))
        abort();
}

static void check(const struct vt *vt, const struct vt_config *c)
{
    static struct screen_cell cells[VT_COLUMNS_MAX];
    unsigned row, column, back = vt_history(vt);

    vt_cursor(vt, &row, &column);
    if (row >= c->rows || column >= c->columns || back > c->history ||
        back > vt_scrolled(vt))
        abort();
    for (row = 0; row < c->rows; row++)
        for (unsigned i = 0; i < 2; i++) {
            vt_row(vt, i ? back : 0, row, cells);
            for (column = 0; column < c->columns; column++)
                if (cells[column].c < ' ' || cells[column].c == 0x7f)
                    abort();
        }
}

/* Two terminals, row by row. */
static void same(const struct vt *a, const struct vt *b,
                 const struct vt_config *c)
{
    static struct screen_cell x[VT_COLUMNS_MAX], y[VT_COLUMNS_MAX];

    for (unsigned row = 0; row < c->rows; row++) {
        vt_row(a, 0, row, x);
        vt_row(b, 0, row, y);
        if (memcmp(x, y, c->columns * sizeof *x))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t reset[] = "\x18\x1b" "c";
    static const uint8_t text[] = "a\r\nb\tc\x1b[31mlq\x1b[9;9Hd\x1b[K\n\n\xe4";
    struct input in = { data, size };
    struct vt_config c = { .reply = take_reply };
    struct vt *vt, *fresh;

    c.columns = 2 + input_u8(&in) % 100;
    c.rows = 2 + input_u8(&in) % 50;
    c.history = input_u8(&in) % 40;
    c.latin1 = input_u8(&in) & 1;
    vt = vt_create(&c);
    fresh = vt_create(&c);
    if (!vt || !fresh)
        abort();
    while (input_more(&in)) {
        size_t n = 1 + input_u8(&in) % 64;

        n = n < in.left ? n : in.left;
        vt_write(vt, in.data, n);
        in.data += n;
        in.left -= n;
        check(vt, &c);
    }
    vt_write(vt, reset, sizeof reset - 1);
    same(vt, fresh, &c);
    vt_write(vt, text, sizeof text - 1);
    vt_write(fresh, text, sizeof text - 1);
    same(vt, fresh, &c);
    vt_destroy(vt);
    vt_destroy(fresh);
    return 0;
}
