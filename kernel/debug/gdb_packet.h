/*
 * Packets of gdb's remote serial protocol (GDB manual, appendix "Remote
 * Protocol", Overview): $data#checksum, acknowledged by + or -.
 */
#ifndef KERNEL_DEBUG_GDB_PACKET_H
#define KERNEL_DEBUG_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_PACKET 4096u        /* bytes of data, at most, either way */
#define GDB_FRAME (GDB_PACKET + 4u)     /* with what is around them */

enum gdb_input {
    GDB_MORE,                   /* nothing is complete yet */
    GDB_COMMAND,                /* a packet: data, len */
    GDB_DAMAGED,                /* one with a wrong checksum, or too long */
    GDB_NAK,                    /* the last reply is wanted again */
    GDB_INTERRUPT,              /* Ctrl-C: stop the guest */
};

struct gdb_reader {
    char data[GDB_PACKET + 1];  /* of a whole packet; ends with a 0 */
    size_t len;
    enum { GDB_OUTSIDE, GDB_INSIDE, GDB_SUM_HIGH, GDB_SUM_LOW } state;
    uint8_t sum, told;
    bool is_bad;
};

/* Takes one byte of what the client sends. */
enum gdb_input gdb_reader_take(struct gdb_reader *r, uint8_t c);

/* `len` bytes of data, GDB_PACKET at most, as a packet; its length. */
size_t gdb_frame(char out[GDB_FRAME], const char *data, size_t len);

/* ---- Words of packets ---------------------------------------------------- */

/* Value of a hexadecimal digit, or -1. */
int gdb_digit(char c);
/* A number at *p, which goes on behind it. False: none, or too long a one. */
bool gdb_number(const char **p, uint64_t *v);
/* `n` bytes as 2 * n digits and a 0. */
void gdb_to_hex(char *out, const void *data, size_t n);
/* 2 * n digits as `n` bytes. False: those are not there. */
bool gdb_from_hex(void *out, const char *text, size_t n);

#endif
