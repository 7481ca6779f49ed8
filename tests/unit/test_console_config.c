/* The monitor's `config`, and text that is pasted for it (paste.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/config.h"
#include "kernel/platform.h"
#include "tests/unit/console_harness.h"

#define TO_MONITOR "\x01" "c"
#define PATIENCE_NS UINT64_C(10000000000)

static struct config config;
static char path[] = "/tmp/test_console_config.XXXXXX";

/* One that -readconfig named runs. */
static int setup(void **state)
{
    static const char text[] = "# mine\r\n[r]\r\nm 64";
    char *argv[] = { (char *)"trestle", (char *)"-readconfig", path, NULL };
    char why[200];
    int r, fd;

    strcpy(strchr(path, '.') + 1, "XXXXXX");
    fd = mkstemp(path);
    if (fd < 0 || write(fd, text, sizeof text - 1) != sizeof text - 1)
        return -1;
    close(fd);
    if (config_read(&config, 3, argv, why, sizeof why) != OPTIONS_RUN)
        return -1;
    r = console_setup(state);
    monitor.config = &config;
    type(TO_MONITOR);
    return r;
}

static int teardown(void **state)
{
    unlink(path);
    config_free(&config);
    return console_teardown(state);
}

static void assert_lacks(const char *out, const char *what)
{
    if (strstr(out, what))
        fail_msg("'%s' is in: %s", what, out);
}

/* A poll reads so much at once: what a terminal shows of all of it. */
static const char *paste(const char *text)
{
    const char *out = type(text);

    assert_shows(out, "(trestle) ");
    return out;
}

static void test_show_and_export(void **state)
{
    assert_shows(type("config show\r"), "from a file (3 lines, 1 machines):");
    assert_shows(line.out, "\r\n# mine\r\n[r]\r\nm 64\r\n(trestle) ");
    assert_shows(type("config export\r"),
                 "# ----- trestle.conf begins -----\r\n# mine\r\n[r]\r\nm 64\r\n"
                 "# ----- trestle.conf ends -----\r\n(trestle) ");
    assert_shows(type("config\r"), "config show|export|import|save");
    assert_shows(type("config show me\r"), "config show|export|import|save");
}

static void test_import(void **state)
{
    assert_lacks(type("config import\r"), "(trestle)");
    assert_shows(line.out, "a line with a single . ends it");
    assert_shows(paste("[a]\rhda\tx.im\x7fmg\rnonsense\x15m 32\r.\r"),
                 "3 lines are good; 'config save' saves them");
    assert_string_equal(config.next.data, "[a]\nhda\tx.img\nm 32\n");
    assert_shows(type("config show\r"), "m 64\r\nAnother one, of 3 lines, is "
                 "imported and not saved");
    assert_shows(type("config export\r"), "begins -----\r\n[a]\r\nhda");
    /* CRLF, LF, and dots that end nothing. */
    assert_shows(paste("config import\r# ..\r\n#.\n\n[b]\r\n.\r\n"),
                 "4 lines are good");
    assert_string_equal(config.next.data, "# ..\n#.\n\n[b]\n");
}

/* What is wrong is told with its line, and leaves all as it was. */
static void test_import_refused(void **state)
{
    assert_shows(paste("config import\r[a]\r.\r"), "1 lines are good");
    assert_shows(paste("config import\r[b]\rm 64\rhdx a\r.\r"), "line:3: -hdx");
    assert_shows(line.out, "\r\nnothing was taken\r\n(trestle) ");
    assert_shows(paste("config import\r.\r"), "no machine");
    assert_shows(paste("config import\r[c]\rm 6\x03"), "^C\r\n(trestle) ");
    assert_string_equal(config.next.data, "[a]\n");
    /* And the line is a command's again. */
    assert_shows(type(".\r"), "unknown command: '.'");
}

static void test_import_too_long(void **state)
{
    char *text = malloc(CONFIG_MAX_BYTES + 100);
    char *p = text + sprintf(text, "config import\r[a]\r");

    while (p - text < (long)CONFIG_MAX_BYTES + 15)
        p += sprintf(p, "#\r");
    strcpy(p, ".\r");
    assert_shows(paste(text), "65536 bytes: nothing was taken\r\n(trestle) ");
    assert_null(config.next.data);
    /* A line less is room enough, to the last byte. */
    strcpy(p - 2, ".\r");
    assert_shows(paste(text), "lines are good");
    assert_int_equal(config.next.len, CONFIG_MAX_BYTES);
    free(text);
}

static void await(const char *what)
{
    uint64_t limit = platform_now_ns() + PATIENCE_NS;

    while (!strstr(line.out, what) && platform_now_ns() < limit) {
        mux_poll(&mux);
        platform_wait(platform_now_ns() + 1000000);
    }
    assert_shows(line.out, what);
}

static void test_save(void **state)
{
    char got[20] = "", wanted[100];
    FILE *f;

    paste("config import\r[a]\r.\r");
    type("config save\r");
    snprintf(wanted, sizeof wanted, "saved: %s; it takes effect at the next",
             path);
    await(wanted);
    await("config save: done");
    f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof got, f), 4);
    fclose(f);
    assert_string_equal(got, "[a]\n");
    assert_shows(type("config show\r"), "m 64\r\nAnother one, of 1 lines, is "
                 "saved: it takes effect");
    unlink(path);
    type("config save\r");
    await("No such file");
}

/* Without one, and where nothing says where it is kept. */
static void test_nowhere(void **state)
{
    config_free(&config);
    memset(&config, 0, sizeof config);
    options_defaults(&config.command_line);
    assert_shows(type("config show\r"), "No trestle.conf runs: the command "
                 "line alone.");
    assert_shows(type("config export\r"), "there is no trestle.conf");
    assert_shows(type("config save\r"), "there is no trestle.conf to save");
    paste("config import\r[a]\r.\r");
    assert_shows(type("config save\r"), "not saved: neither -readconfig nor");
}

#define TEST_CONFIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_CONFIG(test_show_and_export),
        TEST_CONFIG(test_import),
        TEST_CONFIG(test_import_refused),
        TEST_CONFIG(test_import_too_long),
        TEST_CONFIG(test_save),
        TEST_CONFIG(test_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
