/*
 * Cuts of the power under the hosted emulator: a machine with the guest
 * disk_rounds (tests/guests) over the whole stack of a disk image, whose file
 * loses what was not flushed. It is cut while the guest writes, and the same
 * file started again. The guest writes to the last sectors, which, as its
 * partition table asks for more than the file has, are where the file grows.
 *
 *   power_cuts GUEST_IMAGE [CUTS [SEED]]        200 cuts, seed 1
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/engine.h"
#include "emu/machine.h"
#include "kernel/disk/image.h"
#include "kernel/firmware.h"
#include "kernel/platform.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/fake_cut.h"

#define RAM_BYTES (16u << 20)
#define MS UINT64_C(1000000)
#define LIMIT_NS (60000 * MS)   /* for one boot and what is written */
#define ICOUNT_SHIFT 3
#define CUT_SECTORS 1500u       /* written at a boot, at most, ... */
#define FIRST_SECTORS 200u      /* ... and at that of a disk without a round */
#define RENEW 5u                /* cuts of one file */
#define TABLE_START 63u
#define FULL_SECTORS (2u * 16 * 63)     /* what the partition table asks for */

/* As in tests/guests/disk_rounds.c. */
#define ROUND 64u
#define PLACES 4u
#define WORDS 128u

struct box {
    struct machine *m;
    struct disk_image disk;
    struct chardev com1;
    struct machine_host host;
    uint8_t *ram;
    char line[80];              /* of the console, so far */
    size_t line_len;
    uint32_t found, flushed;    /* what the guest said; 0: nothing yet */
    bool has_found;
};

static struct fake_cut medium;
static unsigned boots;

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "boot %u: %s: %s\n", boots, what, why);
    exit(1);
}

/* ---- The file that loses power ------------------------------------------ */

int platform_file_open(const char *name, bool writable,
                       struct platform_file *out)
{
    *out = (struct platform_file){
        .name = name, .size = medium.block.sectors * BLOCK_SECTOR_SIZE,
        .read_only = !writable,
    };
    return 0;
}

void platform_file_close(struct platform_file *f)
{
    f->name = NULL;
}

int platform_file_create(const char *name) { return -ENOTSUP; }
int platform_file_remove(struct platform_file *f) { return -ENOTSUP; }

int platform_file_set_writable(struct platform_file *f, bool writable)
{
    f->read_only = !writable;
    return 0;
}

/* The stack above has whole sectors. */
int platform_file_read(struct platform_file *f, uint64_t offset, void *buf,
                       size_t len)
{
    uint64_t sector = offset / BLOCK_SECTOR_SIZE;
    uint64_t count = len / BLOCK_SECTOR_SIZE, there = medium.block.sectors;

    if (offset % BLOCK_SECTOR_SIZE || len % BLOCK_SECTOR_SIZE)
        die("a read", "not of whole sectors");
    there = sector >= there ? 0 : there - sector < count ? there - sector
                                                         : count;
    memset(buf, 0, len);
    return there ? block_read(&medium.block, sector, (uint32_t)there, buf) : 0;
}

int platform_file_write(struct platform_file *f, uint64_t offset,
                        const void *buf, size_t len)
{
    uint64_t sector = offset / BLOCK_SECTOR_SIZE;
    uint64_t end = sector + len / BLOCK_SECTOR_SIZE;
    int error = 0;

    if (offset % BLOCK_SECTOR_SIZE || len % BLOCK_SECTOR_SIZE)
        die("a write", "not of whole sectors");
    if (end > medium.block.sectors)
        error = block_grow(&medium.block, end);
    if (!error)
        error = block_write(&medium.block, sector, (uint32_t)(end - sector),
                            buf);
    if (!error && f->size < offset + len)
        f->size = offset + len;
    return error;
}

int platform_file_flush(struct platform_file *f)
{
    return block_flush(&medium.block);
}

const char *platform_file_list(unsigned i)
{
    return NULL;
}

