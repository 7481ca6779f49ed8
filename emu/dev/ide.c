/* PIIX3 IDE: the PCI function, its ports, and reset; see ide.h. */
#include "emu/dev/ide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/dev/ide_internal.h"
#include "emu/textbuf.h"

#define IDE_BAR 4u
#define IDE_BAR_BYTES 16u
#define IDE_CONTROL_OFFSET 0x206u

static const uint16_t ide_base[IDE_CHANNELS] = { 0x1f0, 0x170 };

/* ---- Interrupts and the end of commands --------------------------------- */

void ide_refuse(struct ide_channel *ch, const char *name)
{
    machine_count(ch->ide->pci.dev.machine, name);
}

static void update_irq(struct ide_channel *ch)
{
    bool level = ch->intrq && !(ch->control & DC_NIEN);

    if (level == ch->irq_level)
        return;
    ch->irq_level = level;
    if (level)
        ide_bm_interrupt(ch);
    irq_set(&ch->irq, level);
}

void ide_interrupt(struct ide_channel *ch, bool level)
{
    ch->intrq = level;
    update_irq(ch);
}

void ide_finish(struct ide_channel *ch, bool interrupt)
{
    ch->xfer.kind = XFER_NONE;
    ch->active->status = ST_READY;
    if (interrupt)
        ide_interrupt(ch, true);
}

void ide_fail(struct ide_channel *ch, uint8_t error)
{
    ch->xfer.kind = XFER_NONE;
    ch->active->error = error;
    ch->active->status = ST_READY | ST_ERR;
    ide_interrupt(ch, true);
}

/* ---- Reset -------------------------------------------------------------- */

void ide_signature(struct ide_unit *u)
{
    memset(u->reg, 0, sizeof u->reg);
    u->reg[REG_COUNT][0] = 1;
    u->reg[REG_LBA_LOW][0] = 1;
    if (u->is_cdrom) {
        u->reg[REG_LBA_MID][0] = 0x14;
        u->reg[REG_LBA_HIGH][0] = 0xeb;
    }
    u->error = 0x01;            /* diagnostics passed */
    u->status = u->is_cdrom ? 0 : ST_READY;
}

static void reset_continue(struct ide_channel *ch);

static void mbr_read(struct ide_channel *ch, int error)
{
    ata_set_geometry(ch->active, error ? NULL : ch->io->buf);
    reset_continue(ch);
}

static void resized(struct ide_channel *ch, int error)
{
    (void)error;                /* it has the size that it had */
    if (ch->active->disk->sectors)
        ide_io_start(ch, BLOCK_READ, 0, 1, 0, mbr_read);
    else
        mbr_read(ch, -EINVAL);
}

/*
 * The rest of a reset, once no block request is in flight: BSY lasts until
 * the disks have their size and their partition tables are read, as real ones
 * stay BSY until they spin.
 */
static void reset_continue(struct ide_channel *ch)
{
    for (unsigned i = 0; i < 2; i++) {
        struct ide_unit *u = &ch->unit[i];

        if (!u->present || u->is_cdrom || u->geometry_known)
            continue;
        ch->active = u;
        ide_io_start(ch, BLOCK_RESIZE, 0, 0, 0, resized);
        return;
    }
    ch->resetting = false;
    if (ch->control & DC_SRST)
        return;
    for (unsigned i = 0; i < 2; i++)
        if (ch->unit[i].present && ch->unit[i].status == ST_BSY)
            ide_signature(&ch->unit[i]);
}

static void reset_drained(struct ide_channel *ch, int error)
{
    (void)error;                /* its command is gone */
    reset_continue(ch);
}

void ide_channel_reset(struct ide_channel *ch, struct ide_unit *only)
{
    for (unsigned i = 0; i < 2; i++) {
        struct ide_unit *u = &ch->unit[i];

        if (!u->present || (only && only != u))
            continue;
        u->status = ST_BSY;
        if (u->is_cdrom)
            atapi_reset(u);
        else
            ata_reset(u);
    }
    if (!only || only == ch->active)
        ch->xfer.kind = XFER_NONE;
    if (!only)
        ch->device = 0;
    ide_interrupt(ch, false);
    ch->resetting = true;
    ch->io->wanted = false;
    if (ch->io->in_flight)
        ch->io->then = reset_drained;
    else
        reset_continue(ch);
}

static void ide_reset(struct device *dev)
{
    struct ide *ide = (struct ide *)dev;

    pci_reset_config(&ide->pci);
    memset(ide->pci.config + 0x40, 0, 8);   /* IDETIM, SIDETIM */
    for (unsigned n = 0; n < IDE_CHANNELS; n++) {
        struct ide_channel *ch = &ide->channel[n];

        ch->control = 0;
        ide_dma_reset(ch);
        for (unsigned i = 0; i < 2; i++) {
            ch->unit[i].geometry_known = false;
            ch->unit[i].prevent_removal = false;
        }
        ide_channel_reset(ch, NULL);
    }
}

