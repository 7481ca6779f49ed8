/* See commands_debug.h: x, xp, print, i and o, in qemu's shapes. */
#include "kernel/console/commands_debug.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/commands.h"
#include "kernel/console/expression.h"
#include "kernel/console/mux.h"
#include "kernel/disassemble.h"
#include "kernel/guest_debug.h"
#include "kernel/platform.h"

#define UNITS_MAX 4096u         /* that x prints */
#define INSTRUCTION_MAX 15u
#define INSTRUCTION_BYTES_COLUMN 24

static struct guest *shown(const struct monitor *mon)
{
    return mux_guest(mon->mux);
}

/* ---- Arguments ------------------------------------------------------------ */

static unsigned size_of(char letter)
{
    switch (letter) {
    case 'b':
        return 1;
    case 'h':
        return 2;
    case 'w':
    case 'l':
        return 4;
    case 'g':
        return 8;
    default:
        return 0;
    }
}

bool debug_parse_format(struct monitor *mon, char **args, const char *formats,
                        struct debug_format *f)
{
    char *p = *args;

    if (*p != '/')
        return true;
    p++;
    if (isdigit((unsigned char)*p)) {
        unsigned long n = strtoul(p, &p, 10);

        f->count = n && n <= UNITS_MAX ? (unsigned)n : 0;
        if (!f->count) {
            monitor_printf(mon, "/N: 1 to %u\n", UNITS_MAX);
            return false;
        }
    }
    for (; *p && *p != ' ' && *p != '\t'; p++) {
        if (size_of(*p)) {
            f->size = size_of(*p);
            f->has_size = true;
        } else if (strchr(formats, *p)) {
            f->format = *p;
        } else {
            monitor_printf(mon, "'/%c' is no format here: use /[N][%s][bhwg]"
                           "\n", *p, formats);
            return false;
        }
    }
    *args = p + strspn(p, " \t");
    return true;
}

bool debug_parse_value(struct monitor *mon, char **args, uint64_t *v)
{
    struct guest_registers r;
    const char *at = *args;
    char why[80];

    if (!guest_registers(shown(mon), &r)) {
        monitor_answered(mon, false);
        return false;
    }
    if (expression(&at, &r, v, why, sizeof why)) {
        monitor_printf(mon, "%s\n", why);
        return false;
    }
    *args += at - *args;
    return true;
}

/* That, and nothing behind it. */
static bool parse_last_value(struct monitor *mon, char *args, uint64_t *v)
{
    if (!debug_parse_value(mon, &args, v))
        return false;
    if (*args)
        monitor_printf(mon, "what is '%.20s' behind that?\n", args);
    return !*args;
}

/* ---- Values as text ------------------------------------------------------- */

static void format_char(char *text, size_t size, uint8_t c)
{
    static const char escapes[][2] = {
        { '\n', 'n' }, { '\r', 'r' }, { '\\', '\\' }, { '\'', '\'' },
    };

    for (unsigned i = 0; i < sizeof escapes / sizeof *escapes; i++)
        if (c == (uint8_t)escapes[i][0]) {
            snprintf(text, size, "'\\%c'", escapes[i][1]);
            return;
        }
    snprintf(text, size, c >= ' ' && c < 127 ? "'%c'" : "'\\x%02x'", c);
}

/* Of x: as many digits as any value of that size has. */
static void format_unit(char *text, size_t size, char format, unsigned bytes,
                        uint64_t v)
{
    int decimal = (int)(bytes * 8 * 10 + 32) / 33;

    switch (format) {
    case 'o':
        snprintf(text, size, " %#*" PRIo64, (int)(bytes * 8 + 2) / 3, v);
        break;
    case 'u':
        snprintf(text, size, " %*" PRIu64, decimal, v);
        break;
    case 'd':
        snprintf(text, size, " %*" PRId64, decimal,
                 (int64_t)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes));
        break;
    case 'c':
        text[0] = ' ';
        format_char(text + 1, size - 1, (uint8_t)v);
        break;
    default:
        snprintf(text, size, " 0x%0*" PRIx64, (int)bytes * 2, v);
    }
}

/* ---- x and xp ------------------------------------------------------------- */

static int address_digits(struct monitor *mon, bool is_physical)
{
    struct guest_registers r = { .is_64bit = false };

    if (is_physical)
        return 16;
    guest_registers(shown(mon), &r);
    return r.is_64bit ? 16 : 8;
}

static void print_peek_error(struct monitor *mon, int r)
{
    if (r == -EFAULT)
        monitor_printf(mon, " Cannot access memory\n");
    else
        monitor_answered(mon, false);
}

static void dump(struct monitor *mon, const struct debug_format *f,
                 uint64_t addr, bool is_physical)
{
    unsigned size = f->format == 'c' ? 1 : f->size;
    unsigned line = size == 1 ? 8 : 16, left = f->count * size;
    int digits = address_digits(mon, is_physical);

    while (left) {
        unsigned n = left < line ? left : line;
        uint8_t bytes[16];
        char text[16 * 32] = "", unit[32];
        int r = guest_peek(shown(mon), addr, is_physical, bytes, n);

        monitor_printf(mon, "%0*" PRIx64 ":", digits, addr);
        if (r) {
            print_peek_error(mon, r);
            return;
        }
        for (unsigned i = 0; i < n; i += size) {
            uint64_t v = 0;

            memcpy(&v, bytes + i, size);
            format_unit(unit, sizeof unit, f->format, size, v);
            strcat(text, unit);
        }
        monitor_printf(mon, "%s\n", text);
        addr += n;
        left -= n;
    }
}

