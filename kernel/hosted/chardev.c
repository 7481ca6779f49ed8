/*
 * See kernel/chardev/backend.h: back ends that are descriptors of Linux. A
 * pseudo terminal, a serial line (raw, at the speed it has), and FIFOs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "kernel/chardev/backend.h"
#include "kernel/hosted/console.h"
#include "kernel/platform.h"

#define BREAK_NS 250000000u     /* as tcsendbreak(3) */
#define LOOK_NS 100000000u      /* for somebody at a pty where nobody is */

struct fd_backend {
    struct backend b;           /* first */
    int in, out;                /* one and the same, but for two FIFOs */
    char name[CHARDEV_PATH_MAX + 8];    /* what describe says */
    bool is_pty, is_tty;
    bool is_gone;               /* pty: nobody is there; others: for good */
    bool has_mode;
    struct termios mode;        /* as it was before */
    uint64_t break_end_ns;      /* 0: none is under way */
};

static bool ready(int fd, short events)
{
    struct pollfd p = { fd, events, 0 };

    return poll(&p, 1, 0) == 1 && (p.revents & events);
}

static bool hung_up(int fd)
{
    struct pollfd p = { fd, 0, 0 };

    return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* Of a pty, whoever had it open has closed it; the rest does not come back. */
static void lost(struct fd_backend *f, const char *why)
{
    if (f->is_gone)
        return;
    f->is_gone = true;
    console_unwatch_fd(f->in);
    console_unwatch_fd(f->out);
    if (!f->is_pty)
        platform_log("%s: %s is gone: %s", f->b.name, f->name, why);
    backend_tell_closed(&f->b);
}

static size_t fd_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct fd_backend *f = ctx;
    ssize_t n = f->is_gone ? 0 : write(f->out, buf, len);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0)
        lost(f, strerror(errno));
    if (!f->is_gone)
        return (size_t)n;
    f->b.dropped += len;
    return len;
}

static size_t fd_read(void *ctx, uint8_t *buf, size_t len)
{
    struct fd_backend *f = ctx;
    ssize_t n;

    if (f->is_gone || !ready(f->in, POLLIN | POLLHUP | POLLERR))
        return 0;
    n = read(f->in, buf, len);
    if (n > 0)
        return (size_t)n;
    if (!n || (errno != EAGAIN && errno != EINTR))
        lost(f, n ? strerror(errno) : "it has ended");
    return 0;
}

static void fd_break(void *ctx)
{
    struct fd_backend *f = ctx;

    if (f->is_gone || f->break_end_ns || ioctl(f->out, TIOCSBRK))
        return;
    f->break_end_ns = platform_now_ns() + BREAK_NS;
}

static uint64_t fd_poll(struct backend *b, uint64_t now)
{
    struct fd_backend *f = (struct fd_backend *)b;

    if (f->break_end_ns && now >= f->break_end_ns) {
        ioctl(f->out, TIOCCBRK);
        f->break_end_ns = 0;
    }
    if (f->break_end_ns)
        return f->break_end_ns;
    if (!f->is_pty || !f->is_gone)
        return UINT64_MAX;
    if (hung_up(f->in))
        return now + LOOK_NS;
    f->is_gone = false;
    backend_tell_opened(b);
    return UINT64_MAX;
}

static void fd_want(struct backend *b, bool input, bool room)
{
    struct fd_backend *f = (struct fd_backend *)b;
    short in = input ? POLLIN : 0, out = room ? POLLOUT : 0;

    if (f->is_gone)
        return;
    console_watch_events(f->in, f->in == f->out ? in | out : in);
    if (f->in != f->out)
        console_watch_events(f->out, out);
}

static void fd_describe(const struct backend *b, char *buf, size_t size)
{
    backend_say(buf, size, "%s", ((const struct fd_backend *)b)->name);
}

static void fd_close(struct backend *b)
{
    struct fd_backend *f = (struct fd_backend *)b;

    if (f->in >= 0)
        console_unwatch_fd(f->in);
    if (f->out >= 0)
        console_unwatch_fd(f->out);
    if (f->break_end_ns)
        ioctl(f->out, TIOCCBRK);
    if (f->has_mode)
        tcsetattr(f->in, TCSANOW, &f->mode);
    if (f->out >= 0 && f->out != f->in)
        close(f->out);
    if (f->in >= 0)
        close(f->in);
    free(f);
}

