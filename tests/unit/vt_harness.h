/* A terminal of the tests': 20 columns, 6 rows, 10 lines of history. */
#ifndef TESTS_UNIT_VT_HARNESS_H
#define TESTS_UNIT_VT_HARNESS_H

#include "kernel/screen/vt.h"

#define VT_TEST_COLUMNS 20u
#define VT_TEST_ROWS 6u
#define VT_TEST_HISTORY 10u

extern struct vt *vt;
/* What it answered since the last vt_test_feed. */
extern char vt_test_reply[256];

/* Setup and teardown of a test; Latin-1 if `*state` is not NULL. */
int vt_test_setup(void **state);
int vt_test_teardown(void **state);

/* Output of a program; "\x1b[" and so on. */
void vt_test_feed(const char *bytes);
/* Bytes of which some are 0. */
void vt_test_feed_bytes(const void *bytes, size_t len);
/* A row's text is `text` (ASCII), spaces at its end do not count. */
void vt_test_row(unsigned row, const char *text);
/* The same with the view moved up by `back`. */
void vt_test_row_back(unsigned back, unsigned row, const char *text);
void vt_test_cursor(unsigned row, unsigned column);
struct screen_cell vt_test_cell(unsigned row, unsigned column);

#endif
