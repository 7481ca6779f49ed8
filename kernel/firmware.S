/*
 * SeaBIOS and its VGA BIOS as read-only data. FIRMWARE_DIR is where Debian's
 * seabios package keeps them.
 */
        .section .rodata
        .globl firmware_bios, firmware_bios_end
        .globl firmware_vgabios, firmware_vgabios_end
        .balign 4096
firmware_bios:
        .incbin FIRMWARE_DIR "/bios-256k.bin"
firmware_bios_end:
        .balign 16
firmware_vgabios:
        .incbin FIRMWARE_DIR "/vgabios-stdvga.bin"
firmware_vgabios_end:
        .section .note.GNU-stack, "", @progbits
