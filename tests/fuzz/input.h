/* A fuzzer's bytes as a stream of choices; zeros once they are used up. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    const uint8_t *data;
    size_t left;
};

static inline bool input_more(const struct input *in)
{
    return in->left > 0;
}

static inline uint8_t input_u8(struct input *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->data++;
}

static inline uint16_t input_u16(struct input *in)
{
    uint16_t low = input_u8(in);

    return low | input_u8(in) << 8;
}

static inline uint32_t input_u32(struct input *in)
{
    uint32_t low = input_u16(in);

    return low | (uint32_t)input_u16(in) << 16;
}

/* Operand sizes of port accesses: 1, 2 or 4. */
static inline unsigned input_size(struct input *in)
{
    static const uint8_t sizes[4] = { 1, 2, 4, 1 };

    return sizes[input_u8(in) & 3];
}

#endif
