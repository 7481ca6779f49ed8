/*
 * See kernel/net/transport.h: streams to commands. Each has one end of a pair
 * of sockets; a descriptor of the process says when it is to be buried.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/hosted/spawn.h"
#include "kernel/hosted/transport.h"

#define COMMANDS_MAX 64u        /* at once: a guest begins them */

struct process {
    struct source source;       /* first */
    pid_t pid;
};

static unsigned running;

static void bury(struct source *source, uint32_t events)
{
    struct process *p = (struct process *)source;

    (void)events;
    if (waitpid(p->pid, NULL, WNOHANG) != p->pid)
        return;
    running--;
    source_close(source);
}

/* Nobody would hear of its end. */
static int give_up(pid_t pid, int error)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return error;
}

static int start(const char *command, int fd)
{
    char *const argv[] = { "/bin/sh", "-c", (char *)command, NULL };
    struct source *source;
    pid_t pid;
    int r = spawn(argv, fd, &pid), end;

    if (r)
        return r;
    end = pidfd_open(pid, 0);
    if (end < 0)
        return give_up(pid, -errno);
    r = source_wrap(end, sizeof(struct process), &source);
    if (r)
        return give_up(pid, r);
    ((struct process *)source)->pid = pid;
    source->ready = bury;
    r = source_watch(source, EPOLLIN);
    if (r) {
        source_close(source);
        return give_up(pid, r);
    }
    running++;
    return 0;
}

bool transport_has_commands(void) { return true; }

int stream_command(const char *command, const struct stream_events *events,
                   void *ctx, struct stream **out)
{
    int fd[2], r;

    if (running == COMMANDS_MAX)
        return -EAGAIN;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
        return -errno;
    /* Our end only: programs expect theirs to block. */
    fcntl(fd[0], F_SETFL, O_NONBLOCK);
    r = start(command, fd[1]);
    close(fd[1]);
    if (!r)
        return stream_wrap(fd[0], events, ctx, out);
    close(fd[0]);
    return r;
}
