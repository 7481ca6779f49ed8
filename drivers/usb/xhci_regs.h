/* Registers and memory of a host controller by xHCI 1.2; section numbers are
 * that document's. */
#ifndef DRIVERS_USB_XHCI_REGS_H
#define DRIVERS_USB_XHCI_REGS_H

#include <stdint.h>

/* 5.3: capabilities. */
enum { XHCI_CAPLENGTH = 0x00, XHCI_HCSPARAMS1 = 0x04, XHCI_HCSPARAMS2 = 0x08,
       XHCI_HCCPARAMS1 = 0x10, XHCI_DBOFF = 0x14, XHCI_RTSOFF = 0x18 };
#define XHCI_CAPABILITIES 0x20u /* bytes, at least */
#define HCC_AC64 1u             /* addresses of 64 bits */
#define HCC_CSZ 4u              /* contexts of 64 bytes */
#define HCC_PPC 8u              /* ports can be switched off */

/* 5.4: operation, from CAPLENGTH on. */
enum { XHCI_USBCMD = 0x00, XHCI_USBSTS = 0x04, XHCI_PAGESIZE = 0x08,
       XHCI_CRCR = 0x18, XHCI_DCBAAP = 0x30, XHCI_CONFIG = 0x38,
       XHCI_PORTSC = 0x400 };
#define XHCI_PORT_STRIDE 0x10u
#define XHCI_DOORBELL_STRIDE 4u         /* 5.6 */
enum { CMD_RUN = 1u << 0, CMD_RESET = 1u << 1, CMD_INTE = 1u << 2 };
enum { STS_HALTED = 1u << 0, STS_HSE = 1u << 2, STS_EINT = 1u << 3,
       STS_PCD = 1u << 4, STS_CNR = 1u << 11, STS_HCE = 1u << 12 };
enum { CRCR_CYCLE = 1u << 0, CRCR_ABORT = 1u << 2, CRCR_RUNNING = 1u << 3 };

/* 5.4.8: PORTSC. */
#define PORT_CONNECTED (1u << 0)
#define PORT_ENABLED   (1u << 1)
#define PORT_RESET     (1u << 4)
#define PORT_LINK(v)   ((v) >> 5 & 0xf)
#define PORT_POWER     (1u << 9)
#define PORT_SPEED(v)  ((v) >> 10 & 0xf)
#define PORT_CSC       (1u << 17)
#define PORT_CHANGES   0x00fe0000u      /* cleared by ones */
#define PORT_KEPT      0x0e00c200u      /* written as read: PIC, PP, wakes */
#define PORT_WARM      (1u << 31)
enum { LINK_INACTIVE = 6, LINK_COMPLIANCE = 10 };

/* 5.5: run time, from RTSOFF on; of interrupter 0. */
enum { XHCI_IMAN = 0x20, XHCI_IMOD = 0x24, XHCI_ERSTSZ = 0x28,
       XHCI_ERSTBA = 0x30, XHCI_ERDP = 0x38 };
enum { IMAN_PENDING = 1u << 0, IMAN_ENABLE = 1u << 1 };
#define XHCI_RUN_BYTES 0x40u    /* with that one */
#define ERDP_BUSY 8u

/* 7: extended capabilities. */
enum { XCAP_LEGACY = 1, XCAP_PROTOCOL = 2 };
#define XCAPS_MAX 64u
#define XCAP_LEGACY_BYTES 8u
#define XCAP_PROTOCOL_BYTES 12u
#define LEGACY_FIRMWARE (1u << 16)
#define LEGACY_OS       (1u << 24)
#define LEGACY_CONTROL  4u
#define LEGACY_SMI_KEPT 0x000e1feeu     /* reserved bits */
#define LEGACY_SMI_ACK  0xe0000000u     /* events, cleared by ones */

/* 6.4: transfer request blocks. */
struct xhci_trb {
    uint64_t parameter;
    uint32_t status, control;
};
#define TRB_CYCLE   (1u << 0)
#define TRB_TOGGLE  (1u << 1)           /* of a link */
#define TRB_SHORT   (1u << 2)           /* an event for a short packet */
#define TRB_CHAIN   (1u << 4)
#define TRB_IOC     (1u << 5)
#define TRB_INLINE  (1u << 6)
#define TRB_TYPE(t) ((uint32_t)(t) << 10)
#define TRB_TYPE_OF(control) ((control) >> 10 & 0x3f)
#define TRB_FROM_DEVICE (1u << 16)
#define TRB_TRT_OUT (2u << 16)
#define TRB_TRT_IN  (3u << 16)
#define TRB_SLOT(id) ((uint32_t)(id) << 24)
#define TRB_SLOT_OF(control) ((control) >> 24)
#define TRB_ENDPOINT(dci) ((uint32_t)(dci) << 16)
#define TRB_ENDPOINT_OF(control) ((control) >> 16 & 0x1f)
#define TRB_CODE_OF(status) ((status) >> 24)
#define TRB_LENGTH_OF(status) ((status) & 0xffffffu)
#define TRB_BYTES_MAX 0x10000u          /* and none goes over such a boundary */
#define TRB_TD_SIZE_SHIFT 17

enum { TRB_NORMAL = 1, TRB_SETUP, TRB_DATA, TRB_STATUS, TRB_LINK = 6,
       TRB_ENABLE_SLOT = 9, TRB_DISABLE_SLOT, TRB_ADDRESS_DEVICE,
       TRB_CONFIGURE_ENDPOINT, TRB_EVALUATE_CONTEXT, TRB_RESET_ENDPOINT,
       TRB_STOP_ENDPOINT, TRB_SET_TR_DEQUEUE,
       TRB_TRANSFER_EVENT = 32, TRB_COMMAND_EVENT, TRB_PORT_EVENT,
       TRB_HOST_EVENT = 37 };

/* 6.4.5: completion codes. */
enum { CODE_SUCCESS = 1, CODE_BUFFER_ERROR, CODE_BABBLE, CODE_TRANSACTION,
       CODE_TRB, CODE_STALL, CODE_NO_SLOT = 9, CODE_SHORT = 13,
       CODE_UNDERRUN, CODE_OVERRUN, CODE_CONTEXT_STATE = 19,
       CODE_RING_STOPPED = 24, CODE_ABORTED = 25, CODE_STOPPED = 26,
       CODE_STOPPED_LENGTH = 27, CODE_STOPPED_SHORT = 28 };

/* 6.2: contexts, as arrays of 32 bits. */
enum { SLOT_ENTRIES_SHIFT = 27, SLOT_SPEED_SHIFT = 20, SLOT_HUB = 1 << 26,
       SLOT_ROOT_PORT_SHIFT = 16, SLOT_PORTS_SHIFT = 24,
       SLOT_TT_PORT_SHIFT = 8, SLOT_THINK_SHIFT = 16 };
enum { EP_TYPE_SHIFT = 3, EP_BURST_SHIFT = 8, EP_PACKET_SHIFT = 16,
       EP_INTERVAL_SHIFT = 16, EP_ESIT_SHIFT = 16, EP_ERRORS_3 = 3 << 1 };
enum { EP_BULK_OUT = 2, EP_CONTROL = 4, EP_BULK_IN = 6, EP_INTERRUPT_IN = 7 };

#endif
