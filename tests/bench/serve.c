/* See part.h. Runs in the guest and in the native program. */
#include "tests/bench/part.h"
#include "tests/guests/guest.h"

#define NAME_BYTES 16

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static const struct bench_part *find(const struct bench_group *const *groups,
                                     unsigned count, const char *name)
{
    for (unsigned g = 0; g < count; g++)
        for (unsigned p = 0; p < groups[g]->count; p++)
            if (same(groups[g]->parts[p].name, name))
                return &groups[g]->parts[p];
    return NULL;
}

static void read_line(char line[NAME_BYTES])
{
    unsigned n = 0;
    char c;

    while ((c = (char)serial_getc()) != '\n')
        if (n + 1 < NAME_BYTES)
            line[n++] = c;
    line[n] = 0;
}

static void list(const struct bench_group *group)
{
    for (unsigned p = 0; p < group->count; p++) {
        print("part ");
        print(group->name);
        print(" ");
        print(group->parts[p].name);
        print(" ");
        print_hex(group->parts[p].repeats * group->parts[p].operations);
        print("\n");
    }
}

void bench_serve(const struct bench_group *const *groups, unsigned count)
{
    char line[NAME_BYTES];

    for (unsigned g = 0; g < count; g++)
        list(groups[g]);
    print("mix ready\n");
    for (;;) {
        const struct bench_part *part;
        uint32_t result = 0;

        read_line(line);
        if (same(line, "quit"))
            return;
        part = find(groups, count, line);
        for (uint32_t n = 0; part && n < part->repeats; n++)
            result = part->run();
        print(part ? "result " : "no such part ");
        print_hex(result);
        print("\n");
    }
}
