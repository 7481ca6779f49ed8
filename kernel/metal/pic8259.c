/* See pic8259.h. */
#include "kernel/metal/pic8259.h"

#include <stdint.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/trap.h"

enum { PIC1_COMMAND = 0x20, PIC1_DATA = 0x21, PIC2_COMMAND = 0xa0,
       PIC2_DATA = 0xa1, ELCR1 = 0x4d0 };
enum { ICW1_ICW4 = 0x11, ICW4_8086 = 0x01, OCW2_EOI = 0x20, OCW3_ISR = 0x0b };
#define CASCADE 2u

static uint16_t masked = 0xffff;

static void write_masks(void)
{
    out8(PIC1_DATA, (uint8_t)masked);
    out8(PIC2_DATA, masked >> 8);
}

void pic8259_init(void)
{
    out8(PIC1_COMMAND, ICW1_ICW4);
    out8(PIC2_COMMAND, ICW1_ICW4);
    out8(PIC1_DATA, VECTOR_PIC);
    out8(PIC2_DATA, VECTOR_PIC + 8);
    out8(PIC1_DATA, 1u << CASCADE);
    out8(PIC2_DATA, CASCADE);
    out8(PIC1_DATA, ICW4_8086);
    out8(PIC2_DATA, ICW4_8086);
    masked = (uint16_t)~(1u << CASCADE);
    write_masks();
}

void pic8259_mask(unsigned irq)
{
    masked |= (uint16_t)(1u << irq);
    write_masks();
}

void pic8259_unmask(unsigned irq)
{
    uint64_t flags = interrupts_save_off();

    masked &= (uint16_t)~(1u << irq);
    write_masks();
    interrupts_restore(flags);
}

void pic8259_eoi(unsigned irq)
{
    if (irq >= 8)
        out8(PIC2_COMMAND, OCW2_EOI);
    out8(PIC1_COMMAND, OCW2_EOI);
}

bool pic8259_spurious(unsigned irq)
{
    uint16_t port = irq >= 8 ? PIC2_COMMAND : PIC1_COMMAND;

    if ((irq & 7) != 7)
        return false;
    out8(port, OCW3_ISR);
    if (in8(port) & 0x80)
        return false;
    if (irq >= 8)               /* the master did see its cascade line */
        out8(PIC1_COMMAND, OCW2_EOI);
    return true;
}

bool pic8259_is_level(unsigned irq)
{
    return in8(ELCR1 + irq / 8) >> (irq % 8) & 1;
}
