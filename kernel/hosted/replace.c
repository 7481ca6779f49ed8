/* A file's content replaced as a whole: see platform_file_replace. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/platform.h"

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno != EINTR)
            return -errno;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) ? -errno : 0;
}

/* That a name leads elsewhere now is on the medium, too. */
static int flush_folder(char *path)
{
    int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

    if (fd < 0)
        return -errno;
    r = fsync(fd) ? -errno : 0;
    close(fd);
    return r;
}

/* Into a new file beside it, which then gets its name. */
static int replace(char *path, const struct stat *old, const void *data,
                   size_t len)
{
    char other[PATH_MAX + 5];
    int fd, r;

    snprintf(other, sizeof other, "%s.new", path);
    fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
              0600);
    if (fd < 0)
        return -errno;
    r = write_all(fd, data, len);
    if (!r && fchmod(fd, old->st_mode & 07777))
        r = -errno;
    close(fd);
    if (!r && rename(other, path))
        r = -errno;
    if (r)
        unlink(other);
    return r ? r : flush_folder(path);
}

int platform_file_replace(const char *name, const void *data, size_t len)
{
    char *path = realpath(name, NULL);
    struct stat old;
    int r;

    if (!path)
        return -errno;
    r = stat(path, &old) ? -errno
        : S_ISREG(old.st_mode) ? replace(path, &old, data, len) : -EINVAL;
    free(path);
    return r;
}
