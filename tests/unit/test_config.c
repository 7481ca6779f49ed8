/* trestle.conf: sections, quotes, comments, and errors that name the line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/config.h"

static struct config c;
static char why[320];
static char *text;              /* exactly as long as it may be, for ASan */

static bool parse(const char *file)
{
    size_t len = strlen(file);

    free(text);
    text = malloc(len + 1);
    memcpy(text, file, len);
    memset(&c, 0, sizeof c);
    options_defaults(&c.common);
    why[0] = '\0';
    return config_parse(&c, "t.conf", text, len, why, sizeof why);
}

static int teardown(void **state)
{
    free(text);
    text = NULL;
    return 0;
}

static void test_two_machines(void **state)
{
    assert_true(parse("# both\n"
                      "m 32\n"
                      "-echr 20\n"
                      "\n"
                      "[wan]\n"
                      "hda wan.img\n"
                      "net nic,macaddr=52:54:00:00:00:01\n"
                      "net bridge,pci=00:1F.6\n"
                      "[lan-2]\n"
                      "-m 64\n"
                      "--hda=lan.img\n"
                      "snapshot\n"
                      "no-reboot"));
    assert_int_equal(c.count, 2);
    assert_string_equal(c.machine[0].name, "wan");
    assert_string_equal(c.machine[0].drive[0].file, "wan.img");
    assert_int_equal(c.machine[0].ram_bytes, 32u << 20);
    assert_int_equal(c.machine[0].escape, 20);
    assert_int_equal(c.machine[0].net_count, 2);
    assert_string_equal(c.machine[0].net[1].pci, "00:1f.6");
    assert_false(c.machine[0].snapshot);
    assert_string_equal(c.machine[1].name, "lan-2");
    assert_string_equal(c.machine[1].drive[0].file, "lan.img");
    assert_int_equal(c.machine[1].ram_bytes, 64u << 20);
    assert_int_equal(c.machine[1].escape, 20);
    assert_true(c.machine[1].snapshot && c.machine[1].no_reboot);
    assert_int_equal(c.machine[1].net_count, 2);    /* those by default */
    assert_int_equal(c.machine[1].net[1].kind, NET_USER);
}

static void test_quotes_comments_and_line_ends(void **state)
{
    assert_true(parse("\xef\xbb\xbf" "m 32 # MiB\r\n"
                      "\t[ a\t] # not this\r\n") == false);
    assert_true(parse("\xef\xbb\xbf" "m 32 # MiB\r\n"
                      "\t [a]\t# the first\r\n"
                      "hda \"my router.img\"   # quoted\r\n"
                      "hdb 'a \"b\" #c'\r\n"
                      "hdc x#y\r\n"
                      "cpu = \"trestle32\"\r\n"
                      "bios=b\"i o\"s\r\n"
                      "debugcon\r\n"
                      "   \r\n"));
    assert_int_equal(c.machine[0].ram_bytes, 32u << 20);
    assert_string_equal(c.machine[0].drive[0].file, "my router.img");
    assert_string_equal(c.machine[0].drive[1].file, "a \"b\" #c");
    assert_string_equal(c.machine[0].drive[2].file, "x#y");
    assert_string_equal(c.machine[0].cpu, "trestle32");
    assert_string_equal(c.machine[0].bios, "bi os");
    assert_true(c.machine[0].debugcon);
}

