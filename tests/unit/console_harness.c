/* See console_harness.h. */
#include "tests/unit/console_harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emu/machine_internal.h"
#include "kernel/main.h"
#include "kernel/options.h"

const char trestle_version[] = "test";

static struct options options[2];
static unsigned guest_count;
struct guest *guests[2], *guest;
struct mux mux;
struct monitor monitor;
struct fake_line line;

static size_t line_read(void *ctx, uint8_t *buf, size_t len)
{
    if (line.endless) {
        memset(buf, 'x', len);
        return len;
    }
    if (len > line.in_len)
        len = line.in_len;
    if (!len)
        return 0;
    memcpy(buf, line.in, len);
    line.in += len;
    line.in_len -= len;
    return len;
}

static size_t line_write(void *ctx, const uint8_t *buf, size_t len)
{
    if (len > line.accept)
        len = line.accept;
    line.accept -= len;
    assert_true(line.out_len + len < sizeof line.out);
    memcpy(line.out + line.out_len, buf, len);
    line.out_len += len;
    line.out[line.out_len] = '\0';
    return len;
}

static struct chardev chr = { NULL, line_write, line_read, NULL };

const char *type(const char *text)
{
    line.in = (const uint8_t *)text;
    line.in_len = strlen(text);
    line.out_len = 0;
    line.out[0] = '\0';
    while (mux_poll(&mux))
        continue;
    return line.out;
}

void assert_shows(const char *out, const char *what)
{
    if (!strstr(out, what))
        fail_msg("'%s' is not in: %s", what, out);
}

const struct console_variant with_nic = { true, 1, NULL, NULL };
const struct console_variant two_machines = { false, 2, NULL, NULL };

int console_setup(void **state)
{
    static const struct console_variant plain = { false, 1, NULL, NULL };
    const struct console_variant *v = *state ? *state : &plain;
    char *argv[] = { (char *)"trestle", (char *)"-m", (char *)"1",
                     (char *)"-nographic", (char *)"-serial",
                     (char *)"mon:stdio", NULL, NULL, NULL, NULL, NULL };
    static const char *const names[] = { "trestle", "other" };
    char why[200];

    int argc = 6;

    if (v->nic || v->cdrom) {
        argv[argc++] = (char *)(v->nic ? "-net" : "-cdrom");
        argv[argc++] = (char *)(v->nic ? "nic" : v->cdrom);
    }
    if (v->drive) {
        argv[argc++] = (char *)"-icount";
        argv[argc++] = (char *)"0";
        argv[argc++] = (char *)"-drive";
        argv[argc++] = (char *)v->drive;
    }
    guest_count = v->guests;
    for (unsigned i = 0; i < guest_count; i++) {
        if (options_parse(&options[i], argc, argv, why,
                          sizeof why) != OPTIONS_RUN)
            return -1;
        options[i].name = names[i];
        if (guest_create(&options[i], i + 1, 0, &guests[i], why,
                         sizeof why)) {
            print_error("%s\n", why);
            return -1;
        }
    }
    guest = guests[0];
    memset(&line, 0, sizeof line);
    line.accept = SIZE_MAX;
    if (mux_init(&mux, &chr, guests, guest_count, &monitor, 1))
        return -1;
    monitor_init(&monitor, &mux);
    return 0;
}

int console_teardown(void **state)
{
    mux_fini(&mux);
    for (unsigned i = 0; i < guest_count; i++)
        guest_destroy(guests[i]);
    return 0;
}

void guest_says(unsigned i, const char *text)
{
    struct guest_serial *s = guests[i]->serial[0];

    assert_int_equal(s->chr.write(s->chr.ctx, (const uint8_t *)text,
                                  strlen(text)), strlen(text));
}

/* It raises DTR and RTS, as the guest's code would. */
void guest_listens(unsigned i)
{
    machine_io_write(guests[i]->machine, 0x3fc, 1, 3);
}
