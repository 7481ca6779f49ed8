/* What the test guests share: ports, the serial line, PCI, the end. */
#ifndef TESTS_GUESTS_GUEST_H
#define TESTS_GUESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint16_t inw(uint16_t port)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void insw(uint16_t port, void *buf, uint32_t count)
{
    __asm__ volatile("cld; rep insw" : "+D"(buf), "+c"(count) : "d"(port)
                     : "memory");
}
static inline void outsw(uint16_t port, const void *buf, uint32_t count)
{
    __asm__ volatile("cld; rep outsw" : "+S"(buf), "+c"(count) : "d"(port)
                     : "memory");
}

/* COM1, 115200 8N1, DTR and RTS raised (so that input is let through). */
void serial_init(void);
void serial_putc(char c);
bool serial_ready(void);                /* a byte waits */
uint8_t serial_getc(void);              /* waits for it */
void print(const char *text);
void print_hex(uint32_t v);             /* eight digits */

/* How many bytes came and a Fletcher-32-like sum of them that order changes. */
struct check_sum {
    uint32_t bytes, a, b;
};
void check_sum_add(struct check_sum *s, uint8_t c);
void check_sum_print(const struct check_sum *s);    /* "bytes N sum S" */

uint32_t pci_read(unsigned devfn, unsigned reg);
void pci_write(unsigned devfn, unsigned reg, uint32_t v);
/* devfn of the first function with these ids on bus 0, or -1. */
int pci_find(uint16_t vendor, uint16_t device);

/* ACPI S5 by the PIIX4; returns only if that did not work. */
void power_off(void);
/* The keyboard controller's reset pulse. */
void reboot(void);
/* Load an empty IDT and take an exception. */
void triple_fault(void);

/* The compiler calls these by itself, too. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int v, size_t n);

/* Each guest's own. */
void guest_main(void);

#endif
