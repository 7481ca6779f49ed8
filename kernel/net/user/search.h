/*
 * The list of domains in which a guest looks names up, as DHCP tells it
 * (option 119, RFC 3397): names as in RFC 1035 3.1, where an end that has been
 * there already is a pointer to it (RFC 1035 4.1.4), from the list's start on.
 */
#ifndef KERNEL_NET_USER_SEARCH_H
#define KERNEL_NET_USER_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEARCH_MAX 255u         /* what one option holds */

struct search_list {
    uint8_t data[SEARCH_MAX];
    size_t len;                 /* 0: none */
};

/*
 * Add "lan.example", with or without a dot at its end. False: it is no domain
 * (labels of 1 to 63 letters, digits, "-" and "_"; 253 characters), or there is
 * no room; the list is as it was.
 */
bool search_add(struct search_list *l, const char *domain);

#endif
