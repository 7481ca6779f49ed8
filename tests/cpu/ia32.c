/*
 * The IA-32 helper (tests/cpu/ia32/helper.c): a 32-bit program that shares the
 * memory of the tests and runs what has no encoding in 64-bit mode. Where the
 * kernel refuses 32-bit programs, qemu-i386 runs it, and then the comparison
 * is with QEMU.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/cpu/state.h"

#define HELPER_STACK (128u * 1024)

bool ia32_under_qemu;
static int to_helper, from_helper;
static pid_t helper;
/* Memory of the helper program's own, its stack as far down as it may grow. */
static struct range {
    uint32_t from, to;
} own[32];
static unsigned own_count;

static void __attribute__((noreturn)) become_helper(const char *path)
{
    struct rlimit small = { .rlim_cur = HELPER_STACK }, usual;
    char fds[MEM_COUNT][12];
    /* -B: so that pages below 64 KiB can be there */
    const char *args[MEM_COUNT + 5] = { "qemu-i386", "-B", "0x100000000",
                                        path };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned n = 0; n < MEM_COUNT; n++) {
        snprintf(fds[n], sizeof(fds[n]), "%d", mappings[n].fd);
        args[n + 4] = fds[n];
    }
    /* Linux would make the stack grow at any access to what it may take. */
    getrlimit(RLIMIT_STACK, &usual);
    small.rlim_max = usual.rlim_max;
    setrlimit(RLIMIT_STACK, &small);
    execv(path, (char **)args + 3);
    setrlimit(RLIMIT_STACK, &usual);
    execvp(args[0], (char **)args);
    _exit(1);
}

static bool start(const char *path)
{
    int down[2], up[2];

    if (pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC))
        return false;
    helper = fork();
    switch (helper) {
    case -1:
        return false;
    case 0:
        dup2(down[0], 0);
        dup2(up[1], 1);
        become_helper(path);
    default:
        break;
    }
    close(down[0]);
    close(up[1]);
    to_helper = down[1];
    from_helper = up[0];
    return true;
}

static bool is_shared(uint32_t base)
{
    for (unsigned n = 0; n < MEM_COUNT; n++)
        if (mappings[n].base == base)
            return true;
    return false;
}

static void find_own(void)
{
    char name[64], line[512];
    FILE *f;

    snprintf(name, sizeof(name), "/proc/%d/maps", (int)helper);
    f = fopen(name, "r");
    if (!f) {
        fprintf(stderr, "cannot read %s\n", name);
        exit(2);
    }
    while (own_count < sizeof(own) / sizeof(own[0]) &&
           fgets(line, sizeof(line), f)) {
        struct range *r = &own[own_count];

        if (sscanf(line, "%x-%x", &r->from, &r->to) != 2 ||
            is_shared(r->from))
            continue;
        if (strstr(line, "[stack]"))
            r->from = r->to - HELPER_STACK;
        own_count++;
    }
    fclose(f);
}

bool ia32_owns(uint32_t linear)
{
    for (unsigned n = 0; n < own_count; n++)
        if (linear >= own[n].from && linear < own[n].to)
            return true;
    return false;
}

bool ia32_init(const char *path)
{
    char ready;

    if (!start(path) || read(from_helper, &ready, 1) != 1)
        return false;
    ia32_under_qemu = ready == 'q';
    if (!ia32_under_qemu)
        find_own();
    printf("IA-32 helper: %s\n", ia32_under_qemu ? "under QEMU" : "native");
    return true;
}

void ia32_run(const struct run_state *in, uint32_t offset,
              const uint8_t *code, unsigned n, struct run_state *out)
{
    char c = 0;

    exchange->in = *in;
    exchange->code_offset = offset;
    exchange->code_len = n;
    memcpy(exchange->code, code, n);
    if (write(to_helper, &c, 1) != 1 || read(from_helper, &c, 1) != 1) {
        fprintf(stderr, "the IA-32 helper died\n");
        exit(2);
    }
    *out = exchange->out;
}
