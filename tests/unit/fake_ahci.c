/* See fake_ahci.h. */
#include "tests/unit/fake_ahci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/block/ahci_regs.h"
#include "drivers/block/ata_disk.h"
#include "tests/unit/disk_driver_harness.h"

#define SERR_N (1u << 16)
#define SERR_X (1u << 26)
#define IS_TFES (1u << 30)

struct fake_ahci fake_ahci;

static void *at(uint64_t phys, uint32_t align)
{
    assert_false(disk_bench.is_no_master);
    assert_true(phys && phys < UINT64_C(1) << 32 && phys % align == 0);
    return (void *)(uintptr_t)phys;
}

/* ---- Commands ------------------------------------------------------------ */

static void end(struct fake_ahci_port *p, uint32_t is, uint32_t tfd)
{
    p->is |= is;
    p->tfd = tfd;
    if (is & IS_ERRORS)
        p->failed = true;
    else
        p->ci = 0;
}

static void move(struct fake_ahci_port *p, struct ahci_header *h,
                 const struct ahci_table *t, const struct fake_ata_result *r)
{
    uint32_t bytes = p->is_short ? r->bytes - 512 : r->bytes;

    assert_int_equal(h->flags >> HEADER_PRDT_SHIFT, 1);
    assert_int_equal(t->last_byte + 1, r->bytes);
    assert_int_equal((h->flags & HEADER_WRITE) != 0, r->kind == FAKE_ATA_OUT);
    if (r->kind == FAKE_ATA_IN)
        memcpy(at(t->addr, 4), r->data, bytes);
    else
        memcpy(r->data, at(t->addr, 4), bytes);
    h->prdbc = p->no_count ? 0 : bytes;
}

static void execute(struct fake_ahci_port *p)
{
    struct ahci_header *h = at(p->clb, 1024);
    const struct ahci_table *t = at(h->table, 128);
    const uint8_t *f = t->fis;
    bool is_48 = f[2] != ATA_IDENTIFY && f[2] != ATA_FLUSH &&
                 f[2] != ATA_READ_DMA && f[2] != ATA_WRITE_DMA;
    struct fake_ata_command c = { f[2], f[4] | f[5] << 8 | f[6] << 16,
                                  f[12] | f[13] << 8 };
    struct fake_ata_result r;

    assert_int_equal(f[0], FIS_TO_DEVICE);
    assert_int_equal(f[1], FIS_COMMAND);
    assert_int_equal(h->flags & 0x1f, 5);
    c.lba |= is_48 ? (uint64_t)f[8] << 24 | (uint64_t)f[9] << 32 |
                     (uint64_t)f[10] << 40
                   : (uint64_t)(f[7] & 15) << 24;
    if (p->link_errors && c.command != ATA_IDENTIFY) {
        p->link_errors--;
        end(p, IS_IFS, 0x50);
        return;
    }
    r = fake_ata_run(p->disk, &c);
    if (r.kind == FAKE_ATA_REFUSED) {
        end(p, IS_TFES, (uint32_t)r.error << 8 |
            (p->stays_busy ? 0xd1 : 0x51));
        return;
    }
    if (r.bytes)
        move(p, h, t, &r);
    else
        assert_int_equal(h->flags >> HEADER_PRDT_SHIFT, 0);
    end(p, c.command == ATA_IDENTIFY ? 2 : 1, 0x50);
}

static void go_on(struct fake_ahci_port *p)
{
    if (p->ci && (p->cmd & CMD_ST) && !p->failed && !p->holds &&
        p->disk && (p->ssts & 15) == DET_UP)
        execute(p);
}

void fake_ahci_resume(unsigned port)
{
    fake_ahci.port[port].holds = false;
    go_on(&fake_ahci.port[port]);
}

/* ---- Registers ----------------------------------------------------------- */

static void link_up(struct fake_ahci_port *p)
{
    if (!p->disk)
        return;
    p->ssts = p->no_link ? 1 : 0x113;
    p->serr |= SERR_X | SERR_N;
    if (p->no_link)
        return;
    p->tfd = p->never_ready ? 0x80 : 0x50;
    p->sig = p->is_atapi ? 0xeb140101 : SIG_ATA;
}

void fake_ahci_plug(unsigned port, struct fake_ata *disk)
{
    struct fake_ahci_port *p = &fake_ahci.port[port];

    p->disk = disk;
    p->ssts = 0;
    p->serr |= SERR_N;
    p->tfd = 0x7f;
    if (p->cmd & CMD_SUD)
        link_up(p);
}

static void set_sctl(struct fake_ahci_port *p, uint32_t v)
{
    bool was = p->sctl & 1, is = v & 1;

    p->sctl = v;
    if (is && !was) {
        assert_false(p->cmd & (CMD_ST | CMD_CR));
        p->ssts = 0;
        p->tfd = 0x80;
        p->comresets++;
    }
    if (was && !is)
        link_up(p);
}

