/* Hashes: SHA-256 (FIPS 180-4) and a CRC-32 by table (IEEE 802.3). */
#include "tests/bench/part.h"

#define TEXT_BYTES 65536u
#define BLOCK_BYTES 64u
#define CRC_POLYNOMIAL 0xedb88320u

static uint8_t text[TEXT_BYTES];

static const uint32_t sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void fill(void)
{
    uint32_t seed = 5;

    for (uint32_t n = 0; n < TEXT_BYTES; n++)
        text[n] = (uint8_t)bench_random(&seed);
}

static uint32_t ror(uint32_t v, unsigned n) { return v >> n | v << (32 - n); }

static void sha_block(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], v[8];

    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 |
               p[4 * i + 2] << 8 | p[4 * i + 3];
    for (unsigned i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];

        w[i] = w[i - 16] + (ror(a, 7) ^ ror(a, 18) ^ a >> 3) + w[i - 7] +
               (ror(b, 17) ^ ror(b, 19) ^ b >> 10);
    }
    for (unsigned i = 0; i < 8; i++)
        v[i] = h[i];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t = v[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) +
                     ((e & v[5]) ^ (~e & v[6])) + sha_k[i] + w[i];
        uint32_t u = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) +
                     ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

        v[7] = v[6];
        v[6] = v[5];
        v[5] = e;
        v[4] = v[3] + t;
        v[3] = v[2];
        v[2] = v[1];
        v[1] = a;
        v[0] = t + u;
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] += v[i];
}

/* Whole blocks only: the last one's padding would be no other work. */
uint32_t bench_sha256(void)
{
    uint32_t h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

    fill();
    for (unsigned round = 0; round < 8; round++)
        for (uint32_t at = 0; at < TEXT_BYTES; at += BLOCK_BYTES)
            sha_block(h, text + at);
    return h[0] ^ h[7];
}

uint32_t bench_crc32(void)
{
    static uint32_t table[256];
    uint32_t crc = ~0u;

    fill();
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t c = n;

        for (unsigned bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? CRC_POLYNOMIAL : 0);
        table[n] = c;
    }
    for (unsigned round = 0; round < 40; round++)
        for (uint32_t n = 0; n < TEXT_BYTES; n++)
            crc = crc >> 8 ^ table[(crc ^ text[n]) & 255];
    return ~crc;
}
