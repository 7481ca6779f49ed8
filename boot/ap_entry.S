/*
 * The way of another core from its start-up interrupt (real mode, at page
 * vector << 12) to 64-bit code in the upper half. Intel SDM vol. 3 8.4.4, 9.9.
 *
 * kernel/metal/smp.c copies [ap_trampoline, ap_trampoline_end) to a page below
 * 1 MiB and fills in the words at its end. On the way the boot tables of
 * entry.S serve once more: they map the page where it lies.
 */
#define EFER            0xc0000080
#define CODE32          0x08
#define DATA32          0x10
#define CODE64          0x18

        .section .rodata
        .code16
        .balign 16
        .globl  ap_trampoline, ap_trampoline_end, ap_words
ap_trampoline:
        cli
        cld
        xorl    %ebx, %ebx
        movw    %cs, %bx
        movw    %bx, %ds
        shll    $4, %ebx                /* where the page lies */
        lgdtl   ap_gdt_pointer - ap_trampoline
        movl    %cr0, %eax
        orl     $1, %eax                /* PE */
        movl    %eax, %cr0
        ljmpl   $CODE32, $ap_entry32

        .balign 8
ap_gdt_pointer:
        .short  31
        .long   ap_gdt
        .balign 8
ap_words:                               /* struct ap_words in smp.c */
ap_ticket:
        .quad   0                       /* the top of the stack; 0: not meant */
ap_cr3:
        .quad   0
ap_cr4:
        .long   0
ap_cr0:
        .long   0
ap_efer:
        .long   0
        .long   0
ap_trampoline_end:

        .section .boot, "ax"
        .code32
ap_entry32:
        movl    $DATA32, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    ap_cr4 - ap_trampoline(%ebx), %eax
        movl    %eax, %cr4
        movl    $boot_pml4, %eax
        movl    %eax, %cr3
        movl    $EFER, %ecx
        movl    ap_efer - ap_trampoline(%ebx), %eax
        xorl    %edx, %edx
        wrmsr
        movl    ap_cr0 - ap_trampoline(%ebx), %eax
        movl    %eax, %cr0
        ljmp    $CODE64, $ap_entry64

        .code64
ap_entry64:
        movl    %ebx, %ebx
        xorl    %eax, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %eax, %ss
        /* One core, one ticket: a core that comes too late finds none. */
        xchgq   %rax, ap_ticket - ap_trampoline(%rbx)
        testq   %rax, %rax
        jz      1f
        movq    ap_cr3 - ap_trampoline(%rbx), %rcx
        movq    $ap_entry_high, %rdx
        jmp     *%rdx
1:      hlt
        jmp     1b

        .balign 8
ap_gdt:
        .quad   0
        .quad   0x00cf9a000000ffff      /* 32-bit code */
        .quad   0x00cf92000000ffff      /* data */
        .quad   0x00af9a000000ffff      /* 64-bit code */

        .text
ap_entry_high:
        movq    %rcx, %cr3              /* the final tables: the stack is there */
        movq    %rax, %rsp
        fninit
        popq    %rdi                    /* the core's number */
        xorl    %ebp, %ebp
        pushq   $0                      /* the backtrace ends here */
        jmp     smp_core_main

        .section .note.GNU-stack, "", @progbits
