/*
 * bios_video(struct video_regs *r): INT 10h with these registers, from
 * protected mode by way of real mode. All of this lies from 10000h on, below
 * 20000h, so that segment 1000h reaches it (the linker wants 32 bits for LOW).
 */
#define SEGMENT 0x1000
#define LOW(label) (label - 0x10000)
#define STACK_SEGMENT 0x7000    /* boot.S has its stack below 90000h */

        .text
        .code32
        .globl bios_video
bios_video:
        pushal
        movl    36(%esp), %esi          /* r, behind EIP and eight registers */
        movl    %esp, saved_esp
        movl    $regs, %edi
        movl    $5, %ecx
        rep movsw
        lgdt    video_gdtr
        ljmp    $24, $LOW(1f)
        .code16
1:      movw    $32, %ax                /* limits of 64 KiB for real mode */
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    %cr0, %eax
        andb    $0xfe, %al
        movl    %eax, %cr0
        ljmpl   $SEGMENT, $LOW(2f)
2:      movw    $STACK_SEGMENT, %ax
        movw    %ax, %ss
        movw    $0xfff0, %sp
        movw    $SEGMENT, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movl    $LOW(regs), %esi
        movw    (%si), %ax
        movw    2(%si), %bx
        movw    4(%si), %cx
        movw    6(%si), %dx
        movw    8(%si), %di
        int     $0x10
        cli
        movw    $SEGMENT, %bx
        movw    %bx, %ds
        movl    $LOW(regs), %esi
        movw    %ax, (%si)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmpl   $8, $3f
        .code32
3:      movw    $16, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    saved_esp, %esp
        movl    36(%esp), %edi
        movw    regs, %ax
        movw    %ax, (%edi)
        popal
        ret

        .balign 8
/* Flat as boot.S has it; then code and data of 64 KiB at SEGMENT. */
video_gdt:
        .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
        .quad   0x00009a010000ffff, 0x000092010000ffff
video_gdtr:
        .word   39
        .long   video_gdt
regs:   .word   0, 0, 0, 0, 0
        .balign 4
saved_esp:
        .long   0
        .section .note.GNU-stack, "", @progbits
