/*
 * The host's end of the cable that is plugged into an emulated NIC.
 * Frames carry no FCS. Guest to host: the NIC calls tx. Host to guest: the NIC
 * pulls with rx_peek when it has room, at the start of each machine_run, so a
 * full ring holds frames on the host's side.
 */
#ifndef EMU_NETPORT_H
#define EMU_NETPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETPORT_MAX_FRAME 1518u /* 1514 and a VLAN tag, without FCS */

struct netport {
    uint8_t mac[6];             /* the station address in the NIC's PROM */
    void *ctx;
    /*
     * The guest sends `len` bytes (1..65535, as the guest asked). False: no
     * room now, nothing was taken; the NIC tries again or gives the frame up.
     */
    bool (*tx)(void *ctx, const uint8_t *frame, size_t len);
    /*
     * Look at the oldest waiting frame: its length, with *frame pointing at
     * it until rx_done; 0 when none waits.
     */
    size_t (*rx_peek)(void *ctx, const uint8_t **frame);
    /* The frame of the last rx_peek has been taken (or refused). */
    void (*rx_done)(void *ctx);
    /*
     * Frames that were lost since the last call because this queue was full:
     * the NIC tells its guest of an overflow. NULL where that cannot be.
     */
    unsigned (*rx_lost)(void *ctx);
};

#endif
