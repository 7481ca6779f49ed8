/* See search.h. */
#include "kernel/net/user/search.h"

#include <string.h>
#include <strings.h>

#include "kernel/net/bytes.h"

#define LABEL_MAX 63u
#define DOMAIN_MAX 253u
#define POINTER 0xc000u
#define LABEL_BYTES \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* Without the dot at its end; 0: it is none. */
static size_t domain_length(const char *domain)
{
    size_t n = strlen(domain), at = 0;

    if (n && domain[n - 1] == '.')
        n--;
    if (!n || n > DOMAIN_MAX)
        return 0;
    while (at <= n) {
        size_t label = strspn(domain + at, LABEL_BYTES);

        if (!label || label > LABEL_MAX ||
            (at + label < n && domain[at + label] != '.') || at + label > n)
            return 0;
        at += label + 1;
    }
    return n;
}

/* Where the label at `at` is: there, or where a pointer leads. */
static size_t follow(const struct search_list *l, size_t at)
{
    while (l->data[at] >= POINTER >> 8)
        at = get16(l->data + at) & ~POINTER;
    return at;
}

/* The name at `at` of the list is the `n` characters at `domain`. */
static bool is_name(const struct search_list *l, size_t at, const char *domain,
                    size_t n)
{
    for (at = follow(l, at); l->data[at]; at = follow(l, at)) {
        size_t label = l->data[at];

        if (label > n || strncasecmp((const char *)l->data + at + 1, domain,
                                     label) ||
            (label < n && domain[label] != '.'))
            return false;
        at += 1 + label;
        if (label == n)
            return !l->data[follow(l, at)];
        domain += label + 1;
        n -= label + 1;
    }
    return false;
}

/* A name of the list, or an end of one, that is `domain`; -1: there is none. */
static int find(const struct search_list *l, const char *domain, size_t n)
{
    size_t at = 0;

    while (at < l->len) {
        if (is_name(l, at, domain, n))
            return at;
        at += l->data[at] >= POINTER >> 8 ? 2 : 1 + l->data[at];
    }
    return -1;
}

bool search_add(struct search_list *l, const char *domain)
{
    size_t n = domain_length(domain), at = l->len;
    int known = -1;

    if (!n)
        return false;
    while (n && (known = find(l, domain, n)) < 0) {
        size_t label = strspn(domain, LABEL_BYTES);

        if (at + 1 + label + 1 > SEARCH_MAX)
            return false;
        l->data[at] = label;
        memcpy(l->data + at + 1, domain, label);
        at += 1 + label;
        domain += label;
        n -= label;
        if (n) {
            domain++;
            n--;
        }
    }
    if (at + (known < 0 ? 1 : 2) > SEARCH_MAX)
        return false;
    if (known < 0) {
        l->data[at++] = 0;
    } else {
        put16(l->data + at, POINTER | known);
        at += 2;
    }
    l->len = at;
    return true;
}
