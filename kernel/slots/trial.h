/*
 * An image on trial is good when its guest answers a ping: Trestle sends one
 * every few seconds by its own address on a LAN of the guest's (-net bridge,
 * ip=) to the address that the guest tells there by ARP.
 */
#ifndef KERNEL_SLOTS_TRIAL_H
#define KERNEL_SLOTS_TRIAL_H

#include <stdint.h>

struct guest;

/*
 * A part of each round of the I/O loop. Returns when (platform_now_ns) it wants
 * to be called again at the latest.
 */
uint64_t trial_poll(struct guest *const *guests, unsigned count);

#endif
