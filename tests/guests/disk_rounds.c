/*
 * Writes to the last 256 sectors of the first disk until the power goes. Round
 * N writes 64 sectors, at N % 4 of the four places there, in commands of 8 to
 * 64; then it flushes, and says so. It begins behind the last round that is
 * there as a whole, which it tells first. A byte on the line ends it.
 *
 * Sector I of round N is the 32-bit words N, I, and 126 of the sequence
 * x = x * 1664525 + 1013904223 from x = N * 64 + I on (without that one).
 */
#include "tests/guests/ata.h"
#include "tests/guests/guest.h"

#define ROUND 64u               /* sectors */
#define PLACES 4u
#define WORDS 128u              /* of a sector */

static uint32_t buf[WORDS], want[WORDS];
static uint16_t id[256];

static void fill(uint32_t *to, uint32_t round, uint32_t index)
{
    uint32_t x = round * ROUND + index;

    to[0] = round;
    to[1] = index;
    for (unsigned i = 2; i < WORDS; i++)
        to[i] = x = x * 1664525 + 1013904223;
}

/* The round that is at a place, or 0 if it is not whole. */
static uint32_t round_at(uint32_t place_sector)
{
    uint32_t round = 0;

    for (uint32_t i = 0; i < ROUND; i++) {
        if (!read_sector(place_sector + i, (uint16_t *)buf))
            return 0;
        if (i == 0)
            round = buf[0];
        fill(want, round, i);
        for (unsigned w = 0; w < WORDS; w++)
            if (buf[w] != want[w])
                return 0;
    }
    return round;
}

/* One command of `count` sectors of a round, from `index` on. */
static bool write_part(uint32_t start, uint32_t round, uint32_t index,
                       uint32_t count)
{
    command(0x30, start + index, count);
    for (uint32_t i = index; i < index + count; i++) {
        if (!wait_ready(true))
            return false;
        fill(buf, round, i);
        outsw(ATA, buf, 256);
    }
    return wait_ready(false);
}

static bool write_round(uint32_t area, uint32_t round)
{
    uint32_t start = area + round % PLACES * ROUND;
    uint32_t part = 8u << round / PLACES % 4;

    for (uint32_t i = 0; i < ROUND; i += part)
        if (!write_part(start, round, i, part))
            return false;
    command(0xe7, 0, 0);                        /* FLUSH CACHE */
    return wait_ready(false);
}

static void tell(const char *what, uint32_t round)
{
    print("disk_rounds ");
    print(what);
    print(" ");
    print_hex(round);
    print("\n");
}

void guest_main(void)
{
    uint32_t sectors = 0, round = 0, area;

    serial_init();
    if (!identify(&sectors, id) || sectors < PLACES * ROUND) {
        print("disk_rounds: no disk, or too small a one\n");
        power_off();
    }
    area = sectors - PLACES * ROUND;
    for (uint32_t place = 0; place < PLACES; place++) {
        uint32_t there = round_at(area + place * ROUND);

        if (there > round)
            round = there;
    }
    tell("found", round);
    while (!serial_ready()) {
        if (!write_round(area, ++round)) {
            tell("failed", round);
            break;
        }
        tell("flushed", round);
    }
    power_off();
}
