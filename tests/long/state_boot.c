/*
 * A router boots under -icount and is saved again and again. Each snapshot is
 * loaded into a second machine with a copy of the disk, by this engine and that;
 * both run on, and must have come to the same bytes and the same disk.
 *
 *   state_boot IMAGE [SECONDS]      virtual seconds of the boot, 40
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/engine.h"
#include "emu/dev/device.h"
#include "emu/machine.h"
#include "kernel/firmware.h"
#include "kernel/platform.h"
#include "tests/unit/fake_snapshot.h"

#define RAM_BYTES (64u << 20)
#define GROWTH (16u << 20)      /* behind the image: the overlay's */
#define MS 1000000ull
#define EVERY_NS (500 * MS)     /* from one snapshot to the next, ... */
#define ON_NS (250 * MS)        /* ... of which the second machine sees these */
#define ICOUNT_SHIFT 3          /* 8 ns an instruction */

static const struct engine_ops *const engines[] = { &engine_jit,
                                                    &engine_interp };

struct box {
    struct machine *m;
    const struct engine_ops *engine;
    uint8_t *ram, *disk;
    size_t disk_bytes;
    struct blockdev dev;
    struct netport port;
    struct chardev com1;
    struct machine_host host;
    char line[80];              /* of the console, the last that was printed */
    size_t line_len;
};

static uint8_t *image;
static size_t image_bytes;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void *memory(size_t bytes)
{
    void *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

    if (!p)
        die("memory", "none left");
    memset(p, 0, bytes);
    return p;
}

/* ---- What is around a machine -------------------------------------------- */

static int transfer(struct box *b, const struct block_request *r)
{
    size_t bytes = (size_t)r->count * BLOCK_SECTOR_SIZE;
    uint8_t *at = b->disk + r->sector * BLOCK_SECTOR_SIZE;

    if (r->op != BLOCK_READ && r->op != BLOCK_WRITE)
        return 0;
    if (r->sector > b->dev.sectors || r->count > b->dev.sectors - r->sector)
        return -EINVAL;
    if (r->op == BLOCK_READ)
        memcpy(r->buf, at, bytes);
    else
        memcpy(at, r->buf, bytes);
    return 0;
}

static void submit(struct blockdev *dev, struct block_request *r)
{
    r->done(r, transfer(dev->ctx, r));
}

static uint64_t clock_ns(void *ctx)
{
    return 0;                   /* not asked under icount */
}

static size_t console_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct box *b = ctx;

    for (size_t i = 0; i < len; i++) {
        if (buf[i] == '\n')
            b->line_len = 0;
        else if (buf[i] >= ' ' && buf[i] < 0x7f &&
                 b->line_len + 1 < sizeof b->line)
            b->line[b->line_len++] = (char)buf[i];
        if (b->line_len)
            b->line[b->line_len] = 0;
    }
    return len;
}

static size_t console_read(void *ctx, uint8_t *buf, size_t len)
{
    return 0;
}

static bool wire(void *ctx, const uint8_t *frame, size_t len)
{
    return true;
}

static size_t no_frame(void *ctx, const uint8_t **frame)
{
    return 0;
}

static void no_done(void *ctx)
{
}

/* ---- A machine ----------------------------------------------------------- */

static struct box *box_new(const struct engine_ops *engine)
{
    struct box *b = memory(sizeof *b);
    struct machine_config c;
    const char *error;

    b->engine = engine;
    b->ram = memory(RAM_BYTES);
    b->disk_bytes = (image_bytes + GROWTH) / BLOCK_SECTOR_SIZE *
                    BLOCK_SECTOR_SIZE;
    b->disk = memory(b->disk_bytes);
    memcpy(b->disk, image, image_bytes);
    b->dev = (struct blockdev){
        .name = "image", .sectors = b->disk_bytes / BLOCK_SECTOR_SIZE,
        .ctx = b, .submit = submit
    };
    b->port = (struct netport){ .mac = { 2, 0, 0, 0, 0, 1 }, .tx = wire,
                                .rx_peek = no_frame, .rx_done = no_done };
    b->com1 = (struct chardev){ b, console_write, console_read, NULL };
    b->host = (struct machine_host){
        .clock_ns = clock_ns, .code_memory = platform_code_alloc,
        .code_memory_free = platform_code_free
    };
    c = (struct machine_config){
        .name = "router", .ram = b->ram, .ram_bytes = RAM_BYTES,
        .engine = engine, .bios = firmware_bios,
        .bios_size = (size_t)(firmware_bios_end - firmware_bios),
        .icount_shift = ICOUNT_SHIFT, .host = &b->host,
        .serial = { &b->com1 }, .nic = { &b->port },
        .ide = { { .disk = &b->dev } },
    };
    b->m = machine_create(&c, &error);
    if (!b->m)
        die("the machine", error);
    return b;
}

