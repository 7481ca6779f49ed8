/* See http_response.h. */
#include "kernel/net/fetch/http_response.h"

#include <string.h>
#include <strings.h>

#include "kernel/net/fetch/fetch_impl.h"

enum { STATUS, HEADERS, BODY, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER, DONE,
       BAD };

void http_begin(struct http_response *h) { memset(h, 0, sizeof *h); }

static enum http_event bad(struct http_response *h, const char *fault)
{
    h->part = BAD;
    h->fault = fault;
    return HTTP_BAD;
}

/* ---- Lines --------------------------------------------------------------- */

/* False: it has not ended yet, or is too long: then `part` is BAD. */
static bool take_line(struct http_response *h, const uint8_t **data,
                      size_t *len)
{
    const uint8_t *lf = memchr(*data, '\n', *len);
    size_t n = lf ? (size_t)(lf - *data) + 1 : *len;

    h->head_bytes += n;
    if (n >= sizeof h->line - h->line_len ||
        h->head_bytes > HTTP_HEAD_BYTES) {
        bad(h, "a header is too long");
        return false;
    }
    memcpy(h->line + h->line_len, *data, n);
    h->line_len += n;
    *data += n;
    *len -= n;
    if (!lf)
        return false;
    h->line_len--;
    if (h->line_len && h->line[h->line_len - 1] == '\r')
        h->line_len--;
    h->line[h->line_len] = '\0';
    if (strlen(h->line) != h->line_len) {
        bad(h, "a zero is in a header");
        return false;
    }
    h->line_len = 0;
    return true;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* "HTTP/1.1 200 OK" */
static bool take_status(struct http_response *h)
{
    const char *l = h->line;

    if (strncmp(l, "HTTP/1.", 7) || !is_digit(l[7]) || l[8] != ' ' ||
        !is_digit(l[9]) || !is_digit(l[10]) || !is_digit(l[11]) ||
        (l[12] && l[12] != ' '))
        return false;
    h->status = (l[9] - '0') * 100u + (l[10] - '0') * 10u + (l[11] - '0');
    fetch_plain(h->reason, sizeof h->reason, l[12] ? l + 13 : "",
                l[12] ? strlen(l + 13) : 0);
    return h->status >= 100;
}

/* Digits alone. */
static bool take_length(struct http_response *h, const char *value)
{
    uint64_t n = 0;

    if (!*value)
        return false;
    for (; *value; value++) {
        if (!is_digit(*value) || n > UINT64_MAX / 100)
            return false;
        n = n * 10 + (uint64_t)(*value - '0');
    }
    if (h->has_length && n != h->length)
        return false;
    h->has_length = true;
    h->length = n;
    return true;
}

/* What is wrong with it, or NULL. */
static const char *take_field(struct http_response *h, const char *name,
                              const char *value)
{
    if (!strcasecmp(name, "content-length"))
        return take_length(h, value) ? NULL : "its length is none";
    if (!strcasecmp(name, "transfer-encoding")) {
        h->is_chunked = true;
        return strcasecmp(value, "chunked")
                   ? "a transfer encoding that is not chunked" : NULL;
    }
    if (!strcasecmp(name, "content-encoding") && h->status == 200)
        return strcasecmp(value, "identity")
                   ? "the server compresses it" : NULL;
    if (!strcasecmp(name, "location")) {
        if (strlen(value) >= sizeof h->location)
            return "a location that is too long";
        strcpy(h->location, value);
    }
    return NULL;
}

/* "Name: value", with blanks around the value. */
static const char *take_header(struct http_response *h)
{
    char *colon = strchr(h->line, ':'), *value, *end;

    /* RFC 9112 5.1, 5.2: no blank before the colon, no folded line. */
    if (!colon || colon == h->line ||
        strcspn(h->line, " \t") < (size_t)(colon - h->line))
        return "a header that is none";
    *colon = '\0';
    value = colon + 1 + strspn(colon + 1, " \t");
    for (end = value + strlen(value);
         end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
        end[-1] = '\0';
    return take_field(h, h->line, value);
}

/* ---- Body ---------------------------------------------------------------- */

/* The empty line behind the headers was there. */
static enum http_event end_head(struct http_response *h)
{
    h->head_bytes = 0;
    if (h->status < 200) {
        http_begin(h);
        return HTTP_MORE;
    }
    if (h->status != 200) {
        h->part = DONE;
        return HTTP_HEAD;
    }
    /* RFC 9112 6.3: chunked goes before a length. */
    if (h->is_chunked) {
        h->has_length = false;
        h->part = CHUNK_SIZE;
    } else if (h->has_length) {
        h->left = h->length;
        h->part = BODY;
    } else {
        return bad(h, "the server does not tell how long it is");
    }
    return HTTP_HEAD;
}

/* "1a2b" or "1a2b;extensions" */
static bool take_chunk_size(struct http_response *h)
{
    static const char digits[] = "0123456789abcdef";
    const char *p = h->line, *d;

    for (h->left = 0; *p && (d = strchr(digits, *p | ('A' <= *p && *p <= 'F'
                                                      ? 0x20 : 0))); p++) {
        if (h->left >> 56)
            return false;
        h->left = h->left << 4 | (uint64_t)(d - digits);
    }
    if (p == h->line || (*p && *p != ';' && *p != ' ' && *p != '\t'))
        return false;
    h->head_bytes = 0;
    return true;
}

static enum http_event on_line(struct http_response *h)
{
    const char *fault;

    switch (h->part) {
    case STATUS:
        h->part = HEADERS;
        return take_status(h) ? HTTP_MORE : bad(h, "its answer is no HTTP/1");
    case HEADERS:
        if (!*h->line)
            return end_head(h);
        fault = take_header(h);
        return fault ? bad(h, fault) : HTTP_MORE;
    case CHUNK_SIZE:
        if (!take_chunk_size(h))
            return bad(h, "a chunk's length is none");
        h->part = h->left ? CHUNK : TRAILER;
        return HTTP_MORE;
    case CHUNK_END:
        h->part = CHUNK_SIZE;
        return *h->line ? bad(h, "a chunk is longer than told") : HTTP_MORE;
    default:                    /* TRAILER */
        if (!*h->line)
            h->part = DONE;
        return HTTP_MORE;
    }
}

static enum http_event take_body(struct http_response *h,
                                 const uint8_t **data, size_t *len,
                                 const uint8_t **body, size_t *body_len)
{
    *body = *data;
    *body_len = *len < h->left ? *len : (size_t)h->left;
    *data += *body_len;
    *len -= *body_len;
    h->left -= *body_len;
    if (!h->left)
        h->part = h->part == CHUNK ? CHUNK_END : DONE;
    return *body_len ? HTTP_BODY : HTTP_MORE;
}

enum http_event http_next(struct http_response *h, const uint8_t **data,
                          size_t *len, const uint8_t **body,
                          size_t *body_len)
{
    for (;;) {
        enum http_event e = HTTP_MORE;

        if (h->part == BAD)
            return HTTP_BAD;
        if (h->part == DONE)
            return HTTP_DONE;
        if (!*len && !(h->part == BODY && !h->left))
            return HTTP_MORE;
        if (h->part == BODY || h->part == CHUNK)
            e = take_body(h, data, len, body, body_len);
        else if (take_line(h, data, len))
            e = on_line(h);
        if (e != HTTP_MORE)
            return e;
    }
}