/* ---- The task file ------------------------------------------------------ */

static struct ide_unit *selected_unit(struct ide_channel *ch)
{
    return &ch->unit[!!(ch->device & DH_DEV1)];
}

static bool channel_empty(const struct ide_channel *ch)
{
    return !ch->unit[0].present && !ch->unit[1].present;
}

static uint8_t read_status(struct ide_channel *ch, bool acknowledge)
{
    if (channel_empty(ch))
        return 0xff;
    if (acknowledge)
        ide_interrupt(ch, false);
    return selected_unit(ch)->status;
}

static uint8_t read_reg(struct ide_channel *ch, enum ide_reg reg)
{
    const struct ide_unit *u = selected_unit(ch);

    if (reg == REG_COMMAND || reg == REG_CONTROL)
        return read_status(ch, reg == REG_COMMAND);
    if (channel_empty(ch))
        return 0xff;
    /* Device 0 answers for an absent device 1 (ATA/ATAPI-6 chapter 9). */
    if (!u->present)
        u = &ch->unit[0];
    if (!u->present)
        return 0;
    if (u->status & ST_BSY)
        return u->status;
    if (reg == REG_FEATURE)
        return u->error;
    if (reg == REG_DEVICE)
        return ch->device;
    return u->reg[reg][!!(ch->control & DC_HOB)];
}

static bool diagnostic(struct ide_channel *ch, uint8_t command)
{
    if (command != 0x90)
        return false;
    if (ch->io->in_flight || ch->resetting) {
        ide_refuse(ch, "ide: command while busy");
        return true;
    }
    ch->device = 0;
    ch->xfer.kind = XFER_NONE;
    for (unsigned i = 0; i < 2; i++)
        if (ch->unit[i].present)
            ide_signature(&ch->unit[i]);
    ide_interrupt(ch, ch->unit[0].present);
    return true;
}

static void write_command(struct ide_channel *ch, uint8_t command)
{
    struct ide_unit *u = selected_unit(ch);

    if (channel_empty(ch) || diagnostic(ch, command))
        return;
    if (!u->present) {
        ide_refuse(ch, "ide: command to absent unit");
        return;
    }
    if (u->is_cdrom && command == 0x08) {       /* DEVICE RESET */
        ide_channel_reset(ch, u);
        return;
    }
    if (ch->io->in_flight || ch->resetting || (ch->control & DC_SRST)) {
        ide_refuse(ch, "ide: command while busy");
        return;
    }
    /* What was waiting for the guest's data is aborted by a new command. */
    if (ch->xfer.kind != XFER_NONE) {
        ide_refuse(ch, "ide: command aborts transfer");
        ch->xfer.kind = XFER_NONE;
        ch->active->status = ST_READY;
    }
    ide_interrupt(ch, false);
    ch->active = u;
    u->error = 0;
    u->status = ST_BSY;
    if (u->is_cdrom)
        atapi_command(ch, command);
    else
        ata_command(ch, command);
}

static void write_control(struct ide_channel *ch, uint8_t value)
{
    uint8_t was = ch->control;

    ch->control = value & (DC_NIEN | DC_SRST | DC_HOB);
    if ((value & DC_SRST) && !(was & DC_SRST)) {
        ide_channel_reset(ch, NULL);
    } else if (!(value & DC_SRST) && (was & DC_SRST) && !ch->resetting) {
        reset_continue(ch);
    }
    update_irq(ch);
}

static void write_reg(struct ide_channel *ch, enum ide_reg reg, uint8_t value)
{
    if (reg == REG_CONTROL) {
        write_control(ch, value);
        return;
    }
    ch->control &= ~DC_HOB;
    if (reg == REG_COMMAND) {
        write_command(ch, value);
        return;
    }
    if (ch->io->in_flight || ch->resetting || (ch->control & DC_SRST)) {
        ide_refuse(ch, "ide: register write while busy");
        return;
    }
    if (reg == REG_DEVICE) {
        ch->device = value;
        update_irq(ch);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *r = ch->unit[i].reg[reg];

        r[1] = r[0];
        r[0] = value;
    }
}

/* ---- Ports -------------------------------------------------------------- */

