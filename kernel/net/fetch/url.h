/* Addresses of files (RFC 3986), of the two kinds that can be fetched. */
#ifndef KERNEL_NET_FETCH_URL_H
#define KERNEL_NET_FETCH_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URL_HOST 128u
#define URL_PATH 512u

struct url {
    bool is_tftp;               /* else HTTP */
    char host[URL_HOST];
    uint16_t port;
    char path[URL_PATH];        /* HTTP: from the first slash on, "/" at least;
                                   TFTP: behind it, and not empty */
};

/*
 * 0; -EINVAL and a sentence in `why`: it is none, or of a kind, or with parts,
 * that are not there.
 */
int url_parse(const char *text, struct url *out, char *why, size_t why_size);
/*
 * What `text`, of a Location header, means seen from `from`: a URL, or a path
 * that begins with a slash.
 */
int url_follow(const struct url *from, const char *text, struct url *out,
               char *why, size_t why_size);

#endif
