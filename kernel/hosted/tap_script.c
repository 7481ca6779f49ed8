/* See tap_script.h. */
#include "kernel/hosted/tap_script.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/hosted/spawn.h"

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

int tap_script_run(const char *script, const char *ifname, char *why,
                   size_t size)
{
    char *const argv[] = { (char *)script, (char *)ifname, NULL };
    int r, status = 0;
    pid_t pid;

    if (!*script)
        return 0;
    r = spawn(argv, -1, &pid);
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
