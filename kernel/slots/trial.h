/*
 * An image on trial is good when its guest answers a ping: Trestle sends one
 * every few seconds by its own address on a LAN of the guest's (-net bridge,
 * ip=) to the address that the guest tells there by ARP. A guest that is not
 * confirmed in time hangs, and is reset, which counts as the next of its boots:
 * after 300 s where Trestle has such an address, and elsewhere only if -guard
 * trial= says when, as somebody may have to type `confirm` there.
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
