/* A keyboard controller that says anything, at any time. */
// covers: drivers/input/kbc.c drivers/input/kbc_port.c
// covers: drivers/input/kbc_keyboard.c drivers/input/kbc_mouse.c
// covers: drivers/input/input.c
#include <stdlib.h>
#include <string.h>

#include "drivers/input/kbc.h"
#include "tests/unit/fake_kbc.h"

static struct fake_kbc fake;
static struct kbc kbc;
static struct input in;
static uint8_t down[INPUT_KEYS];

static void take_all(void)
{
    struct input_event e;

    while (input_take(&in, &e)) {
        if (e.kind != INPUT_KEY)
            continue;
        if (!e.key || e.is_repeat != (e.is_down && down[e.key]) ||
            (!e.is_down && !down[e.key]))
            abort();
        down[e.key] = e.is_down;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fake_kbc_init(&fake);
    memset(&in, 0, sizeof in);
    memset(down, 0, sizeof down);
    fake.cannot_translate = size & 1;
    if (kbc_start(&kbc, &fake.bus, &in))
        abort();
    kbc.has_interrupts = true;
    for (size_t i = 0; i + 1 < size; i += 2) {
        uint8_t what = data[i], v = data[i + 1];

        if (what & 1)
            fake_kbc_says_bad(&fake, what & 2, v, what & 4 ? v & 0xc0 : 0);
        if (what & 8)
            fake.kbd.is_mute = fake.mouse.is_mute = v & 1;
        if (what & 16)
            fake.kbd.resends = fake.mouse.resends = v & 7;
        if (what & 32)
            input_set_leds(&in, v);
        if (what & 64)
            fake.now += v * UINT64_C(10000000);
        kbc_interrupt(&kbc);
        kbc_poll(&kbc, fake.now);
        if (what & 128)
            take_all();
    }
    input_remove_keyboard(&kbc.keyboard);
    take_all();
    for (unsigned i = 0; i < INPUT_KEYS; i++)
        if (down[i])
            abort();
    return 0;
}
