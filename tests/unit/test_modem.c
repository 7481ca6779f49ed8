/*
 * XMODEM and YMODEM with lrzsz as the sender, on a clean line and on one that
 * flips, loses and doubles bytes; and what no sender says.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/platform.h"
#include "kernel/receive/modem.h"

#define MS UINT64_C(1000000)

/* ---- A sender ------------------------------------------------------------ */

static char folder[] = "/tmp/trestle-modem-XXXXXX";

struct line {
    struct modem_line ops;
    int in, out;
    pid_t child;
    unsigned noise;             /* one in so many bytes; 0: none */
    unsigned seed;
    unsigned written;           /* bytes to the sender */
};

static bool is_hit(struct line *l)
{
    return l->noise && rand_r(&l->seed) / 7 % l->noise == 0;
}

/* Bytes of `buf` as the line brings them: as many, one more for each doubled. */
static size_t add_noise(struct line *l, const uint8_t *buf, size_t n,
                        uint8_t *out)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned how = is_hit(l) ? 1 + rand_r(&l->seed) / 7 % 3 : 0;

        if (how == 1)           /* lost */
            continue;
        out[len] = buf[i];
        if (how == 2)
            out[len] ^= 1 << rand_r(&l->seed) / 7 % 8;
        len++;
        if (how == 3)
            out[len++] = buf[i];
    }
    return len;
}

static ssize_t line_read(void *ctx, uint8_t *buf, size_t size,
                         uint64_t deadline)
{
    struct line *l = ctx;
    uint8_t raw[128];

    for (;;) {
        uint64_t now = platform_now_ns();
        struct pollfd p = { l->in, POLLIN, 0 };
        ssize_t n;

        if (now >= deadline ||
            poll(&p, 1, (int)((deadline - now + MS - 1) / MS)) == 0)
            return 0;
        n = read(l->in, raw, size / 2 < sizeof raw ? size / 2 : sizeof raw);
        if (n <= 0) {           /* it has ended, and a line does not */
            platform_wait(deadline);
            return 0;
        }
        n = (ssize_t)add_noise(l, raw, (size_t)n, buf);
        if (n)
            return n;
    }
}

static void line_write(void *ctx, const uint8_t *data, size_t len)
{
    struct line *l = ctx;
    uint8_t noisy[64];

    assert_true(len * 2 <= sizeof noisy);
    l->written += len;
    len = add_noise(l, data, len, noisy);
    if (len && write(l->out, noisy, len) < 0)
        assert_int_equal(errno, EPIPE);         /* it has ended */
}

static void line_start(struct line *l, const char *command)
{
    int to[2], from[2];

    *l = (struct line){ .ops = { line_read, line_write, l }, .seed = 1 };
    assert_int_equal(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC), 0);
    l->child = fork();
    assert_true(l->child >= 0);
    if (!l->child) {
        int nothing = open("/dev/null", O_WRONLY);

        dup2(to[0], 0);
        dup2(from[1], 1);
        dup2(nothing, 2);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    l->in = from[0];
    l->out = to[1];
}

static void line_end(struct line *l)
{
    close(l->in);
    close(l->out);
    kill(l->child, SIGKILL);
    waitpid(l->child, NULL, 0);
}

/* ---- Files --------------------------------------------------------------- */

static uint8_t *sent;
static size_t sent_len;

static void make_file(size_t len)
{
    char path[64];
    unsigned seed = 5;
    FILE *f;

    sent = realloc(sent, len + 1);
    sent_len = len;
    for (size_t i = 0; i < len; i++)
        sent[i] = (uint8_t)(rand_r(&seed) >> 8);
    snprintf(path, sizeof path, "%s/image", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(sent, 1, len, f), len);
    fclose(f);
}

