/* See rtl8169_chip.h. */
#include "drivers/net/rtl8169_chip.h"

#include <stddef.h>

#include "drivers/net/rtl8169_regs.h"

#define XID_SHIFT 20u
#define XID_MASK 0x7c8u

#define TRIES 100u              /* of 100 us: resets and the like */
#define TRY_US 100u
#define PHY_TRIES 20u           /* of 25 us, and 20 us of rest after each */
#define PHY_TRY_US 25u
#define PHY_REST_US 20u

/* IEEE 802.3 22.2.4: every PHY's registers; 10/100, and 1000 in full duplex. */
#define MII_BMCR 0u
#define MII_ANAR 4u
#define MII_GBCR 9u
#define BMCR_NEGOTIATE 0x1000u
#define BMCR_RESTART   0x0200u
#define BMCR_OFF       0x0c00u  /* power down, isolate */
#define ANAR_10_100    0x01e0u
#define GBCR_1000      0x0200u
/* OCP addresses: the PHY's standard registers and 2.5G bit; the MCU's lists. */
#define OCP_PHY      0xa400u
#define OCP_PHY_2G5  0xa5d4u
#define PHY_2G5      0x0080u
#define OCP_LISTS    0xe8deu

#define OLD      (RCR_RXFTH | RCR_MXDMA)
#define E128     (RCR_128_INT | RCR_MXDMA)
#define MULTI    (E128 | RCR_MULTI)
#define MCU_RX   (MULTI | RCR_EARLY_OFF)
#define FIRST    (RTL_DMA_32 | RTL_PHY_BY_AR | RTL_BAD_MSI)
#define GATED    (RTL_PHY_BY_OCP | RTL_OOB | RTL_AUTO_FIFO)

/* By XID, in the order in which they came. */
static const struct rtl8169_kind kinds[] = {
    { 0x748, "rtl8139cp", OLD, RTL_IS_8139 | RTL_DMA_32, 0 },
    { 0x008, "rtl8169s", OLD, RTL_DMA_32 | RTL_PHY_BY_AR | RTL_MUST_14, 0 },
    { 0x040, "rtl8110s", OLD, RTL_DMA_32 | RTL_PHY_BY_AR | RTL_MUST_14, 0 },
    { 0x100, "rtl8169sb", OLD, RTL_DMA_32 | RTL_PHY_BY_AR, 0 },
    { 0x180, "rtl8169sc", OLD, RTL_DMA_32 | RTL_PHY_BY_AR, 0 },
    { 0x300, "rtl8168b", OLD, FIRST | RTL_FIFO_HANG, 0 },
    { 0x380, "rtl8168b", OLD, FIRST, 0 },
    { 0x308, "rtl8100e", OLD, FIRST, 0 },
    { 0x388, "rtl8100e", OLD, FIRST, 0 },
    { 0x340, "rtl8101e", OLD, FIRST, 0 },
    { 0x248, "rtl8102e", E128, RTL_PHY_BY_AR | RTL_BAD_MSI, 0 },
    { 0x348, "rtl8102e", E128, RTL_PHY_BY_AR | RTL_BAD_MSI, 0 },
    { 0x3c0, "rtl8168c", MULTI, RTL_PHY_BY_AR | RTL_BAD_MSI, 0 },
    { 0x3c8, "rtl8168cp", MULTI, RTL_PHY_BY_AR | RTL_BAD_MSI, 0 },
    { 0x280, "rtl8168d", E128, RTL_PHY_BY_AR, 0x80 },
    { 0x288, "rtl8168dp", E128, 0, 0x80 },
    { 0x408, "rtl8105e", E128, RTL_PHY_BY_AR, 0x80 },
    { 0x2c0, "rtl8168e", E128, RTL_PHY_BY_AR, 0x80 },
    { 0x2c8, "rtl8168evl", MULTI, RTL_PHY_BY_AR | RTL_AUTO_FIFO, 0 },
    { 0x480, "rtl8168f", MULTI, RTL_PHY_BY_AR | RTL_AUTO_FIFO, 0 },
    { 0x488, "rtl8411", MULTI, RTL_PHY_BY_AR | RTL_AUTO_FIFO, 0 },
    { 0x440, "rtl8402", E128, RTL_PHY_BY_AR | RTL_AUTO_FIFO, 0x80 },
    { 0x448, "rtl8106e", E128, RTL_PHY_BY_AR, 0x80 },
    { 0x4c0, "rtl8168g", MCU_RX, GATED, 0xc0 },
    { 0x508, "rtl8168gu", MCU_RX, GATED, 0xc0 },
    { 0x5c8, "rtl8411b", MCU_RX, GATED, 0xc0 },
    { 0x540, "rtl8168h", MCU_RX, GATED, 0xc0 },
    { 0x500, "rtl8168ep", MCU_RX, GATED, 0xc0 },
    { 0x548, "rtl8117", MCU_RX, GATED, 0xc0 },
    { 0x608, "rtl8125a", RCR_FETCH_2G5 | RCR_MXDMA,
      RTL_IS_2G5 | RTL_PHY_BY_OCP | RTL_OOB, 0xc0 },
    { 0x640, "rtl8125b", RCR_FETCH_2G5 | RCR_MXDMA | RCR_EARLY_OFF,
      RTL_IS_2G5 | RTL_PHY_BY_OCP | RTL_OOB, 0xc0 },
};

