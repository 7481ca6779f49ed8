/* Between the files of gdb_session.h. */
#ifndef KERNEL_DEBUG_GDB_INTERNAL_H
#define KERNEL_DEBUG_GDB_INTERNAL_H

#include "kernel/debug/gdb_session.h"

/* Of a monitor command's text: twice that, as digits, fits in `out`. */
#define GDB_MONITOR_BYTES 24576u

/* ---- Replies (gdb_session.c) --------------------------------------------- */

/* `len` bytes, at most GDB_PACKET. */
void gdb_reply_bytes(struct gdb_session *s, const char *data, size_t len);
void gdb_reply(struct gdb_session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* OK, or the number of negative errno `r`. */
void gdb_reply_error(struct gdb_session *s, int r);
/* What no reply can be wrong about: an empty one. */
void gdb_unsupported(struct gdb_session *s);

/* ---- Commands: what is behind their letter ------------------------------- */

/* gdb_state.c. "ADDR,LEN" at *p, which goes on behind it. */
bool gdb_range(const char **p, uint64_t *addr, uint64_t *len);
void gdb_cmd_get_all(struct gdb_session *s, const char *args);
void gdb_cmd_set_all(struct gdb_session *s, const char *args);
void gdb_cmd_get_one(struct gdb_session *s, const char *args);
void gdb_cmd_set_one(struct gdb_session *s, const char *args);
void gdb_cmd_read(struct gdb_session *s, const char *args);
void gdb_cmd_write(struct gdb_session *s, const char *args);
void gdb_cmd_write_binary(struct gdb_session *s, const char *args);
void gdb_cmd_insert(struct gdb_session *s, const char *args);
void gdb_cmd_remove(struct gdb_session *s, const char *args);

/* gdb_query.c */
void gdb_cmd_query(struct gdb_session *s, const char *args);
void gdb_cmd_thread(struct gdb_session *s, const char *args);

#endif
