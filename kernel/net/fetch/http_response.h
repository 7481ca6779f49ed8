/* An answer by HTTP/1.1 (RFC 9112) to a GET, as it comes. */
#ifndef KERNEL_NET_FETCH_HTTP_RESPONSE_H
#define KERNEL_NET_FETCH_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_LINE 1024u         /* the longest, and */
#define HTTP_HEAD_BYTES 16384u  /* all of the head, or of the trailer */

struct http_response {
    int part;                   /* of the message; http_response.c's own */
    unsigned status;
    char reason[64];            /* behind the status: printable */
    char location[512];         /* or "" */
    bool has_length, is_chunked;
    uint64_t length;            /* of the body, if it is told */
    uint64_t left;              /* of the body, or of this chunk */
    const char *fault;          /* of HTTP_BAD, in words */
    char line[HTTP_LINE];
    size_t line_len, head_bytes;
};

enum http_event {
    HTTP_MORE,                  /* all was read, and more has to come */
    HTTP_HEAD,                  /* status and headers are there */
    HTTP_BODY,                  /* some of the body */
    HTTP_DONE,
    HTTP_BAD,
};

/* All zeros is the beginning; this is, too, for the answer to another one. */
void http_begin(struct http_response *h);
/*
 * Read on at *data, *len bytes, and move both on. For HTTP_BODY, *body is where
 * its bytes are, of those. Interim answers (1xx) are passed over. An answer
 * that tells no length is HTTP_BAD, as nobody could see that it was cut off.
 */
enum http_event http_next(struct http_response *h, const uint8_t **data,
                          size_t *len, const uint8_t **body,
                          size_t *body_len);

#endif
