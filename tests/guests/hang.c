/*
 * Does what is typed: uses the watchdogs, and goes wrong in several ways.
 * f: 4 s of the ib700. e: 1 s and 1 s of the i6300esb, r: reload it.
 * p: pvpanic. k: Linux's words of a panic, then nothing. t: triple fault.
 * l: triple faults from now on (a byte of CMOS remembers). h: hang. q: off.
 * Each is said again once it is done, as is anything else.
 */
#include "tests/guests/guest.h"

#define IB700_START 0x443
#define PVPANIC 0x505
#define RELOAD 12u
#define LOOP_BYTE 0x6f          /* of CMOS, which SeaBIOS does not use */

static volatile uint8_t *esb;

static uint8_t cmos_read(uint8_t at)
{
    outb(0x70, at);
    return inb(0x71);
}

static void cmos_write(uint8_t at, uint8_t v)
{
    outb(0x70, at);
    outb(0x71, v);
}

static void esb_write(unsigned at, uint32_t v)
{
    *(volatile uint16_t *)(esb + RELOAD) = 0x80;
    *(volatile uint16_t *)(esb + RELOAD) = 0x86;
    if (at == RELOAD)
        *(volatile uint16_t *)(esb + at) = (uint16_t)v;
    else
        *(volatile uint32_t *)(esb + at) = v;
}

static void esb_start(void)
{
    int devfn = pci_find(0x8086, 0x25ab);

    if (devfn < 0) {
        print("no i6300esb\n");
        return;
    }
    pci_write(devfn, 4, 2);
    esb = (volatile uint8_t *)(pci_read(devfn, 0x10) & ~15u);
    if (*(volatile uint16_t *)(esb + RELOAD) & 0x200)
        print("it has timed out before\n");
    esb_write(RELOAD, 0x200);
    esb_write(0, 1017);
    esb_write(4, 1017);
    pci_write(devfn, 0x68, 2);
}

static void hang(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void panic(void)
{
    print("Kernel panic - not syncing: Attempted to kill init!\n");
    print("CPU: 0 PID: 1 Comm: init\n");
    print("---[ end Kernel panic - not syncing: Attempted to kill init! "
          "]---\n");
    hang();
}

static void go_wrong(uint8_t how)
{
    switch (how) {
    case 'p':
        outb(PVPANIC, 1);
        break;
    case 'k':
        panic();
        break;
    case 'l':
        cmos_write(LOOP_BYTE, 1);
        triple_fault();
        break;
    case 't':
        triple_fault();
        break;
    case 'h':
        hang();
        break;
    case 'q':
        power_off();
        break;
    }
}

void guest_main(void)
{
    if (cmos_read(LOOP_BYTE) == 1)
        triple_fault();
    serial_init();
    print("hang ready\n");
    for (;;) {
        uint8_t c = serial_getc();

        if (c == 'f')
            outb(IB700_START, 13);
        else if (c == 'e')
            esb_start();
        else if (c == 'r')
            esb_write(RELOAD, 0x100);
        else
            go_wrong(c);
        serial_putc((char)c);
    }
}
