/* SSE and SSE2: packed and scalar doubles, packed singles and integers; MMX. */
#include <emmintrin.h>
#include <mmintrin.h>

#include "tests/bench/part.h"

#define WIDTH 64u
#define DEPTH 50u
#define POINTS 1024u
#define TEXT_BYTES 16384u
#define BODIES 5u

/* Two columns at a time. */
static uint32_t packed_double(void)
{
    const __m128d four = _mm_set1_pd(4.0), one = _mm_set1_pd(1.0);
    uint32_t sum = 0;

    for (unsigned row = 0; row < WIDTH; row++)
        for (unsigned column = 0; column < WIDTH; column += 2) {
            __m128d a = _mm_set_pd((column + 1) * (3.0 / WIDTH) - 2.0,
                                   column * (3.0 / WIDTH) - 2.0);
            __m128d b = _mm_set1_pd(row * (2.0 / WIDTH) - 1.0);
            __m128d x = _mm_setzero_pd(), y = x, xx = x, yy = x, count = x;

            for (unsigned n = 0; n < DEPTH; n++) {
                __m128d in = _mm_cmplt_pd(_mm_add_pd(xx, yy), four);

                if (!_mm_movemask_pd(in))
                    break;
                count = _mm_add_pd(count, _mm_and_pd(in, one));
                y = _mm_mul_pd(x, y);
                y = _mm_add_pd(_mm_add_pd(y, y), b);
                x = _mm_add_pd(_mm_sub_pd(xx, yy), a);
                xx = _mm_mul_pd(x, x);
                yy = _mm_mul_pd(y, y);
            }
            sum = sum * 3 + (uint32_t)_mm_cvttsd_si32(count) +
                  7 * (uint32_t)_mm_cvttsd_si32(
                          _mm_unpackhi_pd(count, count));
        }
    return sum;
}

/* Bodies that pull at each other, as compilers make it with -mfpmath=sse. */
static uint32_t scalar_double(void)
{
    static double at[BODIES][3], speed[BODIES][3];
    uint32_t sum = 0;

    for (unsigned i = 0; i < BODIES; i++)
        for (unsigned k = 0; k < 3; k++) {
            at[i][k] = i * (k + 1.5) - k;
            speed[i][k] = 0.5 * k - 0.3 * i;
        }
    for (unsigned step = 0; step < 2000; step++) {
        for (unsigned i = 0; i < BODIES; i++)
            for (unsigned j = i + 1; j < BODIES; j++) {
                double x = at[i][0] - at[j][0], y = at[i][1] - at[j][1];
                double z = at[i][2] - at[j][2];
                double d = x * x + y * y + z * z + 0.5;
                double f = 0.001 / (d * __builtin_sqrt(d));

                speed[i][0] -= x * f;
                speed[i][1] -= y * f;
                speed[i][2] -= z * f;
                speed[j][0] += x * f;
                speed[j][1] += y * f;
                speed[j][2] += z * f;
            }
        for (unsigned i = 0; i < BODIES; i++)
            for (unsigned k = 0; k < 3; k++)
                at[i][k] += 0.001 * speed[i][k];
    }
    for (unsigned i = 0; i < BODIES; i++)
        sum = sum * 31 + bench_fold(at[i][0]) + bench_fold(speed[i][2]);
    return sum;
}

/* A filter over four points at a time, at every alignment. */
static uint32_t packed_single(void)
{
    static float in[POINTS + 16], out[POINTS];
    union { float f; uint32_t w; } last;
    uint32_t seed = 23, sum = 0;

    for (unsigned n = 0; n < POINTS + 16; n++)
        in[n] = (float)(int32_t)(bench_random(&seed) & 1023) * 0.01f;
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned n = 0; n < POINTS; n += 4) {
            __m128 s = _mm_setzero_ps();

            for (unsigned k = 0; k < 8; k++)
                s = _mm_add_ps(s, _mm_mul_ps(_mm_loadu_ps(in + n + k),
                                             _mm_set1_ps(0.1f * (k + 1))));
            _mm_storeu_ps(out + n, _mm_max_ps(s, _mm_set1_ps(15.0f)));
        }
        for (unsigned n = 0; n < POINTS; n++)
            in[n] = out[n] * 0.27f;
        last.f = out[round * 7];
        sum = sum * 31 + last.w;
    }
    return sum;
}

