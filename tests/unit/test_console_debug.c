/* x, xp, print, i, o, sum, memsave: what the monitor looks up in a machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "emu/machine_internal.h"
#include "tests/unit/console_harness.h"

#define DIRECTORY 0x10000u
#define TABLE 0x11000u

static void poke(uint32_t addr, const void *data, size_t len)
{
    memcpy((uint8_t *)guest->ram + addr, data, len);
}

static void poke32(uint32_t addr, uint32_t v) { poke(addr, &v, sizeof v); }

/* 32-bit paging: c0000000h and on are 20000h, its second page is at 30000h. */
static void page(void)
{
    struct cpu *c = machine_cpu(guest->machine);

    poke32(DIRECTORY, TABLE | 7);
    poke32(DIRECTORY + 0x300 * 4, TABLE | 3);
    poke32(TABLE, 0x20000 | 3);
    poke32(TABLE + 4, 0x30000 | 7);
    poke32(TABLE + 8, 0x400000 | 0x67);         /* behind the RAM's end */
    c->cr3 = DIRECTORY;
    c->cr0 |= CR0_PG | CR0_PE;
    c->seg[CS].attr |= SEG_DB;
}

static void check(const char *const cases[][2], size_t count)
{
    char command[300];

    for (size_t i = 0; i < count; i++) {
        snprintf(command, sizeof command, "%s\r", cases[i][0]);
        assert_shows(type(command), cases[i][1]);
    }
}
#define CHECK(cases) check(cases, sizeof (cases) / sizeof *(cases))

static void test_print(void **state)
{
    static const char *const cases[][2] = {
        { "print 1+2", "\r\n0x3\r\n" },
        { "p/d 2*3+4", "\r\n10\r\n" }, { "p 2*3+4", "\r\n0xa\r\n" },
        { "p 1+2&3", "\r\n0x3\r\n" },             /* & binds tighter, as qemu's */
        { "p (1|4)^1", "\r\n0x4\r\n" },
        { "p 7/2", "\r\n0x3\r\n" }, { "p 7%4", "\r\n0x3\r\n" },
        { "p/d -1", "\r\n-1\r\n" }, { "p/u -1", "18446744073709551615" },
        { "p/x ~0", "0xffffffffffffffff" }, { "p/o 8", "\r\n010\r\n" },
        { "p/c 'A'", "'A'" }, { "p/c 10", "'\\n'" }, { "p/c 0x80", "'\\x80'" },
        { "p/x 010", "0x8" }, { "print /x  12", "0xc" },
        { "p/x $eax", "0x12345678" }, { "p/x $ax", "0x5678" },
        { "p/x $rax", "0x12345678" }, { "p/x $r8", "\r\n0\r\n" },
        { "p/x $cs", "0xf000" }, { "p/x $cs.base", "0xffff0000" },
        { "p/x $cs.limit", "0xffff" }, { "p/x $eip", "0xfff0" },
        { "p/x $pc", "0xfffffff0" }, { "p/x $cr0", "0x60000010" },
        { "p/x $eflags", "0x2" }, { "p/d ( 1 + 2 ) * - 3", "\r\n-9\r\n" },
        { "p 1/0", "division by zero at the end" },
        { "p 1%(2-2)", "division by zero" },
        { "p $foo", "no such register at '$foo'" },
        { "p $r16", "no such register" }, { "p $r", "no such register" },
        { "p $", "no such register" }, { "p $es.foo", "no such register" },
        { "p $averyveryverylongname", "no such register" },
        { "p", "use p [/FMT] EXPRESSION" }, { "p 8 /2", "\r\n0x4\r\n" },
        { "p 8 - 2", "\r\n0x6\r\n" },
        { "p 1 -", "what is '-' behind" }, { "p 1+", "a value is missing at the end" },
        { "p x", "no value at 'x'" }, { "p (1", "a ) is missing" },
        { "p 12x", "no number of 64 bits at '12x'" },
        { "p 99999999999999999999", "no number of 64 bits" },
        { "p 'ab'", "no character between" }, { "p '", "no character" },
        { "p 1 2", "what is '2' behind that?" },
        { "p/q 1", "'/q' is no format" },
        { "p ((((((((((((((((((((((((((((((((((((((((1", "too many signs" },
    };

    type("\001c");
    machine_cpu(guest->machine)->gpr[RAX] = 0x12345678;
    CHECK(cases);
}