/* Which register of which channel `port` is; NULL: none (a gap, or BAR4). */
static struct ide_channel *decode(struct ide *ide, uint16_t port,
                                  enum ide_reg *reg)
{
    for (unsigned n = 0; n < IDE_CHANNELS; n++) {
        unsigned offset = (uint16_t)(port - ide_base[n]);

        if (offset <= REG_COMMAND) {
            *reg = offset;
            return &ide->channel[n];
        }
        if (offset == IDE_CONTROL_OFFSET) {
            *reg = REG_CONTROL;
            return &ide->channel[n];
        }
    }
    return NULL;
}

static bool in_busmaster(const struct ide *ide, uint16_t port)
{
    const struct pci_bar *bar = &ide->pci.bar[IDE_BAR];

    return bar->mapped && port - bar->base < IDE_BAR_BYTES;
}

static uint8_t read_byte(struct ide *ide, uint16_t port)
{
    enum ide_reg reg;
    struct ide_channel *ch = decode(ide, port, &reg);
    uint8_t byte;

    if (ch && reg == REG_DATA) {
        ide_data_read(ch, 1, &byte, 1);
        return byte;
    }
    if (ch)
        return read_reg(ch, reg);
    if (in_busmaster(ide, port)) {
        unsigned offset = port - ide->pci.bar[IDE_BAR].base;

        return ide_bm_read(&ide->channel[offset >> 3], offset & 7);
    }
    return 0xff;
}

static void write_byte(struct ide *ide, uint16_t port, uint8_t value)
{
    enum ide_reg reg;
    struct ide_channel *ch = decode(ide, port, &reg);

    if (ch && reg == REG_DATA) {
        ide_data_write(ch, 1, &value, 1);
    } else if (ch) {
        write_reg(ch, reg, value);
    } else if (in_busmaster(ide, port)) {
        unsigned offset = port - ide->pci.bar[IDE_BAR].base;

        ide_bm_write(&ide->channel[offset >> 3], offset & 7, value);
    }
}

/* The channel whose data register `port` is, or NULL. */
static struct ide_channel *data_port(struct ide *ide, uint16_t port)
{
    enum ide_reg reg;
    struct ide_channel *ch = decode(ide, port, &reg);

    return ch && reg == REG_DATA ? ch : NULL;
}

static uint32_t ide_io_read(struct device *dev, uint16_t port, unsigned size)
{
    struct ide *ide = (struct ide *)dev;
    struct ide_channel *ch = data_port(ide, port);
    uint32_t value = 0;

    if (ch && size > 1) {
        uint8_t buf[4];

        ide_data_read(ch, size, buf, size);
        for (unsigned i = 0; i < size; i++)
            value |= (uint32_t)buf[i] << 8 * i;
        return value;
    }
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)read_byte(ide, port + i) << 8 * i;
    return value;
}

