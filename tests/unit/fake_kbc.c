/* See fake_kbc.h. */
#include "tests/unit/fake_kbc.h"

#include <string.h>

enum { OBF = 0x01, IBF = 0x02, AUX = 0x20 };
enum { NO_KBD = 0x10, NO_AUX = 0x20, XLATE = 0x40 };

static void put(struct fake_kbc *f, uint8_t byte, uint8_t status)
{
    unsigned at = (f->out_head + f->out_count) % FAKE_KBC_QUEUE;

    if (f->out_count == FAKE_KBC_QUEUE)
        return;
    f->out[at].byte = byte;
    f->out[at].status = status;
    if (!f->out_count++)
        f->interrupts++;
}

void fake_kbc_says(struct fake_kbc *f, bool is_aux, const uint8_t *bytes,
                   size_t len)
{
    for (size_t i = 0; i < len; i++)
        put(f, bytes[i], is_aux ? AUX : 0);
}

void fake_kbc_says_bad(struct fake_kbc *f, bool is_aux, uint8_t byte,
                       uint8_t status)
{
    put(f, byte, status | (is_aux ? AUX : 0));
}

static void say(struct fake_kbc *f, bool is_aux, uint8_t byte)
{
    fake_kbc_says(f, is_aux, &byte, 1);
}

static void parameter(struct fake_ps2 *d, uint8_t command, uint8_t byte)
{
    if (command == 0xed)
        d->leds = byte;
    else if (command == 0xf0)
        d->set = byte;
    else if (command == 0xf3) {
        d->rate = byte;
        d->rates[0] = d->rates[1];
        d->rates[1] = d->rates[2];
        d->rates[2] = byte;
        if (d->has_wheel && d->rates[0] == 200 && d->rates[1] == 100 &&
            byte == 80)
            d->id = 3;
    }
}

static void reset(struct fake_kbc *f, struct fake_ps2 *d, bool is_aux)
{
    d->resets++;
    d->scans = !is_aux;
    d->leds = d->id = 0;
    d->set = 2;
    say(f, is_aux, 0xaa);
    if (is_aux)
        say(f, is_aux, 0x00);
}

static void identify(struct fake_kbc *f, const struct fake_ps2 *d, bool is_aux)
{
    if (is_aux) {
        say(f, true, d->id);
        return;
    }
    say(f, false, 0xab);
    say(f, false, f->ccb & XLATE ? 0x41 : 0x83);
}

static void hear(struct fake_kbc *f, bool is_aux, uint8_t byte)
{
    struct fake_ps2 *d = is_aux ? &f->mouse : &f->kbd;
    uint8_t command = d->awaits;

    if (!d->is_there || d->is_mute)
        return;
    if (d->resends) {
        d->resends--;
        say(f, is_aux, 0xfe);
        return;
    }
    if (d->is_simple && byte != 0xff && byte != 0xf4) {
        say(f, is_aux, 0xfe);
        return;
    }
    say(f, is_aux, 0xfa);
    d->awaits = 0;
    if (command)
        parameter(d, command, byte);
    else if (byte == 0xed || byte == 0xf0 || byte == 0xf3 || byte == 0xe8)
        d->awaits = byte;
    else if (byte == 0xf2)
        identify(f, d, is_aux);
    else if (byte == 0xf4 || byte == 0xf5)
        d->scans = byte == 0xf4;
    else if (byte == 0xff)
        reset(f, d, is_aux);
}

static void write_command(struct fake_kbc *f, uint8_t v)
{
    f->command = 0;
    switch (v) {
    case 0x20: put(f, f->ccb, 0); break;
    case 0x60: case 0xd4: f->command = v; break;
    case 0xa7: f->ccb |= f->has_no_aux ? 0 : NO_AUX; break;
    case 0xa8: f->ccb &= (uint8_t)~NO_AUX; break;
    case 0xaa:
        put(f, f->fails_test ? 0xfc : 0x55, 0);
        f->ccb = NO_KBD | NO_AUX;       /* as some do */
        break;
    case 0xad: f->ccb |= NO_KBD; break;
    case 0xae: f->ccb &= (uint8_t)~NO_KBD; break;
    }
}

static uint8_t read8(void *ctx, uint32_t reg)
{
    struct fake_kbc *f = ctx;
    uint8_t byte;

    if (f->is_absent)
        return 0xff;
    if (reg == 4)
        return 0x14 | (f->never_ready ? IBF : 0) |
               (f->always_full ? OBF
                : f->out_count ? OBF | f->out[f->out_head].status : 0);
    if (f->always_full || !f->out_count)
        return 0x1c;
    byte = f->out[f->out_head].byte;
    f->out_head = (f->out_head + 1) % FAKE_KBC_QUEUE;
    if (--f->out_count)
        f->interrupts++;
    return byte;
}

static void write8(void *ctx, uint32_t reg, uint8_t v)
{
    struct fake_kbc *f = ctx;
    uint8_t command = f->command;

    if (f->is_absent || f->never_ready)
        return;
    if (reg == 4) {
        write_command(f, v);
        return;
    }
    f->command = 0;
    if (command == 0x60)
        f->ccb = v & (uint8_t)~(f->cannot_translate ? XLATE : 0);
    else
        hear(f, command == 0xd4, v);
}

static void delay_us(void *ctx, unsigned us)
{
    struct fake_kbc *f = ctx;

    f->now += us * UINT64_C(1000);
}

static uint64_t now_ns(void *ctx)
{
    struct fake_kbc *f = ctx;

    return f->now;
}

void fake_kbc_init(struct fake_kbc *f)
{
    memset(f, 0, sizeof *f);
    f->kbd.is_there = f->mouse.is_there = f->mouse.has_wheel = true;
    f->ccb = 0x47;
    f->now = 1000000;
    f->bus = (struct bus){ .ctx = f, .read8 = read8, .write8 = write8,
                           .delay_us = delay_us, .now_ns = now_ns };
}