/* Each names the file and the line, the option, and what to do. */
static void test_errors(void **state)
{
    static const struct {
        const char *file, *line, *option, *what;
    } bad[] = {
        { "", "t.conf:", "", "[name]" },
        { "m 64\n", "t.conf:", "", "[name]" },
        { "[a]\nm 4096\n", "t.conf:2:", "-m 4096", "1 to 3072" },
        { "[a]\nm\n", "t.conf:2:", "-m", "needs a value" },
        { "[a]\nfrob 1\n", "t.conf:2:", "-frob", "unknown option" },
        { "[a]\nsnapshot yes\n", "t.conf:2:", "-snapshot", "no value" },
        { "[a]\n\n\nhda a b\n", "t.conf:4:", "hda", "quotes" },
        { "[a]\nhda \"a\n", "t.conf:2:", "hda", "quote is open" },
        { "[a]\nhda 'a\"\nm 64'\n", "t.conf:2:", "hda", "quote is open" },
        { "[a\n", "t.conf:1:", "", "one [name]" },
        { "[a] b\n", "t.conf:1:", "", "one [name]" },
        { "[]\n", "t.conf:1:", "[]", "letters" },
        { "[a b]\n", "t.conf:1:", "[a b]", "letters" },
        { "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n", "t.conf:1:", "[aaa",
          "1 to 28" },
        { "[a]\n[b]\n[a]\n", "t.conf:3:", "[a]", "already" },
        { "[a]\nname b\n", "t.conf:2:", "-name", "section's" },
        { "hda x\n[a]\n", "t.conf:1:", "-hda", "below" },
        { "net nic\n[a]\n", "t.conf:1:", "-net", "below" },
        { "[a]\nechr 2\n", "t.conf:2:", "-echr", "before" },
        { "[a]\nuart baud=9600\n", "t.conf:2:", "-uart", "before" },
        { "uart baud=9600\n[a]\n", "t.conf:1:", "-uart", "appliance" },
        { "readconfig x\n[a]\n", "t.conf:1:", "-readconfig", "command line" },
        { "[a]\nhelp\n", "t.conf:2:", "-help", "command line" },
        { "[a]\nhda x\nhda y\n", "t.conf:3:", "-hda y", "twice" },
        { "[a]\nm 64\nnet none\nnet nic\n[b]\n", "t.conf:1:", "[a]",
          "contradicts" },
        { "[1]\n[2]\n[3]\n[4]\n[5]\n[6]\n[7]\n[8]\n[9]\n[10]\n", "t.conf:10:",
          "[10]", "at most 9" },
        { "[a]\n=\n", "t.conf:2:", "-", "unknown option" },
        { "[a]\nnet bridge,nic=0,pci=00:03.0\n", "t.conf:2:", "-net",
          "one of" },
        { "[a]\nnet bridge,pci=0:3.0\n", "t.conf:2:", "-net", "pci=00:03.0" },
        { "[a]\nnet bridge,mac=1:2\n", "t.conf:2:", "-net", "MAC" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i].file) || !strstr(why, bad[i].line) ||
            !strstr(why, bad[i].option) || !strstr(why, bad[i].what))
            fail_msg("%s: '%s'", bad[i].file, why);
    }
}

/* However long a line is: its number, and what is wrong with it. */
static void test_long_lines(void **state)
{
    static const char *const bad[][3] = {
        { "[a]\n", " b c\n", "quotes" },
        { "[a]\nhda '", "\n", "quote is open" },
        { "[a]\n", "\n", "-help lists" },
        { "[a]\nm ", "\n", "MiB" },
        { "[a]\n[", "]\n", "letters" },
    };
    char file[CONFIG_MAX_BYTES / 8];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(file, 'z', sizeof file);
        memcpy(file, bad[i][0], strlen(bad[i][0]));
        strcpy(file + (i == 3 ? 900 : sizeof file - 9), bad[i][1]);
        if (parse(file) || !strstr(why, "t.conf:2: ") ||
            !strstr(why, bad[i][2]))
            fail_msg("%s: '%s'", bad[i][0], why);
    }
}

static bool find(const char *file, const char *name, char *out, size_t size)
{
    size_t len = strlen(file);
    char *copy = malloc(len + !len);
    bool found;

    memcpy(copy, file, len);
    found = config_find(copy, len, name, out, size);
    free(copy);
    return found;
}

static void test_find(void **state)
{
    char out[16];

    assert_true(find("m 1\r\nuart baud=9600\r\n[a]\r\n", "uart", out,
                     sizeof out));
    assert_string_equal(out, "baud=9600");
    assert_true(find("uart 'a b' # c\n-uart x", "uart", out, sizeof out));
    assert_string_equal(out, "x");
    assert_false(find("[a]\nuart baud=9600\n", "uart", out, sizeof out));
    assert_false(find("uart\nuarts 1\nuar 2\nuart a b\n", "uart", out,
                      sizeof out));
    assert_false(find("uart 1234567890123456\n", "uart", out, sizeof out));
    assert_false(find("", "uart", out, sizeof out));
}

static enum options_result read_file(const void *data, size_t len,
                                     const char *option)
{
    char path[] = "/tmp/test_config.XXXXXX";
    char *argv[] = { (char *)"trestle", (char *)"-readconfig", path,
                     (char *)option, (char *)"2", NULL };
    int fd = mkstemp(path);
    enum options_result r;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
    why[0] = '\0';
    r = config_read(&c, option ? 5 : 3, argv, why, sizeof why);
    unlink(path);
    return r;
}

