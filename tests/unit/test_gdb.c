/* gdb's remote protocol (kernel/debug): packets, registers, a session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "kernel/debug/gdb_registers.h"
#include "tests/unit/fake_gdb.h"

static struct fake_gdb fake;
static struct gdb_session session;

static int setup(void **state)
{
    fake_gdb_init(&fake, "trestle32");
    gdb_session_init(&session, &fake_gdb_target, &fake, true);
    return 0;
}

static int setup64(void **state)
{
    fake_gdb_init(&fake, "trestle64");
    gdb_session_init(&session, &fake_gdb_target, &fake, true);
    return 0;
}

/* Send `len` bytes of data as a packet; what comes back, all of it. */
static const char *send_data(const char *data, size_t len)
{
    static char out[GDB_OUT + 1];
    char frame[GDB_FRAME];
    size_t n = gdb_frame(frame, data, len);

    assert_int_equal(gdb_session_input(&session, frame, n), n);
    memcpy(out, session.out, session.out_len);
    out[session.out_len] = '\0';
    gdb_session_sent(&session, session.out_len);
    return out;
}

/* The data of the one reply, which was checked. */
static char *ask(const char *command)
{
    static char data[GDB_PACKET + 1];
    const char *out = send_data(command, strlen(command));
    char frame[GDB_FRAME];
    size_t n;

    if (!session.no_ack || !strcmp(command, "QStartNoAckMode"))
        assert_int_equal(*out++, '+');
    n = strlen(out);
    assert_true(n >= 4 && out[0] == '$' && out[n - 3] == '#');
    memcpy(data, out + 1, n - 4);
    data[n - 4] = '\0';
    assert_int_equal(gdb_frame(frame, data, n - 4), n);
    assert_memory_equal(frame, out, n);
    return data;
}

#define ASK(command, answer) assert_string_equal(ask(command), answer)

/* ---- Packets ------------------------------------------------------------- */

static enum gdb_input feed(struct gdb_reader *r, const char *text)
{
    enum gdb_input in = GDB_MORE;

    while (*text) {
        assert_int_equal(in, GDB_MORE);
        in = gdb_reader_take(r, (uint8_t)*text++);
    }
    return in;
}

static void test_reader(void **state)
{
    struct gdb_reader r = { .len = 0 };

    assert_int_equal(feed(&r, "+++noise$g#67"), GDB_COMMAND);
    assert_string_equal(r.data, "g");
    assert_int_equal(feed(&r, "$g#68"), GDB_DAMAGED);
    assert_int_equal(feed(&r, "$g#x7"), GDB_DAMAGED);
    assert_int_equal(feed(&r, "$lost$m0,1#FA"), GDB_COMMAND);
    assert_string_equal(r.data, "m0,1");
    assert_int_equal(feed(&r, "-"), GDB_NAK);
    assert_int_equal(feed(&r, "\x03"), GDB_INTERRUPT);
    assert_int_equal(feed(&r, "$\x03#03"), GDB_COMMAND);
    assert_int_equal(feed(&r, "$#00"), GDB_COMMAND);
    assert_int_equal(r.len, 0);
}

static void test_too_long(void **state)
{
    struct gdb_reader r = { .len = 0 };
    char *text = malloc(GDB_PACKET + 2);

    memset(text, 0, GDB_PACKET + 2);
    text[0] = '$';
    memset(text + 1, 'a', GDB_PACKET);
    assert_int_equal(feed(&r, text), GDB_MORE);
    assert_int_equal(feed(&r, "#00"), GDB_COMMAND);     /* 1000h * 61h */
    assert_int_equal(r.len, GDB_PACKET);
    feed(&r, text);
    assert_int_equal(feed(&r, "a#61"), GDB_DAMAGED);
    free(text);
}

static void test_acks(void **state)
{
    size_t n;

    assert_string_equal(send_data("qC", 2), "+$QC01#f5");
    assert_int_equal(gdb_session_input(&session, "-", 1), 1);
    assert_memory_equal(session.out, "$QC01#f5", 8);
    gdb_session_sent(&session, 3);
    assert_memory_equal(session.out, "01#f5", 5);
    /* Nothing is taken while a reply waits. */
    assert_int_equal(gdb_session_input(&session, "$qC#b4", 6), 0);
    gdb_session_sent(&session, 5);
    n = gdb_session_input(&session, "$qC#b5$qC#b4", 12);
    assert_int_equal(n, 6);
    assert_memory_equal(session.out, "-", 1);
    assert_int_equal(session.bad_packets, 1);
    gdb_session_sent(&session, session.out_len);
    ASK("QStartNoAckMode", "OK");
    assert_string_equal(send_data("qC", 2), "$QC01#f5");
    gdb_session_input(&session, "-$qC#00", 7);
    assert_int_equal(session.out_len, 0);
}

