/* fw_cfg; see fwcfg.h. */
#include "emu/dev/fwcfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/dev/iobyte.h"
#include "emu/state.h"

#define PORT_SELECT 0x510
#define PORT_DATA 0x511
#define PORT_DMA 0x514          /* 8 bytes, big-endian address */
#define DMA_PORTS 8u
#define DMA_SIGNATURE 0x51454d5520434647ull     /* "QEMU CFG" */

#define KEY_SIGNATURE 0x00
#define KEY_FILE_DIR 0x19
#define KEY_FILE_FIRST 0x20
#define ID_TRADITIONAL 0x01u
#define ID_DMA 0x02u

#define ITEMS 48u
#define FILES 24u
#define DIR_ENTRY 64u           /* be32 size, be16 key, be16 0, name */
#define DMA_CHUNK 4096u
/* No item is near this long: a guest that asks for more is confused. */
#define DMA_MAX (16u << 20)

enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8,
       DMA_WRITE = 16 };

struct item {
    const uint8_t *data;
    size_t size;
    uint16_t key;
    uint8_t value[8];           /* data of a small integer */
};

struct fwcfg {
    struct device dev;
    struct item items[ITEMS];
    unsigned item_count;
    uint8_t dir[4 + FILES * DIR_ENTRY];
    unsigned file_count;
    const struct item *selected;        /* NULL: no such item */
    size_t offset;
    uint64_t dma_address;
};

