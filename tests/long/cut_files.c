/*
 * Files of the platform for a Trestle that loses power (build/trestle-cuts, in
 * place of kernel/hosted/files.c). A file is read as a whole when it is opened,
 * and then lies in memory, with a volatile write cache (tests/unit/fake_cut.h).
 * SIGUSR1 cuts the power: in the middle of the next write, or in the next
 * flush, each open file becomes what is left of it, and the program ends with
 * status 99. CUT_SEED in the environment is the seed. Else a file is written
 * back when it is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/platform.h"
#include "tests/unit/fake_cut.h"

#define SECTOR BLOCK_SECTOR_SIZE
#define FILES 4u
#define GROWTH 65536u           /* sectors that a file may become longer */
#define CUT_STATUS 99

struct cut_file {
    struct fake_cut cut;
    int fd;                     /* -1: this place is free */
    bool writable;
};

static struct cut_file files[FILES] = {
    { .fd = -1 }, { .fd = -1 }, { .fd = -1 }, { .fd = -1 },
};
static volatile sig_atomic_t power_goes;

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "cut_files: %s: %s\n", what, why);
    _exit(1);
}

static void on_signal(int signal)
{
    power_goes = 1;
}

/* What is in memory becomes the file. */
static void write_back(struct cut_file *f)
{
    size_t bytes = f->cut.block.sectors * SECTOR, at = 0;

    if (!f->writable)
        return;
    while (at < bytes) {
        ssize_t n = pwrite(f->fd, f->cut.data + at, bytes - at, (off_t)at);

        if (n <= 0)
            die("write", strerror(errno));
        at += (size_t)n;
    }
    if (ftruncate(f->fd, (off_t)bytes))
        die("truncate", strerror(errno));
}

static _Noreturn void lose_power(void)
{
    const char *text = getenv("CUT_SEED");
    uint32_t seed = text ? (uint32_t)atoi(text) : 1;
    unsigned lost = 0;

    for (unsigned i = 0; i < FILES; i++)
        if (files[i].fd >= 0) {
            lost += fake_cut_power(&files[i].cut, seed + i);
            write_back(&files[i]);
        }
    dprintf(STDOUT_FILENO, "\r\nthe power is cut: %u sectors lost\r\n", lost);
    _exit(CUT_STATUS);
}

static void read_all(struct cut_file *f)
{
    size_t at = 0;
    ssize_t n;

    while ((n = pread(f->fd, f->cut.data + at,
                      f->cut.capacity * SECTOR - at, (off_t)at)) > 0)
        at += (size_t)n;
    if (n < 0)
        die("read", strerror(errno));
}

int platform_file_open(const char *name, bool writable,
                       struct platform_file *out)
{
    struct cut_file *f = files;
    struct stat st;
    uint64_t sectors;

    while (f < files + FILES && f->fd >= 0)
        f++;
    if (f == files + FILES)
        return -EMFILE;
    f->fd = open(name, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (f->fd < 0 || fstat(f->fd, &st))
        return -errno;
    signal(SIGUSR1, on_signal);
    sectors = ((uint64_t)st.st_size + SECTOR - 1) / SECTOR;
    fake_cut_init(&f->cut, sectors, sectors + GROWTH);
    f->writable = writable;
    read_all(f);
    *out = (struct platform_file){
        .name = name, .size = sectors * SECTOR, .read_only = !writable,
        .impl = f,
    };
    return 0;
}

/* No overlay is committed here. */
int platform_file_create(const char *name) { return -ENOTSUP; }
int platform_file_remove(struct platform_file *f) { return -ENOTSUP; }

int platform_file_set_writable(struct platform_file *file, bool writable)
{
    return -EROFS;
}

void platform_file_close(struct platform_file *file)
{
    struct cut_file *f = file->impl;

    write_back(f);
    close(f->fd);
    f->fd = -1;
    fake_cut_free(&f->cut);
}

/* A part of a sector is read alone where a parser asks for bytes. */
int platform_file_read(struct platform_file *file, uint64_t offset, void *buf,
                       size_t len)
{
    struct cut_file *f = file->impl;
    uint64_t end = f->cut.block.sectors * SECTOR;
    size_t there = offset >= end ? 0 : end - offset < len
                                           ? (size_t)(end - offset) : len;

    memcpy(buf, f->cut.data + offset, there);
    memset((uint8_t *)buf + there, 0, len - there);
    return 0;
}

int platform_file_write(struct platform_file *file, uint64_t offset,
                        const void *buf, size_t len)
{
    struct cut_file *f = file->impl;
    uint64_t sector = offset / SECTOR, end = (offset + len) / SECTOR;
    int error = 0;

    if (file->read_only)
        return -EROFS;
    if (offset % SECTOR || len % SECTOR)
        die("a write", "not of whole sectors");
    if (end > f->cut.block.sectors)
        error = block_grow(&f->cut.block, end);
    if (error)
        return error;
    if (power_goes)
        f->cut.cut_at = f->cut.written + (end - sector) / 2;
    error = block_write(&f->cut.block, sector, (uint32_t)(end - sector), buf);
    if (f->cut.is_off)
        lose_power();
    if (offset + len > file->size)
        file->size = offset + len;
    return error;
}

int platform_file_flush(struct platform_file *file)
{
    struct cut_file *f = file->impl;

    if (power_goes)
        lose_power();
    return block_flush(&f->cut.block);
}

const char *platform_file_list(unsigned i)
{
    return NULL;
}
