/*
 * void svm_enter(struct svm_entry *): from the host to the guest and back (AMD
 * APM vol. 2 15.5, 15.6). The global interrupt flag keeps interrupts out while
 * FS, GS, TR and the FPU are not the host's; IF must be set meanwhile, as it
 * lets the host's interrupts end the guest (15.21.1, V_INTR_MASKING).
 *
 * struct svm_entry: 0 VMCB, 8 host's VMCB (both physical), 16 gpr[16],
 * 24 FXSAVE area, 32 its 64-bit form wanted.
 */
        .text
        .globl  svm_enter
svm_enter:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        pushq   %rdi
        clgi
        sti
        movq    24(%rdi), %rax
        cmpq    $0, 32(%rdi)
        jne     1f
        fxrstor (%rax)
        jmp     2f
1:      fxrstor64 (%rax)
2:      movq    (%rdi), %rax
        vmload  %rax
        movq    16(%rdi), %rdi
        movq    8(%rdi), %rcx
        movq    16(%rdi), %rdx
        movq    24(%rdi), %rbx
        movq    40(%rdi), %rbp
        movq    48(%rdi), %rsi
        movq    64(%rdi), %r8
        movq    72(%rdi), %r9
        movq    80(%rdi), %r10
        movq    88(%rdi), %r11
        movq    96(%rdi), %r12
        movq    104(%rdi), %r13
        movq    112(%rdi), %r14
        movq    120(%rdi), %r15
        movq    56(%rdi), %rdi
        vmrun   %rax
        vmsave  %rax
        pushq   %rdi
        movq    8(%rsp), %rdi
        movq    16(%rdi), %rdi
        movq    %rcx, 8(%rdi)
        movq    %rdx, 16(%rdi)
        movq    %rbx, 24(%rdi)
        movq    %rbp, 40(%rdi)
        movq    %rsi, 48(%rdi)
        movq    %r8, 64(%rdi)
        movq    %r9, 72(%rdi)
        movq    %r10, 80(%rdi)
        movq    %r11, 88(%rdi)
        movq    %r12, 96(%rdi)
        movq    %r13, 104(%rdi)
        movq    %r14, 112(%rdi)
        movq    %r15, 120(%rdi)
        popq    56(%rdi)
        popq    %rdi
        movq    8(%rdi), %rax
        vmload  %rax
        movq    24(%rdi), %rax
        cmpq    $0, 32(%rdi)
        jne     3f
        fxsave  (%rax)
        jmp     4f
3:      fxsave64 (%rax)
4:      fninit
        ldmxcsr host_mxcsr
        xorl    %ecx, %ecx              /* nothing of the guest's stays */
        xorl    %edx, %edx
        xorl    %esi, %esi
        xorl    %r8d, %r8d
        xorl    %r9d, %r9d
        xorl    %r10d, %r10d
        xorl    %r11d, %r11d
        stgi
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret

        .section .rodata
        .balign 4
host_mxcsr:
        .long   0x1f80

        .section .note.GNU-stack, "", @progbits