static const struct backend_ops fd_ops = {
    .poll = fd_poll, .want = fd_want, .describe = fd_describe,
    .close = fd_close,
};

/* ---- Opened ------------------------------------------------------------ */

/* Bytes as they are, in both directions; the speed stays. */
static int make_raw(int fd, struct termios *before)
{
    struct termios mode;

    if (tcgetattr(fd, before))
        return -errno;
    mode = *before;
    cfmakeraw(&mode);
    mode.c_cflag |= CLOCAL | CREAD;
    return tcsetattr(fd, TCSANOW, &mode) ? -errno : 0;
}

static int open_pty(struct fd_backend *f, const struct chardev_option *o)
{
    struct termios before;
    const char *name;
    int slave, r;

    f->is_pty = f->is_gone = true;
    f->in = f->out = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (f->in < 0 || grantpt(f->in) || unlockpt(f->in) ||
        !(name = ptsname(f->in)))
        return -errno;
    snprintf(f->name, sizeof f->name, "pty:%s", name);
    /* Only one that was open once tells when nobody has it open. */
    slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return -errno;
    r = make_raw(slave, &before);
    close(slave);
    return r;
}

static int open_tty(struct fd_backend *f, const struct chardev_option *o)
{
    int r;

    snprintf(f->name, sizeof f->name, "%s", o->path);
    f->in = f->out = open(o->path, O_RDWR | O_NOCTTY | O_NONBLOCK |
                                   O_CLOEXEC);
    if (f->in < 0)
        return -errno;
    if (!isatty(f->in))
        return -errno;
    /* It has one owner, of the programs that ask. */
    if (flock(f->in, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    f->is_tty = true;
    r = make_raw(f->in, &f->mode);
    f->has_mode = !r;
    return r;
}

/* A FIFO that is open both ways has no end, whoever comes and goes. */
static int open_fifo(const char *path, const char *suffix)
{
    char name[CHARDEV_PATH_MAX + 8];

    snprintf(name, sizeof name, "%s%s", path, suffix);
    return open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static int open_pipe(struct fd_backend *f, const struct chardev_option *o)
{
    snprintf(f->name, sizeof f->name, "pipe:%s", o->path);
    f->in = open_fifo(o->path, ".in");
    f->out = open_fifo(o->path, ".out");
    if (f->in >= 0 && f->out >= 0)
        return 0;
    if (f->in >= 0)
        close(f->in);
    if (f->out >= 0)
        close(f->out);
    f->in = f->out = open_fifo(o->path, "");
    return f->in < 0 ? -errno : 0;
}

static int why_not(const struct chardev_option *o, int r, char *why,
                   size_t size)
{
    if (o->kind == CHARDEV_PTY)
        snprintf(why, size, "cannot make a pseudo terminal: %s", strerror(-r));
    else if (r == -ENOTTY)
        snprintf(why, size, "'%.100s' is no serial line", o->path);
    else if (r == -EBUSY)
        snprintf(why, size, "'%.100s' is in use by another program", o->path);
    else
        snprintf(why, size, "cannot open '%.100s': %s", o->path, strerror(-r));
    return r;
}

int platform_backend_open(const struct chardev_option *o, struct backend **out,
                          char *why, size_t size)
{
    struct fd_backend *f;
    int r;

    if (o->kind == CHARDEV_TTY && strncmp(o->path, "/dev/", 5)) {
        snprintf(why, size, "'%.20s' is the appliance's; here it is /dev/ttyS0 "
                 "or the like", o->path);
        return -EINVAL;
    }
    if (*o->line) {
        snprintf(why, size, "the line keeps the settings it has; stty "
                 "changes them");
        return -EINVAL;
    }
    f = backend_new(sizeof *f, &fd_ops, fd_write, fd_read);
    if (!f)
        return -ENOMEM;
    f->in = f->out = -1;
    r = o->kind == CHARDEV_PTY ? open_pty(f, o)
        : o->kind == CHARDEV_TTY ? open_tty(f, o) : open_pipe(f, o);
    if (r) {
        fd_close(&f->b);
        return why_not(o, r, why, size);
    }
    if (f->is_tty)
        f->b.chr.send_break = fd_break;
    *out = &f->b;
    return 0;
}
