/* All parts in a bootable guest, its kernel below them. mix.py asks for them. */
#include "tests/bench/part.h"
#include "tests/bench/system.h"
#include "tests/guests/guest.h"

void guest_main(void)
{
    static const struct bench_group *const groups[] = {
        &bench_integer, &bench_flags, &bench_memory, &bench_x87, &bench_sse2,
        &bench_system,
    };

    serial_init();
    system_start();
    bench_serve(groups, sizeof(groups) / sizeof(groups[0]));
    power_off();
}