/* On a wire a damaged packet is repeated, whoever comes next. */
static void test_wire(void **state)
{
    gdb_session_init(&session, &fake_gdb_target, &fake, false);
    assert_null(strstr(ask("qSupported:swbreak+"), "NoAck"));
    assert_false(session.no_ack);
    ASK("QStartNoAckMode", "");
    assert_int_equal(gdb_session_input(&session, "$qC#00", 6), 6);
    assert_memory_equal(session.out, "-", 1);
}

/* ---- Registers ----------------------------------------------------------- */

static void test_registers(void **state)
{
    char all[GDB_PACKET + 1], set[sizeof all + 1];
    size_t len;

    for (unsigned i = 0; i < 8; i++)
        fake.cpu.gpr[i] = 0x11111111u * i;
    fake.cpu.rip = 0x12345678;
    fake.cpu.seg[CS].sel = 0x60;
    fake.cpu.cr0 = 0x80000011;
    strcpy(all, ask("g"));
    len = strlen(all);
    assert_int_equal(len, 2 * (16 * 4 + 8 * 10 + 8 * 4 + 8 * 16 + 4 + 5 * 4));
    assert_memory_equal(all, "0000000011111111222222223333333344444444", 40);
    assert_memory_equal(all + 64, "78563412", 8);
    assert_memory_equal(all + 80, "60000000", 8);
    ASK("p8", "78563412");
    ASK("p3", "33333333");
    snprintf(set, sizeof set, "G%s", all);
    memcpy(set + 1, "efbeadde", 8);
    ASK(set, "OK");
    assert_int_equal(fake.cpu.gpr[RAX], 0xdeadbeef);
    ASK("P3=01020304", "OK");
    assert_int_equal(fake.cpu.gpr[RBX], 0x04030201);
    ASK("P9=ffffffff", "OK");           /* but VM and IOPL */
    assert_int_equal(fake.cpu.rflags & (FLAG_VM | FLAG_IOPL), 0);
    assert_int_equal(fake.cpu.rflags & FLAG_CF, FLAG_CF);
    assert_int_equal(fake.changes, 3);
    assert_int_equal(session.refused_writes, 0);
    ASK("p100", "E16");
    ASK("pff", "E16");
    ASK("p", "E16");
    ASK("P3=0102", "E16");
    ASK("P3=0102030405", "E16");
    ASK("P3", "E16");
    ASK("G00", "E16");
    fake.refuse = -EBUSY;
    ASK("g", "E10");
    ASK("P3=01020304", "E10");
}

static void test_registers64(void **state)
{
    fake.cpu.gpr[R15] = 0x1122334455667788;
    fake.cpu.gpr[RSI] = 0xabcd;
    fake.cpu.seg[GS].base = 0xffff888000000000;
    ASK("pf", "8877665544332211");
    ASK("p4", "cdab000000000000");
    assert_int_equal(strlen(ask("g")),
                     2 * (17 * 8 + 7 * 4 + 80 + 32 + 16 * 16 + 4 + 9 * 8));
    ASK("P10=0000000000000001", "E01"); /* no address of code */
    ASK("p3a", "000000008088ffff");
    assert_int_equal(session.refused_writes, 1);
}

/* Of 32 bits by its number, in the order that the wire has. */
static void put32(unsigned n, uint32_t v, const char *answer)
{
    char text[32];

    snprintf(text, sizeof text, "P%x=%08x", n, __builtin_bswap32(v));
    ASK(text, answer);
}

static void put64(unsigned n, uint64_t v, const char *answer)
{
    char text[48];

    snprintf(text, sizeof text, "P%x=%016llx", n,
             (unsigned long long)__builtin_bswap64(v));
    ASK(text, answer);
}

enum { CS32 = 10, SS32, DS32, CR0_32 = 41, CR2_32, CR3_32, CR4_32, EFER_32,
       CS64 = 18, SS64, FS_BASE64 = 57, CR0_64 = 59, CR2_64, CR3_64, CR4_64,
       EFER_64, CR8_64, K_GS_BASE64 };

