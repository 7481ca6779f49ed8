/*
 * For snapshots: counts the bytes of the serial line in three places - memory,
 * the FPU's ST(0), the last sector of the first disk - and says for each byte
 * what they had, before it adds one. 04h ends it.
 */
#include "tests/guests/ata.h"
#include "tests/guests/guest.h"

static uint32_t buf[128];
static uint16_t id[256];

static uint32_t fpu_count(void)
{
    uint32_t v;

    __asm__ volatile("fistl %0" : "=m"(v));
    return v;
}

void guest_main(void)
{
    uint32_t sectors = 0, count = 0, on_disk;

    serial_init();
    if (!identify(&sectors, id)) {
        print("tally: no disk\n");
        power_off();
    }
    __asm__ volatile("fninit; fldz");
    print("tally ready\n");
    while (serial_getc() != 4) {
        bool ok = read_sector(sectors - 1, (uint16_t *)buf);

        on_disk = buf[0];
        print("tally ");
        print_hex(count);
        print(" ");
        print_hex(fpu_count());
        print(" ");
        print_hex(on_disk);
        buf[0] = ++count;
        __asm__ volatile("fld1; faddp");
        ok = ok && write_sector(sectors - 1, (uint16_t *)buf);
        command(0xe7, 0, 0);                    /* FLUSH CACHE */
        print(ok && wait_ready(false) ? " ok\n" : " failed\n");
    }
    power_off();
}
