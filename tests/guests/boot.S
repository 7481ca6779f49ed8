/*
 * Boot sector of the test guests: load the rest of the image by INT 13h to
 * 10000h, enter 32-bit protected mode with flat segments, call guest_main.
 */
        .code16
        .section .boot, "ax"
        .globl _start
_start:
        ljmp $0, $1f
1:      xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $0x7c00, %sp
        movb %dl, boot_drive
        movw $guest_sectors, %bp        /* sectors still to load */
2:      testw %bp, %bp
        jz 4f
        movw $64, %cx
        cmpw %cx, %bp
        ja 3f
        movw %bp, %cx
3:      movw %cx, packet + 2
        movb boot_drive, %dl
        movb $0x42, %ah                 /* extended read, EDD 3.0 */
        movw $packet, %si
        pushw %cx
        int $0x13
        popw %cx
        jc fail
        movzwl %cx, %eax
        addl %eax, packet + 8           /* next LBA */
        shll $5, %eax
        addw %ax, packet + 6            /* next segment */
        subw %cx, %bp
        jmp 2b
fail:   movw $0x3f8, %dx
        movb $'!', %al
        outb %al, %dx
        hlt
        jmp fail
4:      cli
        movw $0x2401, %ax               /* A20 on */
        int $0x15
        lgdt gdtr
        movl %cr0, %eax
        orl $1, %eax
        movl %eax, %cr0
        ljmpl $8, $5f

        .code32
5:      movw $16, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw %ax, %fs
        movw %ax, %gs
        movl $0x90000, %esp
        movl $__bss_start, %edi
        movl $__bss_end, %ecx
        subl %edi, %ecx
        xorl %eax, %eax
        rep stosb
        call guest_main
6:      hlt
        jmp 6b

        .balign 4
packet: .byte 16, 0
        .word 0, 0, 0x1000              /* count, offset, segment */
        .quad 1                         /* LBA */
        .balign 8
gdt:    .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdtr:   .word 23
        .long gdt
boot_drive:
        .byte 0
        .org 510
        .word 0xaa55
        .section .note.GNU-stack, "", @progbits