static void set_cmd(struct fake_ahci_port *p, uint32_t v)
{
    bool had_st = p->cmd & CMD_ST;

    if ((v & CMD_ST) && !had_st) {
        assert_true(v & CMD_FRE);
        assert_false(p->tfd & 0x88);            /* 10.3.1 */
        assert_int_equal(p->serr, 0);
    }
    p->cmd = (v & ~(uint32_t)CMD_CR) | (p->hangs ? p->cmd & CMD_CR : 0);
    if (v & CMD_ST)
        p->cmd |= CMD_CR;
    if (had_st && !(v & CMD_ST)) {
        p->ci = 0;
        p->failed = false;
    }
}

static uint32_t port_is(const struct fake_ahci_port *p)
{
    return p->is | (p->serr & SERR_X ? 1u << 6 : 0) |
           (p->serr & SERR_N ? 1u << 22 : 0);
}

static uint32_t read_port(struct fake_ahci_port *p, uint32_t reg)
{
    switch (reg) {
    case PX_CLB: return p->clb;
    case PX_FB: return p->fb;
    case PX_IS: return port_is(p);
    case PX_IE: return p->ie;
    case PX_CMD: return p->cmd;
    case PX_TFD: return p->tfd;
    case PX_SIG: return p->sig;
    case PX_SSTS: return p->ssts;
    case PX_SCTL: return p->sctl;
    case PX_SERR: return p->serr;
    case PX_CI: return p->ci;
    default: return 0;
    }
}

static void write_port(struct fake_ahci_port *p, uint32_t reg, uint32_t v)
{
    switch (reg) {
    case PX_CLB:
    case PX_FB:
        assert_false(p->cmd & (CMD_ST | CMD_CR));
        *(reg == PX_CLB ? &p->clb : &p->fb) = v;
        break;
    case PX_IS: p->is &= ~v; break;
    case PX_IE: p->ie = v; break;
    case PX_CMD: set_cmd(p, v); break;
    case PX_SCTL: set_sctl(p, v); break;
    case PX_SERR: p->serr &= ~v; break;
    case PX_CI:
        assert_int_equal(v, 1);
        assert_true(p->cmd & CMD_ST);
        assert_int_equal(p->ci, 0);
        p->ci = v;
        go_on(p);
        break;
    default: break;
    }
}

static void reset(void)
{
    fake_ahci.resets++;
    fake_ahci.ghc = GHC_AE;
    if (fake_ahci.loses_pi)
        fake_ahci.pi = 0;
    for (unsigned i = 0; i < FAKE_AHCI_PORTS; i++) {
        struct fake_ahci_port *p = &fake_ahci.port[i];

        p->clb = p->fb = p->is = p->ie = p->cmd = p->sctl = p->ci = 0;
        p->ssts = p->serr = 0;
        p->tfd = 0x7f;
        p->failed = p->hangs = false;
    }
}

static uint32_t m_read32(void *ctx, uint32_t reg)
{
    if (disk_bench.is_gone)
        return ~0u;
    if (disk_bench.is_noise)
        return disk_bench_noise();
    if ((fake_ahci.ghc & GHC_HR) && !disk_bench.is_deaf)
        reset();
    if (reg >= 0x100 && (reg - 0x100) / 0x80 < FAKE_AHCI_PORTS)
        return read_port(&fake_ahci.port[(reg - 0x100) / 0x80], reg & 0x7f);
    switch (reg) {
    case AHCI_CAP: return fake_ahci.cap;
    case AHCI_GHC: return fake_ahci.ghc;
    case AHCI_IS: return fake_ahci.is;
    case AHCI_PI: return fake_ahci.pi;
    case AHCI_CAP2: return fake_ahci.cap2;
    case AHCI_BOHC: return fake_ahci.bohc;
    default: return 0;
    }
}

static void m_write32(void *ctx, uint32_t reg, uint32_t v)
{
    unsigned port = (reg - 0x100) / 0x80;

    if (disk_bench.is_gone || disk_bench.is_noise)
        return;
    if (reg >= 0x100 && port < FAKE_AHCI_PORTS) {
        assert_true(fake_ahci.pi & 1u << port);
        write_port(&fake_ahci.port[port], reg & 0x7f, v);
    } else if (reg == AHCI_GHC) {
        fake_ahci.ghc = v;
    } else if (reg == AHCI_PI) {
        fake_ahci.pi = v;
    } else if (reg == AHCI_BOHC) {
        fake_ahci.bohc = v;
        if ((v & BOHC_OOS) && fake_ahci.gave_up)
            fake_ahci.bohc &= ~(uint32_t)BOHC_BOS;
    }
}

static const struct bus *m_window(void *ctx, unsigned bar)
{
    return bar == AHCI_BAR ? &fake_ahci_bus : NULL;
}

const struct bus fake_ahci_bus = {
    .read32 = m_read32, .write32 = m_write32, .window = m_window,
    DISK_BENCH_BUS,
};

void fake_ahci_make(void)
{
    fake_ahci = (struct fake_ahci){
        .cap = CAP_S64A | 0x1f05, .ghc = GHC_AE, .cap2 = CAP2_BOH,
        .bohc = BOHC_BOS, .pi = FAKE_AHCI_IMPLEMENTED, .gave_up = true,
    };
}