/* As many bytes as there are from `addr` on, up to an instruction's most. */
static unsigned peek_code(struct monitor *mon, uint64_t addr, bool is_physical,
                          uint8_t code[INSTRUCTION_MAX], int *error)
{
    unsigned n = INSTRUCTION_MAX;

    do
        *error = guest_peek(shown(mon), addr, is_physical, code, n);
    while (*error == -EFAULT && --n);   /* it is the last of its page */
    return *error ? 0 : n;
}

static void print_code(struct monitor *mon, const struct debug_format *f,
                        uint64_t addr, bool is_physical)
{
    int digits = address_digits(mon, is_physical);
    struct guest_registers r = { .bits = 32 };
    unsigned bits;

    guest_registers(shown(mon), &r);
    bits = !f->has_size ? r.bits : f->size == 2 ? 16 : f->size == 8 ? 64 : 32;
    for (unsigned i = 0; i < f->count; i++) {
        uint8_t code[INSTRUCTION_MAX];
        char text[120], hex[2 * INSTRUCTION_MAX + INSTRUCTION_MAX + 1] = "";
        int error;
        unsigned n = peek_code(mon, addr, is_physical, code, &error);
        unsigned len = n ? disassemble_next(code, n, addr, bits, text,
                                            sizeof text)
                         : 0;

        if (!n) {
            monitor_printf(mon, "0x%0*" PRIx64 ":", digits, addr);
            print_peek_error(mon, error);
            return;
        }
        if (!len) {             /* no instruction: one byte of it */
            len = 1;
            snprintf(text, sizeof text, "(bad)");
        }
        for (unsigned k = 0; k < len; k++)
            sprintf(hex + 3 * k, "%02x ", code[k]);
        monitor_printf(mon, "0x%0*" PRIx64 ":  %-*s %s\n", digits, addr,
                       INSTRUCTION_BYTES_COLUMN, hex, text);
        addr += len;
    }
}

static void examine(struct monitor *mon, char *args, bool is_physical)
{
    struct debug_format f = { 1, mon->unit_size, mon->unit_format, false };
    uint64_t addr;

    if (!debug_parse_format(mon, &args, "xduoci", &f) ||
        !parse_last_value(mon, args, &addr))
        return;
    mon->unit_format = f.format;
    mon->unit_size = f.size;
    mon->collects = true;       /* for it may be longer than the line takes */
    if (f.format == 'i')
        print_code(mon, &f, addr, is_physical);
    else
        dump(mon, &f, addr, is_physical);
}

void cmd_x(struct monitor *mon, char *args) { examine(mon, args, false); }

void cmd_xp(struct monitor *mon, char *args) { examine(mon, args, true); }

/* ---- print, i, o ---------------------------------------------------------- */

void cmd_print(struct monitor *mon, char *args)
{
    struct debug_format f = { 1, 8, 'x', false };
    char text[32];
    uint64_t v;

    if (!debug_parse_format(mon, &args, "xduoc", &f) ||
        !parse_last_value(mon, args, &v))
        return;
    switch (f.format) {
    case 'd':
        snprintf(text, sizeof text, "%" PRId64, (int64_t)v);
        break;
    case 'o':
        snprintf(text, sizeof text, "%#" PRIo64, v);
        break;
    case 'u':
        snprintf(text, sizeof text, "%" PRIu64, v);
        break;
    case 'c':
        format_char(text, sizeof text, (uint8_t)v);
        break;
    default:
        snprintf(text, sizeof text, "%#" PRIx64, v);
    }
    monitor_printf(mon, "%s\n", text);
}

/* /b /h /w in front, a port, and then another value, if there is one. */
static bool parse_port(struct monitor *mon, char *args, unsigned *size,
                       uint64_t *port, uint64_t *value, bool *has_value)
{
    struct debug_format f = { 1, 1, 'x', false };

    *has_value = false;
    if (!debug_parse_format(mon, &args, "x", &f) ||
        !debug_parse_value(mon, &args, port))
        return false;
    if (f.size > 4 || f.count != 1 || *port > 0xffff) {
        monitor_printf(mon, "a port is 0 to 0xffff, read and written by /b, "
                       "/h or /w\n");
        return false;
    }
    *size = f.size;
    *has_value = *args;
    return !*args || parse_last_value(mon, args, value);
}

void cmd_i(struct monitor *mon, char *args)
{
    uint64_t port, index;
    uint32_t v;
    unsigned size;
    bool has_index;

    if (!parse_port(mon, args, &size, &port, &index, &has_index))
        return;
    if (has_index && !guest_port_write(shown(mon), (uint16_t)port++, 1,
                                       index & 0xff)) {
        monitor_answered(mon, false);
        return;
    }
    port &= 0xffff;
    if (guest_port_read(shown(mon), (uint16_t)port, size, &v))
        monitor_printf(mon, "port%c[0x%04x] = 0x%0*x\n",
                       size == 1 ? 'b' : size == 2 ? 'w' : 'l', (unsigned)port,
                       (int)size * 2, v);
    else
        monitor_answered(mon, false);
}

void cmd_o(struct monitor *mon, char *args)
{
    uint64_t port, value;
    unsigned size;
    bool has_value;

    if (!parse_port(mon, args, &size, &port, &value, &has_value))
        return;
    if (!has_value)
        monitor_printf(mon, "use o [/b|/h|/w] PORT VALUE\n");
    else
        monitor_answered(mon, guest_port_write(shown(mon), (uint16_t)port,
                                               size, (uint32_t)value));
}
