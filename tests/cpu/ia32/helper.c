/*
 * A 32-bit program: runs code in the shared memory of cputest. For each byte
 * on its standard input it takes exchange->in, runs until an exception, and
 * answers with a byte when exchange->out is there.
 *
 * INT3 gets into the signal handler, which returns to the code under test; the
 * exception that ends it returns from there to where INT3 was.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/cpu/state.h"

static struct exchange *const shared = (void *)EXCHANGE_BASE;
static uint8_t *const code_page = (void *)CODE_BASE;
static gregset_t host;
static bool in_test;
uint32_t host_gs __attribute__((used));
extern void helper_signal(int sig, siginfo_t *info, void *context);
void helper_caught(int sig, siginfo_t *info, void *context);

/* The code under test may leave any GS and EFLAGS behind. */
__asm__(
    ".text\n"
    ".globl helper_signal\n"
    "helper_signal:\n"
    "  pushl $0x202\n"
    "  popfl\n"
    "  mov host_gs, %gs\n"
    "  jmp helper_caught\n");

static const int gpr_from[8] = { REG_EAX, REG_ECX, REG_EDX, REG_EBX,
                                 REG_ESP, REG_EBP, REG_ESI, REG_EDI };
static const int seg_from[SEG_COUNT] = {
    [ES] = REG_ES, [CS] = REG_CS, [SS] = REG_SS, [DS] = REG_DS,
    [FS] = REG_FS, [GS] = REG_GS,
};

static void enter(greg_t *g)
{
    const struct run_state *in = &shared->in;

    memcpy(host, g, sizeof(host));
    for (unsigned n = 0; n < 8; n++)
        g[gpr_from[n]] = (greg_t)in->gpr[n];
    g[REG_UESP] = (greg_t)in->gpr[RSP];
    g[REG_EIP] = (greg_t)in->eip;
    g[REG_EFL] = (greg_t)in->eflags;
    for (unsigned s = 0; s < SEG_COUNT; s++)
        g[seg_from[s]] = in->seg[s];
    in_test = true;
}

/* QEMU does not tell the vector; a signal stands for a class of them. */
static int vector_of(int sig, const siginfo_t *info)
{
    switch (sig) {
    case SIGTRAP:
        return EXC_BP;
    case SIGILL:
        return EXC_UD;
    case SIGFPE:
        return EXC_DE;
    default:
        return info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR
            ? EXC_PF : EXC_GP;
    }
}

static void leave(greg_t *g, int vector, uint32_t cr2)
{
    struct run_state *out = &shared->out;

    for (unsigned n = 0; n < 8; n++)
        out->gpr[n] = (uint32_t)g[gpr_from[n]];
    out->gpr[RSP] = (uint32_t)g[REG_UESP];
    out->eip = (uint32_t)g[REG_EIP];
    out->eflags = (uint32_t)g[REG_EFL];
    for (unsigned s = 0; s < SEG_COUNT; s++)
        out->seg[s] = (uint16_t)g[seg_from[s]];
    out->vector = vector;
    out->error = (uint32_t)g[REG_ERR];
    out->cr2 = cr2;
    memcpy(g, host, sizeof(host));
    in_test = false;
}

void helper_caught(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    if (in_test)
        leave(uc->uc_mcontext.gregs, vector_of(sig, info),
              (uint32_t)uc->uc_mcontext.cr2);
    else if (sig == SIGTRAP)
        enter(uc->uc_mcontext.gregs);
    else
        _exit(3);
}

static void catch_signals(void)
{
    static uint8_t stack[64 * 1024] __attribute__((aligned(16)));
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
    stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
    struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

    sa.sa_sigaction = helper_signal;
    sigfillset(&sa.sa_mask);
    sigaltstack(&alt, NULL);
    for (unsigned n = 0; n < sizeof(signals) / sizeof(signals[0]); n++)
        sigaction(signals[n], &sa, NULL);
}

static void write_code(void)
{
    static uint32_t last_offset, last_len;

    mprotect(code_page, CODE_SIZE, PROT_READ | PROT_WRITE);
    memset(code_page + last_offset, 0xcc, last_len);
    last_offset = shared->code_offset;
    last_len = shared->code_len;
    memcpy(code_page + last_offset, shared->code, last_len);
    mprotect(code_page, CODE_SIZE, PROT_READ | PROT_EXEC);
}

/* QEMU's processor calls itself so (CPUID 80000002h, the model's name). */
static char who_runs_this(void)
{
    uint32_t name[4];

    __asm__ volatile("cpuid" : "=a"(name[0]), "=b"(name[1]), "=c"(name[2]),
                     "=d"(name[3]) : "a"(0x80000002u), "c"(0));
    return memmem(name, sizeof(name), "QEMU", 4) ? 'q' : 'n';
}

int main(int argc, char **argv)
{
    struct mapping m[MEM_COUNT] =
        MAPPINGS(PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC);
    char c = who_runs_this();

    if (argc != MEM_COUNT + 1)
        return 2;
    for (unsigned n = MEM_CODE + 1; n < MEM_COUNT; n++) {
        void *want = (void *)(uintptr_t)m[n].base;

        if (mmap(want, m[n].size, m[n].prot, MAP_SHARED | MAP_FIXED,
                 atoi(argv[n + 1]), (off_t)m[n].offset) != want)
            return 2;
    }
    if (mmap(code_page, CODE_SIZE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != code_page)
        return 2;
    memset(code_page, 0xcc, CODE_SIZE);
    __asm__ volatile("mov %%gs, %0" : "=r"(host_gs));
    catch_signals();
    do {
        if (write(1, &c, 1) != 1 || read(0, &c, 1) != 1)
            return 0;
        write_code();
        __asm__ volatile("int3" : : : "memory");
    } while (true);
}
