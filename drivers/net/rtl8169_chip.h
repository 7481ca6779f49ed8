/*
 * Which of Realtek's C+ chips this is, and what of starting it differs from
 * kind to kind: the firmware's management mode, the PHY.
 */
#ifndef DRIVERS_NET_RTL8169_CHIP_H
#define DRIVERS_NET_RTL8169_CHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"

#define RTL_IS_8139   0x001u    /* RTL8139C+: C+ mode is to be switched on */
#define RTL_IS_2G5    0x002u    /* RTL8125: its own interrupt registers */
#define RTL_DMA_32    0x004u    /* addresses below 4 GiB only */
#define RTL_PHY_BY_AR 0x008u    /* how the PHY is reached, if it need be */
#define RTL_PHY_BY_OCP 0x010u
#define RTL_OOB       0x020u    /* may be left in the management's hands */
#define RTL_AUTO_FIFO 0x040u
#define RTL_FIFO_HANG 0x080u    /* a FIFO overflow stops receiving */
#define RTL_MUST_14   0x100u    /* CPCR_BIT14 */
#define RTL_BAD_MSI   0x200u    /* its MSIs get lost at times (Linux r8169) */

struct rtl8169_kind {
    uint16_t xid;               /* TCR bits 30:26 and 23 */
    const char *name;           /* "rtl8168g" */
    uint32_t rx_config;         /* RCR without what is accepted */
    uint16_t flags;             /* RTL_* */
    uint8_t pmch;               /* bits to set there */
};

struct rtl8169_hw {
    const struct bus *bus;
    const struct rtl8169_kind *kind;
    bool is_fast;               /* no gigabit (RTL8101 family) */
};

/* The kind by what RTL_TCR reads after power-on; NULL: not known here. */
const struct rtl8169_kind *rtl8169_kind_of(uint32_t tcr);

/* Reset; false: it does not end. Interrupts are off then. */
bool rtl8169_reset(const struct rtl8169_hw *hw);
/* Take the MAC from the firmware's management, where it has it. */
void rtl8169_leave_oob(const struct rtl8169_hw *hw);
/* Let the PHY's frames through to the MAC. */
void rtl8169_open_gate(const struct rtl8169_hw *hw);
/*
 * The PHY powered and negotiating all its speeds; a link that was negotiated
 * so is left alone.
 */
void rtl8169_start_phy(const struct rtl8169_hw *hw);
bool rtl8169_link_up(const struct rtl8169_hw *hw);

/* Interrupts: INT_* bits. */
void rtl8169_irq_mask(const struct rtl8169_hw *hw, uint32_t enabled);
/* Read and acknowledge. */
uint32_t rtl8169_irq_take(const struct rtl8169_hw *hw);
/* Tell the chip that there is something to send. */
void rtl8169_tx_poll(const struct rtl8169_hw *hw);

#endif
