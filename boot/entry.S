/*
 * Multiboot2 header and the way from the boot loader's 32-bit protected mode
 * (BIOS and UEFI alike: paging off, interrupts off) to 64-bit code in the
 * upper half. Multiboot2 specification 3.1 and 3.3; Intel SDM vol. 3 9.8.5.
 *
 * The tables built here map physical 0..4 GiB at 0 and at DIRECT_BASE, and
 * 0..1 GiB at the kernel's base. kernel/metal/paging.c replaces them.
 */
#define MB2_MAGIC       0xe85250d6
#define MB2_BOOT_MAGIC  0x36d76289
#define PTE_PRESENT_RW  0x3
#define PTE_LARGE_RW    0x83
#define EFER            0xc0000080
#define EFER_LME        0x100
#define EFER_NXE        0x800
#define CR4_BITS        0x6a0           /* PAE, PGE, OSFXSR, OSXMMEXCPT */
#define CR0_SET         0x80010023      /* PG, WP, NE, MP, PE */
#define COM1            0x3f8

        .section .boot, "ax"
        .balign 8
header:
        .long   MB2_MAGIC, 0, header_end - header
        .long   -(MB2_MAGIC + (header_end - header))
        .short  6, 0                    /* page-align the modules */
        .long   8
        .short  5, 1                    /* a framebuffer, which may be absent: */
        .long   20, 1024, 768, 32       /* the menu's gfxpayload decides */
        .balign 8
        .short  0, 0                    /* end */
        .long   8
header_end:

        .code32
        .globl  boot_entry
boot_entry:
        cli
        cld
        movl    $boot_stack_end, %esp
        movl    %eax, %edi              /* magic and info, kept to the end */
        movl    %ebx, %esi

        movl    $no_loader, %ebx
        cmpl    $MB2_BOOT_MAGIC, %edi
        jne     refuse
        movl    $no_long_mode, %ebx
        movl    $0x80000000, %eax
        pushl   %ebx
        cpuid
        popl    %ebx
        cmpl    $0x80000001, %eax
        jb      refuse
        pushl   %ebx
        movl    $0x80000001, %eax
        cpuid
        popl    %ebx
        testl   $(1 << 29), %edx        /* LM */
        jz      refuse
        movl    $EFER_LME, %ebp
        testl   $(1 << 20), %edx        /* NX */
        jz      1f
        orl     $EFER_NXE, %ebp
1:
        /* Four page directories of 2 MiB pages: 0..4 GiB. */
        movl    $boot_pd, %ebx
        movl    $PTE_LARGE_RW, %eax
        movl    $2048, %ecx
2:      movl    %eax, (%ebx)
        addl    $0x200000, %eax
        addl    $8, %ebx
        decl    %ecx
        jnz     2b
        movl    $boot_pd + PTE_PRESENT_RW, %eax
        movl    %eax, boot_pdpt
        movl    %eax, boot_pdpt_high + 510 * 8
        addl    $4096, %eax
        movl    %eax, boot_pdpt + 8
        addl    $4096, %eax
        movl    %eax, boot_pdpt + 16
        addl    $4096, %eax
        movl    %eax, boot_pdpt + 24
        movl    $boot_pdpt + PTE_PRESENT_RW, %eax
        movl    %eax, boot_pml4
        movl    %eax, boot_pml4 + 256 * 8
        movl    $boot_pdpt_high + PTE_PRESENT_RW, boot_pml4 + 511 * 8

        movl    $CR4_BITS, %eax
        movl    %eax, %cr4
        movl    $boot_pml4, %eax
        movl    %eax, %cr3
        movl    $EFER, %ecx
        movl    %ebp, %eax
        xorl    %edx, %edx
        wrmsr
        movl    $CR0_SET, %eax
        movl    %eax, %cr0
        lgdt    boot_gdt_pointer
        ljmp    $8, $entry64

/* Say the text at %ebx on COM1 and the VGA text screen, and stay. */
refuse:
        movl    $0xb8000, %edi
3:      movzbl  (%ebx), %eax
        testb   %al, %al
        jz      5f
        movw    $COM1, %dx
        outb    %al, %dx
        movb    $0x0f, %ah
        movw    %ax, (%edi)
        addl    $2, %edi
        incl    %ebx
        movl    $100000, %ecx           /* a polled UART's character time */
4:      pause
        decl    %ecx
        jnz     4b
        jmp     3b
5:      hlt
        jmp     5b

no_loader:
        .asciz  "Trestle: not loaded by a multiboot2 loader"
no_long_mode:
        .asciz  "Trestle: this processor has no 64-bit mode"

        .code64
entry64:
        xorl    %eax, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %eax, %ss
        fninit
        movl    %edi, %edi
        movl    %esi, %esi
        movq    $boot_cpu_stack_end, %rsp
        xorl    %ebp, %ebp
        pushq   $0                      /* the backtrace ends here */
        pushq   $0
        movq    $metal_start, %rax
        call    *%rax

        .balign 8
boot_gdt:
        .quad   0
        .quad   0x00af9a000000ffff      /* 64-bit code */
boot_gdt_pointer:
        .short  15
        .long   boot_gdt

        .section .boot.bss, "aw", @nobits
        .balign 4096
        .globl  boot_pml4
boot_pml4:
        .skip   4096
boot_pdpt:
        .skip   4096
boot_pdpt_high:
        .skip   4096
boot_pd:
        .skip   4 * 4096
        .skip   4096
boot_stack_end:

        .bss
        .balign 4096
        .globl  boot_cpu_stack_guard, boot_cpu_stack_end
boot_cpu_stack_guard:                   /* unmapped by paging.c */
        .skip   4096
        .skip   256 * 1024
boot_cpu_stack_end:

        .section .note.GNU-stack, "", @progbits
