/* Memory: lists near and far, string instructions, loads and stores. */
#include "tests/bench/part.h"

#define NODE_BYTES 64u
#define NEAR_NODES 4096u        /* 256 KiB */
#define FAR_NODES 262144u       /* 16 MiB: beyond every TLB */
#define STEPS 1000000u
#define LONG_BYTES 65536u
#define SHORT_BYTES 32u

struct node {
    struct node *next;
    uint32_t value;
    uint8_t rest[NODE_BYTES - 4 - sizeof(struct node *)];
};

static struct node near_nodes[NEAR_NODES] __attribute__((aligned(4096)));
static struct node far_nodes[FAR_NODES] __attribute__((aligned(4096)));
static uint32_t from[LONG_BYTES / 4] __attribute__((aligned(4096)));
static uint32_t to[LONG_BYTES / 4] __attribute__((aligned(4096)));

/* One circle through `count` nodes in random order (Sattolo's shuffle). */
static void make_list(struct node *nodes, uint32_t count)
{
    static uint32_t order[FAR_NODES];
    uint32_t seed = 13;

    for (uint32_t n = 0; n < count; n++)
        order[n] = n;
    for (uint32_t n = count - 1; n > 0; n--) {
        uint32_t k = bench_random(&seed) % n, t = order[n];

        order[n] = order[k];
        order[k] = t;
    }
    for (uint32_t n = 0; n < count; n++) {
        nodes[order[n]].next = &nodes[order[n + 1 < count ? n + 1 : 0]];
        nodes[order[n]].value = n;
    }
}

static uint32_t chase(struct node *nodes, uint32_t count)
{
    const struct node *p = nodes;
    uint32_t sum = 0;

    if (!p->next)
        make_list(nodes, count);
    for (uint32_t n = 0; n < STEPS; n++) {
        sum += p->value;
        p = p->next;
    }
    return sum;
}

static uint32_t chase_near(void) { return chase(near_nodes, NEAR_NODES); }
static uint32_t chase_far(void) { return chase(far_nodes, FAR_NODES); }

static void fill(void)
{
    if (from[1])
        return;
    for (uint32_t n = 0; n < LONG_BYTES / 4; n++)
        from[n] = n * 2654435761u;
}

static uint32_t move_long(void)
{
    fill();
    for (unsigned round = 0; round < 100; round++) {
        uint32_t *d = to, *s = from;
        uintptr_t n = LONG_BYTES / 4;

        __asm__ volatile("cld; rep movsl" : "+D"(d), "+S"(s), "+c"(n)
                         : : "memory");
    }
    return to[12345] ^ to[LONG_BYTES / 4 - 1];
}

/* The same by bytes. */
static uint32_t move_bytes(void)
{
    fill();
    for (unsigned round = 0; round < 100; round++) {
        uint32_t *d = to, *s = from;
        uintptr_t n = LONG_BYTES;

        __asm__ volatile("cld; rep movsb" : "+D"(d), "+S"(s), "+c"(n)
                         : : "memory");
    }
    return to[12345] ^ to[LONG_BYTES / 4 - 1];
}

static uint32_t move_short(void)
{
    fill();
    for (unsigned round = 0; round < 50; round++)
        for (uint32_t at = 0; at < LONG_BYTES; at += SHORT_BYTES) {
            uint32_t *d = to + at / 4, *s = from + at / 4;
            uintptr_t n = SHORT_BYTES / 4;

            __asm__ volatile("cld; rep movsl" : "+D"(d), "+S"(s), "+c"(n)
                             : : "memory");
        }
    return to[12345] ^ to[LONG_BYTES / 4 - 1];
}

static uint32_t store_long(void)
{
    for (uint32_t round = 0; round < 100; round++) {
        uint32_t *d = to;
        uintptr_t n = LONG_BYTES / 4;

        __asm__ volatile("cld; rep stosl" : "+D"(d), "+c"(n) : "a"(round)
                         : "memory");
    }
    return to[12345] + to[LONG_BYTES / 4 - 1];
}

/* REPNE SCASB for a byte that is not there, as old strlen()s look for 0. */
static uint32_t scan(void)
{
    uint32_t left = 0;

    for (uint32_t n = 0; n < LONG_BYTES / 4; n++)
        to[n] = 0x01010101u;
    for (unsigned round = 0; round < 10; round++) {
        uint32_t *d = to;
        uintptr_t n = LONG_BYTES;

        __asm__ volatile("cld; repne scasb" : "+D"(d), "+c"(n) : "a"(round + 2)
                         : "cc", "memory");
        left += (uint32_t)n + 1;
    }
    return left;
}

/* Bytes, words and doublewords, read, changed and written. */
static uint32_t mixed(void)
{
    static uint16_t halves[LONG_BYTES / 4];
    static uint32_t counts[256];
    const uint8_t *bytes = (const uint8_t *)from;
    uint32_t sum = 0;

    fill();
    for (uint32_t n = 0; n < 256; n++)
        counts[n] = 0;
    for (uint32_t round = 0; round < 10; round++)
        for (uint32_t n = 0; n < LONG_BYTES / 4; n++) {
            to[n] = from[n] + sum;
            counts[bytes[4 * n + 1]]++;
            halves[n] = (uint16_t)(halves[n ^ 64] + round);
            sum += halves[n ^ 1] ^ bytes[n];
        }
    for (uint32_t n = 0; n < LONG_BYTES / 4; n++) {
        sum = sum * 31 + halves[n] + counts[n & 255];
        halves[n] = 0;
    }
    return sum;
}

static const struct bench_part parts[] = {
    { "chase", chase_near, 63, 0 },
    { "chase-far", chase_far, 3, 0 },
    { "movs64K", move_long, 126, 0 },
    { "movsb64K", move_bytes, 28, 0 },
    { "movs32", move_short, 168, 0 },
    { "stos64K", store_long, 140, 0 },
    { "scas", scan, 350, 0 },
    { "mixed", mixed, 280, 0 },
};
const struct bench_group bench_memory = BENCH_GROUP("memory", parts);
