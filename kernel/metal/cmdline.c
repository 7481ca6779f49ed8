/* See cmdline.h. */
#include "kernel/metal/cmdline.h"

#include <string.h>

#include "kernel/metal/format.h"

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

int cmdline_split(const char *line, char *storage, char **argv, unsigned max)
{
    unsigned count = 0;
    char *out = storage;

    for (;;) {
        char quote = 0;

        while (is_blank(*line))
            line++;
        if (!*line)
            break;
        if (count + 1 >= max)
            return -1;
        argv[count++] = out;
        for (; *line && (quote || !is_blank(*line)); line++) {
            if (quote && *line == quote) {
                quote = 0;
            } else if (!quote && (*line == '\'' || *line == '"')) {
                quote = *line;
            } else {
                if (*line == '\\' && quote != '\'' && line[1])
                    line++;
                *out++ = *line;
            }
        }
        if (quote)
            return -1;
        *out++ = '\0';
    }
    argv[count] = NULL;
    return (int)count;
}

/* A decimal or 0x number of the whole of [s, s + len), or -1. */
static long parse_number(const char *s, size_t len)
{
    long v = 0;
    unsigned base = 10;

    if (len > 2 && s[0] == '0' && s[1] == 'x') {
        base = 16;
        s += 2, len -= 2;
    }
    if (!len || len > 8)
        return -1;
    for (; len; s++, len--) {
        unsigned d = *s >= '0' && *s <= '9' ? (unsigned)(*s - '0')
                   : *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a' + 10) : 99;

        if (d >= base)
            return -1;
        v = v * base + d;
    }
    return v;
}

static bool equals(const char *s, size_t len, const char *word)
{
    return strlen(word) == len && !memcmp(s, word, len);
}

static bool set_flow(struct metal_options *o, const char *v, size_t len)
{
    if (equals(v, len, "none"))
        o->uart.flow = UART_FLOW_NONE;
    else if (equals(v, len, "rtscts"))
        o->uart.flow = UART_FLOW_RTSCTS;
    else if (equals(v, len, "xonxoff"))
        o->uart.flow = UART_FLOW_XONXOFF;
    else
        return false;
    return true;
}

static bool set_parity(struct metal_options *o, const char *v, size_t len)
{
    if (equals(v, len, "none"))
        o->uart.parity = UART_PARITY_NONE;
    else if (equals(v, len, "even"))
        o->uart.parity = UART_PARITY_EVEN;
    else if (equals(v, len, "odd"))
        o->uart.parity = UART_PARITY_ODD;
    else
        return false;
    return true;
}

static bool set_baud(struct metal_options *o, const char *v, size_t len)
{
    long n = parse_number(v, len);

    if (n < 50 || n > 115200 || 115200 % n)
        return false;
    o->uart.baud = (uint32_t)n;
    return true;
}

static bool set_port(struct metal_options *o, const char *v, size_t len)
{
    long n = parse_number(v, len);

    if (equals(v, len, "auto")) {
        o->uart_port = 0;
        o->uart_off = false;
    } else if (equals(v, len, "none")) {
        o->uart_off = true;
    } else if (n >= 0x100 && n <= 0xfff8) {
        o->uart_port = (uint16_t)n;
    } else {
        return false;
    }
    return true;
}

static const struct {
    const char *key;
    bool (*set)(struct metal_options *o, const char *value, size_t len);
} uart_keys[] = {
    {"flow=", set_flow},
    {"parity=", set_parity},
    {"baud=", set_baud},
    {"port=", set_port},
};

static bool uart_item(struct metal_options *o, const char *s, size_t len)
{
    for (size_t i = 0; i < sizeof uart_keys / sizeof *uart_keys; i++) {
        size_t key = strlen(uart_keys[i].key);

        if (len >= key && !memcmp(s, uart_keys[i].key, key))
            return uart_keys[i].set(o, s + key, len - key);
    }
    return false;
}

static void uart_option(struct metal_options *o, const char *value, char *why,
                        size_t why_size)
{
    while (*value) {
        size_t len = strcspn(value, ",");

        if (!uart_item(o, value, len))
            format(why, why_size,
                   "-uart: '%.*s' is not flow=none|rtscts|xonxoff, "
                   "baud=N, parity=none|even|odd or port=0xN|auto|none",
                   (int)len, value);
        value += len;
        if (*value == ',')
            value++;
    }
}

static void usb_option(struct metal_options *o, const char *value, char *why,
                       size_t why_size)
{
    o->usb_off = !strcmp(value, "off");
    if (!o->usb_off && strcmp(value, "on"))
        format(why, why_size, "-host-usb: '%s' is neither on nor off", value);
}

int metal_options_take(struct metal_options *o, int argc, char **argv,
                       char *why, size_t why_size)
{
    int kept = 0;

    memset(o, 0, sizeof *o);
    o->uart.baud = 115200;
    if (why_size)
        *why = '\0';
    for (int i = 0; i < argc; i++) {
        bool uart = !strcmp(argv[i], "-uart");
        bool selftest = !strcmp(argv[i], "-selftest");
        bool usb = !strcmp(argv[i], "-host-usb");

        if (!strcmp(argv[i], "-no-reboot"))
            o->no_reboot = true;
        if (!uart && !selftest && !usb)
            argv[kept++] = argv[i];
        else if (i + 1 == argc)
            format(why, why_size, "%s: a value is missing", argv[i]);
        else if (uart)
            uart_option(o, argv[++i], why, why_size);
        else if (usb)
            usb_option(o, argv[++i], why, why_size);
        else
            o->selftest = argv[++i];
    }
    argv[kept] = NULL;
    return kept;
}