static void ide_io_write(struct device *dev, uint16_t port, unsigned size,
                         uint32_t value)
{
    struct ide *ide = (struct ide *)dev;
    struct ide_channel *ch = data_port(ide, port);

    if (ch && size > 1) {
        uint8_t buf[4] = { value, value >> 8, value >> 16, value >> 24 };

        ide_data_write(ch, size, buf, size);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        write_byte(ide, port + i, value >> 8 * i);
}

static unsigned ide_read_block(struct device *dev, uint16_t port, unsigned size,
                               void *buf, unsigned count)
{
    struct ide_channel *ch = data_port((struct ide *)dev, port);

    if (ch) {
        ide_data_read(ch, size, buf, (size_t)size * count);
        return count;
    }
    for (unsigned i = 0; i < size; i++)
        ((uint8_t *)buf)[i] = read_byte((struct ide *)dev, port + i);
    return 1;
}

static unsigned ide_write_block(struct device *dev, uint16_t port,
                                unsigned size, const void *buf, unsigned count)
{
    struct ide_channel *ch = data_port((struct ide *)dev, port);

    if (ch) {
        ide_data_write(ch, size, buf, (size_t)size * count);
        return count;
    }
    for (unsigned i = 0; i < size; i++)
        write_byte((struct ide *)dev, port + i, ((const uint8_t *)buf)[i]);
    return 1;
}

/* ---- Life --------------------------------------------------------------- */

static const struct device_ops ide_ops = {
    .name = "ide",
    .reset = ide_reset,
    .io_read = ide_io_read,
    .io_write = ide_io_write,
    .io_read_block = ide_read_block,
    .io_write_block = ide_write_block,
    .state = ide_state,
    .state_version = 1,
    .state_size = sizeof(struct ide),
    .loaded = pci_device_loaded,
};

static void unit_init(struct ide_unit *u, const struct machine_ide *config)
{
    u->present = config->disk || config->is_cdrom;
    u->is_cdrom = config->is_cdrom;
    u->disk = config->disk;
    u->read_only = config->disk && config->disk->read_only;
    u->wanted = (struct ide_geometry){
        config->cylinders, config->heads, config->sectors
    };
}

static void map_ports(struct ide *ide, bool map)
{
    struct machine *m = ide->pci.dev.machine;
    void (*change)(struct machine *, uint16_t, unsigned, struct device *) =
        map ? machine_io_map : machine_io_unmap;

    for (unsigned n = 0; n < IDE_CHANNELS; n++) {
        change(m, ide_base[n], 8, &ide->pci.dev);
        change(m, ide_base[n] + IDE_CONTROL_OFFSET, 1, &ide->pci.dev);
    }
}

struct ide *ide_create(struct machine *m, struct pci_bus *bus, uint8_t devfn,
                       struct irq_line irq14, struct irq_line irq15,
                       const struct machine_ide units[4])
{
    struct ide *ide = calloc(1, sizeof *ide);
    struct irq_line irq[IDE_CHANNELS] = { irq14, irq15 };

    if (!ide)
        return NULL;
    ide->pci.dev = (struct device){ .ops = &ide_ops, .machine = m };
    for (unsigned n = 0; n < IDE_CHANNELS; n++) {
        struct ide_channel *ch = &ide->channel[n];

        ch->ide = ide;
        ch->irq = irq[n];
        ch->active = &ch->unit[0];
        unit_init(&ch->unit[0], &units[2 * n]);
        unit_init(&ch->unit[1], &units[2 * n + 1]);
        ch->io = ide_io_create(ch);
        if (!ch->io)
            goto fail;
    }
    pci_init(&ide->pci, 0x8086, 0x7010, 0x010180, 0x00, 0);
    memset(ide->pci.wmask + 0x40, 0xff, 5);     /* IDETIM, SIDETIM */
    pci_bar_init(&ide->pci, IDE_BAR, IDE_BAR_BYTES, true);
    if (pci_add(bus, &ide->pci, devfn))
        goto fail;
    map_ports(ide, true);
    ide_reset(&ide->pci.dev);
    return ide;
fail:
    for (unsigned n = 0; n < IDE_CHANNELS; n++)
        ide_io_destroy(ide->channel[n].io);
    free(ide);
    return NULL;
}

void ide_destroy(struct ide *ide)
{
    if (!ide)
        return;
    map_ports(ide, false);
    for (unsigned n = 0; n < IDE_CHANNELS; n++)
        ide_io_destroy(ide->channel[n].io);
    free(ide);
}

void ide_poll(struct ide *ide)
{
    for (unsigned n = 0; n < IDE_CHANNELS; n++)
        for (unsigned i = 0; i < 2; i++) {
            struct blockdev *disk = ide->channel[n].unit[i].disk;

            if (disk && disk->poll)
                disk->poll(disk);
        }
}

bool ide_is_idle(const struct ide *ide)
{
    for (unsigned n = 0; n < IDE_CHANNELS; n++)
        if (ide->channel[n].io->in_flight || ide->channel[n].io->wanted)
            return false;
    return true;
}

static void format_unit(struct textbuf *t, const struct ide_unit *u,
                        const char *name)
{
    const struct blockdev *d = u->disk;

    if (!d) {
        text_add(t, "%s: type=cdrom removable=1 [not inserted]\n", name);
        return;
    }
    text_add(t, "%s: type=%s removable=%d file=%s ro=%d sectors=%llu", name,
             u->is_cdrom ? "cdrom" : "hd", u->is_cdrom, d->name,
             u->read_only || u->is_cdrom, (unsigned long long)d->sectors);
    if (!u->is_cdrom)
        text_add(t, " chs=%u,%u,%u", u->native.cylinders, u->native.heads,
                 u->native.sectors);
    text_add(t, " rd_bytes=%llu wr_bytes=%llu rd_operations=%llu"
             " wr_operations=%llu flush_operations=%llu errors=%llu\n",
             (unsigned long long)u->rd_bytes, (unsigned long long)u->wr_bytes,
             (unsigned long long)u->rd_ops, (unsigned long long)u->wr_ops,
             (unsigned long long)u->flush_ops, (unsigned long long)u->errors);
}

int ide_format(const struct ide *ide, char *buf, size_t size)
{
    static const char names[4][4] = { "hda", "hdb", "hdc", "hdd" };
    struct textbuf t = { .buf = buf, .size = size };

    text_add(&t, "%s", "");
    for (unsigned i = 0; i < 4; i++) {
        const struct ide_unit *u = &ide->channel[i / 2].unit[i % 2];

        if (u->present)
            format_unit(&t, u, names[i]);
    }
    return (int)t.wanted;
}