/* ---- A machine ---------------------------------------------------------- */

static void take_line(struct box *b)
{
    sscanf(b->line, "disk_rounds flushed %x", &b->flushed);
    if (sscanf(b->line, "disk_rounds found %x", &b->found) == 1)
        b->has_found = true;
}

static size_t console_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct box *b = ctx;

    for (size_t i = 0; i < len; i++) {
        if (buf[i] == '\n') {
            take_line(b);
            b->line_len = 0;
        } else if (b->line_len + 1 < sizeof b->line) {
            b->line[b->line_len++] = (char)buf[i];
        }
        b->line[b->line_len] = 0;
    }
    return len;
}

static size_t console_read(void *ctx, uint8_t *buf, size_t len)
{
    return 0;
}

static uint64_t clock_ns(void *ctx)
{
    return platform_now_ns();
}

static void drop_line(void *ctx, const char *line)
{
}

/* Every third boot is under -icount, where the flush is done in submit; in the
 * others a worker does it. Engines take turns, too. */
static void switch_on(struct box *b)
{
    bool icount = boots % 3 == 0;
    struct machine_config c;
    const char *error;
    char why[200];

    memset(b, 0, sizeof *b);
    b->ram = platform_pages_alloc(RAM_BYTES);
    if (!b->ram)
        die("memory", "none left");
    if (disk_image_open(&b->disk, "medium", 0, why, sizeof why))
        die("the disk", why);
    if (b->disk.dev.sectors != FULL_SECTORS)
        die("the disk", "not grown to what its table asks for");
    if (!icount && disk_image_start_worker(&b->disk))
        die("the disk", "no worker");
    b->com1 = (struct chardev){ b, console_write, console_read, NULL };
    b->host = (struct machine_host){
        .clock_ns = clock_ns, .log = drop_line,
        .code_memory = platform_code_alloc,
        .code_memory_free = platform_code_free,
    };
    c = (struct machine_config){
        .name = "rounds", .ram = b->ram, .ram_bytes = RAM_BYTES,
        .engine = boots % 2 ? &engine_jit : &engine_interp,
        .bios = firmware_bios,
        .bios_size = (size_t)(firmware_bios_end - firmware_bios),
        .icount_shift = icount ? ICOUNT_SHIFT : -1, .host = &b->host,
        .serial = { &b->com1 }, .ide = { { .disk = &b->disk.dev } },
    };
    b->m = machine_create(&c, &error);
    if (!b->m)
        die("the machine", error);
}

static void switch_off(struct box *b)
{
    machine_destroy(b->m);
    disk_image_close(&b->disk);
    platform_pages_free(b->ram, RAM_BYTES);
}

/* Until the power goes. */
static void run(struct box *b)
{
    uint64_t end = platform_now_ns() + LIMIT_NS;

    while (!medium.is_off) {
        if (platform_now_ns() > end)
            die("not cut in time", b->line);
        if (disk_image_pending(&b->disk))
            machine_kick(b->m);
        switch (machine_run(b->m, MS / 10)) {
        case MACHINE_BUDGET:
        case MACHINE_HALTED:
            break;
        default:
            if (!medium.is_off)
                die("the guest ended", b->line);
        }
    }
}

/* ---- What is left ------------------------------------------------------- */

static void fill(uint32_t to[WORDS], uint32_t round, uint32_t index)
{
    uint32_t x = round * ROUND + index;

    to[0] = round;
    to[1] = index;
    for (unsigned i = 2; i < WORDS; i++)
        to[i] = x = x * 1664525 + 1013904223;
}

/* Is sector `index` of its place what that round writes? Round 0 and before: a
 * fresh disk. */
