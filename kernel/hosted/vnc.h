/* The local screen by VNC (RFB 3.8, RFC 6143): the server. I/O core. */
#ifndef KERNEL_HOSTED_VNC_H
#define KERNEL_HOSTED_VNC_H

#include <stddef.h>
#include <stdint.h>

struct canvas;
struct input;
struct local;
struct vnc_option;

/*
 * Listen as `o` says; what clients type goes to `in`. 0, or negative errno and
 * the reason.
 */
int vnc_open(const struct vnc_option *o, struct input *in,
             struct canvas **canvas, char *why, size_t why_size);
/* Take clients, what they type, and leave of them. */
void vnc_poll(struct local *l);
/* Bring what changed on the canvas to them. */
void vnc_show(void);
/* For `info vnc`, as qemu has it. */
void vnc_info(char *text, size_t size);
/* -ENOTSUP: none is wanted; -EINVAL: it is longer than VNC's. */
int vnc_set_password(const char *password);

#endif