const struct rtl8169_kind *rtl8169_kind_of(uint32_t tcr)
{
    uint32_t xid = tcr >> XID_SHIFT & XID_MASK;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].xid == xid)
            return &kinds[i];
    return NULL;
}

/* Until the bits of `mask` read `want`; false: they do not. */
static bool wait8(const struct rtl8169_hw *hw, uint32_t reg, uint8_t mask,
                  uint8_t want)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if ((bus_read8(hw->bus, reg) & mask) == want)
            return true;
        bus_delay(hw->bus, TRY_US);
    }
    return false;
}

bool rtl8169_reset(const struct rtl8169_hw *hw)
{
    rtl8169_irq_mask(hw, 0);
    bus_write32(hw->bus, RTL_RCR, bus_read32(hw->bus, RTL_RCR) & ~RCR_ACCEPT);
    bus_delay(hw->bus, TRY_US);    /* what is under way ends */
    bus_write8(hw->bus, RTL_CR, CR_RST);
    if (!wait8(hw, RTL_CR, CR_RST, 0))
        return false;
    rtl8169_irq_mask(hw, 0);
    rtl8169_irq_take(hw);
    return true;
}

/* ---- The MAC's MCU (RTL8168G on) ------------------------------------------- */

static void mac_ocp(const struct rtl8169_hw *hw, uint32_t at, uint16_t clear,
                    uint16_t set)
{
    uint32_t v;

    bus_write32(hw->bus, RTL_MAC_OCP, at << 15);
    v = bus_read32(hw->bus, RTL_MAC_OCP) & 0xffffu & ~clear;
    bus_write32(hw->bus, RTL_MAC_OCP, OCP_FLAG | at << 15 | v | set);
}

void rtl8169_leave_oob(const struct rtl8169_hw *hw)
{
    if (!(hw->kind->flags & RTL_OOB))
        return;
    bus_write32(hw->bus, RTL_MISC,
                bus_read32(hw->bus, RTL_MISC) | MISC_RXDV_GATE);
    wait8(hw, RTL_MCU, MCU_EMPTY, MCU_EMPTY);
    bus_write8(hw->bus, RTL_CR, bus_read8(hw->bus, RTL_CR) & ~(CR_TE | CR_RE));
    bus_delay(hw->bus, 1000);
    bus_write8(hw->bus, RTL_MCU, bus_read8(hw->bus, RTL_MCU) & ~MCU_IS_OOB);
    mac_ocp(hw, OCP_LISTS, 1u << 14, 0);
    if (!wait8(hw, RTL_MCU, MCU_LINK_LIST, MCU_LINK_LIST))
        return;
    if (!(hw->kind->flags & RTL_IS_2G5))
        mac_ocp(hw, OCP_LISTS, 0, 1u << 15);
    wait8(hw, RTL_MCU, MCU_LINK_LIST, MCU_LINK_LIST);
}

void rtl8169_open_gate(const struct rtl8169_hw *hw)
{
    if (hw->kind->flags & RTL_OOB)
        bus_write32(hw->bus, RTL_MISC,
                    bus_read32(hw->bus, RTL_MISC) & ~MISC_RXDV_GATE);
}

/* ---- The PHY --------------------------------------------------------------- */