static bool is_round(int64_t round, uint32_t index)
{
    static const uint32_t zeros[WORDS];
    uint32_t want[WORDS];
    uint64_t place = (uint64_t)(round + PLACES) % PLACES;
    uint64_t sector = FULL_SECTORS - (PLACES - place) * ROUND + index;

    if (round > 0)
        fill(want, (uint32_t)round, index);
    return !memcmp(medium.data + sector * BLOCK_SECTOR_SIZE,
                   round > 0 ? want : zeros, BLOCK_SECTOR_SIZE);
}

static bool is_whole(int64_t round)
{
    for (uint32_t i = 0; i < ROUND; i++)
        if (!is_round(round, i))
            return false;
    return true;
}

/* All that was flushed, and of the next round any part. Returns the last round
 * that is whole, which is `flushed` or the next. */
static uint32_t check(uint32_t flushed, const uint8_t *image, size_t bytes)
{
    int64_t last = flushed;

    if (is_whole(last + 1))
        last++;
    for (int64_t round = last; round > last - 3; round--)
        if (!is_whole(round))
            die("a flushed round", "is not whole");
    for (uint32_t i = 0; i < ROUND; i++)
        if (!is_round(last + 1, i) && !is_round(last - 3, i))
            die("the next round", "a sector is neither old nor new");
    if (memcmp(medium.data, image, bytes))
        die("the image", "changed where nothing was written");
    return (uint32_t)last;
}

static size_t read_image(const char *name, uint8_t *data, size_t size)
{
    FILE *f = fopen(name, "rb");
    size_t n;

    if (!f)
        die(name, strerror(errno));
    n = fread(data, 1, size, f);
    if (ferror(f) || !feof(f) || n % BLOCK_SECTOR_SIZE || !n)
        die(name, "cannot be read as a whole, or is no disk");
    fclose(f);
    return n;
}

/* A file that was never grown. */
static void renew_medium(const uint8_t *image, size_t bytes)
{
    fake_cut_free(&medium);
    fake_cut_init(&medium, bytes / BLOCK_SECTOR_SIZE, FULL_SECTORS);
    memcpy(medium.data, image, bytes);
}

/* Boot, cut, and see. Returns how many sectors were lost. */
static unsigned cut_once(uint32_t *last, uint32_t seed, const uint8_t *image,
                         size_t bytes)
{
    struct box b;
    unsigned lost;

    medium.cut_at = medium.written +
                    (unsigned)rand() % (*last ? CUT_SECTORS : FIRST_SECTORS);
    switch_on(&b);
    run(&b);
    if (!b.has_found || b.found != *last)
        die("found at the start", "not what was left");
    switch_off(&b);
    lost = fake_cut_power(&medium, seed);
    *last = check(b.flushed ? b.flushed : *last, image, bytes);
    return lost;
}

int main(int argc, char **argv)
{
    unsigned cuts = argc > 2 ? (unsigned)atoi(argv[2]) : 200;
    uint32_t seed = argc > 3 ? (uint32_t)atoi(argv[3]) : 1, last = 0;
    unsigned lost = 0, rounds = 0, grown = 0;
    static uint8_t image[TABLE_START * BLOCK_SECTOR_SIZE * 8];
    size_t bytes;

    if (argc < 2)
        die("usage", "power_cuts GUEST_IMAGE [CUTS [SEED]]");
    bytes = read_image(argv[1], image, sizeof image);
    put_chs_entry(image, 0, TABLE_START, FULL_SECTORS - TABLE_START, 16, 63);
    srand(seed);
    for (; boots < cuts; boots++) {
        uint32_t before = last = boots % RENEW ? last : 0;
        uint64_t size;

        if (!before)
            renew_medium(image, bytes);
        size = medium.block.sectors;
        lost += cut_once(&last, seed + boots, image, bytes);
        rounds += last - before;
        grown += medium.block.sectors != size;
    }
    printf("%u cuts, %u rounds, %u sectors lost that were not flushed, the "
           "file grown at %u\n", cuts, rounds, lost, grown);
    fake_cut_free(&medium);
    return lost && grown ? 0 : 1;
}
