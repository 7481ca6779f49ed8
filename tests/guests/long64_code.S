/*
 * The 64-bit half of long64.c: void long64_run(uint32_t cr3) enters long mode,
 * does its checks, each of which leaves a number in long64_result[], and comes
 * back to 32-bit protected mode.
 */
        .set    KCODE32, 0x08
        .set    KDATA32, 0x10
        .set    KCODE64, 0x18
        .set    UCODE64, 0x3b
        .set    UDATA, 0x33
        .set    TSS, 0x40
        .set    EFER, 0xc0000080
        .set    STAR, 0xc0000081
        .set    LSTAR, 0xc0000082
        .set    SFMASK, 0xc0000084
        .set    GS_BASE, 0xc0000101
        .set    KERNEL_GS_BASE, 0xc0000102
        /* vga_text: guest.ld */
        .set    fault_page, 0x40000000  /* long64.c leaves its entry empty */

        .macro  wrmsr_imm msr, high, low
        movl    $\msr, %ecx
        movl    $\low, %eax
        movl    $\high, %edx
        wrmsr
        .endm
        .macro  result n, reg
        movl    \reg, long64_result + \n * 4(%rip)
        .endm

        .text
        .code32
        .globl  long64_run
long64_run:
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        pushl   %ebp
        movl    20(%esp), %eax
        movl    %eax, %cr3
        movl    %esp, saved_esp
        movl    %cr4, %eax
        orl     $0x220, %eax            /* PAE, OSFXSR */
        movl    %eax, %cr4
        wrmsr_imm EFER, 0, 0x901        /* NXE, LME, SCE */
        movl    $tss, %eax
        movw    %ax, gdt + TSS + 2
        shrl    $16, %eax
        movb    %al, gdt + TSS + 4
        movb    %ah, gdt + TSS + 7
        lgdt    gdtr
        movl    %cr0, %eax
        orl     $0x80000000, %eax
        movl    %eax, %cr0
        ljmp    $KCODE64, $enter64

        .code64
enter64:
        xorl    %eax, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    saved_esp(%rip), %esp
        movl    $kernel_stack, %eax
        movq    %rax, tss + 4(%rip)
        movl    $TSS, %eax
        ltr     %ax
        movl    $6, %edi
        leaq    ud_entry(%rip), %rsi
        call    set_gate
        movl    $13, %edi
        leaq    gp_entry(%rip), %rsi
        call    set_gate
        movl    $14, %edi
        leaq    pf_entry(%rip), %rsi
        call    set_gate
        movl    $32, %edi
        leaq    timer_entry(%rip), %rsi
        call    set_gate
        lidt    idtr(%rip)
        call    try_registers
        call    try_mmio
        call    try_faults
        call    try_syscall
        call    try_timer
        /* Out again: compatibility mode, then paging off. */
        pushq   $KCODE32
        leaq    leave64(%rip), %rax
        pushq   %rax
        lretq

        .code32
leave64:
        movl    $KDATA32, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    %cr0, %eax
        andl    $0x7fffffff, %eax
        movl    %eax, %cr0
        wrmsr_imm EFER, 0, 0
        movl    $EFER, %ecx
        rdmsr
        movl    %eax, long64_result + 15 * 4
        movl    saved_esp, %esp
        popl    %ebp
        popl    %edi
        popl    %esi
        popl    %ebx
        ret

        .code64
/* Interrupt gate of vector edi to rsi. */
set_gate:
        leaq    idt(%rip), %rax
        shll    $4, %edi
        addl    %edi, %eax
        movw    %si, (%rax)
        movw    $KCODE64, 2(%rax)
        movw    $0x8e00, 4(%rax)
        shrl    $16, %esi
        movl    %esi, 6(%rax)
        ret

/* 0: CR8. 1: an MSR of 64 bits. 2: CPUID from R8 on untouched. 3: a port. */
try_registers:
        movl    $9, %eax
        movq    %rax, %cr8
        movq    %cr8, %r15
        result  0, %r15d
        xorl    %eax, %eax
        movq    %rax, %cr8
        wrmsr_imm LSTAR, 0xffff8123, 0x456789ab
        xorl    %eax, %eax
        rdmsr
        addl    %edx, %eax
        result  1, %eax
        movq    $-1, %r8
        movq    %r8, %rbx
        movl    $0x80000008, %eax
        cpuid
        shrq    $32, %rbx               /* is zero: CPUID writes 32 bits */
        addl    %r8d, %ebx
        result  2, %ebx
        movq    $-1, %rax
        movw    $0x70, %dx
        movb    $0x0f, %al              /* CMOS: the shutdown byte */
        outb    %al, %dx
        movb    $0x5a, %al
        outb    %al, $0x71
        movb    $0x0f, %al
        outb    %al, %dx
        xorb    %al, %al
        inb     $0x71, %al
        rex.W addb $0, %al
        result  3, %eax
        ret

/*
 * 4: VGA text memory by RIP-relative, SIB and REX forms. 5: read-modify-write
 * and its flags. 6: repeated moves there and back. 7: the local APIC's version
 * register, which needs no more than that it can be read.
 */
