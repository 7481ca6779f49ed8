/* See tap_script.h. */
#include "kernel/hosted/tap_script.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int tap_script_choose(const char *given, const char *by_default,
                      char out[TAP_SCRIPT_BYTES])
{
    const char *script = given ? given : by_default;

    out[0] = '\0';
    if (!strcmp(script, "no") || (!given && access(script, X_OK)))
        return 0;
    if (strlen(script) >= TAP_SCRIPT_BYTES)
        return -ENAMETOOLONG;
    strcpy(out, script);
    return 0;
}

/* The script gets our terminal, none of our other files, and all signals. */
static int start(const char *script, const char *ifname, pid_t *pid)
{
    char *const argv[] = { (char *)script, (char *)ifname, NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t signals;
    int r;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF |
                                    POSIX_SPAWN_SETSIGMASK);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attr, &signals);
    sigaddset(&signals, SIGPIPE);       /* which console.c ignores */
    posix_spawnattr_setsigdefault(&attr, &signals);
    r = posix_spawn(pid, script, &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return -r;
}

int tap_script_run(const char *script, const char *ifname, char *why,
                   size_t size)
{
    int r, status = 0;
    pid_t pid;

    if (!*script)
        return 0;
    r = start(script, ifname, &pid);
    snprintf(why, size, "cannot run the script %s: %s", script, strerror(-r));
    if (r)
        return r;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return 0;
    snprintf(why, size, "the script %s %s ended with %s %d", script, ifname,
             WIFEXITED(status) ? "status" : "signal",
             WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return -EIO;
}
