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
        movq    %rcx, 8(%rdi)
        movq    %rdx, 16(%rdi)
        movq    %rbx, 24(%rdi)
        movq    %rbp, 40(%rdi)
        movq    %rsi, 48(%rdi)
        popq    %rax
        movq    %rax, 56(%rdi)
        movq    %r8, 64(%rdi)
        movq    %r9, 72(%rdi)
        movq    %r10, 80(%rdi)
        movq    %r11, 88(%rdi)
        movq    %r12, 96(%rdi)
        movq    %r13, 104(%rdi)
        movq    %r14, 112(%rdi)
        movq    %r15, 120(%rdi)
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
