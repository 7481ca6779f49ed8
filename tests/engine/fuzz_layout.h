/* Where random programs have their parts. */
#ifndef TESTS_ENGINE_FUZZ_LAYOUT_H
#define TESTS_ENGINE_FUZZ_LAYOUT_H

#define IVT 0x0000u
#define GDT 0x1000u             /* 32 descriptors */
#define IDT 0x2000u             /* 256 gates of 8 or 16 bytes */
#define TSS 0x4000u             /* 104 bytes, then the I/O bitmap */
#define TSS_LIMIT 0x2068u
#define CODE 0x8000u            /* runs here; handlers are in it too */
#define CODE_BYTES 0x4000u
#define DATA 0x10000u
#define DATA_BYTES 0x8000u
#define STACK 0x20000u
#define TABLES 0x100000u        /* page tables */
#define PAGE 4096u

/* The GDT's fixed part; what follows is random. */
enum { SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_UCODE = 0x1b, SEL_UDATA = 0x23,
       SEL_CODE16 = 0x28, SEL_DATA16 = 0x30, SEL_TSS = 0x38,
       GDT_RANDOM = 0x48 };

#define PTE_P 1u
#define PTE_W 2u
#define PTE_U 4u
#define PTE_PS 0x80u

#endif
