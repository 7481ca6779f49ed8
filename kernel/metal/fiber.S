/*
 * See fiber.h. What the System V ABI (AMD64 supplement 3.2.1) has a function
 * keep - RBX, RBP, R12 to R15, the control bits of MXCSR, the x87 control word -
 * lies on the stack that is left; RSP is the state.
 */
        .text
        .globl  fiber_make
fiber_make:
        leaq    -16(%rdi), %rax
        movq    $0, 8(%rax)             /* a backtrace ends there */
        movq    %rsi, (%rax)            /* fiber_switch returns to it */
        movq    $0, -8(%rax)            /* RBP */
        movq    $0, -16(%rax)
        movq    $0, -24(%rax)
        movq    $0, -32(%rax)
        movq    $0, -40(%rax)
        movq    $0, -48(%rax)
        subq    $56, %rax
        stmxcsr (%rax)
        fnstcw  4(%rax)
        ret

        .globl  fiber_switch
fiber_switch:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        ldmxcsr (%rsp)
        fldcw   4(%rsp)
        addq    $8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret

        .section .note.GNU-stack, "", @progbits
