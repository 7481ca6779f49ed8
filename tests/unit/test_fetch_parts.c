/* URLs and answers by HTTP: kernel/net/fetch/url.c, http_response.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "kernel/net/fetch/http_response.h"
#include "kernel/net/fetch/url.h"

static char why[160];

/* ---- URLs ---------------------------------------------------------------- */

static void good(const char *text, bool is_tftp, const char *host,
                 unsigned port, const char *path)
{
    struct url u;

    assert_int_equal(url_parse(text, &u, why, sizeof why), 0);
    assert_int_equal(u.is_tftp, is_tftp);
    assert_string_equal(u.host, host);
    assert_int_equal(u.port, port);
    assert_string_equal(u.path, path);
}

static void bad(const char *text, const char *reason)
{
    struct url u;

    assert_int_equal(url_parse(text, &u, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, reason));
}

static void test_urls(void **state)
{
    char text[700], path[] = "/a/image.img?x=1";

    good("http://10.0.0.1/a.img", false, "10.0.0.1", 80, "/a.img");
    good("HTTP://h", false, "h", 80, "/");
    good("http://h:8080?q", false, "h", 8080, "/?q");
    good("http://h:8080/a/image.img?x=1#part", false, "h", 8080, path);
    good("tftp://h/a/b", true, "h", 69, "a/b");
    good("tftp://h:6969//b", true, "h", 6969, "/b");
    bad("https://h/a", "neither http:// nor tftp://");
    bad("image.img", "neither");
    bad("http://", "no HOST");
    bad("http:///a", "no HOST");
    bad("http://u@h/a", "no HOST");
    bad("http://h:0/a", "no HOST");
    bad("http://h:65536/a", "no HOST");
    bad("http://h:123456789/a", "no HOST");
    bad("http://h:/a", "no HOST");
    bad("http://h:0000080x/a", "no HOST");
    bad("http://h:0000080:1/a", "no HOST");
    bad("http://h/a b", "a character");
    bad("http://h/a\r\nX: y", "a character");
    bad("tftp://h", "names no file");
    bad("tftp://h/", "names no file");
    snprintf(text, sizeof text, "http://h/%*d", (int)URL_PATH, 1);
    memset(text + 9, 'a', URL_PATH);
    bad(text, "too long");
    text[9 + URL_PATH - 2] = '\0';
    good(text, false, "h", 80, text + 8);
    snprintf(text, sizeof text, "http://%*d/", (int)URL_HOST, 1);
    memset(text + 7, 'a', URL_HOST);
    bad(text, "no HOST");
}

static void test_followed_urls(void **state)
{
    struct url from, to;

    assert_int_equal(url_parse("http://h:81/a", &from, why, sizeof why), 0);
    assert_int_equal(url_follow(&from, "/b/c", &to, why, sizeof why), 0);
    assert_string_equal(to.host, "h");
    assert_int_equal(to.port, 81);
    assert_string_equal(to.path, "/b/c");
    assert_int_equal(url_follow(&from, "http://i/d", &to, why, sizeof why),
                     0);
    assert_string_equal(to.host, "i");
    assert_int_equal(to.port, 80);
    assert_int_equal(url_follow(&from, "b", &to, why, sizeof why), -EINVAL);
    assert_int_equal(url_follow(&from, "//i/d", &to, why, sizeof why),
                     -EINVAL);
    assert_int_equal(url_follow(&from, "/b c", &to, why, sizeof why),
                     -EINVAL);
}

/* ---- Answers ------------------------------------------------------------- */

static struct http_response h;
static char got[4096];
static size_t got_len;

/* All of it, `cut` bytes at a time, of their own length. Its end. */
static enum http_event feed(const char *text, size_t len, size_t cut)
{
    enum http_event e = HTTP_MORE;

    got_len = 0;
    http_begin(&h);
    for (size_t at = 0; at <= len && e != HTTP_BAD && e != HTTP_DONE;
         at += cut) {
        size_t n = len - at < cut ? len - at : cut, left = n, body_len;
        uint8_t *copy = malloc(n + !n);
        const uint8_t *p = copy, *body;

        memcpy(copy, text + at, n);
        while ((e = http_next(&h, &p, &left, &body, &body_len)) == HTTP_BODY ||
               e == HTTP_HEAD)
            if (e == HTTP_BODY) {
                assert_true(body >= copy && body + body_len <= copy + n);
                assert_true(got_len + body_len <= sizeof got);
                memcpy(got + got_len, body, body_len);
                got_len += body_len;
            }
        free(copy);
    }
    return e;
}

static void answer(const char *text, enum http_event end, const char *body)
{
    for (size_t cut = 1; cut <= strlen(text); cut++) {
        assert_int_equal(feed(text, strlen(text), cut), end);
        assert_int_equal(got_len, strlen(body));
        assert_memory_equal(got, body, got_len);
    }
}

