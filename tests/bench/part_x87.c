/*
 * x87 code, as compilers make it of doubles: kept in registers at 80 bits and
 * rounded where it is stored. Locals are long double, so that the result does
 * not hang on which of them the compiler spills.
 */
#include "tests/bench/part.h"

#define BODIES 5u
#define WIDTH 64u
#define DEPTH 50u
#define POINTS 256u
#define ROW 24u

/* Planets around a star; the numbers do not matter, only that they stay. */
static uint32_t nbody(void)
{
    static double at[BODIES][3], speed[BODIES][3], mass[BODIES];
    uint32_t sum = 0;

    for (unsigned i = 0; i < BODIES; i++) {
        mass[i] = i ? 0.01 * i : 40.0;
        for (unsigned k = 0; k < 3; k++) {
            at[i][k] = i * (k + 1.5) - k;
            speed[i][k] = i ? 0.5 * k - 0.3 * i : 0.0;
        }
    }
    for (unsigned step = 0; step < 2000; step++) {
        for (unsigned i = 0; i < BODIES; i++)
            for (unsigned j = i + 1; j < BODIES; j++) {
                long double x = (long double)at[i][0] - at[j][0];
                long double y = (long double)at[i][1] - at[j][1];
                long double z = (long double)at[i][2] - at[j][2];
                long double d = x * x + y * y + z * z + 0.5L;
                long double f = 0.001L / (d * __builtin_sqrtl(d));

                speed[i][0] -= x * mass[j] * f;
                speed[i][1] -= y * mass[j] * f;
                speed[i][2] -= z * mass[j] * f;
                speed[j][0] += x * mass[i] * f;
                speed[j][1] += y * mass[i] * f;
                speed[j][2] += z * mass[i] * f;
            }
        for (unsigned i = 0; i < BODIES; i++)
            for (unsigned k = 0; k < 3; k++)
                at[i][k] += 0.001L * speed[i][k];
    }
    for (unsigned i = 0; i < BODIES; i++)
        sum = sum * 31 + bench_fold(at[i][0]) + bench_fold(speed[i][2]);
    return sum;
}

/* Compare and branch by FCOMI. */
static uint32_t mandelbrot(void)
{
    uint32_t sum = 0;

    for (unsigned row = 0; row < WIDTH; row++)
        for (unsigned column = 0; column < WIDTH; column++) {
            long double a = column * (3.0L / WIDTH) - 2.0L;
            long double b = row * (2.0L / WIDTH) - 1.0L;
            long double x = 0, y = 0, xx = 0, yy = 0;
            unsigned n = 0;

            while (n < DEPTH && xx + yy < 4.0L) {
                y = 2.0L * x * y + b;
                x = xx - yy + a;
                xx = x * x;
                yy = y * y;
                n++;
            }
            sum = sum * 3 + n;
        }
    return sum;
}

/* Linear equations by elimination, doubles in memory, FXCH among them. */
static uint32_t solve(void)
{
    static double m[ROW][ROW + 1];
    uint32_t sum = 0, seed = 17;

    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < ROW; i++)
            for (unsigned j = 0; j <= ROW; j++)
                m[i][j] = (int32_t)(bench_random(&seed) & 1023) +
                          (i == j ? 30000 : 0);
        for (unsigned k = 0; k < ROW; k++)
            for (unsigned i = 0; i < ROW; i++) {
                long double f = i == k ? 0 : (long double)m[i][k] / m[k][k];

                for (unsigned j = k; j <= ROW; j++)
                    m[i][j] -= f * m[k][j];
            }
        for (unsigned i = 0; i < ROW; i++)
            sum = sum * 31 + bench_fold(m[i][ROW] / m[i][i]);
    }
    return sum;
}

/* Integers in and out: FILD, FISTP, the control word changed as C casts do. */
static uint32_t convert(void)
{
    static int32_t wave[POINTS];
    uint32_t sum = 0, seed = 19;

    for (unsigned n = 0; n < POINTS; n++)
        wave[n] = (int32_t)(bench_random(&seed) & 0xffff) - 32768;
    for (unsigned round = 0; round < 100; round++)
        for (unsigned n = 1; n < POINTS; n++) {
            long double v = wave[n] * 0.75L + wave[n - 1] * 0.24L;

            wave[n] = (int32_t)(v + 100.0L);
            sum = sum * 3 + (uint32_t)wave[n];
        }
    return sum;
}

static const struct bench_part parts[] = {
    { "nbody", nbody, 17, 0 },
    { "mandelbrot", mandelbrot, 25, 0 },
    { "solve", solve, 42, 0 },
    { "convert", convert, 84, 0 },
};
const struct bench_group bench_x87 = BENCH_GROUP("x87", parts);
