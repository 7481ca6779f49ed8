/*
 * 256 interrupt gates with one frame (struct trap_frame in trap.h). The
 * processor pushes an error code for vectors 8, 10-14, 17, 21, 29 and 30
 * (Intel SDM vol. 3 table 6-1, AMD APM vol. 2 8.2); the others get a zero.
 */
        .text
        .globl  trap_stubs
        .balign 16
trap_stubs:
        .set    vector, 0
        .rept   256
        .balign 16
        /* A bit per vector below 32 that has one. */
        .if     vector >= 32 || !((0x60227d00 >> (vector & 31)) & 1)
        pushq   $0
        .endif
        pushq   $vector
        jmp     trap_common
        .set    vector, vector + 1
        .endr

        .globl  trap_common
trap_common:
        pushq   %rax
        pushq   %rbx
        pushq   %rcx
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %rbp
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        cld
        movq    %rsp, %rdi
        movq    %rsp, %rbx              /* the ABI wants 16-byte alignment */
        andq    $-16, %rsp
        xorl    %ebp, %ebp              /* a handler's backtrace ends here */
        call    trap_dispatch
        movq    %rbx, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rbp
        popq    %rdi
        popq    %rsi
        popq    %rdx
        popq    %rcx
        popq    %rbx
        popq    %rax
        addq    $16, %rsp
        iretq

        .section .note.GNU-stack, "", @progbits