static void test_with_the_command_line(void **state)
{
    static const char file[] = "[a]\nm 2\n[b]\n";
    static const char zero[] = "[a]\n\0m 64\n";
    static char big[CONFIG_MAX_BYTES + 1];
    char *argv[] = { (char *)"trestle", (char *)"-m", (char *)"5", NULL };

    assert_int_equal(read_file(file, strlen(file), "-m"), OPTIONS_RUN);
    assert_int_equal(c.count, 2);
    assert_int_equal(c.machine[0].ram_bytes, 2u << 20);
    config_free(&c);
    assert_int_equal(read_file(file, strlen(file), "-echr"), OPTIONS_RUN);
    assert_int_equal(c.machine[1].escape, 2);
    config_free(&c);
    assert_int_equal(read_file(file, strlen(file), "-hda"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "-hda"));
    config_free(&c);
    assert_int_equal(read_file(file, strlen(file), "-name"), OPTIONS_ERROR);
    config_free(&c);
    assert_int_equal(read_file(zero, sizeof zero - 1, NULL), OPTIONS_ERROR);
    assert_non_null(strstr(why, "not a text"));
    config_free(&c);
    memset(big, '\n', sizeof big);
    assert_int_equal(read_file(big, sizeof big, NULL), OPTIONS_ERROR);
    assert_non_null(strstr(why, "longer than"));
    assert_int_equal(config_read(&c, 3, argv, why, sizeof why), OPTIONS_RUN);
    assert_int_equal(c.count, 1);
    assert_int_equal(config_read(&c, 1, argv, why, sizeof why), OPTIONS_HELP);
    argv[1] = (char *)"-readconfig";
    argv[2] = (char *)"/nonexistent/t.conf";
    assert_int_equal(config_read(&c, 3, argv, why, sizeof why), OPTIONS_ERROR);
    assert_non_null(strstr(why, "/nonexistent/t.conf"));
}

static bool check(const char *data)
{
    struct config_text t = { (char *)data, strlen(data) };

    why[0] = '\0';
    return config_check(&c, "new", &t, why, sizeof why);
}

/* Another text is looked at with the same command line, and nothing changes. */
static void test_check(void **state)
{
    static const char file[] = "[a]\nm 2\n[b]\n";

    assert_int_equal(read_file(file, strlen(file), "-m"), OPTIONS_RUN);
    assert_true(check("[x]\n[y]\n[z]\nm 5"));
    assert_int_equal(c.count, 2);
    assert_string_equal(c.machine[0].name, "a");
    assert_memory_equal(c.source.data, file, strlen(file));
    assert_false(check("[x]\nm 64\nmm 2\n"));
    assert_non_null(strstr(why, "new:3: "));
    assert_false(check(""));
    assert_non_null(strstr(why, "no machine"));
    config_free(&c);
    options_defaults(&c.command_line);
    c.command_line.own = "hda";
    assert_false(check("[x]\n"));
    assert_non_null(strstr(why, "-hda: is on the command line"));
    memset(&c, 0, sizeof c);
}

static bool file_has(const char *path, const char *wanted)
{
    char got[100] = "";
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(got, 1, sizeof got - 1, f) : 0;

    if (f)
        fclose(f);
    return n == strlen(wanted) && !memcmp(got, wanted, n);
}

/* The file that -readconfig names has another content, or its own. */
static void test_save(void **state)
{
    char folder[] = "/tmp/test_config.XXXXXX", path[60], link[60], left[70];
    struct config_text one = { (char *)"[a]\nm 1\n", 8 };
    struct config_text two = { (char *)"[b]\n", 4 };
    struct stat st;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.conf", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    snprintf(left, sizeof left, "%s.new", path);
    memset(&c, 0, sizeof c);
    assert_false(config_target(&c, why, sizeof why));
    assert_non_null(strstr(why, "neither -readconfig nor"));
    c.origin = CONFIG_FILE;
    c.file = link;
    assert_true(config_save(&c, &one, why, sizeof why) == -ENOENT);
    assert_non_null(strstr(why, link));
    fclose(fopen(path, "w"));
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(symlink("t.conf", link), 0);
    assert_true(config_target(&c, why, sizeof why));
    assert_string_equal(why, link);
    assert_int_equal(config_save(&c, &one, why, sizeof why), 0);
    assert_int_equal(config_save(&c, &two, why, sizeof why), 0);
    assert_true(file_has(path, "[b]\n"));
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0640);
    assert_int_equal(access(left, F_OK), -1);
    /* What cannot be written leaves it alone. */
    assert_int_equal(mkdir(left, 0700), 0);
    assert_true(config_save(&c, &one, why, sizeof why) < 0);
    assert_true(file_has(path, "[b]\n"));
    rmdir(left);
    unlink(link);
    unlink(path);
    rmdir(folder);
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_machines),
        TEST(test_quotes_comments_and_line_ends),
        TEST(test_errors),
        TEST(test_long_lines),
        TEST(test_find),
        TEST(test_with_the_command_line),
        TEST(test_check),
        TEST(test_save),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
