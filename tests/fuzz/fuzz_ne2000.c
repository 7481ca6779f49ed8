/* Ports, frames and time against the NE2000. */
// covers: emu/dev/ne2000.c emu/dev/ne2000_dma.c
// covers: emu/dev/ne2000_rx.c emu/dev/ne2000_tx.c
#include <stdlib.h>
#include <string.h>

#include "emu/dev/ne2000.h"
#include "tests/fuzz/input.h"
#include "tests/unit/fake_machine.h"

#define BASE 0xc100u
#define DEVFN 0x18u
#define BLOCK_MAX 2048u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct machine *m;
    struct pci_bus *bus;
    struct ne2000 *nic;
    struct netport port;
    struct input in;
    uint8_t frame[4096];        /* the one that waits, if len is not 0 */
    size_t len;
    unsigned lost;
    bool tx_full;
    uint8_t sum;                /* of all that was sent: every byte is read */
} rig;

static bool port_tx(void *ctx, const uint8_t *frame, size_t len)
{
    if (len == 0 || len > NETPORT_MAX_FRAME)
        abort();
    if (rig.tx_full)
        return false;
    for (size_t i = 0; i < len; i++)
        rig.sum += frame[i];
    return true;
}

static size_t port_peek(void *ctx, const uint8_t **frame)
{
    *frame = rig.frame;
    return rig.len;
}

static void port_done(void *ctx)
{
    if (!rig.len)
        abort();
    rig.len = 0;
}

static unsigned port_lost(void *ctx)
{
    unsigned n = rig.lost;

    rig.lost = 0;
    return n;
}

static void start(void)
{
    rig.m = fake_machine_new();
    rig.bus = pci_bus_create(rig.m);
    rig.port = (struct netport){
        .mac = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 }, .tx = port_tx,
        .rx_peek = port_peek, .rx_done = port_done, .rx_lost = port_lost,
    };
    rig.nic = ne2000_create(rig.m, rig.bus, DEVFN, &rig.port, TIMER_NE2000_0);
    if (!rig.nic)
        abort();
}

static void driver_start(void)
{
    static const uint8_t program[][2] = {
        { 0, 0x21 }, { 0xe, 0x49 }, { 0xd, 0 }, { 4, 0x40 }, { 1, 0x4c },
        { 3, 0x7f }, { 2, 0x80 }, { 7, 0xff }, { 0xf, 0x3f }, { 0, 0x61 },
        { 7, 0x4c }, { 0, 0x22 }, { 0xc, 0x1c },
    };

    for (unsigned i = 0; i < sizeof program / sizeof program[0]; i++)
        fake_out(rig.m, BASE + program[i][0], 1, program[i][1]);
}

static void block(bool out)
{
    static uint8_t buf[BLOCK_MAX * 4];
    struct device *d = (struct device *)rig.nic;
    unsigned size = input_size(&rig.in);
    uint16_t port = BASE + 0x10 + (input_u8(&rig.in) & 15);
    unsigned count = input_u16(&rig.in) % BLOCK_MAX + 1;

    if (out) {
        memset(buf, input_u8(&rig.in), sizeof buf);
        d->ops->io_write_block(d, port, size, buf, count);
    } else {
        d->ops->io_read_block(d, port, size, buf, count);
    }
}

static void new_frame(void)
{
    static const uint8_t dst[4][6] = {
        { 0x52, 0x54, 0, 0x12, 0x34, 0x56 }, { 255, 255, 255, 255, 255, 255 },
        { 1, 0, 0x5e, 0, 0, 1 }, { 2, 0, 0, 0, 0, 1 },
    };
    uint8_t kind = input_u8(&rig.in);

    rig.len = input_u16(&rig.in) % sizeof rig.frame;
    memset(rig.frame, kind, sizeof rig.frame);
    memcpy(rig.frame, dst[kind & 3], 6);
}

/* A program for the remote DMA or the transmitter in one step. */
static void transfer(void)
{
    uint8_t command = input_u8(&rig.in);
    bool tx = command & 0x04;
    uint16_t addr = input_u16(&rig.in), len = input_u16(&rig.in);

    fake_out(rig.m, BASE, 1, 0x22);
    fake_out(rig.m, BASE + (tx ? 5 : 10), 2, len);
    fake_out(rig.m, BASE + (tx ? 4 : 8), tx ? 1 : 2, tx ? addr >> 8 : addr);
    fake_out(rig.m, BASE, 1, command);
}

static void step(void)
{
    struct input *in = &rig.in;
    uint8_t op = input_u8(in);
    uint8_t reg = op >> 4 | (op & 8) << 1;
    unsigned size;

    switch (op & 7) {
    case 0:
        fake_out(rig.m, BASE + reg, 1, input_u8(in));
        break;
    case 1:
        fake_in(rig.m, BASE + reg, 1);
        break;
    case 2:
        size = input_size(in);
        fake_out(rig.m, BASE + reg, size, input_u32(in));
        fake_in(rig.m, BASE + reg, size);
        break;
    case 3:
        block(op & 8);
        break;
    case 4:
        new_frame();
        ne2000_poll(rig.nic);
        break;
    case 5:
        transfer();
        break;
    case 6:
        fake_advance(rig.m, (uint64_t)input_u8(in) * 1000000);
        rig.lost = op >> 4;
        rig.tx_full = op & 8;
        ne2000_poll(rig.nic);
        break;
    case 7:
        if (op & 8)
            driver_start();
        else
            pci_config_write(rig.bus, DEVFN, input_u8(in) & 0xfc, 4,
                             input_u32(in));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct device *d;
    char text[256];

    if (!rig.nic)
        start();
    d = (struct device *)rig.nic;
    d->ops->reset(d);
    pci_config_write(rig.bus, DEVFN, 0x10, 4, BASE);
    pci_config_write(rig.bus, DEVFN, 0x04, 2, 1);
    rig.in = (struct input){ data, size };
    rig.len = 0;
    rig.tx_full = false;
    while (input_more(&rig.in))
        step();
    if (size % 64 == 0)         /* now and then another life */ {
        ne2000_format(rig.nic, text, sizeof text);
        ne2000_destroy(rig.nic);
        pci_bus_destroy(rig.bus);
        fake_machine_free(rig.m);
        rig.nic = NULL;
    }
    return 0;
}