static void test_examine(void **state)
{
    static const char *const cases[][2] = {
        { "xp 0x20000", "0000000000020000: 0x04030201\r\n" },
        { "xp/2xw 0x20000", ": 0x04030201 0x08070605\r\n" },
        { "xp/xb 0x20001", "20001: 0x02\r\n" },
        { "xp /3xh 0x20000", ": 0x0201 0x0403 0x0605\r\n" },
        { "xp/xg 0x20000", ": 0x0807060504030201\r\n" },
        { "xp/9xb 0x20000", "0x08\r\n0000000000020008: 0x41\r\n" },
        { "xp/5xw 0x20000", "\r\n0000000000020010: 0x00000000\r\n" },
        { "xp/2c 0x20008", ": 'A' '\\xff'\r\n" },
        { "xp/db 0x20009", ":  -1\r\n" }, { "xp/ub 0x20009", ": 255\r\n" },
        { "xp/ob 0x20008", ": 0101\r\n" },
        { "xp/2 0x20008", ": 0101 0377\r\n" },         /* as the last one */
        { "xp 0x200000", "0000000000200000: Cannot access memory\r\n" },
        { "xp/2xg 0xffff8", "Cannot access memory" },
        { "x/xw 0xc0000000", "\r\nc0000000: 0x04030201\r\n" },
        { "x/2xg 0xc0000ff8", "c0000ff8: 0x0000000000000000 "
          "0x1817161514131211\r\n" },
        { "x 0xc0002000", "c0002000: Cannot access memory" },
        { "x 0x80000000", "80000000: Cannot access memory" },
        { "x/2i 0xc0001000", "\r\n0xc0001002:  13 14 15 " },
        { "xp/i 0x30000", "0x0000000000030000:  11 12 " },
        { "xp/ih 0x30000", "0x0000000000030000:  11 12 " },
        { "x/i 0x80000000", "0x80000000: Cannot access memory" },
        { "x/0xb 0", "/N: 1 to 4096" }, { "x/5000xb 0", "/N: 1 to 4096" },
        { "x/99999999999999999999xb 0", "/N: 1 to 4096" },
        { "x/s 0", "'/s' is no format" }, { "x", "use x /FMT ADDRESS" },
        { "x/x", "a value is missing" },
    };

    type("\001c");
    poke(0x20000, "\1\2\3\4\5\6\7\10A\377", 10);
    poke(0x30000, "\21\22\23\24\25\26\27\30", 8);
    page();
    CHECK(cases);
    /* Not one bit of the page tables has changed. */
    assert_shows(type("xp/2xw 0x11000\r"), ": 0x00020003 0x00030007\r\n");
    /* The last bytes of a page, behind which nothing is. */
    poke(0x20fff, "\220", 1);
    poke32(TABLE + 4, 0);
    assert_shows(type("x/i 0xc0000fff\r"), "0xc0000fff:  90 ");
    /* All that it prints, and no more, comes out. */
    assert_shows(type("xp/4096xb 0\r"), "0000000000000ff8:");
}

static void test_info_pages(void **state)
{
    const char *out;

    type("\001c");
    assert_shows(type("info tlb\r"), "PG disabled");
    assert_shows(type("info mem\r"), "PG disabled");
    page();
    out = type("info tlb\r");
    assert_shows(out, "\r\n0000000000001000: 0000000000030000 -------UW\r\n");
    assert_shows(out, "\r\n0000000000002000: 0000000000400000 ---DA--UW\r\n");
    assert_shows(out, "\r\n00000000c0000000: 0000000000020000 --------W\r\n");
    out = type("info mem\r");
    assert_shows(out, "\r\n0000000000000000-0000000000001000 "
                 "0000000000001000 -rw\r\n"
                 "0000000000001000-0000000000003000 0000000000002000 urw\r\n"
                 "00000000c0000000-00000000c0003000 0000000000003000 -rw\r\n");
}

