/*
 * A formatter without the C library: any core, any context, no floating
 * point, no allocation. Conversions: d i u x X o c s p %, with flags - 0 +
 * space #, width, precision (both also *), and lengths hh h l ll j z t.
 */
#ifndef KERNEL_METAL_FORMAT_H
#define KERNEL_METAL_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * At most `size` bytes into `buf`, always terminated when size > 0. Returns
 * the bytes written without the terminator (not the would-be length). An
 * unknown conversion is copied as it stands.
 */
size_t format_v(char *buf, size_t size, const char *fmt, va_list ap);
size_t format(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