/* A GDT at the beginning of the memory. */
static void make_gdt(void)
{
    static const uint64_t gdt[] = {
        0, 0x00cf9a000000ffff,          /* 8: code */
        0x00cf92000000ffff,             /* 10h: data */
        0x00cff2000000ffff,             /* 18h: data of CPL 3 */
        0x00cffa000000ffff,             /* 20h: code of CPL 3 */
        0x00cf12000000ffff,             /* 28h: data, absent */
        0x0000890000000067,             /* 30h: a TSS */
        0x00af9a000000ffff,             /* 38h: code of 64 bits */
        0x00ef9a000000ffff,             /* 40h: the same with D */
        0x00cf98000000ffff,             /* 48h: code that is not read */
    };

    memcpy(fake.memory, gdt, sizeof gdt);
    fake.cpu.gdtr = (struct cpu_table){ FAKE_GDB_BASE, sizeof gdt - 1 };
}

static void test_segments(void **state)
{
    struct cpu *c = &fake.cpu;

    make_gdt();
    put32(DS32, 0x1234, "OK");          /* real mode */
    assert_int_equal(c->seg[DS].base, 0x12340);
    put32(DS32, 0x11234, "E01");
    put32(CR0_32, c->cr0 | CR0_PE, "OK");
    put32(CS32, 8, "OK");
    assert_int_equal(c->seg[CS].base, 0);
    assert_int_equal(c->seg[CS].limit, 0xffffffff);
    assert_int_equal(fake.memory[8 + 5], 0x9b);         /* accessed */
    put32(SS32, 0x10, "OK");
    put32(DS32, 0x1b, "OK");            /* as DPL 3 may be read by all */
    put32(DS32, 0, "OK");
    assert_int_equal(c->seg[DS].attr, 0);
    assert_int_equal(session.refused_writes, 1);
    put32(CS32, 0, "E01");
    put32(CS32, 0x10, "E01");           /* data */
    put32(CS32, 0x23, "E01");           /* of another level */
    put32(CS32, 0x9, "E01");            /* RPL 1 */
    put32(SS32, 0, "E01");
    put32(SS32, 8, "E01");
    put32(SS32, 0x18, "E01");
    put32(DS32, 0x28, "E01");           /* absent */
    put32(DS32, 0x30, "E01");
    put32(DS32, 0x48, "E01");
    put32(DS32, 0x50, "E01");           /* beyond the table */
    put32(DS32, 0x0c, "E01");           /* there is no LDT */
    c->gdtr.base = 0x900000;            /* no memory */
    put32(DS32, 0x10, "E01");
    assert_int_equal(session.refused_writes, 14);
    assert_int_equal(c->seg[CS].sel, 8);
    assert_int_equal(c->seg[SS].sel, 0x10);
}

static void test_control_registers(void **state)
{
    struct cpu *c = &fake.cpu;

    put32(CR0_32, 0x80000010, "E01");   /* PG without PE */
    put32(CR0_32, 0x20000011, "E01");   /* NW without CD */
    put32(CR0_32, 0x11, "OK");
    assert_int_equal(c->cr0, 0x11);
    put32(CR2_32, 0xdeadbeef, "OK");
    assert_int_equal(c->cr2, 0xdeadbeef);
    put32(CR3_32, 0x1000, "OK");
    put32(CR4_32, 0x20000, "E01");      /* a bit of no model */
    put32(CR4_32, CR4_PAE, "OK");
    put32(EFER_32, EFER_LME, "E01");    /* no long mode here */
    memset(fake.memory, 0xff, 32);      /* PDPTEs with reserved bits */
    put32(CR0_32, 0x80000011, "E01");
    memset(fake.memory, 0, 32);
    put32(CR0_32, 0x80000011, "OK");
    assert_int_equal(c->cr0, 0x80000011);
    assert_int_equal(session.refused_writes, 5);
}