try_mmio:
        movl    $0x41, %r9d
        movb    %r9b, vga_text(%rip)
        movb    $0x42, vga_text + 2(%rip)
        movl    $vga_text, %r12d
        movl    $1, %r13d
        movzbl  (%r12,%r13,2), %r10d
        shll    $8, %r10d
        movb    (%r12), %r10b
        result  4, %r10d
        addb    $0xbf, (%r12)           /* 41h + BFh: zero, carry */
        setc    %al
        setz    %ah
        movzwl  %ax, %eax
        lock incb (%r12)
        movzbl  (%r12), %ecx
        shll    $16, %ecx
        orl     %ecx, %eax
        movb    $0x77, %r11b
        xchgb   %r11b, 2(%r12)
        movzbl  %r11b, %ecx
        shll    $24, %ecx
        orl     %ecx, %eax
        result  5, %eax
        cld
        movl    $pattern, %esi
        movl    $vga_text, %edi
        movl    $16, %ecx
        rep movsb
        movl    $vga_text, %esi
        movl    $copy, %edi
        movl    $2, %ecx
        rep movsq
        movdqu  vga_text(%rip), %xmm9
        movdqu  pattern(%rip), %xmm10
        pcmpeqb %xmm10, %xmm9
        pmovmskb %xmm9, %eax
        movl    $pattern, %esi
        movl    $copy, %edi
        movl    $16, %ecx
        repe cmpsb
        sete    %cl
        shll    $16, %ecx
        andl    $0x10000, %ecx
        orl     %ecx, %eax
        result  6, %eax
        movl    $1, %eax
        cpuid
        movl    $0x10, %eax
        testl   $0x200, %edx
        jz      1f
        movl    $0xfee00000, %r14d
        movl    0x30(%r14), %eax
        andl    $0xf0, %eax
1:      result  7, %eax
        ret

/* 8: #PF and its retry. 9: #GP of a bad WRMSR. 10: #UD. */
try_faults:
        movl    $0x1234, fault_page + 8
        movl    fault_page + 8, %eax
        addl    pf_error(%rip), %eax
        result  8, %eax
        movl    $0xc0000103, %ecx       /* no model has TSC_AUX */
        wrmsr
        movl    gp_count(%rip), %eax
        result  9, %eax
        ud2
        movl    ud_count(%rip), %eax
        result  10, %eax
        ret

pf_entry:
        pushq   %rax
        movq    %cr2, %rax
        cmpq    $fault_page + 8, %rax
        jne     1f
        movl    8(%rsp), %eax
        shll    $16, %eax
        movl    %eax, pf_error(%rip)
        movl    $0x83, long64_fault_entry(%rip)       /* 2 MiB page at 0 */
        movq    %cr3, %rax
        movq    %rax, %cr3
1:      popq    %rax
        addq    $8, %rsp
        iretq

/* Both of these are two bytes long: WRMSR, UD2. */
gp_entry:
        addq    $8, %rsp
        addl    $1, gp_count(%rip)
        addq    $2, (%rsp)
        iretq
ud_entry:
        incl    ud_count(%rip)
        addq    $2, (%rsp)
        iretq

/* 11: SYSCALL's number seen. 12: user's GS. 13: flags that SFMASK cleared. */
try_syscall:
        wrmsr_imm STAR, 0x00280018, 0
        wrmsr_imm LSTAR, 0, syscall_entry
        wrmsr_imm SFMASK, 0, 0x400      /* DF */
        wrmsr_imm GS_BASE, 0, user_gs
        wrmsr_imm KERNEL_GS_BASE, 0, kernel_gs
        movq    %rsp, kernel_rsp(%rip)
        leaq    user_code(%rip), %rcx
        movl    $0x202, %r11d
        movl    $user_stack, %esp
        sysretq
user_done:
        movq    kernel_rsp(%rip), %rsp
        cli
        cld
        ret

/* Ring 3: two calls, the second does not return. */
user_code:
        std
        movl    $0x1234, %eax
        syscall
        cld
        movl    %gs:0, %edx
        xorl    %eax, %eax
        syscall

syscall_entry:
        swapgs
        testl   %eax, %eax
        jz      1f
        addl    %gs:0, %eax
        result  11, %eax
        pushfq
        popq    %rax
        andl    $0x400, %eax
        result  13, %eax
        swapgs
        sysretq
1:      result  12, %edx
        swapgs
        jmp     user_done

/* 14: three timer interrupts at least, each from HLT. */
try_timer:
        movl    $0, timer_count(%rip)
        movl    $3, %ebx
1:      sti
        hlt
        cli
        cmpl    %ebx, timer_count(%rip)
        jb      1b
        movb    $0xff, %al
        outb    %al, $0x21
        result  14, %ebx
        ret

timer_entry:
        pushq   %rax
        incl    timer_count(%rip)
        movb    $0x20, %al
        outb    %al, $0x20
        popq    %rax
        iretq

        .data
        .balign 16
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
        .quad   0x00af9a000000ffff, 0x00cf92000000ffff
        .quad   0x00cffa000000ffff, 0x00cff2000000ffff, 0x00affa000000ffff
        .quad   0x0000890000000067, 0           /* TSS; base by long64_run */
gdtr:   .word   79
        .long   gdt, 0
idtr:   .word   33 * 16 - 1
        .long   idt, 0
pattern: .ascii "\001\002\003\004abcdWXYZ\360\361\362\363"
user_gs: .long  0x55
kernel_gs: .long 0xaa0000

        .bss
        .balign 16
idt:    .skip   33 * 16
tss:    .skip   104
copy:   .skip   16
kernel_rsp: .skip 8
saved_esp: .skip 4
pf_error: .skip 4
gp_count: .skip 4
ud_count: .skip 4
timer_count: .skip 4
        .balign 16
        .skip   1024
kernel_stack:
        .skip   1024
user_stack:
        .section .note.GNU-stack, "", @progbits