/* Wait for the flag of a PHY access to be `set`. */
static void phy_wait(const struct rtl8169_hw *hw, uint32_t reg, bool set)
{
    for (unsigned i = 0; i < PHY_TRIES; i++) {
        bus_delay(hw->bus, PHY_TRY_US);
        if (!(bus_read32(hw->bus, reg) & PHYAR_FLAG) == !set)
            break;
    }
    bus_delay(hw->bus, PHY_REST_US);
}

/* OCP addresses count bytes, two to a register; PHYAR has the number. */
static uint32_t phy_command(const struct rtl8169_hw *hw, unsigned reg,
                            uint32_t *port)
{
    bool by_ocp = hw->kind->flags & RTL_PHY_BY_OCP;

    *port = by_ocp ? RTL_PHY_OCP : RTL_PHYAR;
    if (!by_ocp)
        return reg << 16;
    return (reg < 32 ? OCP_PHY + 2 * reg : reg) << 15;
}

static uint16_t phy_read(const struct rtl8169_hw *hw, unsigned reg)
{
    uint32_t port, command = phy_command(hw, reg, &port);

    bus_write32(hw->bus, port, command);
    phy_wait(hw, port, true);
    return bus_read32(hw->bus, port);
}

static void phy_write(const struct rtl8169_hw *hw, unsigned reg, uint16_t v)
{
    uint32_t port, command = phy_command(hw, reg, &port);

    bus_write32(hw->bus, port, PHYAR_FLAG | command | v);
    phy_wait(hw, port, false);
}

/* Set bits; true: they were not all set. */
static bool phy_set(const struct rtl8169_hw *hw, unsigned reg, uint16_t bits)
{
    uint16_t v = phy_read(hw, reg);

    if ((v & bits) == bits)
        return false;
    phy_write(hw, reg, v | bits);
    return true;
}

void rtl8169_start_phy(const struct rtl8169_hw *hw)
{
    uint16_t flags = hw->kind->flags, bmcr;
    bool changed;

    if (hw->kind->pmch)
        bus_write8(hw->bus, RTL_PMCH,
                   bus_read8(hw->bus, RTL_PMCH) | hw->kind->pmch);
    if (!(flags & (RTL_PHY_BY_AR | RTL_PHY_BY_OCP)))
        return;
    bmcr = phy_read(hw, MII_BMCR);
    /* Firmware that waits for a magic packet does so at 10 Mbit/s. */
    changed = phy_set(hw, MII_ANAR, ANAR_10_100);
    if (!hw->is_fast)
        changed |= phy_set(hw, MII_GBCR, GBCR_1000);
    if (flags & RTL_IS_2G5)
        changed |= phy_set(hw, OCP_PHY_2G5, PHY_2G5);
    if (changed || !(bmcr & BMCR_NEGOTIATE) || (bmcr & BMCR_OFF))
        phy_write(hw, MII_BMCR, BMCR_NEGOTIATE | BMCR_RESTART);
}

bool rtl8169_link_up(const struct rtl8169_hw *hw)
{
    if (hw->kind->flags & RTL_IS_8139)
        return !(bus_read8(hw->bus, RTL_MSR) & MSR_LINKB);
    return bus_read8(hw->bus, RTL_PHYSTAT) & PHYSTAT_LINK;
}

/* ---- Interrupts and doorbell ----------------------------------------------- */

void rtl8169_irq_mask(const struct rtl8169_hw *hw, uint32_t enabled)
{
    if (hw->kind->flags & RTL_IS_2G5)
        bus_write32(hw->bus, RTL_IMR_2G5, enabled);
    else
        bus_write16(hw->bus, RTL_IMR, enabled);
}

uint32_t rtl8169_irq_take(const struct rtl8169_hw *hw)
{
    uint32_t v;

    if (hw->kind->flags & RTL_IS_2G5) {
        v = bus_read32(hw->bus, RTL_ISR_2G5);
        bus_write32(hw->bus, RTL_ISR_2G5, v);
    } else {
        v = bus_read16(hw->bus, RTL_ISR);
        bus_write16(hw->bus, RTL_ISR, v);
    }
    return v;
}

void rtl8169_tx_poll(const struct rtl8169_hw *hw)
{
    if (hw->kind->flags & RTL_IS_2G5)
        bus_write16(hw->bus, RTL_TPPOLL_2G5, TPPOLL_2G5_GO);
    else if (hw->kind->flags & RTL_IS_8139)
        bus_write8(hw->bus, RTL_TPPOLL_8139, TPPOLL_NPQ);
    else
        bus_write8(hw->bus, RTL_TPPOLL, TPPOLL_NPQ);
}