static __m128i rotate(__m128i v, int n)
{
    return _mm_or_si128(_mm_slli_epi32(v, n), _mm_srli_epi32(v, 32 - n));
}

/* The rounds of ChaCha20 (RFC 8439), four words in a register. */
static uint32_t packed_integer(void)
{
    static uint32_t out[16];
    uint32_t sum = 0;

    for (uint32_t block = 0; block < 1000; block++) {
        __m128i a = _mm_set1_epi32(0x61707865), b = _mm_set1_epi32(0x11223344);
        __m128i c = _mm_set1_epi32(0x55667788);
        __m128i d = _mm_set_epi32(1, 2, 3, (int)block);

        for (unsigned round = 0; round < 20; round++) {
            a = _mm_add_epi32(a, b);
            d = rotate(_mm_xor_si128(d, a), 16);
            c = _mm_add_epi32(c, d);
            b = rotate(_mm_xor_si128(b, c), 12);
            a = _mm_add_epi32(a, b);
            d = rotate(_mm_xor_si128(d, a), 8);
            c = _mm_add_epi32(c, d);
            b = rotate(_mm_xor_si128(b, c), 7);
            b = _mm_shuffle_epi32(b, _MM_SHUFFLE(0, 3, 2, 1));
            c = _mm_shuffle_epi32(c, _MM_SHUFFLE(1, 0, 3, 2));
            d = _mm_shuffle_epi32(d, _MM_SHUFFLE(2, 1, 0, 3));
        }
        _mm_storeu_si128((__m128i *)out, _mm_add_epi32(a, b));
        _mm_storeu_si128((__m128i *)out + 1, _mm_add_epi32(c, d));
        sum = sum * 31 + out[0] + out[7];
    }
    return sum;
}

/* A byte looked for as today's memchr does, sums by PSADBW. */
static uint32_t bytes(void)
{
    static uint8_t text[TEXT_BYTES] __attribute__((aligned(16)));
    uint32_t seed = 29, sum = 0;

    for (uint32_t n = 0; n < TEXT_BYTES; n++)
        text[n] = (uint8_t)(bench_random(&seed) % 255);
    for (unsigned round = 0; round < 10; round++) {
        __m128i total = _mm_setzero_si128(), all = _mm_set1_epi8(-1);

        for (uint32_t n = 0; n < TEXT_BYTES; n += 16) {
            __m128i v = _mm_load_si128((const __m128i *)(text + n));

            if (_mm_movemask_epi8(_mm_cmpeq_epi8(v, all)))
                break;
            total = _mm_add_epi32(total, _mm_sad_epu8(v, _mm_setzero_si128()));
        }
        sum = sum * 31 + (uint32_t)_mm_cvtsi128_si32(total);
        text[round * 100] = (uint8_t)(sum % 255);
    }
    return sum;
}

/* Two pictures blended. */
static uint32_t mmx(void)
{
    static uint64_t a[POINTS], b[POINTS];
    uint32_t seed = 31, sum = 0;
    __m64 total = _mm_setzero_si64();

    for (unsigned n = 0; n < POINTS; n++) {
        a[n] = (uint64_t)bench_random(&seed) << 32 | bench_random(&seed);
        b[n] = (uint64_t)bench_random(&seed) << 20 | bench_random(&seed);
    }
    for (unsigned round = 0; round < 20; round++)
        for (unsigned n = 0; n < POINTS; n++) {
            __m64 v = _mm_adds_pu8(*(__m64 *)&a[n], *(__m64 *)&b[n]);

            v = _mm_mullo_pi16(_mm_unpacklo_pi8(v, total), _mm_set1_pi16(77));
            total = _mm_add_pi32(total, _mm_srli_pi16(v, 3));
        }
    sum = (uint32_t)_mm_cvtsi64_si32(total) +
          (uint32_t)_mm_cvtsi64_si32(_mm_srli_si64(total, 32));
    _mm_empty();
    return sum;
}

static const struct bench_part parts[] = {
    { "packed-pd", packed_double, 63, 0 },
    { "scalar-sd", scalar_double, 112, 0 },
    { "packed-ps", packed_single, 196, 0 },
    { "packed-int", packed_integer, 308, 0 },
    { "bytes", bytes, 980, 0 },
    { "mmx", mmx, 700, 0 },
};
const struct bench_group bench_sse2 = BENCH_GROUP("sse2", parts);
