/*
 * Runs code on the real processor, in 64-bit mode: instructions that exist
 * there as in IA-32 (encode.h has their encodings), with all registers and
 * addresses below 4 GiB. This works where Linux runs no IA-32 programs.
 *
 * IRETQ enters the code, and the signal of whatever exception ends it leaves
 * it. No system call is reachable from there.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/cpu/state.h"

#define SEL_CODE64 0x33u

/* For native_enter: offsets are known there. */
struct entry {
    uint64_t rip, cs, rflags, rsp, ss;  /* IRETQ's frame */
    uint32_t gpr[8];
} entry_state __attribute__((used));
struct cpu_fpu entry_fpu __attribute__((used));
uint64_t host_rsp __attribute__((used));
extern void native_enter(void);
extern void native_resume(void);
extern void native_signal(int sig, siginfo_t *info, void *context);

static struct run_state *result;

/*
 * native_signal: EFLAGS.AC of the code is still set in its signal handler, and
 * would make the C code fault.
 */
__asm__(
    ".text\n"
    ".globl native_enter, native_resume, native_signal\n"
    "native_enter:\n"
    "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n"
    "  push %r14\n  push %r15\n"
    "  mov %rsp, host_rsp(%rip)\n"
    "  fxrstor entry_fpu(%rip)\n"
    "  lea entry_state(%rip), %r15\n"
    "  pushq 32(%r15)\n  pushq 24(%r15)\n  pushq 16(%r15)\n"
    "  pushq 8(%r15)\n  pushq 0(%r15)\n"
    "  mov 40(%r15), %eax\n  mov 44(%r15), %ecx\n  mov 48(%r15), %edx\n"
    "  mov 52(%r15), %ebx\n  mov 60(%r15), %ebp\n  mov 64(%r15), %esi\n"
    "  mov 68(%r15), %edi\n"
    "  iretq\n"
    "native_resume:\n"
    "  mov host_rsp(%rip), %rsp\n"
    "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n"
    "  pop %rbp\n  pop %rbx\n"
    "  ret\n"
    "native_signal:\n"
    "  pushfq\n"
    "  andl $~0x40000, (%rsp)\n"
    "  popfq\n"
    "  jmp native_caught\n");

void native_caught(int sig, siginfo_t *info, void *context);
void native_caught(int sig, siginfo_t *info, void *context)
{
    static const int from[8] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX,
                                 REG_RSP, REG_RBP, REG_RSI, REG_RDI };
    ucontext_t *uc = context;
    greg_t *g = uc->uc_mcontext.gregs;
    struct run_state *r = result;

    if (!r || (g[REG_CSGSFS] & 0xffff) != SEL_CODE64 ||
        (uint64_t)g[REG_RIP] >> 32) {
        static const char text[] = "fault outside the code under test\n";

        (void)!write(2, text, sizeof(text) - 1);
        _exit(2);
    }
    result = NULL;
    for (unsigned n = 0; n < 8; n++)
        r->gpr[n] = (uint32_t)g[from[n]];
    r->eip = (uint32_t)g[REG_RIP];
    r->eflags = (uint32_t)g[REG_EFL];
    r->vector = (int)g[REG_TRAPNO];
    r->error = (uint32_t)g[REG_ERR];
    r->cr2 = (uint32_t)g[REG_CR2];
    memcpy(&r->fpu, uc->uc_mcontext.fpregs, sizeof(r->fpu));
    uc->uc_mcontext.fpregs->cwd = 0x37f;
    uc->uc_mcontext.fpregs->swd = 0;
    uc->uc_mcontext.fpregs->ftw = 0;
    uc->uc_mcontext.fpregs->mxcsr = 0x1f80;
    g[REG_RIP] = (greg_t)(uintptr_t)native_resume;
    g[REG_RSP] = (greg_t)host_rsp;
    g[REG_EFL] = 0x202;
    g[REG_CSGSFS] = (greg_t)(SEL_CODE64 | (uint64_t)SEL_DATA << 48);
}

void native_run(const struct run_state *in, struct run_state *out)
{
    struct entry *e = &entry_state;

    e->rip = in->eip;
    e->cs = SEL_CODE64;
    e->rflags = in->eflags | 0x202;
    e->rsp = in->gpr[RSP];
    e->ss = SEL_DATA;
    memcpy(e->gpr, in->gpr, sizeof(e->gpr));
    entry_fpu = in->fpu;
    result = out;
    native_enter();
}

void native_init(void)
{
    static uint8_t stack[64 * 1024] __attribute__((aligned(16)));
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
    stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
    struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

    sa.sa_sigaction = native_signal;
    sigfillset(&sa.sa_mask);
    sigaltstack(&alt, NULL);
    for (unsigned n = 0; n < sizeof(signals) / sizeof(signals[0]); n++)
        sigaction(signals[n], &sa, NULL);
}
