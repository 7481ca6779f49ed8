/*
 * int vmx_enter(uint64_t gpr[16], bool launched)
 *
 * Run the current VMCS until its next exit, with the guest's general registers
 * (RAX RCX RDX RBX RSP RBP RSI RDI R8..R15; RSP is the VMCS's) loaded from and
 * stored to gpr. 0: exited; 1: VMfailInvalid, 2: VMfailValid (Intel SDM vol. 3
 * 30.2). Interrupts are off, before and after. No register of the guest's is
 * left behind: speculation shall find none.
 */
        .set    VMCS_HOST_RSP, 0x6c14

#include "guest_regs.inc"

        .text
        .globl  vmx_enter
        .globl  vmx_exit
vmx_enter:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        pushq   %rdi
        movl    $VMCS_HOST_RSP, %eax
        vmwrite %rsp, %rax
        testb   %sil, %sil              /* MOV leaves the flags alone */
        movq    (%rdi), %rax
        load_guest_regs
        jnz     1f
        vmlaunch
        jmp     2f
1:      vmresume
2:      movl    $1, %eax                /* CF: no current VMCS */
        jc      3f
        movl    $2, %eax
3:      addq    $8, %rsp
        jmp     4f

        /* VMCS_HOST_RIP, with VMCS_HOST_RSP as above */
vmx_exit:
        pushq   %rdi
        movq    8(%rsp), %rdi
        movq    %rax, (%rdi)
        save_guest_regs
        addq    $8, %rsp
        xorl    %eax, %eax
4:      xorl    %ecx, %ecx
        xorl    %edx, %edx
        xorl    %esi, %esi
        xorl    %edi, %edi
        xorl    %r8d, %r8d
        xorl    %r9d, %r9d
        xorl    %r10d, %r10d
        xorl    %r11d, %r11d
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret

        .section .note.GNU-stack, "", @progbits
