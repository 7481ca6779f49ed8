/*
 * Registers and descriptors of AMD's PCnet-PCI: Am79C970A data sheet (19436),
 * "User Accessible Registers", "Initialization Block" and "Descriptors"; the
 * Am79C973/975 data sheet (21510) for the MII.
 */
#ifndef DRIVERS_NET_PCNET32_REGS_H
#define DRIVERS_NET_PCNET32_REGS_H

#include <stdint.h>

/* Ports: the address PROM, then four registers, 16 or 32 bits apart. */
#define PCNET_APROM      0x00u
#define PCNET_WIO_RDP    0x10u  /* the CSR that RAP chooses */
#define PCNET_WIO_RAP    0x12u
#define PCNET_WIO_RESET  0x14u  /* reading resets */
#define PCNET_WIO_BDP    0x16u  /* the BCR that RAP chooses */
#define PCNET_DWIO_RDP   0x10u
#define PCNET_DWIO_RAP   0x14u
#define PCNET_DWIO_RESET 0x18u
#define PCNET_DWIO_BDP   0x1cu

#define CSR_STATUS       0u
#define CSR_INIT_LOW     1u
#define CSR_INIT_HIGH    2u
#define CSR_MASK         3u
#define CSR_FEATURES     4u
#define CSR_CHIP_LOW     88u
#define CSR_CHIP_HIGH    89u
#define CSR_MISSED       112u

#define CSR0_INIT        0x0001u
#define CSR0_STRT        0x0002u
#define CSR0_STOP        0x0004u
#define CSR0_TDMD        0x0008u        /* look at the send ring now */
#define CSR0_TXON        0x0010u
#define CSR0_RXON        0x0020u
#define CSR0_IENA        0x0040u
#define CSR0_IDON        0x0100u        /* this and up: written 1 to clear */
#define CSR0_TINT        0x0200u
#define CSR0_RINT        0x0400u
#define CSR0_MERR        0x0800u        /* no answer from memory */
#define CSR0_MISS        0x1000u        /* no descriptor for a frame */
#define CSR0_EVENTS      0x7f00u
#define CSR3_DXSUFLO     0x0040u        /* an underflow does not stop sending */
#define CSR3_IDONM       0x0100u
#define CSR3_BABLM       0x4000u
#define CSR4_MASKS       0x0115u        /* JAB, TXSTRT, RCVCCO, MFCO */
#define CSR4_APAD_XMT    0x0800u        /* pad short frames */

#define BCR_MISC         2u
#define BCR_LINK         4u             /* LED 0 */
#define BCR_BURST        18u
#define BCR_STYLE        20u
#define BCR_MII_CONTROL  32u
#define BCR_MII_ADDRESS  33u
#define BCR_MII_DATA     34u

#define BCR2_ASEL        0x0002u        /* choose the medium by itself */
#define BCR4_LNKSTE      0x00c0u        /* the LED shows the link, stretched */
#define BCR4_LEDOUT      0x8000u        /* is on */
#define BCR18_BURSTS     0x0060u
#define BCR20_STYLE_2    0x0002u        /* 32-bit descriptors */
#define BCR32_FORCED     0x0098u        /* no negotiation, duplex, speed */
#define BCR32_XPHYANE    0x0020u        /* negotiate */

#define CHIP_MAKER       0x003u         /* AMD: low 12 bits of CSR89:88 */
#define CHIP_FIRST_MII   0x2623u        /* Am79C971: the 16 bits above */

#define MII_BMSR         1u
#define MII_BMSR_LINK    0x0004u        /* stays 0 until read after a loss */

/* The descriptors of software style 2. OWN is written last. */
struct pcnet_desc {
    uint32_t addr;
    uint32_t flags;             /* and the length, negative, in 12 bits */
    uint32_t more;              /* receive: MCNT; send: what went wrong */
    uint32_t user;
};
_Static_assert(sizeof(struct pcnet_desc) == 16, "hardware layout");
#define DESC_OWN         0x80000000u
#define DESC_ERR         0x40000000u
#define DESC_STP         0x02000000u    /* start and end of a frame */
#define DESC_ENP         0x01000000u
#define DESC_ONES        0x0000f000u
#define DESC_LENGTH      0x00000fffu

struct pcnet_init {             /* with 32-bit addresses (SSIZE32) */
    uint16_t mode;
    uint8_t rx_len, tx_len;     /* log2 in the high 4 bits */
    uint8_t mac[6];
    uint16_t reserved;
    uint8_t multicast[8];
    uint32_t rx_ring, tx_ring;
};
_Static_assert(sizeof(struct pcnet_init) == 28, "hardware layout");
#define MODE_PROM        0x8000u

#endif