/* A directory that is its own table, and one of large pages, with PAE. */
static void test_info_odd_tables(void **state)
{
    struct cpu *c = machine_cpu(guest->machine);

    type("\001c");
    page();
    poke32(DIRECTORY + 0x3ff * 4, DIRECTORY | 3);
    assert_shows(type("info mem\r"), "00000000fffff000");
    poke32(DIRECTORY + 4, 0x00400000 | 0x83);
    c->cr4 |= CR4_PSE;
    assert_shows(type("info tlb\r"),
                 "0000000000400000: 0000000000400000 --P-----W");
    c->cr4 |= CR4_PAE;
    memset(c->pdpte, 0, sizeof c->pdpte);
    c->pdpte[3] = DIRECTORY | 1;
    poke(DIRECTORY, (const uint64_t[]){ 0x200000 | 0xe3 }, 8);
    assert_shows(type("info mem\r"), "00000000c0000000-00000000c0200000");
    /* Where nothing is. */
    c->pdpte[3] = 0xfffff001;
    assert_shows(type("info mem\r"), "(trestle) ");
}

static void poke64(uint32_t addr, uint64_t v) { poke(addr, &v, sizeof v); }

/* A kernel's half of the address space, a 1 GiB page, and one that is user's. */
static void test_info_long_mode(void **state)
{
    struct cpu *c = machine_cpu(guest->machine);
    const char *out;

    type("\001c");
    poke64(0x10000 + 511 * 8, 0x11000 | 3);
    poke64(0x10000, 0x12000 | 7);
    poke64(0x11000 + 510 * 8, 0x40000000 | 0x183);
    poke64(0x12000, 0x13000 | 7);
    poke64(0x13000 + 2 * 8, 0x20000 | 7 | 1ull << 63);
    poke64(0x13000 + 3 * 8, 0x600000 | 0x87);
    c->cr3 = 0x10000;
    c->cr0 |= CR0_PG | CR0_PE;
    c->cr4 |= CR4_PAE;
    c->efer |= EFER_LMA | EFER_LME;
    /* 13000h is a directory: its entry 2 leads to a table at 20000h. */
    poke64(0x20000 + 8, 0x30000 | 7);
    poke(0x30000, "\1\2\3\4", 4);
    out = type("info tlb\r");
    assert_shows(out, "\r\n0000000000401000: 0000000000030000 -------UW\r\n");
    assert_shows(out, "\r\n0000000000600000: 0000000000600000 --P----UW\r\n");
    assert_shows(out, "\r\nffffffff80000000: 0000000040000000 -GP-----W\r\n");
    assert_shows(type("info mem\r"),
                 "ffffffff80000000-ffffffffc0000000 0000000040000000 -rw");
    assert_shows(type("x 0x401000\r"), "0000000000401000: 0x04030201\r\n");
    assert_shows(type("x 0x8000000000000000\r"), "Cannot access memory");
}

/* Long mode's tables without an end are cut off. */
static void test_info_endless_tables(void **state)
{
    struct cpu *c = machine_cpu(guest->machine);
    uint64_t self[512];
    const char *out;

    type("\001c");
    for (unsigned i = 0; i < 512; i++)
        self[i] = DIRECTORY | 7;
    poke(DIRECTORY, self, sizeof self);
    c->cr3 = DIRECTORY;
    c->cr0 |= CR0_PG | CR0_PE;
    c->cr4 |= CR4_PAE;
    c->efer |= EFER_LMA | EFER_LME;
    out = type("info mem\r");
    assert_shows(out, "the guest's page tables have no end");
}

