/* Registers and memory of a host controller by EHCI 1.0; section numbers are
 * that document's. */
#ifndef DRIVERS_USB_EHCI_REGS_H
#define DRIVERS_USB_EHCI_REGS_H

#include <stdint.h>

/* 2.2: capabilities. */
enum { EHCI_CAPLENGTH = 0x00, EHCI_HCSPARAMS = 0x04, EHCI_HCCPARAMS = 0x08 };
#define HCS_PORTS(v) ((v) & 0xf)
#define HCS_PPC      0x10u      /* ports can be switched off */
#define HCC_64       1u
#define HCC_EECP(v)  ((v) >> 8 & 0xff)

/* 2.3: operation, from CAPLENGTH on. */
enum { EHCI_USBCMD = 0x00, EHCI_USBSTS = 0x04, EHCI_USBINTR = 0x08,
       EHCI_SEGMENT = 0x10, EHCI_ASYNC = 0x18, EHCI_CONFIGFLAG = 0x40,
       EHCI_PORTSC = 0x44 };
enum { CMD_RUN = 1u << 0, CMD_RESET = 1u << 1, CMD_ASYNC = 1u << 5,
       CMD_DOORBELL = 1u << 6, CMD_THRESHOLD_1 = 1u << 16 };
enum { STS_TRANSFER = 1u << 0, STS_ERROR = 1u << 1, STS_PORT = 1u << 2,
       STS_HSE = 1u << 4, STS_ADVANCE = 1u << 5, STS_HALTED = 1u << 12 };
#define STS_EVENTS 0x3fu        /* cleared by ones; as in USBINTR */

/* 2.3.9: PORTSC. */
enum { PORT_CONNECTED = 1u << 0, PORT_CSC = 1u << 1, PORT_ENABLED = 1u << 2,
       PORT_RESET = 1u << 8, PORT_POWER = 1u << 12, PORT_OTHER = 1u << 13 };
#define PORT_CHANGES 0x2au      /* cleared by ones */
#define PORT_LINE(v) ((v) >> 10 & 3)
#define PORT_LINE_LOW 1u        /* K: a low-speed device */

/* 5.1: in configuration space, at EECP. */
#define LEGACY_ID       1u
#define LEGACY_FIRMWARE (1u << 16)
#define LEGACY_OS       (1u << 24)
#define LEGACY_CONTROL  4u
#define LEGACY_SMI_ACK  0xe0000000u     /* events, cleared by ones */

/* 3.5: a transfer descriptor. */
struct ehci_qtd {
    uint32_t next, alternate, token, page[5], page_high[5], pad[3];
};
#define LINK_END 1u
#define QTD_ACTIVE  (1u << 7)
#define QTD_HALTED  (1u << 6)
#define QTD_BUFFER  (1u << 5)
#define QTD_BABBLE  (1u << 4)
#define QTD_ERROR   (1u << 3)
#define QTD_OUT     (0u << 8)
#define QTD_IN      (1u << 8)
#define QTD_SETUP   (2u << 8)
#define QTD_TRIES_3 (3u << 10)
#define QTD_IOC     (1u << 15)
#define QTD_BYTES(n) ((uint32_t)(n) << 16)
#define QTD_BYTES_OF(token) ((token) >> 16 & 0x7fff)
#define QTD_TOGGLE  (1u << 31)
#define QTD_BYTES_MAX 0x4000u           /* 5 pages, from any place on */

/* 3.6: a queue head. */
struct ehci_qh {
    uint32_t link, endpoint, hub, current;
    uint32_t next, alternate, token, page[5], page_high[5], pad[15];
};
#define LINK_QH (1u << 1)
#define QH_ENDPOINT(n) ((uint32_t)(n) << 8)
#define QH_HIGH_SPEED  (2u << 12)
#define QH_OWN_TOGGLE  (1u << 14)       /* DTC: it comes with each descriptor */
#define QH_HEAD        (1u << 15)
#define QH_PACKET(n)   ((uint32_t)(n) << 16)
#define QH_NAKS_4      (4u << 28)
#define QH_ONE_PACKET  (1u << 30)       /* Mult */

#endif
