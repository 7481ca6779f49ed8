/*
 * SeaBIOS and its VGA BIOS as read-only data. The build gives the assembler
 * the folder of Debian's seabios package (-Wa,-I).
 */
        .section .rodata
        .globl firmware_bios, firmware_bios_end
        .globl firmware_vgabios, firmware_vgabios_end
        .balign 4096
firmware_bios:
        .incbin "bios-256k.bin"
firmware_bios_end:
        .balign 16
firmware_vgabios:
        .incbin "vgabios-stdvga.bin"
firmware_vgabios_end:
        .section .note.GNU-stack, "", @progbits
