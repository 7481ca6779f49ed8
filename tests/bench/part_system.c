/* System operations, one kind in each part; results are counts. */
#include "tests/bench/part.h"
#include "tests/bench/system.h"
#include "tests/guests/guest.h"

#define LINE_STATUS 0x3fd           /* COM1 */
#define TOUCHED 32u
#define PRESENT_WRITE_USER 7u
#define FRAMES 0x1000000u           /* of SYSTEM_WINDOW, from 16 MiB */
#define MANY 10000u

static uint32_t calls_of(const char *loop)
{
    system_calls = 0;
    ring3_run(loop, MANY);
    return system_calls;
}

static uint32_t int80(void) { return calls_of(user_int80); }
static uint32_t sysenter(void) { return calls_of(user_sysenter); }

/* From ring 3; the handler goes on behind the store. */
static uint32_t fault(void)
{
    system_window[0] = 0;
    system_on_fault(fault_skip);
    return calls_of(user_fault);
}

static void invalidate(volatile uint32_t *linear)
{
    __asm__ volatile("invlpg (%0)" : : "r"(linear) : "memory");
}

/* A page taken away and mapped again by the fault that its use makes. */
static uint32_t demand(void)
{
    volatile uint32_t *page = (uint32_t *)SYSTEM_WINDOW;

    system_on_fault(fault_map);
    system_calls = 0;
    for (uint32_t n = 0; n < MANY; n++) {
        system_window[0] = 0;
        invalidate(page);
        *page = n;
    }
    return system_calls;
}

/* One page's entry goes to and fro between two frames. */
static uint32_t entry_edit(void)
{
    volatile uint32_t *page = (uint32_t *)SYSTEM_WINDOW;
    uint32_t sum = 0;

    *(uint32_t *)FRAMES = 1;
    *(uint32_t *)(FRAMES + SYSTEM_PAGE) = 2;
    for (uint32_t n = 0; n < MANY; n++) {
        system_window[0] = (FRAMES + (n & 1) * SYSTEM_PAGE) |
                           PRESENT_WRITE_USER;
        invalidate(page);
        sum += *page;
    }
    return sum;
}

/* Address spaces in turn, with so many pages read in each. */
static uint32_t switch_and_touch(uint32_t pages)
{
    volatile uint32_t *window = (uint32_t *)SYSTEM_WINDOW;
    uint32_t sum = 0;

    for (uint32_t n = 0; n < TOUCHED; n++) {
        system_window[n] = (FRAMES + n * SYSTEM_PAGE) | PRESENT_WRITE_USER;
        *(uint32_t *)(FRAMES + n * SYSTEM_PAGE) = n;
    }
    for (uint32_t n = 0; n < MANY; n++) {
        __asm__ volatile("mov %0, %%cr3"
                         : : "r"(system_directory[n & 1]) : "memory");
        for (uint32_t k = 0; k < pages; k++)
            sum += window[k * (SYSTEM_PAGE / 4)];
    }
    __asm__ volatile("mov %0, %%cr3" : : "r"(system_directory[0]) : "memory");
    return sum;
}

static uint32_t cr3(void) { return switch_and_touch(0); }
static uint32_t cr3_touch(void) { return switch_and_touch(TOUCHED); }

static uint32_t port(void)
{
    uint32_t sum = 0;

    for (uint32_t n = 0; n < MANY; n++)
        sum += inb(LINE_STATUS);
    return sum;
}

/* MOV EAX, immediate; RET */
static struct {
    uint8_t code[SYSTEM_PAGE / 2];
    uint32_t data[SYSTEM_PAGE / 8];
} __attribute__((packed, aligned(SYSTEM_PAGE))) mixed_page = {
    .code = { 0xb8, 0, 0, 0, 0, 0xc3 },
};

static uint32_t call_code(void)
{
    uint32_t (*volatile code)(void) = (uint32_t (*)(void))mixed_page.code;

    return code();
}

static uint32_t patch(void)
{
    volatile uint8_t *immediate = mixed_page.code + 1;
    uint32_t sum = 0;

    for (uint32_t n = 0; n < MANY; n++) {
        *immediate = (uint8_t)n;
        sum += call_code();
    }
    return sum;
}

/* Data beside code that goes on being used. */
static uint32_t store_by_code(void)
{
    volatile uint32_t *data = mixed_page.data;
    uint32_t sum = 0;

    for (uint32_t n = 0; n < MANY; n++) {
        data[n & 255] = n;
        if (!(n & 127))
            sum += call_code() + data[n & 255];
    }
    return sum;
}

static uint32_t pushf_popf(void)
{
    for (uint32_t n = 0; n < MANY; n++)
        __asm__ volatile("pushf; popf" : : : "cc", "memory");
    return MANY;
}

static uint32_t cli_sti(void)
{
    for (uint32_t n = 0; n < MANY; n++)
        __asm__ volatile("sti; nop; cli" : : : "memory");
    return MANY;
}

static uint32_t load_segment(void)
{
    uint32_t selector = 0;

    for (uint32_t n = 0; n < MANY; n++)
        __asm__ volatile("mov %%ds, %0; mov %0, %%gs" : "+r"(selector));
    return selector;
}

/* A task switch's: state saved and restored. */
static uint32_t fxsave(void)
{
    static uint8_t area[512] __attribute__((aligned(16)));

    for (uint32_t n = 0; n < MANY; n++)
        __asm__ volatile("fxsave %0; fxrstor %0" : "+m"(area));
    return area[0];
}

static uint32_t rdtsc(void)
{
    for (uint32_t n = 0; n < MANY; n++)
        __asm__ volatile("rdtsc" : : : "eax", "edx");
    return MANY;
}

static const struct bench_part parts[] = {
    { "int80", int80, 154, MANY },
    { "sysenter", sysenter, 980, MANY },
    { "fault", fault, 84, MANY },
    { "demand", demand, 56, MANY },
    { "pte-edit", entry_edit, 154, MANY },
    { "cr3", cr3, 18, MANY },
    { "cr3-touch", cr3_touch, 8, MANY },
    { "port", port, 700, MANY },
    { "patch", patch, 6, MANY },
    { "code-page", store_by_code, 238, MANY },
    { "pushf", pushf_popf, 1960, MANY },
    { "cli-sti", cli_sti, 1400, MANY },
    { "segment", load_segment, 1400, MANY },
    { "fxsave", fxsave, 63, MANY },
    { "rdtsc", rdtsc, 2660, MANY },
};
const struct bench_group bench_system = BENCH_GROUP("system", parts);
