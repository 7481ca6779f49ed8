/* See spawn.h. */
#include "kernel/hosted/spawn.h"

#include <signal.h>
#include <spawn.h>
#include <unistd.h>

extern char **environ;

int spawn(char *const argv[], int fd, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t signals;
    int r;

    posix_spawn_file_actions_init(&files);
    for (int to = STDIN_FILENO; fd >= 0 && to <= STDERR_FILENO; to++)
        posix_spawn_file_actions_adddup2(&files, fd, to);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF |
                                    POSIX_SPAWN_SETSIGMASK);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attr, &signals);
    sigaddset(&signals, SIGPIPE);       /* which console.c ignores */
    posix_spawnattr_setsigdefault(&attr, &signals);
    r = posix_spawn(pid, argv[0], &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return -r;
}
