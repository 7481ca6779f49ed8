/*
 * The parts as a Linux program without a C library: IA-32 where the machine
 * runs that, else 64-bit code with 32-bit pointers and eight registers.
 */
#include "tests/bench/part.h"
#include "tests/guests/guest.h"

#ifdef __x86_64__
enum { SYS_READ = 0, SYS_WRITE = 1, SYS_EXIT = 60 };

static int system_call(int number, int fd, void *buffer, int bytes)
{
    int result;

    __asm__ volatile("syscall" : "=a"(result)
                     : "a"(number), "D"(fd), "S"(buffer), "d"(bytes)
                     : "rcx", "r11", "memory");
    return result;
}
#else
enum { SYS_EXIT = 1, SYS_READ = 3, SYS_WRITE = 4 };

static int system_call(int number, int fd, void *buffer, int bytes)
{
    int result;

    __asm__ volatile("int $0x80" : "=a"(result)
                     : "a"(number), "b"(fd), "c"(buffer), "d"(bytes)
                     : "memory");
    return result;
}
#endif

/* A stack below 4 GiB, which Linux gives no 64-bit program. */
__asm__(".globl _start\n"
        "_start: movl $stack_top, %esp\n"
        "call native_main\n"
        ".bss\n"
        ".balign 16\n"
        ".space 1048576\n"
        "stack_top:\n"
        ".text\n");
void native_main(void);

uint8_t serial_getc(void)
{
    uint8_t c = 0;

    if (system_call(SYS_READ, 0, &c, 1) != 1)
        system_call(SYS_EXIT, 1, NULL, 0);
    return c;
}

void serial_putc(char c) { system_call(SYS_WRITE, 1, &c, 1); }

void print(const char *text)
{
    for (; *text; text++)
        serial_putc(*text);
}

void print_hex(uint32_t v)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        serial_putc("0123456789abcdef"[(v >> shift) & 15]);
}

void native_main(void)
{
    static const struct bench_group *const groups[] = {
        &bench_integer, &bench_flags, &bench_memory, &bench_x87, &bench_sse2,
    };

    bench_serve(groups, sizeof(groups) / sizeof(groups[0]));
    system_call(SYS_EXIT, 0, NULL, 0);
}
