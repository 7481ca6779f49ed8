/*
 * Files by HTTP and TFTP over loopback: a process is the server, a task reads,
 * the test is the I/O core.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/hosted/console.h"
#include "kernel/net/bytes.h"
#include "kernel/net/fetch/fetch.h"
#include "kernel/platform.h"
#include "one_net.h"
#include "poll_until.h"

/* ---- Servers ------------------------------------------------------------- */

static int server = -1;
static unsigned port;
static pid_t child;

static void open_server(int type)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;

    server = socket(AF_INET, type, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&a, len), 0);
    getsockname(server, (struct sockaddr *)&a, &len);
    port = ntohs(a.sin_port);
    if (type == SOCK_STREAM)
        listen(server, 5);
}

static void start_server(void (*serve)(const void *arg), const void *arg)
{
    child = fork();
    assert_true(child >= 0);
    if (child)
        return;
    signal(SIGALRM, SIG_DFL);
    alarm(60);
    serve(arg);
    _exit(0);
}

static int teardown(void **state)
{
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    child = 0;
    if (server >= 0)
        close(server);
    server = -1;
    return 0;
}

/* ---- The reader ---------------------------------------------------------- */

static struct receiver *receiver;
static char url[200];

static struct {
    size_t bytes, limit;        /* limit: it reads no further */
    ssize_t last;
    uint32_t sum;
    unsigned pause_ms;          /* between two reads */
} got;

static void read_all(void *arg)
{
    static uint8_t buf[3000];

    while (!got.limit || got.bytes < got.limit) {
        got.last = receiver->read(receiver, buf, sizeof buf);
        if (got.last <= 0)
            break;
        for (ssize_t i = 0; i < got.last; i++)
            got.sum = got.sum * 31 + buf[i];
        got.bytes += (size_t)got.last;
        if (got.pause_ms)
            platform_task_wait(platform_now_ns() + got.pause_ms * MS);
    }
}

static uint32_t sum_of(const uint8_t *data, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + data[i];
    return sum;
}

static void fetch(const char *scheme, const char *path)
{
    struct platform_task *task;

    snprintf(url, sizeof url, "%s://127.0.0.1:%u/%s", scheme, port, path);
    if (fetch_open(url, &receiver, why, sizeof why))
        fail_msg("%s", why);
    memset(&got, 0, offsetof(typeof(got), pause_ms));
    assert_int_equal(platform_task_start(read_all, NULL, &task), 0);
    POLL_UNTIL_BY(net_poll, 10, platform_task_has_ended(task));
    platform_task_free(task);
}

static void end_fetch(void)
{
    receiver->close(receiver);
    receiver = NULL;
    net_poll();
}

static void assert_got(const uint8_t *data, size_t len)
{
    if (got.last)
        print_message("%s\n", receiver->why);
    assert_int_equal(got.last, 0);
    assert_int_equal(got.bytes, len);
    assert_int_equal(got.sum, sum_of(data, len));
    end_fetch();
}

static void assert_failed(int error, const char *reason)
{
    assert_int_equal(got.last, error);
    if (!strstr(receiver->why, reason))
        fail_msg("%s", receiver->why);
    end_fetch();
}

/* ---- HTTP ---------------------------------------------------------------- */

static uint8_t file[300000];

/* Answers, one a connection; "%p" is the port. NULL: none follows. The file
 * follows an answer that ends with "%f". */
static void serve_http(const void *arg)
{
    for (const char *const *answer = arg; *answer; answer++) {
        int s = accept(server, NULL, NULL);
        char request[2000] = "", text[1000], *p;
        size_t len = 0;

        while (!strstr(request, "\r\n\r\n"))
            len += (size_t)read(s, request + len, sizeof request - len - 1);
        if (strncmp(request, "GET /", 5) ||
            !strstr(request, "\r\nHost: 127.0.0.1:"))
            _exit(1);
        strcpy(text, *answer);
        if ((p = strstr(text, "%p")))
            sprintf(p, "%u%s", port, *answer + (p - text) + 2);
        p = strstr(text, "%f");
        len = p ? (size_t)(p - text) : strlen(text);
        if (write(s, text, len) < 0 ||
            (p && write(s, file, sizeof file) < 0))
            _exit(1);
        close(s);
    }
}

static void http(const char *path, const char *const *answers)
{
    teardown(NULL);
    open_server(SOCK_STREAM);
    start_server(serve_http, answers);
    fetch("http", path);
}
#define HTTP(path, ...) http(path, (const char *const[]){ __VA_ARGS__, NULL })

#define FILE_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"

