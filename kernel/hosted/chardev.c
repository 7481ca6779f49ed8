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
#include "kernel/chardev/line_break.h"
#include "kernel/hosted/console.h"
#include "kernel/platform.h"

#define LOOK_NS 100000000u      /* for somebody where nobody is */

struct fd_backend {
    struct backend b;           /* first */
    int in, out;                /* one and the same, but for two FIFOs */
    char name[CHARDEV_PATH_MAX + 8];    /* what describe says */
    bool is_pty, is_tty;
    bool is_gone;               /* pty: nobody is there; others: for good */
    char reader[CHARDEV_PATH_MAX + 8];  /* the FIFO to write; or "": `in` */
    bool is_unread;             /* nobody has that open; `out` is -1 */
    bool told_unread;
    uint64_t look_ns;           /* when to look there again */
    bool has_mode;
    struct termios mode;        /* as it was before */
    struct line_break brk;
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
    f->brk = (struct line_break){ 0 };
    console_unwatch_fd(f->in);
    console_unwatch_fd(f->out);
    if (!f->is_pty)
        platform_log("%s: %s is gone: %s", f->b.name, f->name, why);
    backend_tell_closed(&f->b);
}

/* 0, also if nobody reads it yet, or negative errno. */
static int open_reader(struct fd_backend *f)
{
    f->out = open(f->reader, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    f->is_unread = f->out < 0 && errno == ENXIO;
    return f->out < 0 && !f->is_unread ? -errno : 0;
}

static void lose_reader(struct fd_backend *f)
{
    console_unwatch_fd(f->out);
    close(f->out);
    f->out = -1;
    f->is_unread = true;
}

static uint64_t look_for_reader(struct fd_backend *f, uint64_t now)
{
    int r;

    if (now < f->look_ns)
        return f->look_ns;
    f->look_ns = now + LOOK_NS;
    r = open_reader(f);
    if (r) {
        f->is_gone = true;
        platform_log("%s: cannot open '%s' any more: %s", f->b.name, f->reader,
                     strerror(-r));
        return UINT64_MAX;
    }
    if (f->is_unread)
        return f->look_ns;
    f->told_unread = false;
    return now;
}

static size_t drop_all(struct fd_backend *f, size_t len)
{
    if (f->is_unread && !f->told_unread) {
        f->told_unread = true;
        platform_log("%s: nobody reads '%s'; what the port says is dropped "
                     "until somebody does", f->b.name, f->reader);
    }
    f->b.dropped += len;
    return len;
}

static size_t fd_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct fd_backend *f = ctx;
    ssize_t n;

    if (line_break_holds(&f->brk))
        return 0;
    if (f->is_gone || f->is_unread)
        return drop_all(f, len);
    n = write(f->out, buf, len);
    if (n >= 0)
        return (size_t)n;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    if (errno == EPIPE && *f->reader)
        lose_reader(f);
    else
        lost(f, strerror(errno));
    return drop_all(f, len);
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

    if (!f->is_gone)
        line_break_ask(&f->brk);
}

/* TIOCSBRK waits for all output first, whatever O_NONBLOCK says. */
static bool is_sending(int fd)
{
    int queued, status;

    return (!ioctl(fd, TIOCOUTQ, &queued) && queued) ||
           (!ioctl(fd, TIOCSERGETLSR, &status) && !(status & TIOCSER_TEMT));
}

static bool set_break(void *ctx, bool on)
{
    struct fd_backend *f = ctx;

    if (on && is_sending(f->out))
        return false;
    ioctl(f->out, on ? TIOCSBRK : TIOCCBRK);
    return true;
}

static uint64_t fd_poll(struct backend *b, uint64_t now)
{
    struct fd_backend *f = (struct fd_backend *)b;

    if (!f->is_gone && f->is_unread)
        return look_for_reader(f, now);
    if (!f->is_gone)
        return line_break_poll(&f->brk, now, set_break, f);
    if (!f->is_pty)
        return UINT64_MAX;
    if (hung_up(f->in))
        return now + LOOK_NS;
    f->is_gone = false;
    backend_tell_opened(b);
    return now;                 /* it is watched from its next turn on */
}

static void fd_want(struct backend *b, bool input, bool room)
{
    struct fd_backend *f = (struct fd_backend *)b;
    short in = input ? POLLIN : 0;
    short out = room && !line_break_holds(&f->brk) ? POLLOUT : 0;

    if (f->is_gone)
        return;
    console_watch_events(f->in, f->in == f->out ? in | out : in);
    if (f->in != f->out && !f->is_unread)
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
    if (f->brk.end_ns)
        set_break(f, false);
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

/* Theirs is open for writing only: that tells whether somebody reads it. */
static int open_pipe(struct fd_backend *f, const struct chardev_option *o)
{
    snprintf(f->name, sizeof f->name, "pipe:%s", o->path);
    f->in = open_fifo(o->path, ".in");
    if (f->in >= 0) {
        snprintf(f->reader, sizeof f->reader, "%s.out", o->path);
        return open_reader(f);
    }
    if (errno == ENOENT)
        f->in = f->out = open_fifo(o->path, "");
    return f->in < 0 ? -errno : 0;
}

static int why_not(const struct fd_backend *f, const struct chardev_option *o,
                   int r, char *why, size_t size)
{
    if (o->kind == CHARDEV_PTY)
        snprintf(why, size, "cannot make a pseudo terminal: %s", strerror(-r));
    else if (o->kind == CHARDEV_PIPE && *f->reader)
        snprintf(why, size, "cannot open '%.100s': %s; with '%.80s.in' it "
                 "takes that FIFO, too", f->reader, strerror(-r), o->path);
    else if (o->kind == CHARDEV_PIPE)
        snprintf(why, size, "cannot open '%.80s.in', nor '%.80s': %s; mkfifo "
                 "makes them", o->path, o->path, strerror(-r));
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
        r = why_not(f, o, r, why, size);
        fd_close(&f->b);
        return r;
    }
    if (f->is_tty)
        f->b.chr.send_break = fd_break;
    *out = &f->b;
    return 0;
}