static void test_control_registers64(void **state)
{
    struct cpu *c = &fake.cpu;

    make_gdt();
    put64(CR0_64, 0x11, "OK");
    put32(CS64, 8, "OK");
    put64(EFER_64, EFER_LME, "OK");
    put64(CR0_64, 0x80000011, "E01");   /* PAE is missing */
    put64(CR4_64, CR4_PAE, "OK");
    put64(CR0_64, 0x80000011, "OK");
    assert_int_equal(c->efer, EFER_LME | EFER_LMA);
    put64(EFER_64, 0, "E01");           /* while paging */
    put64(CR4_64, 0, "E01");
    put64(CR3_64, 1ull << 60, "E01");
    put64(CR8_64, 16, "E01");
    put64(CR8_64, 9, "OK");
    assert_int_equal(c->cr8, 9);
    put64(FS_BASE64, 0x8000000000000000, "E01");
    put64(FS_BASE64, 0xffff800000000000, "OK");
    assert_int_equal(c->seg[FS].base, 0xffff800000000000);
    put64(K_GS_BASE64, 0x1234, "OK");
    assert_int_equal(c->kernel_gs_base, 0x1234);
    assert_int_equal(session.refused_writes, 6);
}

/* Page tables that map the GDT's page: a jump to 64-bit mode and back. */
static void test_segments64(void **state)
{
    struct cpu *c = &fake.cpu;
    const uint64_t table = FAKE_GDB_BASE + 0x1000;

    make_gdt();
    /* One page as tables of all levels, whose entry 0 is itself. */
    memcpy(fake.memory + 0x1000, &(uint64_t){ table | 3 }, 8);
    memcpy(fake.memory + 0x1008, &(uint64_t){ FAKE_GDB_BASE | 3 }, 8);
    c->cr3 = table;
    c->cr4 = CR4_PAE;
    c->cr0 = CR0_PE | CR0_PG;
    c->efer = EFER_LME | EFER_LMA;
    put32(CS64, 0x40, "E01");           /* L and D */
    put32(CS64, 0x38, "OK");
    assert_true(cpu_in_64bit_mode(c));
    put32(SS64, 0, "OK");               /* of 64-bit mode */
    put32(CS64, 8, "OK");
    put32(SS64, 0x10, "OK");
    put32(SS64, 0, "E01");
    /* A read-only table, and one that crosses a page. */
    c->gdtr.base = FAKE_GDB_BASE + 0xffc - 0x10;
    put32(SS64, 0x10 | 3, "E01");
    assert_int_equal(c->seg[SS].sel, 0x10);
}

static void test_x87(void **state)
{
    struct cpu_fpu *f = &fake.cpu.fpu;
    static const uint8_t one[10] = { [7] = 0x80, [8] = 0xff, [9] = 0x3f };

    f->fsw = 7 << 11;           /* one register: physical 7, which is ST0 */
    f->ftw = 0x80;
    memcpy(f->st[0], one, 10);
    ASK("p10", "0000000000000080ff3f");
    ASK("p1a", "ff3f0000");     /* full tags: valid, all others empty */
    memset(f->st[0], 0, 10);
    ASK("p1a", "ff7f0000");     /* zero */
    ASK("P1a=fcff0000", "OK");
    assert_int_equal(f->ftw, 1);
    ASK("P10=0102030405060708090a", "OK");
    assert_int_equal(f->st[0][9], 10);
    ASK("P28=ffffffff", "OK");
    assert_int_equal(f->mxcsr, f->mxcsr_mask);
    ASK("p20", "00000000000000000000000000000000");
}

static void test_xml(void **state)
{
    char whole[16384], packet[64];
    size_t at = 0;
    const char *part;

    do {
        snprintf(packet, sizeof packet,
                 "qXfer:features:read:target.xml:%zx,300", at);
        part = ask(packet);
        assert_true(*part == 'm' || *part == 'l');
        strcpy(whole + at, part + 1);
        at += strlen(part + 1);
    } while (*part == 'm');
    assert_non_null(strstr(whole, "<architecture>i386</architecture>"));
    assert_non_null(strstr(whole, "\"st7\" bitsize=\"80\""));
    assert_non_null(strstr(whole, "</feature></target>"));
    assert_null(strstr(whole, "rax"));
    ASK("qXfer:features:read:other.xml:0,10", "E00");
    ASK("qXfer:features:read:target.xml:ffffff,10", "E16");
    ASK("qXfer:features:read:target.xml:0", "E16");
    ASK("qXfer:memory-map:read::0,10", "");
    /* All registers of both kinds are in it. */
    for (unsigned wide = 0; wide < 2; wide++) {
        unsigned n = 0;

        assert_true(gdb_registers_xml(wide, whole, sizeof whole) < 8192);
        for (const char *p = whole; (p = strstr(p, "<reg ")); p++)
            n++;
        assert_true(gdb_register_bytes(wide, n - 1));
        assert_false(gdb_register_bytes(wide, n));
    }
}