static void box_free(struct box *b)
{
    machine_destroy(b->m);
    free(b->ram);
    free(b->disk);
    free(b);
}

static void run(struct box *b, uint64_t ns)
{
    uint64_t now = machine_now(b->m), end = now + ns;

    for (; now < end; now = machine_now(b->m))
        if (machine_run(b->m, end - now) != MACHINE_BUDGET)
            die("the guest ended", b->line);
}

static void save(struct box *b, struct fake_snapshot *f)
{
    char why[200];

    fake_snapshot_init(f);
    if (machine_save(b->m, &f->sink, why, sizeof why))
        die("not saved", why);
    fake_snapshot_rewind(f);
}

/* ---- Comparison ---------------------------------------------------------- */

/* Where two snapshots differ: the section that holds the first byte. */
static void expect_equal(const struct fake_snapshot *a,
                         const struct fake_snapshot *b, const char *when)
{
    size_t n = 0, at = STATE_FILE_HEADER, next = at;

    while (n < a->len && n < b->len && a->bytes[n] == b->bytes[n])
        n++;
    if (n == a->len && n == b->len)
        return;
    while (next <= n && next + STATE_SECTION_HEADER <= a->len) {
        const uint8_t *h = a->bytes + next;

        at = next;
        next += STATE_SECTION_HEADER + (h[20] | h[21] << 8 | h[22] << 16);
    }
    printf("%s: another section '%.16s', from its byte %ld\n", when,
           (const char *)a->bytes + at,
           (long)(n - at) - (long)STATE_SECTION_HEADER);
    exit(1);
}

/* `a` is saved, and goes on for ON_NS; so does what is made of that. */
static void compare(struct box *a, const struct engine_ops *engine)
{
    struct box *b = box_new(engine);
    struct fake_snapshot first, again, end_a, end_b;
    char why[200];

    save(a, &first);
    memcpy(b->disk, a->disk, a->disk_bytes);
    if (machine_load(b->m, &first.source, why, sizeof why))
        die("not loaded", why);
    save(b, &again);
    expect_equal(&first, &again, "saved again at once");
    run(a, ON_NS);
    run(b, ON_NS);
    save(a, &end_a);
    save(b, &end_b);
    expect_equal(&end_a, &end_b, "later");
    if (memcmp(a->disk, b->disk, a->disk_bytes))
        die("later", "another disk");
    printf("%6.2f s, %s to %s, %zu KiB: equal | %.48s\n",
           machine_now(a->m) / 1e9, a->engine->name, engine->name,
           first.len >> 10, a->line);
    fake_snapshot_free(&first);
    fake_snapshot_free(&again);
    fake_snapshot_free(&end_a);
    fake_snapshot_free(&end_b);
    box_free(b);
}

static void read_image(const char *name)
{
    FILE *f = fopen(name, "rb");
    long size;

    if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
        die(name, strerror(errno));
    rewind(f);
    image_bytes = (size_t)size;
    image = memory(image_bytes);
    if (fread(image, 1, image_bytes, f) != image_bytes)
        die(name, "cannot be read");
    fclose(f);
}

int main(int argc, char **argv)
{
    uint64_t end = (uint64_t)(argc > 2 ? atoi(argv[2]) : 40) * 1000 * MS;

    if (argc < 2)
        die("usage", "state_boot IMAGE [SECONDS]");
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_image(argv[1]);
    for (unsigned e = 0; e < 2; e++) {
        struct box *a = box_new(engines[e]);

        for (unsigned n = 0; machine_now(a->m) < end; n++) {
            run(a, EVERY_NS - ON_NS);
            compare(a, engines[n % 2]);
        }
        box_free(a);
    }
    free(image);
    return 0;
}
