/* See console.h. */
#include "kernel/hosted/console.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "emu/chardev.h"
#include "kernel/hosted/cores.h"
#include "kernel/options.h"
#include "kernel/platform.h"

/* Every -net option of every machine may be one; the sockets together one; a
 * serial port, a monitor or a gdb may be two; VNC's listener. */
#define WATCHED_MAX (OPTIONS_MACHINES * \
                         (OPTIONS_NETS + 2 * MACHINE_SERIALS + 2) + \
                     2 * OPTIONS_MONITORS + 2)

static struct termios saved_mode;
static atomic_bool raw;         /* signals and the log look at it */
static bool input_ended, input_held;
static bool is_left;            /* by console_leave_line */
static void (*before_restore)(void);
static bool output_blocked;     /* the last write took less than offered */
static int wake_fd = -1;
static atomic_bool wake_set;     /* there is something to read there */
static struct pollfd watched[WATCHED_MAX];
static unsigned watched_count;

void console_leave_line(bool is_read)
{
    is_left = true;
    input_ended = !is_read;
}

void console_input_ended(void) { input_ended = true; }

void console_hold_input(bool is_held) { input_held = is_held; }

void console_before_restore(void (*fn)(void)) { before_restore = fn; }

void console_restore(void)
{
    if (before_restore)
        before_restore();
    if (raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved_mode);
    raw = 0;
}

bool console_is_raw(void) { return raw; }

static void on_deadly_signal(int sig)
{
    console_restore();
    signal(sig, SIG_DFL);
    raise(sig);
}

void console_init(void)
{
    static const int deadly[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGABRT,
                                  SIGSEGV, SIGBUS, SIGFPE, SIGILL };

    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], on_deadly_signal);
    signal(SIGPIPE, SIG_IGN);
    /* Who started us may have ignored it: then no child could be waited for. */
    signal(SIGCHLD, SIG_DFL);
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

/* Every key goes to Trestle, Ctrl-C and Ctrl-S included. */
static void enter_raw(void)
{
    struct termios mode;

    if (tcgetattr(STDIN_FILENO, &saved_mode))
        return;
    mode = saved_mode;
    mode.c_iflag &= ~(BRKINT | ICRNL | INLCR | IGNCR | ISTRIP | IXON | PARMRK);
    mode.c_oflag &= ~OPOST;
    mode.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    mode.c_cflag = (mode.c_cflag & ~(CSIZE | PARENB)) | CS8;
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    if (!tcsetattr(STDIN_FILENO, TCSANOW, &mode))
        raw = 1;
}

static bool ready(int fd, short events)
{
    struct pollfd p = { fd, events, 0 };

    return poll(&p, 1, 0) == 1 && (p.revents & (events | POLLHUP));
}

static size_t line_read(void *ctx, uint8_t *buf, size_t len)
{
    ssize_t n;

    if (input_ended || !ready(STDIN_FILENO, POLLIN))
        return 0;
    n = read(STDIN_FILENO, buf, len);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
        input_ended = true;     /* the guest runs on without a keyboard */
    return n > 0 ? n : 0;
}

static size_t line_write(void *ctx, const uint8_t *buf, size_t len)
{
    size_t done = 0;

    /*
     * stdout may share its open file with others, so it stays blocking;
     * POLLOUT promises room for PIPE_BUF bytes on a pipe.
     */
    while (done < len && ready(STDOUT_FILENO, POLLOUT)) {
        size_t part = len - done < 512 ? len - done : 512;
        ssize_t n = write(STDOUT_FILENO, buf + done, part);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return len;         /* the reader is gone */
        done += n;
    }
    output_blocked = done < len;
    return done;
}

static size_t no_line_read(void *ctx, uint8_t *buf, size_t len) { return 0; }

static size_t no_line_write(void *ctx, const uint8_t *buf, size_t len)
{
    return len;
}

struct chardev *platform_console(void)
{
    static struct chardev line = { NULL, line_write, line_read, NULL };
    static struct chardev none = { NULL, no_line_write, no_line_read, NULL };

    if (is_left)
        return &none;
    if (!raw)
        enter_raw();
    return &line;
}

bool platform_console_broke(void) { return false; }

void console_watch_fd(int fd, bool output)
{
    console_watch_events(fd, output ? POLLIN | POLLOUT : POLLIN);
}

void console_watch_events(int fd, short events)
{
    unsigned i = 0;

    if (!events) {
        console_unwatch_fd(fd);
        return;
    }

    while (i < watched_count && watched[i].fd != fd)
        i++;
    if (i == WATCHED_MAX)
        platform_fatal("more than %u descriptors to watch", WATCHED_MAX);
    watched_count += i == watched_count;
    watched[i] = (struct pollfd){ fd, events, 0 };
}

void console_unwatch_fd(int fd)
{
    for (unsigned i = 0; i < watched_count; i++)
        if (watched[i].fd == fd)
            watched[i] = watched[--watched_count];
}

void platform_wake(void)
{
    uint64_t one = 1;

    /* Set already: the main thread looks again before it sleeps. */
    if (wake_fd < 0 || atomic_exchange(&wake_set, true))
        return;
    if (write(wake_fd, &one, sizeof one) < 0)
        platform_fatal("cannot wake the main thread");
}

static struct timespec until(uint64_t deadline_ns)
{
    uint64_t now = platform_now_ns();
    uint64_t left = deadline_ns > now ? deadline_ns - now : 0;

    return (struct timespec){ left / 1000000000u, left % 1000000000u };
}

void cores_poll(uint64_t deadline_ns)
{
    struct pollfd p[WATCHED_MAX + 3];
    struct timespec t = until(deadline_ns);
    unsigned n = 0;
    uint64_t drop;

    p[n++] = (struct pollfd){ wake_fd, POLLIN, 0 };
    if (!input_ended && !input_held)
        p[n++] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
    if (output_blocked)
        p[n++] = (struct pollfd){ STDOUT_FILENO, POLLOUT, 0 };
    for (unsigned i = 0; i < watched_count; i++)
        p[n++] = watched[i];
    if (ppoll(p, n, deadline_ns == UINT64_MAX ? NULL : &t, NULL) > 0 &&
        (p[0].revents & POLLIN)) {
        if (read(wake_fd, &drop, sizeof drop) < 0)
            return;
        atomic_exchange(&wake_set, false);
    }
}
