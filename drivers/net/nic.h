/*
 * A network interface of the host: a physical NIC's driver or, on Linux, a TAP
 * device or a socket. Polled; interrupts are only a reason to wake up.
 *
 * Everything here belongs to the I/O core. Frames carry no FCS.
 */
#ifndef DRIVERS_NET_NIC_H
#define DRIVERS_NET_NIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NIC_MAX_FRAME 1518u     /* 1514 and one VLAN tag */
/*
 * All frame buffers lie below: what one NIC received may be sent by another
 * whose DMA has 32-bit addresses.
 */
#define NIC_DMA_BELOW (UINT64_C(1) << 32)

/*
 * A frame buffer. Whoever holds it owns it; free() gives it back to where it
 * came from (a driver's receive pool, a guest's ring slot), in any order.
 */
struct nic_buf {
    uint8_t *data;              /* first byte of the frame */
    uint64_t phys;              /* its bus address, below NIC_DMA_BELOW (0 where
                                 * no DMA is done) */
    uint32_t len;               /* bytes of frame */
    void (*free)(struct nic_buf *buf);
    void *owner;                /* for free() */
};

struct nic_counters {
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
    uint64_t rx_no_buffer;      /* ring empty: the upper side holds them all */
    uint64_t rx_errors;         /* CRC, length, framing: as the chip says */
    uint64_t rx_oversize;       /* longer than NIC_MAX_FRAME or fragmented */
    uint64_t tx_ring_full;
    uint64_t tx_errors;         /* refused: bad length, link or chip failure;
                                 * lost with a chip that had to start anew */
    uint64_t resets_unanswered; /* and so bus mastering was turned off */
    uint64_t dma_unstopped;     /* which failed: the chip keeps its buffers */
};

struct nic;

struct nic_ops {
    const char *name;           /* "e1000", "tap", ... */
    /*
     * Start: reset the chip, promiscuous, rings up. 0 or -errno. The link may
     * come up later.
     */
    int (*open)(struct nic *nic);
    /* Buffers come back; those that the chip cannot be kept from come back
     * with an open or close that succeeds. */
    void (*close)(struct nic *nic);
    /*
     * Queue `buf` for sending. 0: the NIC owns it and frees it once it is
     * sent (from poll). -ENOBUFS, -EMSGSIZE, -ENETDOWN: still the caller's
     * (counted by the driver).
     */
    int (*transmit)(struct nic *nic, struct nic_buf *buf);
    /*
     * Give up to `budget` received frames to nic->receive, free what has been
     * sent, note link changes. Returns the frames received.
     */
    unsigned (*poll)(struct nic *nic, unsigned budget);
    /* All that transmit will get for now has come: send it. May be NULL. */
    void (*flush)(struct nic *nic);
    /* Frames that wait are no reason to wake up as long as `held`: nobody takes
     * them. May be NULL: then poll is called often enough. */
    void (*hold)(struct nic *nic, bool held);
    /* Ask for a wake-up (platform interrupt) at the next event; may be NULL. */
    void (*arm)(struct nic *nic);
    /*
     * After close: free it, as nobody calls it any more. Received frames may
     * still be held above: then the last one's free() does it. NULL: it lives
     * for ever, as a physical NIC's does.
     */
    void (*destroy)(struct nic *nic);
    /*
     * Refusals that only this kind knows: the name and *value of the i-th, NULL
     * behind the last. May be NULL.
     */
    const char *(*counter)(const struct nic *nic, unsigned i, uint64_t *value);
};

/* The upper side's, of buffers for transmit; a refused one comes back, too. */
struct nic_out {
    uint64_t given, back;
    unsigned copies;            /* of shared memory that are not back */
};

struct nic {
    const struct nic_ops *ops;
    char label[40];             /* "e1000e 8086:10d3 at 00:03.0" */
    char slot[16];              /* "00:03.0" on PCI, else "" */
    uint8_t mac[6];
    bool is_open;               /* false too once it gave up by itself */
    bool link_up;               /* as of the last poll */
    bool loses_irqs;            /* do not sleep for long on its account */
    struct nic_counters counters;
    /* Set by the upper side before open: takes the ownership of `buf`. */
    void (*receive)(struct nic *nic, struct nic_buf *buf);
    /* How many frames `receive` takes now without a loss, ~0u: no limit is
     * known. Set before open. For software ports, which can keep back what they
     * would send. NULL: no limit. */
    unsigned (*room)(struct nic *nic);
    void *upper;                /* the upper side's own */
    struct nic_out out;
    int poll_fd;                /* on Linux, readable when frames wait; else -1 */
    void *driver;               /* the driver's own */
};

#endif