static void put_be(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

static uint64_t get_be(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* ---- Items -------------------------------------------------------------- */

static struct item *add_item(struct fwcfg *fw, uint16_t key, const void *data,
                             size_t size)
{
    struct item *item = &fw->items[fw->item_count];

    if (fw->item_count == ITEMS)
        return NULL;
    fw->item_count++;
    *item = (struct item){ .data = data, .size = size, .key = key };
    return item;
}

int fwcfg_set_int(struct fwcfg *fw, uint16_t key, uint64_t value,
                  unsigned size)
{
    struct item *item = add_item(fw, key, NULL, size);

    if (!item)
        return -ENOSPC;
    for (unsigned i = 0; i < size; i++)
        item->value[i] = (uint8_t)(value >> 8 * i);
    item->data = item->value;
    return 0;
}

int fwcfg_add_file(struct fwcfg *fw, const char *name, const void *data,
                   size_t size)
{
    uint16_t key = (uint16_t)(KEY_FILE_FIRST + fw->file_count);
    uint8_t *entry = fw->dir + 4 + DIR_ENTRY * fw->file_count;

    if (strlen(name) >= FWCFG_FILE_NAME)
        return -ENAMETOOLONG;
    if (fw->file_count == FILES || !add_item(fw, key, data, size))
        return -ENOSPC;
    put_be(entry, size, 4);
    put_be(entry + 4, key, 2);
    memcpy(entry + 8, name, strlen(name));
    put_be(fw->dir, ++fw->file_count, 4);
    return 0;
}

static void select_item(struct fwcfg *fw, uint16_t key)
{
    fw->selected = NULL;
    fw->offset = 0;
    for (unsigned i = 0; i < fw->item_count; i++)
        if (fw->items[i].key == key)
            fw->selected = &fw->items[i];
}

/* The next `len` bytes of the item; zeros past its end. */
static void take(struct fwcfg *fw, uint8_t *out, size_t len)
{
    size_t left = fw->selected && fw->offset < fw->selected->size
                      ? fw->selected->size - fw->offset : 0;
    size_t n = len < left ? len : left;

    if (n)
        memcpy(out, fw->selected->data + fw->offset, n);
    memset(out + n, 0, len - n);
    fw->offset += n;
}

/* ---- DMA ---------------------------------------------------------------- */

static int dma_read(struct fwcfg *fw, uint64_t addr, uint32_t len)
{
    uint8_t buf[DMA_CHUNK];

    while (len) {
        uint32_t n = len < sizeof buf ? len : sizeof buf;
        int error;

        take(fw, buf, n);
        error = machine_dma_write(fw->dev.machine, addr, buf, n);
        if (error)
            return error;
        addr += n;
        len -= n;
    }
    return 0;
}

/* Run the command block {be32 control, be32 length, be64 address} at `at`. */
static void dma_run(struct fwcfg *fw, uint64_t at)
{
    struct machine *m = fw->dev.machine;
    uint8_t command[16], result[4];
    uint32_t control, len;
    int error = 0;

    if (machine_dma_read(m, at, command, sizeof command))
        return;
    control = (uint32_t)get_be(command, 4);
    len = (uint32_t)get_be(command + 4, 4);
    if (control & DMA_SELECT)
        select_item(fw, (uint16_t)(control >> 16));
    if (control & DMA_READ)
        error = len > DMA_MAX ? -EINVAL
                              : dma_read(fw, get_be(command + 8, 8), len);
    else if (control & DMA_SKIP && fw->selected)
        fw->offset = len < fw->selected->size - fw->offset
                         ? fw->offset + len : fw->selected->size;
    else if (control & DMA_WRITE)
        error = -EROFS;
    if (error)
        machine_count(m, "fw_cfg: DMA refused");
    put_be(result, error ? DMA_ERROR : 0, 4);
    machine_dma_write(m, at, result, sizeof result);
}

/* The low half starts it; the high half is for addresses above 4 GiB. */
static void write_dma(struct fwcfg *fw, unsigned at, unsigned size,
                      uint32_t value)
{
    uint64_t v = __builtin_bswap32(value);

    if (size != 4 || at % 4)
        return;
    if (at == 0) {
        fw->dma_address = v << 32;
        return;
    }
    v |= fw->dma_address;
    fw->dma_address = 0;
    dma_run(fw, v);
}

/* ---- Ports -------------------------------------------------------------- */

static uint8_t read_port(struct device *dev, uint16_t port)
{
    struct fwcfg *fw = (struct fwcfg *)dev;
    uint8_t v = 0;

    if (port == PORT_DATA)
        take(fw, &v, 1);
    else if (port >= PORT_DMA)
        v = (uint8_t)(DMA_SIGNATURE >> 8 * (7 - (port - PORT_DMA) % 8u));
    return v;
}

static uint32_t fwcfg_io_read(struct device *dev, uint16_t port, unsigned size)
{
    return io_read_bytes(dev, port, size, read_port);
}

static unsigned fwcfg_io_read_block(struct device *dev, uint16_t port,
                                    unsigned size, void *buf, unsigned count)
{
    uint8_t *out = buf;

    if (port == PORT_DATA && size == 1) {
        take((struct fwcfg *)dev, out, count);
        return count;
    }
    for (unsigned i = 0; i < count; i++, out += size) {
        uint32_t v = fwcfg_io_read(dev, port, size);

        memcpy(out, &v, size);
    }
    return count;
}

static void fwcfg_io_write(struct device *dev, uint16_t port, unsigned size,
                           uint32_t value)
{
    struct fwcfg *fw = (struct fwcfg *)dev;

    if (port == PORT_SELECT && size >= 2)
        select_item(fw, (uint16_t)value);
    else if (port >= PORT_DMA)
        write_dma(fw, port - PORT_DMA, size, value);
}

static void fwcfg_reset(struct device *dev)
{
    struct fwcfg *fw = (struct fwcfg *)dev;

    select_item(fw, KEY_SIGNATURE);
    fw->dma_address = 0;
}

static void fwcfg_state(struct device *dev, struct state *s)
{
    struct fwcfg *fw = (struct fwcfg *)dev;
    bool any = fw->selected;
    uint16_t key = any ? fw->selected->key : 0;
    uint64_t offset = fw->offset;

    state_bool(s, &any);
    state_u16(s, &key);
    state_u64(s, &offset);
    state_u64(s, &fw->dma_address);
    if (state_saving(s))
        return;
    select_item(fw, key);
    state_check(s, !any || fw->selected, "an item that this machine has not");
    if (!any)
        fw->selected = NULL;
    fw->offset = (size_t)offset;
}

static const struct device_ops fwcfg_ops = {
    .name = "fw_cfg",
    .reset = fwcfg_reset,
    .io_read = fwcfg_io_read,
    .io_write = fwcfg_io_write,
    .io_read_block = fwcfg_io_read_block,
    .state = fwcfg_state,
    .state_version = 1,
    .state_size = sizeof(struct fwcfg),
};

struct fwcfg *fwcfg_create(struct machine *m)
{
    struct fwcfg *fw = calloc(1, sizeof *fw);

    if (!fw)
        return NULL;
    fw->dev = (struct device){ &fwcfg_ops, m };
    add_item(fw, KEY_SIGNATURE, "QEMU", 4);
    add_item(fw, KEY_FILE_DIR, fw->dir, sizeof fw->dir);
    fwcfg_set_int(fw, FWCFG_ID, ID_TRADITIONAL | ID_DMA, 4);
    machine_io_map(m, PORT_SELECT, 2, &fw->dev);
    machine_io_map(m, PORT_DMA, DMA_PORTS, &fw->dev);
    fwcfg_reset(&fw->dev);
    return fw;
}

void fwcfg_destroy(struct fwcfg *fw)
{
    free(fw);
}