/* ---- Memory -------------------------------------------------------------- */

static void test_memory(void **state)
{
    char big[GDB_PACKET + 1];
    static const char binary[] = "X1000,4:\0}\x03}]A";

    memcpy(fake.memory, "\x01\x23\xab\xff", 4);
    ASK("m1000,4", "0123abff");
    ASK("M1001,2:5566", "OK");
    ASK("m1000,4", "015566ff");
    assert_int_equal(strlen(ask("m1000,1000")), GDB_PACKET - 2);
    ASK("m2ffe,10", "0000");            /* as far as there is memory */
    assert_int_equal(strlen(ask("m1ffe,7ff")), 0xffe);
    ASK("m9000,1", "E0e");
    ASK("mffffffffffffffff,2", "E0e");
    ASK("m1000", "E16");
    ASK("m1000,", "E16");
    ASK("m11111111111111111,1", "E16");
    ASK("M1000,2:55", "E16");
    ASK("M1000,1:5g", "E16");
    ASK("M1000,ffffffff:55", "E16");
    ASK("M9000,1:55", "E0e");
    ASK("X1000,0:", "OK");
    assert_string_equal(send_data(binary, 14), "+$OK#9a");
    assert_memory_equal(fake.memory, "\0\x23}A", 4);
    assert_string_equal(send_data("X1000,2:}", 9), "+$E16#ac");
    assert_string_equal(send_data("X1000,1:ab", 10), "+$E16#ac");
    memset(big, 'a', GDB_PACKET);
    memcpy(big, "X1000,ff4:", 10);
    assert_string_equal(send_data(big, 10 + 0xff4 - 10), "+$E16#ac");
    memcpy(big, "X1000,fe0:", 10);
    assert_string_equal(send_data(big, 10 + 0xfe0), "+$OK#9a");
    assert_int_equal(fake.memory[0xfdf], 'a');
}

/* Up to a page's end, where the next one is not there. */
static void test_short_read(void **state)
{
    assert_int_equal(strlen(ask("m2ff0,7ff")), 2 * 16);
}

/* ---- Running ------------------------------------------------------------- */

static void silent(const char *command)
{
    assert_string_equal(send_data(command, strlen(command)), "+");
}

/* What poll says. */
static void told(enum gdb_state state, const char *data)
{
    char frame[GDB_FRAME];
    size_t n = gdb_frame(frame, data, strlen(data));

    fake.state = state;
    gdb_session_poll(&session);
    assert_int_equal(session.out_len, n);
    assert_memory_equal(session.out, frame, n);
    gdb_session_sent(&session, n);
    gdb_session_poll(&session);
    assert_int_equal(session.out_len, 0);
}

static void test_run(void **state)
{
    ASK("?", "T02thread:01;");
    silent("c");
    assert_int_equal(fake.runs, 1);
    gdb_session_poll(&session);
    assert_int_equal(session.out_len, 0);
    gdb_session_input(&session, "\x03", 1);
    assert_int_equal(fake.halts, 1);
    told(GDB_PAUSED, "T02thread:01;");
    gdb_session_input(&session, "\x03", 1);
    assert_int_equal(fake.halts, 1);    /* it does not run */
    silent("s");
    fake.stops.reason = CPU_STEPPED;
    told(GDB_STOPPED, "T05thread:01;");
    silent("vCont;s:1;c");
    assert_int_equal(fake.steps, 2);
    fake.stops.reason = CPU_BROKE;
    told(GDB_STOPPED, "T05thread:01;");
    assert_non_null(strstr(ask("qSupported:swbreak+;xmlRegisters=i386"),
                           "PacketSize=1000;"));
    silent("vCont;c");
    told(GDB_STOPPED, "T05thread:01;swbreak:;");
    silent("C05");
    fake.stops.reason = CPU_WATCHED;
    fake.stops.hit = (struct cpu_stop){ 0xc0123450, 4, CPU_STOP_WRITE };
    told(GDB_STOPPED, "T05thread:01;watch:c0123450;");
    silent("S05");
    fake.stops.hit.kind = CPU_STOP_READ;
    told(GDB_STOPPED, "T05thread:01;rwatch:c0123450;");
    silent("c1234");
    assert_int_equal(fake.cpu.rip, 0x1234);
    fake.stops.hit.kind = CPU_STOP_ACCESS;
    told(GDB_STOPPED, "T05thread:01;awatch:c0123450;");
    silent("c");
    told(GDB_ENDED, "W00");
}

