/* See guest.h. */
#include "tests/guests/guest.h"

#define COM1 0x3f8

void serial_init(void)
{
    outb(COM1 + 3, 0x80);
    outb(COM1, 1);
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 0x03);
    outb(COM1 + 2, 0x07);
    outb(COM1 + 4, 0x03);
}

void serial_putc(char c)
{
    while (!(inb(COM1 + 5) & 0x20))
        continue;
    outb(COM1, c);
}

bool serial_ready(void) { return inb(COM1 + 5) & 1; }

uint8_t serial_getc(void)
{
    while (!serial_ready())
        continue;
    return inb(COM1);
}

void print(const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            serial_putc('\r');
        serial_putc(*text);
    }
}

void print_hex(uint32_t v)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        serial_putc("0123456789abcdef"[(v >> shift) & 15]);
}

void check_sum_add(struct check_sum *s, uint8_t c)
{
    s->a = (s->a + c) % 65535;
    s->b = (s->b + s->a) % 65535;
    s->bytes++;
}

void check_sum_print(const struct check_sum *s)
{
    print("bytes ");
    print_hex(s->bytes);
    print(" sum ");
    print_hex(s->b << 16 | s->a);
    print("\n");
}

uint32_t pci_read(unsigned devfn, unsigned reg)
{
    outl(0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc));
    return inl(0xcfc);
}

void pci_write(unsigned devfn, unsigned reg, uint32_t v)
{
    outl(0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc));
    outl(0xcfc, v);
}

int pci_find(uint16_t vendor, uint16_t device)
{
    for (unsigned devfn = 0; devfn < 256; devfn++)
        if (pci_read(devfn, 0) == ((uint32_t)device << 16 | vendor))
            return devfn;
    return -1;
}

void power_off(void)
{
    int pm = pci_find(0x8086, 0x7113);

    if (pm < 0)
        return;
    /* SLP_EN with the S5 type 0 in PM1a_CNT (PIIX4 datasheet 7.2). */
    outw((pci_read(pm, 0x40) & 0xffc0) + 4, 0x2000);
}

void reboot(void) { outb(0x64, 0xfe); }

void triple_fault(void)
{
    struct { uint16_t limit; uint32_t base; } __attribute__((packed)) none =
        { 0, 0 };

    __asm__ volatile("lidt %0; int3" : : "m"(none));
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *d = to;

    __asm__ volatile("cld; rep movsb" : "+D"(d), "+S"(from), "+c"(n)
                     : : "memory");
    return to;
}

void *memset(void *to, int v, size_t n)
{
    void *d = to;

    __asm__ volatile("cld; rep stosb" : "+D"(d), "+c"(n) : "a"(v) : "memory");
    return to;
}
