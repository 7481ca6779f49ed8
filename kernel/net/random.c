/* See random.h: a keyed hash of a counter, and of a connection's two ends. */
#include "kernel/net/random.h"

#include <cpuid.h>
#include <stdbool.h>

#include "kernel/net/lwip_hooks.h"
#include "kernel/platform.h"
#include "lwip/arch.h"

#define CLOCKS 64u
#define RDRAND_TRIES 10         /* Intel's SDM, 7.3.17.1 */

static uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void sip_rounds(uint64_t v[4], unsigned n)
{
    while (n--) {
        v[0] += v[1], v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

uint64_t siphash(const uint64_t key[2], const uint64_t *words, unsigned n)
{
    uint64_t v[4] = {
        key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
        key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u
    };
    uint64_t last = (uint64_t)n * 8 << 56;

    for (unsigned i = 0; i <= n; i++) {
        uint64_t word = i < n ? words[i] : last;

        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The processor's own, or 0 where it has none. */
static uint64_t rdrand(void)
{
    unsigned a, b, c = 0, d;
    uint64_t value = 0;
    bool ok = false;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_RDRND))
        return 0;
    for (int i = 0; i < RDRAND_TRIES && !ok; i++)
        __asm__ volatile ("rdrand %0" : "=r" (value), "=@ccc" (ok));
    return ok ? value : 0;
}

/*
 * The key of the run. Where there is no rdrand, all that differs from run to
 * run is time: the clock's last bits, many times.
 */
static const uint64_t *run_key(void)
{
    static uint64_t key[2];
    static bool made;

    for (unsigned i = 0; i < CLOCKS && !made; i++) {
        uint64_t words[4] = { key[i & 1], platform_now_ns(),
                              platform_wall_seconds(), rdrand() };

        key[i & 1] = siphash(key, words, 4);
    }
    made = true;
    return key;
}

uint32_t net_random(void)
{
    static uint64_t count;

    count++;
    return (uint32_t)siphash(run_key(), &count, 1);
}

/* RFC 6528 3, on the clock of RFC 9293 3.4.1, which counts every 4 us. */
uint32_t net_tcp_isn(uint32_t local, uint16_t local_port, uint32_t remote,
                     uint16_t remote_port)
{
    uint64_t ends[2] = { (uint64_t)local << 32 | remote,
                         (uint64_t)local_port << 16 | remote_port };

    return (uint32_t)siphash(run_key(), ends, 2) +
           (uint32_t)(platform_now_ns() / 4000u);
}