static int setup_all(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int teardown_all(void **state)
{
    char command[96];

    free(sent);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* ---- Transfers ----------------------------------------------------------- */

static struct modem m;
static struct line l;

/* As fast as a pipe is. */
static void start(const char *sender, bool is_ymodem)
{
    char command[200];

    snprintf(command, sizeof command, "cd %s && exec %s", folder, sender);
    line_start(&l, command);
    modem_init(&m, &l.ops, is_ymodem);
    m.times = (struct modem_times){ 300 * MS, 300 * MS, 30 * MS, 15 * MS };
}

/* All that comes, which has to be what was sent, and `padding` bytes. */
static void receive_all(size_t padding)
{
    size_t got = 0;
    uint8_t buf[700];
    ssize_t n;

    while ((n = modem_read(&m, buf, sizeof buf)) > 0) {
        for (ssize_t i = 0; i < n; i++, got++)
            assert_int_equal(buf[i], got < sent_len ? sent[got] : 0x1a);
    }
    if (n)
        print_message("%s\n", m.why);
    assert_int_equal(n, 0);
    assert_int_equal(got, sent_len + padding);
    assert_int_equal(modem_read(&m, buf, sizeof buf), 0);
    modem_close(&m);
}

static void clean(const char *sender, bool is_ymodem, size_t len,
                  size_t padding)
{
    make_file(len);
    start(sender, is_ymodem);
    receive_all(padding);
    assert_int_equal(m.damaged, 0);
    assert_int_equal(m.repeated, 0);
    line_end(&l);
}

/* More packets than their number counts. */
static void test_xmodem(void **state)
{
    clean("sx image", false, 300 * 128, 0);
    assert_int_equal(m.packets, 300);
    clean("sx image", false, 1, 127);
    clean("sx image", false, 0, 0);
    clean("sx -k image", false, 70 * 1024, 0);
    assert_int_equal(m.packets, 70);
    clean("sx -k image", false, 3 * 1024 + 5, 123);
}

/* A sender that does not understand the first calls. */
static void test_xmodem_checksum(void **state)
{
    make_file(5 * 128);
    start("sh -c 'head -c 20 > /dev/null; exec sx image'", false);
    receive_all(0);
    assert_false(m.crc);
    line_end(&l);
}

static void test_ymodem(void **state)
{
    clean("sb image", true, 100 * 1024 + 77, 0);
    assert_string_equal(m.name, "image");
    assert_int_equal(m.size, 100 * 1024 + 77);
    clean("sb image", true, 1024, 0);
    clean("sb image", true, 1, 0);
    clean("sb image", true, 0, 0);
    clean("sb image", true, 300 * 1024, 0);
    /* What lrzsz makes of a path. */
    clean("sb -f ./image", true, 512, 0);
    assert_string_equal(m.name, "./image");
}

static void noisy(const char *sender, bool is_ymodem, unsigned one_in,
                  unsigned seed)
{
    make_file(40 * 1024);
    start(sender, is_ymodem);
    l.noise = one_in;
    l.seed = seed;
    receive_all(0);
    assert_true(m.damaged + m.repeated > 0);
    line_end(&l);
}

static void test_noise(void **state)
{
    for (unsigned seed = 1; seed <= 2; seed++) {
        noisy("sx image", false, 700, seed);
        noisy("sx -k image", false, 3000, seed);
        noisy("sb image", true, 3000, seed);
    }
}

/* ---- What a sender may say ----------------------------------------------- */

/* Bytes that come once so many were written to the sender. */
struct step {
    unsigned after;
    const void *data;
    size_t len;
    int error;
};
static const struct step *step;
static char answers[200];

static ssize_t script_read(void *ctx, uint8_t *buf, size_t size,
                           uint64_t deadline)
{
    if (step->after > l.written) {
        platform_wait(deadline);
        return 0;
    }
    if (step->error)
        return step->error;
    assert_true(step->len <= size);
    memcpy(buf, step->data, step->len);
    return (ssize_t)step++->len;
}

static void script_write(void *ctx, const uint8_t *data, size_t len)
{
    if (l.written + len < sizeof answers)
        memcpy(answers + l.written, data, len);
    l.written += (unsigned)len;
}

static uint8_t packets[4][133];

/* Of 128 bytes, with a CRC; zeros behind `data`. */
static const void *packet(unsigned i, uint8_t number, const char *data,
                          size_t len)
{
    uint8_t *p = packets[i];
    unsigned crc = 0;

    memset(p, 0, 133);
    p[0] = 1;
    p[1] = number;
    p[2] = 255 - number;
    memcpy(p + 3, data, len);
    for (unsigned bit = 0; bit < 130 * 8; bit++) {      /* with 16 zeros */
        crc = crc << 1 | (p[3 + bit / 8] >> (7 - bit % 8) & 1);
        if (crc & 0x10000)
            crc ^= 0x11021;
    }
    p[131] = (uint8_t)(crc >> 8);
    p[132] = (uint8_t)crc;
    return p;
}

/* What comes of it: bytes in all, or an error. */
static ssize_t play(bool is_ymodem, const struct step *steps)
{
    uint8_t buf[1024];
    ssize_t n, all = 0;

    memset(answers, 0, sizeof answers);
    l = (struct line){ .ops = { script_read, script_write, NULL } };
    step = steps;
    modem_init(&m, &l.ops, is_ymodem);
    m.times = (struct modem_times){ 5 * MS, 5 * MS, 2 * MS, 2 * MS };
    while ((n = modem_read(&m, buf, sizeof buf)) > 0)
        all += n;
    assert_int_equal(modem_read(&m, buf, sizeof buf), n);
    modem_close(&m);
    return n ? n : all;
}

#define NEVER { ~0u, NULL, 0, 0 }
#define TEXT(after, text) { after, text, sizeof text - 1, 0 }

static void refused(bool is_ymodem, const struct step *steps, int error,
                    const char *why)
{
    assert_int_equal(play(is_ymodem, steps), error);
    assert_non_null(strstr(m.why, why));
}

static void test_no_sender(void **state)
{
    refused(false, (struct step[]){ NEVER }, -ETIMEDOUT, "no sender");
    /* CRC first; then with a checksum. */
    assert_int_equal(strspn(answers, "C"), 20);
    assert_int_equal(answers[20], 21);
    refused(true, (struct step[]){ NEVER }, -ETIMEDOUT, "no sender");
    assert_int_equal(strspn(answers, "C"), 61);
    assert_int_equal(answers[61], 24);          /* a sender is told to stop */
    refused(false, (struct step[]){ { 2, NULL, 0, -EPIPE } }, -EPIPE,
            "the line: Broken pipe");
    refused(false, (struct step[]){ TEXT(1, "\3") }, -ECANCELED, "cancelled");
    refused(true, (struct step[]){ TEXT(2, "?"), TEXT(3, "\x18\x18") },
            -ECANCELED, "the sender cancelled");
}

static void test_sender_goes_away(void **state)
{
    const void *one = packet(0, 1, "a", 1), *five = packet(1, 5, "b", 1);

    refused(false, (struct step[]){ { 1, one, 133, 0 }, NEVER }, -ETIMEDOUT,
            "the sender has gone");
    refused(false, (struct step[]){ { 1, one, 133, 0 }, { 2, five, 133, 0 },
                                    NEVER },
            -EPROTO, "packet 5 came in place of 2");
    /* Two bytes, the first of which might be an end. */
    refused(false, (struct step[]){ { 1, one, 133, 0 }, TEXT(2, "\4x"),
                                    NEVER }, -ETIMEDOUT, "has gone");
    /* An end that is not said again, as its acknowledgement came twice. */
    assert_int_equal(play(false, (struct step[]){
        { 1, one, 133, 0 }, TEXT(2, "\4"), NEVER }), 128);
    /* Ctrl-c is data's, or noise, from the first packet on. */
    assert_int_equal(play(false, (struct step[]){
        { 1, one, 133, 0 }, TEXT(2, "\3"), TEXT(3, "\4"), TEXT(4, "\4"),
        NEVER }), 128);
}

/* Noise without an end; and packets that have nothing of the file any more. */
static ssize_t endless_read(void *ctx, uint8_t *buf, size_t size,
                            uint64_t deadline)
{
    static uint8_t number;
    static struct step next;

    assert_true(++l.seed < 5000);
    if (l.noise) {
        memset(buf, '?', 16);
        for (uint64_t soon = platform_now_ns() + MS / 2;
             platform_now_ns() < soon;)
            platform_wait(soon);
        return 16;
    }
    if (l.written == 1)
        number = 0;
    if (step->after > l.written) {
        platform_wait(deadline);
        return 0;
    }
    next.after = l.written + (number ? 1 : 2);
    step = &next;
    memcpy(buf, packet(0, number, number ? "x" : "name\0" "130",
                       number ? 1 : 9), 133);
    number++;
    return 133;
}

static void test_endless(void **state)
{
    static const struct step at_once = { 1, NULL, 0, 0 };
    uint8_t buf[200];
    ssize_t n, all = 0;

    for (unsigned noise = 0; noise < 2; noise++) {
        l = (struct line){ .ops = { endless_read, script_write, NULL },
                           .noise = noise };
        step = &at_once;
        modem_init(&m, &l.ops, true);
        m.times = (struct modem_times){ 5 * MS, 5 * MS, 2 * MS, 2 * MS };
        while ((n = modem_read(&m, buf, sizeof buf)) > 0)
            all += n;
        assert_int_equal(n, noise ? -ETIMEDOUT : -EPROTO);
        assert_non_null(strstr(m.why, noise ? "no sender has begun"
                                            : "goes on behind the file's end"));
    }
    assert_int_equal(all, 130);
}

static void test_headers(void **state)
{
    const void *empty = packet(0, 0, "", 1), *data = packet(1, 1, "a", 1);
    const void *named = packet(2, 0, "name\0" "200 7", 11);

    refused(true, (struct step[]){ { 1, empty, 133, 0 }, NEVER }, -ENOENT,
            "no file to send");
    refused(true, (struct step[]){ { 1, named, 133, 0 }, { 3, data, 133, 0 },
                                   TEXT(4, "\4"), TEXT(5, "\4"),
                                   { 7, empty, 133, 0 }, NEVER },
            -EPROTO, "ended 72 bytes too early");
    refused(true, (struct step[]){ { 1, named, 133, 0 }, { 3, data, 133, 0 },
                                   TEXT(4, "\4"), TEXT(5, "\4"),
                                   { 7, named, 133, 0 }, NEVER },
            -EPROTO, "more than one file");
    /* Without a size all of the packet counts; the last packet is missing. */
    named = packet(2, 0, "name", 5);
    assert_int_equal(play(true, (struct step[]){
        { 1, named, 133, 0 }, { 3, data, 133, 0 }, TEXT(4, "\4"),
        TEXT(5, "\4"), NEVER }), 128);
    assert_int_equal(m.size, UINT64_MAX);
    /* Sent again, as the acknowledgements were lost. */
    named = packet(2, 0, "name\0" "130", 9);
    packet(3, 2, "b", 1);
    assert_int_equal(play(true, (struct step[]){
        { 1, named, 133, 0 }, { 3, named, 133, 0 }, { 5, data, 133, 0 },
        { 6, data, 133, 0 }, { 7, packets[3], 133, 0 }, TEXT(8, "\4"),
        TEXT(9, "\4"), TEXT(11, "\4"), { 12, empty, 133, 0 }, NEVER }), 130);
    assert_int_equal(m.repeated, 2);
    assert_string_equal(m.name, "name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xmodem),
        cmocka_unit_test(test_xmodem_checksum),
        cmocka_unit_test(test_ymodem),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_no_sender),
        cmocka_unit_test(test_sender_goes_away),
        cmocka_unit_test(test_endless),
        cmocka_unit_test(test_headers),
    };

    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
