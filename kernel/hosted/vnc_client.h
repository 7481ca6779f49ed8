/*
 * One VNC client: libvncserver in a thread of its own, so that one that does not
 * read, or says half a message, holds up nobody else. What it types and moves
 * comes by a ring.
 */
#ifndef KERNEL_HOSTED_VNC_CLIENT_H
#define KERNEL_HOSTED_VNC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#define VNC_PASSWORD_MAX 8u     /* of VNC's authentication (RFC 6143, 7.2.2) */
#define VNC_CLIENTS 8u          /* at a time */

struct vnc_client;

enum vnc_event_kind { VNC_KEY, VNC_POINTER };

struct vnc_event {
    uint8_t kind;
    uint8_t value;              /* KEY: 1 is down; POINTER: buttons as in RFB */
    uint16_t x, y;              /* POINTER */
    uint32_t keysym;            /* KEY */
};

/* How often, by all clients. Any core. */
struct vnc_counts {
    uint64_t wrong_passwords;
    uint64_t scalings;          /* wishes for it: refused */
    uint64_t strangers;         /* that speak something else: hung up */
};

/* Before the first one; `with_password`: all of them have to know one. */
bool vnc_clients_init(bool with_password);
/* Of those that come from now on; "": nobody knows it. I/O core. */
void vnc_clients_set_password(const char *password);
struct vnc_counts vnc_clients_counts(void);

/*
 * Serve the connection `fd`, which is the client's from now on. NULL: there are
 * as many as there may be, or no memory or thread; then it is closed. I/O core,
 * as all that follows.
 */
struct vnc_client *vnc_client_start(int fd);
/* The picture changed. */
void vnc_client_wake(struct vnc_client *c);
/*
 * What it typed or moved next. While nobody takes that, no more is read from the
 * connection than there is room for: nothing is lost.
 */
bool vnc_client_take(struct vnc_client *c, struct vnc_event *e);
/* It is gone, and nothing is added to its events: free it when they are taken. */
bool vnc_client_has_ended(const struct vnc_client *c);
/* Hangs up, if it is there still, and waits for its thread. */
void vnc_client_free(struct vnc_client *c);
/* It has said who it is, and sees the picture. */
bool vnc_client_is_in(const struct vnc_client *c);

#endif