static void faulty(const char *text, const char *fault)
{
    for (size_t cut = 1; cut <= strlen(text); cut++) {
        assert_int_equal(feed(text, strlen(text), cut), HTTP_BAD);
        assert_non_null(strstr(h.fault, fault));
    }
}

#define OK "HTTP/1.1 200 OK\r\n"

static void test_lengths(void **state)
{
    answer(OK "Content-Length: 5\r\n\r\nhello", HTTP_DONE, "hello");
    assert_int_equal(h.status, 200);
    assert_string_equal(h.reason, "OK");
    answer(OK "content-length:5\r\nX: y\r\n\r\nhellomore", HTTP_DONE, "hello");
    answer(OK "Content-Length: 5\n\nhell", HTTP_MORE, "hell");
    answer(OK "Content-Length: 0\r\n\r\n", HTTP_DONE, "");
    answer(OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", HTTP_DONE,
           "ab");
    answer("HTTP/1.0 200\r\nContent-Length: \t1 \r\n\r\na", HTTP_DONE, "a");
    answer("HTTP/1.1 100 Continue\r\nContent-Length: 7\r\n\r\n" OK
           "Content-Length: 1\r\n\r\na", HTTP_DONE, "a");
    answer(OK "Content-Encoding: identity\r\nContent-Length: 1\r\n\r\na",
           HTTP_DONE, "a");
    faulty(OK "X: y\r\n\r\nhello", "does not tell how long");
    faulty(OK "Content-Length: 5x\r\n\r\n", "its length is none");
    faulty(OK "Content-Length: -1\r\n\r\n", "its length is none");
    faulty(OK "Content-Length:\r\n\r\n", "its length is none");
    faulty(OK "Content-Length: 99999999999999999999\r\n\r\n", "length is none");
    faulty(OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\n", "is none");
    faulty(OK "Content-Encoding: gzip\r\n", "compresses");
}

static void test_chunks(void **state)
{
    static const char head[] = OK "Transfer-Encoding: chunked\r\n";
    char text[300];

#define CHUNKS(rest) (snprintf(text, sizeof text, "%s%s", head, rest), text)
    answer(CHUNKS("\r\n5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\n"),
           HTTP_DONE, "hello0123456789");
    answer(CHUNKS("\r\n0\r\nTrailer: x\r\n\r\n"), HTTP_DONE, "");
    answer(CHUNKS("\r\n5\r\nhel"), HTTP_MORE, "hel");
    answer(CHUNKS("\r\n5\r\nhello\r\n0\r\n"), HTTP_MORE, "hello");
    answer(CHUNKS("Content-Length: 3\r\n\r\n1\r\na\r\n0\r\n\r\n"), HTTP_DONE,
           "a");
    faulty(CHUNKS("\r\nx\r\n"), "chunk's length");
    faulty(CHUNKS("\r\n\r\n"), "chunk's length");
    faulty(CHUNKS("\r\n5x\r\n"), "chunk's length");
    faulty(CHUNKS("\r\nfffffffffffffffff\r\n"), "chunk's length");
    faulty(CHUNKS("\r\n1\r\nab\r\n"), "chunk is longer");
    faulty(OK "Transfer-Encoding: gzip, chunked\r\n\r\n", "not chunked");
}

static void test_other_answers(void **state)
{
    char *text = malloc(40000);

    answer("HTTP/1.1 404 Not \x1b[2J\r\n\r\nno", HTTP_DONE, "");
    assert_int_equal(h.status, 404);
    assert_string_equal(h.reason, "Not ?[2J");
    answer("HTTP/1.1 302 Found\r\nLocation: http://h/b\r\n\r\n", HTTP_DONE,
           "");
    assert_string_equal(h.location, "http://h/b");
    faulty("SSH-2.0-OpenSSH_9.2\r\n", "no HTTP/1");
    faulty("HTTP/2 200\r\n", "no HTTP/1");
    faulty("HTTP/1.1 2x0 OK\r\n", "no HTTP/1");
    faulty("HTTP/1.1 2000\r\n", "no HTTP/1");
    faulty("\n", "no HTTP/1");
    faulty(OK "no colon\r\n", "a header that is none");
    faulty(OK "Name : x\r\n", "a header that is none");
    faulty(OK " folded: x\r\n", "a header that is none");
    assert_int_equal(feed(OK "a: \0b\r\n", 24, 24), HTTP_BAD);
    /* A line, and all of them, without an end. */
    memset(text, 'a', 40000);
    memcpy(text, OK, sizeof OK - 1);
    assert_int_equal(feed(text, 40000, 700), HTTP_BAD);
    for (unsigned i = sizeof OK - 1; i + 4 < 40000; i += 4)
        memcpy(text + i, "a:\r\n", 4);
    assert_int_equal(feed(text, 40000, 700), HTTP_BAD);
    assert_string_equal(h.fault, "a header is too long");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_followed_urls),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_other_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
