/* See vt_harness.h. */
#include "tests/unit/vt_harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct vt *vt;
char vt_test_reply[256];

static void take_reply(void *ctx, const uint8_t *data, size_t len)
{
    size_t used = strlen(vt_test_reply);

    assert_true(used + len < sizeof vt_test_reply);
    memcpy(vt_test_reply + used, data, len);
    vt_test_reply[used + len] = '\0';
}

int vt_test_setup(void **state)
{
    const struct vt_config config = {
        .columns = VT_TEST_COLUMNS, .rows = VT_TEST_ROWS,
        .history = VT_TEST_HISTORY, .latin1 = *state, .reply = take_reply,
    };

    vt = vt_create(&config);
    return vt ? 0 : -1;
}

int vt_test_teardown(void **state)
{
    vt_destroy(vt);
    return 0;
}

void vt_test_feed_bytes(const void *bytes, size_t len)
{
    *vt_test_reply = '\0';
    vt_write(vt, bytes, len);
}

void vt_test_feed(const char *bytes)
{
    vt_test_feed_bytes(bytes, strlen(bytes));
}

void vt_test_row_back(unsigned back, unsigned row, const char *text)
{
    struct screen_cell cells[VT_TEST_COLUMNS];
    char seen[VT_TEST_COLUMNS + 1];
    unsigned end = 0;

    vt_row(vt, back, row, cells);
    for (unsigned i = 0; i < VT_TEST_COLUMNS; i++) {
        seen[i] = cells[i].c < 0x7f ? (char)cells[i].c : '?';
        if (seen[i] != ' ')
            end = i + 1;
    }
    seen[end] = '\0';
    assert_string_equal(seen, text);
}

void vt_test_row(unsigned row, const char *text)
{
    vt_test_row_back(0, row, text);
}

void vt_test_cursor(unsigned row, unsigned column)
{
    unsigned r, c;

    vt_cursor(vt, &r, &c);
    assert_int_equal(r, row);
    assert_int_equal(c, column);
}

struct screen_cell vt_test_cell(unsigned row, unsigned column)
{
    struct screen_cell cells[VT_TEST_COLUMNS];

    vt_row(vt, 0, row, cells);
    return cells[column];
}
