/*
 * A store of snapshots from somewhere, and then work on it. The input is edits
 * to the table of a good one, whose checksums are made right again; or the
 * table's bytes as they are; then commands. What is taken is kept consistent:
 * it opens again, with the same snapshots in it.
 */
// covers: kernel/snapshot/store.c kernel/snapshot/index.c kernel/disk/twin.c
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/state.h"
#include "kernel/disk/bytes.h"
#include "kernel/disk/gpt.h"
#include "kernel/disk/twin.h"
#include "kernel/snapshot/store.h"
#include "tests/fuzz/input.h"

#define CLUSTER_SECTORS (SNAPSHOT_CLUSTER / 512)
#define CLUSTERS 24u
#define GROWN 40u
#define BODY (TWIN_HEADER + STATE_FILE_HEADER + STATE_SECTION_HEADER)
#define COMMANDS 12u

enum { RAW = 1, GROWS = 2, READ_ONLY = 4, SECOND = 8, INIT = 16, SHORT = 32 };

struct input_disk {
    struct block block;         /* first */
    uint8_t *data;
    bool grows;
    unsigned fails_in;          /* calls until one says -EIO; 0: none does */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct input_disk disk;
static uint8_t good[2 * SNAPSHOT_CLUSTER];      /* the tables of a good store */
static struct snapshot_store *st;
static struct state crc;

/* ---- The disk ------------------------------------------------------------ */

static bool fails(struct block *b)
{
    struct input_disk *d = (struct input_disk *)b;

    return d->fails_in && !--d->fails_in;
}

static int disk_read(struct block *b, uint64_t sector, uint32_t count,
                     void *buf)
{
    if (fails(b))
        return -EIO;
    memcpy(buf, disk.data + sector * 512, count * 512);
    return 0;
}

static int disk_write(struct block *b, uint64_t sector, uint32_t count,
                      const void *buf)
{
    if (fails(b))
        return -EIO;
    memcpy(disk.data + sector * 512, buf, count * 512);
    return 0;
}

static int disk_flush(struct block *b)
{
    return fails(b) ? -EIO : 0;
}

static int disk_grow(struct block *b, uint64_t sectors)
{
    if (!disk.grows)
        return -ENOTSUP;
    if (sectors > GROWN * CLUSTER_SECTORS)
        return -ENOSPC;
    b->sectors = sectors;
    return 0;
}

static void disk_close(struct block *b) { }

static const struct block_ops disk_ops = {
    .read = disk_read, .write = disk_write, .flush = disk_flush,
    .grow = disk_grow, .close = disk_close,
};

/* ---- The store ----------------------------------------------------------- */

static int open_store(bool init)
{
    char why[200];

    return snapshot_store_open(&disk.block, init, &st, why, sizeof why);
}

static int save(uint8_t name, uint32_t bytes, bool aborts)
{
    static const uint8_t content[SNAPSHOT_CLUSTER + 77];
    struct snapshot p = { .machine = "m", .date = name };
    int r = snapshot_begin(st);

    p.tag[0] = (char)name;
    p.vm_bytes = bytes / 3;
    p.disk_bytes = bytes - bytes / 3;
    for (uint32_t n; bytes && !r; bytes -= n) {
        n = bytes < sizeof content ? bytes : (uint32_t)sizeof content;
        r = snapshot_append(st, content, n);
    }
    if (!r && !aborts)
        return snapshot_commit(st, &p);
    snapshot_abort(st);
    return r;
}

static int count_bytes(void *ctx, const void *buf, size_t len)
{
    return 0;
}

static void start(void)
{
    const struct state_sink sink = { .write = count_bytes };

    state_open_save(&crc, &sink);       /* for its table of CRCs alone */
    state_close(&crc);
    disk.data = calloc(GROWN, SNAPSHOT_CLUSTER);
    disk.block = (struct block){ .ops = &disk_ops,
                                 .sectors = CLUSTERS * CLUSTER_SECTORS };
    if (!disk.data || open_store(false) || save('a', 100, false) ||
        save('b', 3 * SNAPSHOT_CLUSTER, false) || save('c', 70000, false) ||
        snapshot_delete(st, 1) || save('d', 140000, false) ||
        snapshot_mark(st, 3, 1))
        abort();
    snapshot_store_close(st);
    memcpy(good, disk.data, sizeof good);
}

/* ---- Edits --------------------------------------------------------------- */

/* All checksums of the copy at `p`, of which the body's length may be any. */
static void make_right(uint8_t *p)
{
    uint8_t *file = p + TWIN_HEADER, *h = file + STATE_FILE_HEADER, *end;
    uint32_t len = bytes_le32(h + 20), all = bytes_le32(p + 8);

    bytes_put_le32(file + 12, state_crc(&crc, 0, file, 12));
    if (len > SNAPSHOT_CLUSTER - BODY - 64)
        return;
    bytes_put_le32(h + 24, state_crc(&crc, 0, h + STATE_SECTION_HEADER, len));
    bytes_put_le32(h + 28, state_crc(&crc, 0, h, 28));
    end = h + STATE_SECTION_HEADER + len;
    bytes_put_le64(end + STATE_SECTION_HEADER + 4, (uint64_t)(end - file));
    bytes_put_le32(end + STATE_SECTION_HEADER + 12, state_crc(&crc, 0, h, 28));
    bytes_put_le32(end + 24,
                   state_crc(&crc, 0, end + STATE_SECTION_HEADER, 16));
    bytes_put_le32(end + 28, state_crc(&crc, 0, end, 28));
    if (all <= SNAPSHOT_CLUSTER - TWIN_HEADER)
        bytes_put_le32(p + 12, gpt_crc32(0, file, all));
    bytes_put_le32(p + 24, gpt_crc32(0, p, 24));
}

/* So many edits of the newest table, of its fields mostly. */
static void edit(struct input *in, uint8_t *p)
{
    unsigned n = input_u8(in) % 16;
    uint32_t used = bytes_le32(p + 8) + TWIN_HEADER;

    while (n--) {
        uint16_t at = input_u16(in);

        p[at & 0x8000 ? at % used : BODY + at % (used - BODY)] = input_u8(in);
    }
    make_right(p);
}

/* ---- Work ---------------------------------------------------------------- */

static void read_some(struct input *in, const struct snapshot_index *x)
{
    static uint8_t buf[2 * SNAPSHOT_CLUSTER];
    const struct snapshot *p;
    uint64_t bytes, at;

    if (!x->count)
        return;
    p = &x->item[input_u8(in) % x->count];
    bytes = p->vm_bytes + p->disk_bytes;
    at = bytes ? (uint64_t)input_u32(in) * 3 % bytes : 0;
    snapshot_read(st, p, at, buf, bytes - at < sizeof buf ? bytes - at
                                                          : sizeof buf);
}

static void command(struct input *in)
{
    const struct snapshot_index *x = snapshot_store_index(st);
    uint8_t what = input_u8(in), arg = input_u8(in);

    if (what & 0x80)
        disk.fails_in = 1 + what % 7;
    switch (what % 6) {
    case 0:
        save('a' + arg % 8, 1 + input_u16(in) * 9u, false);
        break;
    case 1:
        save('a' + arg % 8, 1 + input_u16(in) * 9u, true);
        break;
    case 2:
        snapshot_delete(st, x->count ? x->item[arg % x->count].id : arg);
        break;
    case 3:
        snapshot_mark(st, x->count && arg & 1 ? x->item[arg % x->count].id : 0,
                      arg >> 1 & 0x1f);
        break;
    case 4:
        read_some(in, x);
        break;
    case 5:
        snapshot_find(x, "m", (const char[]){ (char)arg, '\0' });
        snapshot_store_free(st);
        break;
    }
    disk.fails_in = 0;
}

/* The table's bytes, as they are written. */
static size_t table_of(uint8_t record[SNAPSHOT_RECORD])
{
    size_t len;

    if (snapshot_index_write(snapshot_store_index(st), record, &len))
        abort();
    return len;
}

/* The same is there when it is opened again. */
static void expect_same(void)
{
    static uint8_t before[SNAPSHOT_RECORD], after[SNAPSHOT_RECORD];
    const struct snapshot_index *x = snapshot_store_index(st);
    size_t len;

    if (snapshot_mark(st, x->restoring, x->restoring_units))
        return;                 /* it cannot be written */
    len = table_of(before);
    snapshot_store_close(st);
    if (open_store(false) || table_of(after) != len ||
        memcmp(before, after, len))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    uint8_t how = input_u8(&in), *newest;

    if (!disk.data)
        start();
    memcpy(disk.data, good, sizeof good);
    newest = disk.data + (how & SECOND ? SNAPSHOT_CLUSTER : 0);
    if (how & SECOND)
        memcpy(newest, good, SNAPSHOT_CLUSTER);
    if (how & RAW) {
        size_t n = in.left < 300 ? in.left : 300;

        memset(disk.data, 0, sizeof good);
        memcpy(newest, in.data, n);
        in.data += n, in.left -= n;
        make_right(newest);
    } else {
        edit(&in, newest);
    }
    disk.grows = how & GROWS;
    disk.fails_in = 0;
    disk.block.read_only = how & READ_ONLY;
    disk.block.sectors = (how & SHORT ? input_u8(&in) % CLUSTERS : CLUSTERS) *
                         CLUSTER_SECTORS;
    if (open_store(how & INIT))
        return 0;
    for (unsigned i = 0; i < COMMANDS && input_more(&in); i++)
        command(&in);
    expect_same();
    snapshot_store_close(st);
    return 0;
}