static void test_run_refused(void **state)
{
    ASK("cxyz", "E16");
    ASK("c8000000000000000", "E16");
    ASK("vCont;t", "E16");
    ASK("vCont", "E16");
    ASK("vCont;", "E16");
    fake.refuse = -EBUSY;
    ASK("c", "E10");
    ASK("s", "E10");
    assert_false(session.running);
    fake.refuse = 0;
    fake.state = GDB_RUNS;
    ASK("?", "T02thread:01;");
    assert_int_equal(fake.halts, 1);
}

static void test_places(void **state)
{
    ASK("Z0,c0100000,1", "OK");
    ASK("Z0,c0100000,1", "OK");
    ASK("Z1,c0100010,1", "OK");
    ASK("Z2,2000,4", "OK");
    ASK("Z3,2000,4", "OK");
    ASK("Z4,2000,4", "OK");
    assert_int_equal(fake.stops.count, 5);
    ASK("Z5,2000,4", "");
    ASK("Z2,2000,0", "E16");
    ASK("Z2,2000,100000", "E16");
    ASK("Z0,2000", "E16");
    ASK("Z0", "E16");
    ASK("Z", "");
    ASK("Z0,2000,1;X1,0", "E16");
    ASK("z0,c0100000,1", "OK");
    ASK("z0,c0100000,1", "OK");
    ASK("z2,2000,4", "OK");
    assert_int_equal(fake.stops.count, 3);
    fake.refuse = -ENOTSUP;
    assert_int_equal(*ask("Z0,1000,1"), 'E');
}

static void test_queries(void **state)
{
    ASK("qfThreadInfo", "m01");
    ASK("qsThreadInfo", "l");
    ASK("qC", "QC01");
    ASK("qAttached", "1");
    ASK("qAttached:1", "1");
    ASK("Hg0", "OK");
    ASK("Hc-1", "OK");
    ASK("T01", "OK");
    ASK("vMustReplyEmpty", "");
    ASK("vCont?", "vCont;c;C;s;S");
    ASK("qCRC:0,1", "");
    ASK("qOffsets", "");
    ASK("!", "");
    ASK("", "");
}

static void test_monitor(void **state)
{
    static char text[6000];
    const char *out;
    unsigned packets = 0;

    fake.says = "paused\n";
    assert_string_equal(send_data("qRcmd,696e666f", 14),
                        "+$O7061757365640a#59$OK#9a");
    assert_string_equal(fake.line, "info");
    fake.says = "";
    ASK("qRcmd,71", "OK");
    ASK("qRcmd,", "E16");
    ASK("qRcmd,7x", "E16");
    memset(text, 'x', sizeof text - 1);
    fake.says = text;
    out = send_data("qRcmd,71", 8);
    for (const char *p = out; (p = strchr(p, '$')); p++)
        packets++;
    assert_int_equal(packets, 7);
    assert_int_equal(strlen(out), 1 + 2 * (sizeof text - 1) + 6 * 5 + 6);
}

static void test_end(void **state)
{
    ASK("D", "OK");
    assert_int_equal(fake.detaches, 1);
    assert_true(session.over);
    assert_int_equal(gdb_session_input(&session, "$c#63", 5), 5);
    assert_int_equal(fake.runs, 0);
    setup(state);
    assert_string_equal(send_data("k", 1), "+");
    assert_int_equal(fake.kills, 1);
    assert_true(session.over);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        T(test_reader), T(test_too_long), T(test_acks), T(test_wire),
        T(test_registers),
        T(test_segments), T(test_control_registers),
        cmocka_unit_test_setup(test_registers64, setup64),
        cmocka_unit_test_setup(test_control_registers64, setup64),
        cmocka_unit_test_setup(test_segments64, setup64), T(test_x87),
        T(test_xml), T(test_memory), T(test_short_read), T(test_run),
        T(test_run_refused), T(test_places), T(test_queries), T(test_monitor),
        T(test_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