static void test_ports(void **state)
{
    static const char *const cases[][2] = {
        { "i /b 0x71", "portb[0x0071] = 0x" },
        { "o /b 0x80 0x12", "o /b 0x80 0x12\r\n(trestle) " },
        { "i/h 0xcf8", "portw[0x0cf8] = 0x" },
        { "o/w 0xcf8 0x80000000", "(trestle) " },
        { "i/w 0xcfc", "portl[0x0cfc] = 0x12378086" },
        { "i/w 0xcf8", "portl[0x0cf8] = 0x80000000" },
        { "i 0x70 0xd", "portb[0x0071] = 0x80" },       /* with an index */
        { "i 0x3999", "portb[0x3999] = 0xff" },
        { "i 0x10000", "a port is 0 to 0xffff" },
        { "i/g 0x70", "a port is 0 to 0xffff" },
        { "i/2b 0x70", "a port is 0 to 0xffff" },
        { "i", "use i /FMT PORT" }, { "o/b 0x70", "use o [/b" },
        { "o/b 0x70 1 2", "what is '2' behind that?" },
    };

    type("\001c");
    CHECK(cases);
}

static void test_sum_and_save(void **state)
{
    static const char *const cases[][2] = {
        { "sum 0x20000 0", "a size is 1 to 256 MiB" },
        { "sum 0 0x40000000", "a size is 1 to 256 MiB" },
        { "sum 0x200000 0x2000", "Cannot access memory at 0x200000" },
        { "sum 0x9f000 0x2000", "4 KiB of that are neither RAM nor ROM: zeros" },
        { "sum 0x9fffe 4", "1 KiB of that are neither" },
        { "sum 0x20000 4 5", "use sum ADDRESS SIZE" },
        { "sum 0x20000", "a value is missing" },
        { "memsave 0x20000 4", "use memsave ADDRESS SIZE FILE" },
        { "pmemsave 0x20000 4 \"\"", "use pmemsave ADDRESS SIZE FILE" },
        { "pmemsave 0x20000 4 /nonsense/x", "cannot write '/nonsense/x': No " },
        { "pmemsave 0x20000 4 -", "begin-base64 644 memory\r\nAQIDBA==\r\n"
          "====\r\n(trestle) " },
        { "memsave 0xc0000000 4 -", "AQIDBA==" },
        { "memsave 0x80000000 4 -", "Cannot access memory" },
        { "pmemsave 0 0x10001 -", "64 KiB at most are printed" },
    };
    char name[] = "/tmp/memsaveXXXXXX", command[100];
    uint8_t got[8] = { 0 };
    int file = mkstemp(name);

    type("\001c");
    poke(0x20000, "\1\2\3\4", 4);
    page();
    /* sum(1) of 1 2 3 4: ((1 ror 1) + 2) ... */
    assert_shows(type("sum 0x20000 4\r"), "\r\n08198\r\n");
    CHECK(cases);
    assert_shows(type("set paging on\rpmemsave 0x9fffe 4 -\r"),
                 "zeros\r\nbegin-base64 644 memory\r\nAAAAAA==\r\n====");
    snprintf(command, sizeof command, "pmemsave 0x20000 6 \"%s\"\r", name);
    type(command);
    assert_int_equal(read(file, got, sizeof got), 6);
    assert_memory_equal(got, "\1\2\3\4\0\0", 6);
    close(file);
    unlink(name);
}

static void test_info_texts(void **state)
{
    type("\001c");
    assert_shows(type("info mtree\r"), "0000000000000000-000000000009ffff: ram");
    assert_shows(type("info qtree\r"), "    dev: piix3, id \"\"\r\n"
                 "      addr = 01.0\r\n");
    assert_shows(type("info irq\r"), "IRQ statistics for isa-i8259:");
    machine_isa_irq(guest->machine, 5, true);
    machine_isa_irq(guest->machine, 5, true);
    machine_isa_irq(guest->machine, 5, false);
    machine_isa_irq(guest->machine, 5, true);
    assert_shows(type("info irq\r"), "\r\n 5: 2\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_print),
        TEST(test_examine),
        TEST(test_info_pages),
        TEST(test_info_odd_tables),
        TEST(test_info_long_mode),
        TEST(test_info_endless_tables),
        TEST(test_ports),
        TEST(test_sum_and_save),
        TEST(test_info_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
