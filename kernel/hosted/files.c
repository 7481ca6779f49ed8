/* Files of the platform on Linux. See kernel/platform.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

#include "kernel/platform.h"

static int fd_of(const struct platform_file *f) { return (intptr_t)f->impl; }

static int size_of(int fd, uint64_t *size, bool *fixed)
{
    struct stat st;

    if (fstat(fd, &st))
        return -errno;
    *size = st.st_size;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
        return -ESPIPE;
    *fixed = S_ISBLK(st.st_mode);
    if (*fixed && ioctl(fd, BLKGETSIZE64, size))
        return -errno;
    return 0;
}

int platform_file_open(const char *name, bool writable,
                       struct platform_file *out)
{
    /* A FIFO that nobody writes to must not hold up the program. */
    const int flags = O_CLOEXEC | O_NONBLOCK;
    int fd = open(name, (writable ? O_RDWR : O_RDONLY) | flags);
    int r;

    memset(out, 0, sizeof *out);
    if (fd < 0 && writable && (errno == EACCES || errno == EROFS)) {
        writable = false;
        fd = open(name, O_RDONLY | flags);
    }
    if (fd < 0)
        return -errno;
    r = size_of(fd, &out->size, &out->fixed_size);
    if (!r && flock(fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB) &&
        errno == EWOULDBLOCK)
        r = -EBUSY;
    if (r) {
        close(fd);
        return r;
    }
    out->name = name;
    out->read_only = !writable;
    out->impl = (void *)(intptr_t)fd;
    return 0;
}

/* The folder has the name on its medium, too. */
static int flush_folder(const char *name)
{
    const char *slash = strrchr(name, '/');
    char folder[PATH_MAX] = ".";
    int fd, r;

    if (slash)
        snprintf(folder, sizeof folder, "%.*s",
                 slash == name ? 1 : (int)(slash - name), name);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = fsync(fd) && errno != EINVAL ? -errno : 0;
    close(fd);
    return r;
}

int platform_file_create(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd < 0)
        return -errno;
    close(fd);
    return flush_folder(name);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int platform_file_remove(struct platform_file *f)
{
    struct stat was, is;

    if (fstat(fd_of(f), &was) || lstat(f->name, &is))
        return -errno;
    if (!is_same_file(&was, &is))
        return -ESTALE;
    return unlink(f->name) ? -errno : flush_folder(f->name);
}

/* The same file, to be written; -errno. */
static int open_writable(const struct platform_file *f)
{
    int fd = open(f->name, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    struct stat was, is;

    if (fd < 0)
        return errno == EACCES || errno == EPERM ? -EROFS : -errno;
    if (!fstat(fd_of(f), &was) && !fstat(fd, &is) &&
        is_same_file(&was, &is))
        return fd;
    close(fd);
    return -ESTALE;
}

int platform_file_set_writable(struct platform_file *f, bool writable)
{
    int fd;

    if (f->read_only != writable)
        return 0;
    if (!writable) {
        f->read_only = true;
        return flock(fd_of(f), LOCK_SH | LOCK_NB) ? -errno : 0;
    }
    fd = open_writable(f);
    if (fd < 0)
        return fd;
    flock(fd_of(f), LOCK_UN);   /* it would be in the way of the other */
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        flock(fd_of(f), LOCK_SH | LOCK_NB);
        close(fd);
        return -EBUSY;
    }
    close(fd_of(f));
    f->impl = (void *)(intptr_t)fd;
    f->read_only = false;
    return 0;
}

void platform_file_close(struct platform_file *f)
{
    close(fd_of(f));
    f->impl = (void *)(intptr_t)-1;
}

int platform_file_read(struct platform_file *f, uint64_t offset, void *buf,
                       size_t len)
{
    uint8_t *p = buf;

    while (len) {
        ssize_t n = pread(fd_of(f), p, len, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (!n) {
            memset(p, 0, len);
            return 0;
        }
        p += n, offset += n, len -= n;
    }
    return 0;
}

int platform_file_write(struct platform_file *f, uint64_t offset,
                        const void *buf, size_t len)
{
    const uint8_t *p = buf;

    if (f->read_only)
        return -EROFS;
    while (len) {
        ssize_t n = pwrite(fd_of(f), p, len, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n, offset += n, len -= n;
    }
    if (offset > f->size)
        f->size = offset;
    return 0;
}

int platform_file_flush(struct platform_file *f)
{
    return fdatasync(fd_of(f)) ? -errno : 0;
}

const char *platform_file_list(unsigned i)
{
    (void)i;                    /* any path can be named */
    return NULL;
}
