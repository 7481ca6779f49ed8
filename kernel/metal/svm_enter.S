/*
 * void svm_enter(struct svm_entry *): from the host to the guest and back (AMD
 * APM vol. 2 15.5, 15.6). The global interrupt flag keeps interrupts out while
 * FS, GS, TR and the FPU are not the host's; IF must be set meanwhile, as it
 * lets the host's interrupts end the guest (15.21.1, V_INTR_MASKING).
 *
 * struct svm_entry: 0 VMCB, 8 host's VMCB (both physical), 16 gpr[16],
 * 24 FXSAVE area, 32 its 64-bit form wanted.
 */
#include "guest_regs.inc"

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
        load_guest_regs
        vmrun   %rax
        vmsave  %rax
        pushq   %rdi
        movq    8(%rsp), %rdi
        movq    16(%rdi), %rdi
        save_guest_regs
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