static void test_http(void **state)
{
    HTTP("image", FILE_HEAD "%f");
    assert_int_equal(receiver->size, sizeof file);
    assert_got(file, sizeof file);
    HTTP("image", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n");
    assert_true(receiver->size == RECEIVER_UNKNOWN);
    assert_got((const uint8_t *)"hello!", 6);
    HTTP("", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_got(file, 0);
}

/* The server is held up, and not the I/O core. */
static void test_http_slow_reader(void **state)
{
    got.pause_ms = 3;
    HTTP("image", FILE_HEAD "%f");
    got.pause_ms = 0;
    assert_got(file, sizeof file);
}

static void test_http_redirect(void **state)
{
    HTTP("a", "HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n", FILE_HEAD "%f");
    assert_got(file, sizeof file);
    HTTP("a", "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:%p/b\r\n\r\n",
         FILE_HEAD "%f");
    assert_got(file, sizeof file);
    HTTP("a", "HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n",
         "HTTP/1.1 302 Found\r\nLocation: /c\r\n\r\n");
    assert_failed(-ELOOP, "a second time");
    HTTP("a", "HTTP/1.1 302 Found\r\nLocation: https://h/\r\n\r\n");
    assert_failed(-EINVAL, "neither http://");
    HTTP("a", "HTTP/1.1 302 Found\r\nLocation: tftp://h/a\r\n\r\n");
    assert_failed(-EINVAL, "on to TFTP");
    HTTP("a", "HTTP/1.1 302 Found\r\n\r\n");
    assert_failed(-EPROTO, "HTTP 302 Found");
}

static void test_http_errors(void **state)
{
    HTTP("a", "HTTP/1.1 404 Not Found\r\n\r\n");
    assert_failed(-ENOENT, "127.0.0.1: HTTP 404 Not Found");
    HTTP("a", "HTTP/1.1 403 Forbidden\r\n\r\n");
    assert_failed(-EACCES, "HTTP 403 Forbidden");
    HTTP("a", "HTTP/1.1 500 Oh no\r\n\r\n");
    assert_failed(-EPROTO, "HTTP 500 Oh no");
    HTTP("a", "HTTP/1.1 200 OK\r\nContent-Length: 300007\r\n\r\n%f");
    assert_int_equal(got.bytes, sizeof file);
    assert_failed(-EPROTO, "7 bytes too early");
    HTTP("a", "HTTP/1.1 200 OK\r\n");
    assert_failed(-EPROTO, "too early");
    HTTP("a", "220 mail.example\r\n");
    assert_failed(-EPROTO, "no HTTP/1");
    teardown(NULL);
    fetch("http", "nobody-listens-there");
    assert_failed(-ECONNREFUSED, "127.0.0.1: Connection refused");
}

/* In the middle: the server's connection goes, too. */
static void test_http_cancelled(void **state)
{
    got.limit = 100000;
    teardown(NULL);
    open_server(SOCK_STREAM);
    start_server(serve_http, (const char *const[]){ FILE_HEAD "%f", NULL });
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    assert_int_equal(fetch_open(url, &receiver, why, sizeof why), 0);
    for (unsigned i = 0; i < 50; i++)
        if (!net_poll())
            platform_wait(platform_now_ns() + MS);
    end_fetch();
    got.limit = 0;
}

/* ---- TFTP ---------------------------------------------------------------- */

struct tftp_server {
    unsigned block;             /* blksize in the OACK; 0: no OACK */
    bool tells_size;
    int more;                   /* than there is, it tells */
    size_t len;
    unsigned lose;              /* each so many-th packet; 0: none */
    bool twice;                 /* each packet */
    const char *answer;         /* in place of the first packet, with its */
    size_t answer_len;          /* length; then nothing */
};

static unsigned packets;

static bool is_lost(const struct tftp_server *t)
{
    return t->lose && ++packets % t->lose == 0;
}

static void tftp_send(const struct tftp_server *t, int s, const void *data,
                      size_t len)
{
    for (int i = 0; i <= t->twice; i++)
        if (!is_lost(t) && send(s, data, len, 0) < 0)
            _exit(1);
}

static size_t make_oack(const struct tftp_server *t, char *p)
{
    size_t n = 2;

    p[0] = 0;
    p[1] = 6;
    n += (size_t)sprintf(p + n, "blksize") + 1;
    n += (size_t)sprintf(p + n, "%u", t->block) + 1;
    if (t->tells_size) {
        n += (size_t)sprintf(p + n, "TSIZE") + 1;
        n += (size_t)sprintf(p + n, "%zu", t->len + t->more) + 1;
    }
    return n;
}

/* From a port of its own (RFC 1350 4); sends again what is not acknowledged. */
static void serve_tftp(const void *arg)
{
    static const char request[] = "\0\1image\0octet\0blksize\0" "1428\0tsize\0"
                                  "0";
    const struct tftp_server *t = arg;
    size_t size = t->block ? t->block : 512, n = 0;
    uint8_t buf[2000], out[2000];
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    struct timeval soon = { 0, 30000 };
    int s = socket(AF_INET, SOCK_DGRAM, 0);

    if (recvfrom(server, buf, sizeof buf, 0, (struct sockaddr *)&a, &len) !=
            sizeof request || memcmp(buf, request, sizeof request) ||
        connect(s, (struct sockaddr *)&a, len))
        _exit(1);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    if (t->answer) {
        send(s, t->answer, t->answer_len, 0);
        sleep(60);
    }
    for (unsigned block = t->block ? 0 : 1; ; block++) {
        size_t at = block ? (block - 1) * size : 0;

        n = t->len - at < size ? t->len - at : size;
        put16(out, 3);
        put16(out + 2, (uint16_t)block);
        memcpy(out + 4, file + at % sizeof file, n);
        if (block)
            n += 4;
        else
            n = make_oack(t, (char *)out);
        do
            tftp_send(t, s, out, n);
        while (recv(s, buf, sizeof buf, 0) != 4 || is_lost(t) ||
               get16(buf) != 4 || get16(buf + 2) != (uint16_t)block);
        if (block && n < size + 4)
            return;
    }
}

static void tftp(const struct tftp_server *t)
{
    teardown(NULL);
    open_server(SOCK_DGRAM);
    start_server(serve_tftp, t);
    fetch("tftp", "image");
}
#define TFTP(...) tftp(&(struct tftp_server){ __VA_ARGS__ })

static void test_tftp(void **state)
{
    TFTP(.block = 1428, .tells_size = true, .len = 200000);
    assert_int_equal(receiver->size, 200000);
    assert_got(file, 200000);
    TFTP(.len = 1024);
    assert_true(receiver->size == RECEIVER_UNKNOWN);
    assert_got(file, 1024);
    TFTP(.block = 1000, .len = 3000);
    assert_got(file, 3000);
    TFTP(.len = 0);
    assert_got(file, 0);
}

/* Numbers of blocks wrap. */
static void test_tftp_many_blocks(void **state)
{
    uint32_t sum = 0;
    size_t len = 66000 * 8;

    TFTP(.block = 8, .len = len);
    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + file[i / 8 * 8 % sizeof file + i % 8];
    assert_int_equal(got.bytes, len);
    assert_int_equal(got.sum, sum);
    end_fetch();
}

static void test_tftp_bad_line(void **state)
{
    TFTP(.block = 1428, .len = 100000, .lose = 7);
    assert_got(file, 100000);
    TFTP(.block = 1428, .len = 100000, .twice = true);
    assert_got(file, 100000);
    got.pause_ms = 2;
    TFTP(.block = 1428, .len = 200000, .lose = 31, .twice = true);
    got.pause_ms = 0;
    assert_got(file, 200000);
}

#define ANSWER(text) .answer = text, .answer_len = sizeof text

static void test_tftp_errors(void **state)
{
    TFTP(ANSWER("\0\5\0\1no such \x1b file"));
    assert_failed(-ENOENT, "127.0.0.1: no such ? file");
    TFTP(ANSWER("\0\5\0\2"));
    assert_failed(-EACCES, "127.0.0.1: it refused");
    TFTP(ANSWER("\0\6blksize\0" "9999"));
    assert_failed(-EPROTO, "not asked for");
    TFTP(ANSWER("\0\6blksize\0" "7"));
    assert_failed(-EPROTO, "not asked for");
    TFTP(ANSWER("\0\6tsize"));
    assert_failed(-EPROTO, "not asked for");
    TFTP(ANSWER("\0\6tsize\0" "x"));
    assert_failed(-EPROTO, "not asked for");
    TFTP(.answer = "\0\6tsize\0" "1", .answer_len = 9);
    assert_failed(-EPROTO, "not asked for");
    /* A file that it lost the end of, or that grows. */
    TFTP(.block = 1428, .tells_size = true, .len = 5000, .more = 1000);
    assert_failed(-EPROTO, "127.0.0.1: it told 6000 bytes and sent 5000");
    TFTP(.block = 1428, .tells_size = true, .len = 5000, .more = -1000);
    assert_failed(-EPROTO, "127.0.0.1: it told 4000 bytes and sent 5000");
}

/* ---- Neither ------------------------------------------------------------- */

static void test_refused(void **state)
{
    assert_true(fetch_is_url("http://h/a"));
    assert_false(fetch_is_url("images/a.img"));
    assert_int_equal(fetch_open("ftp://h/a", &receiver, why, sizeof why),
                     -EINVAL);
    assert_non_null(strstr(why, "neither"));
    assert_int_equal(fetch_open("http://no.such.name.invalid/", &receiver, why,
                                sizeof why), -ENOENT);
    assert_non_null(strstr(why, "'no.such.name.invalid' is no address"));
    drop_net();
    assert_int_equal(fetch_open("http://127.0.0.1/", &receiver, why,
                                sizeof why), -ENETDOWN);
    assert_non_null(strstr(why, "no machine has a network"));
}

static int setup_all(void **state)
{
    unsigned seed = 3;

    console_init();
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = (uint8_t)(rand_r(&seed) >> 8);
    MAKE("net", "nic");
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_http),
        TEST(test_http_slow_reader),
        TEST(test_http_redirect),
        TEST(test_http_errors),
        TEST(test_http_cancelled),
        TEST(test_tftp),
        TEST(test_tftp_many_blocks),
        TEST(test_tftp_bad_line),
        TEST(test_tftp_errors),
        TEST(test_refused),
    };

    return cmocka_run_group_tests(tests, setup_all, NULL);
}
