/*
 * many_tcp ADDRESS PORT COUNT BYTES: an IA-32 Linux program without a C
 * library, for a guest that has no other that opens so many. It opens COUNT
 * connections to an echo server, sends BYTES on each and reads what comes back,
 * says so, waits for a line, does that again with other bytes, and closes them
 * all. What comes back must be what went. Exit status 0: it was.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
    SYS_EXIT = 1, SYS_READ = 3, SYS_WRITE = 4, SYS_CLOSE = 6,
    SYS_SETRLIMIT = 75, SYS_SOCKET = 359, SYS_CONNECT = 362,
};
enum { RLIMIT_NOFILE = 7, AF_INET = 2, SOCK_STREAM = 1 };
#define COUNT_MAX 4000u
#define BYTES_MAX 16384u

struct ip_endpoint {            /* Linux's sockaddr_in */
    uint16_t family, port;      /* the latter and the address: big-endian */
    uint32_t addr;
    uint8_t zero[8];
};

struct limit {
    uint32_t soft, hard;
};

static int sockets[COUNT_MAX];
static uint8_t sent[BYTES_MAX], got[BYTES_MAX];

/* Where the kernel has put the arguments, behind their count. */
__asm__(".globl _start\n"
        "_start: movl %esp, %eax\n"
        "andl $-16, %esp\n"
        "subl $12, %esp\n"
        "pushl %eax\n"
        "call many_main\n");
void many_main(const uint32_t *stack);

static int kernel(int number, uint32_t a, uint32_t b, uint32_t c)
{
    int result;

    __asm__ volatile("int $0x80" : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

static void say(const char *text)
{
    uint32_t len = 0;

    while (text[len])
        len++;
    kernel(SYS_WRITE, 1, (uint32_t)text, len);
}

static void say_number(uint32_t n)
{
    char text[11], *at = text + sizeof text - 1;

    *at = '\0';
    do
        *--at = '0' + n % 10;
    while (n /= 10);
    say(at);
}

/* `error`: Linux's, negative. */
static void fail(const char *what, unsigned connection, int error)
{
    say("many_tcp: connection ");
    say_number(connection);
    say(": ");
    say(what);
    say(", error ");
    say_number(-error);
    say("\n");
    kernel(SYS_EXIT, 1, 0, 0);
}

static uint32_t number(const char **text)
{
    uint32_t n = 0;

    while (**text >= '0' && **text <= '9')
        n = n * 10 + (uint32_t)(*(*text)++ - '0');
    return n;
}

/* "10.1.2.3" as it lies in a packet. */
static uint32_t address(const char *text)
{
    uint32_t a = 0;

    for (unsigned i = 0; i < 4; i++, text += *text == '.')
        a |= (number(&text) & 0xff) << i * 8;
    return a;
}

static void open_all(unsigned count, const struct ip_endpoint *to)
{
    struct limit files = { count + 16, count + 16 };
    int r = kernel(SYS_SETRLIMIT, RLIMIT_NOFILE, (uint32_t)&files, 0);

    if (r)
        fail("so many files cannot be open", count, r);
    for (unsigned i = 0; i < count; i++) {
        sockets[i] = kernel(SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
        if (sockets[i] < 0)
            fail("no socket", i, sockets[i]);
        r = kernel(SYS_CONNECT, sockets[i], (uint32_t)to, sizeof *to);
        if (r)
            fail("not connected", i, r);
    }
}

/* Others on each connection and in each round. */
static void fill(unsigned connection, unsigned round, unsigned bytes)
{
    uint32_t x = connection << 8 | round;

    for (unsigned i = 0; i < bytes; i++) {
        x = x * 1664525 + 1013904223;
        sent[i] = x >> 24;
    }
}

static void send_one(unsigned connection, unsigned bytes)
{
    int r;

    for (unsigned done = 0; done < bytes; done += r) {
        r = kernel(SYS_WRITE, sockets[connection], (uint32_t)(sent + done),
                   bytes - done);
        if (r <= 0)
            fail("not sent", connection, r);
    }
}

static void receive_one(unsigned connection, unsigned bytes)
{
    int r;

    for (unsigned done = 0; done < bytes; done += r) {
        r = kernel(SYS_READ, sockets[connection], (uint32_t)(got + done),
                   bytes - done);
        if (r <= 0)
            fail("not received", connection, r);
    }
    for (unsigned i = 0; i < bytes; i++)
        if (got[i] != sent[i])
            fail("other bytes came back", connection, 0);
}

/*
 * So many of them at a time have bytes under way: a slow guest that sends on
 * all of them at once sends again, on all of them, before answers come.
 */
#define UNDER_WAY 16u

static void exchange(unsigned count, unsigned round, unsigned bytes)
{
    for (unsigned from = 0, to; from < count; from = to) {
        to = count - from < UNDER_WAY ? count : from + UNDER_WAY;
        for (unsigned i = from; i < to; i++) {
            fill(i, round, bytes);
            send_one(i, bytes);
        }
        for (unsigned i = from; i < to; i++) {
            fill(i, round, bytes);
            receive_one(i, bytes);
        }
    }
    say_number(count);
}

static void wait_for_line(void)
{
    char c = 0;

    while (c != '\n' && kernel(SYS_READ, 0, (uint32_t)&c, 1) == 1)
        ;
}

void many_main(const uint32_t *stack)
{
    const char *argument[5];
    struct ip_endpoint to = { .family = AF_INET };
    uint32_t port, count, bytes;

    for (unsigned i = 1; i < 5 && stack[0] == 5; i++)
        argument[i] = (const char *)stack[1 + i];
    if (stack[0] != 5) {
        say("usage: many_tcp ADDRESS PORT COUNT BYTES\n");
        kernel(SYS_EXIT, 2, 0, 0);
    }
    to.addr = address(argument[1]);
    port = number(&argument[2]);
    to.port = (uint16_t)(port << 8 | port >> 8);
    count = number(&argument[3]);
    bytes = number(&argument[4]);
    if (count > COUNT_MAX || bytes > BYTES_MAX) {
        say("many_tcp: at most 4000 connections, 16384 bytes\n");
        kernel(SYS_EXIT, 2, 0, 0);
    }
    open_all(count, &to);
    exchange(count, 0, bytes);
    say(" connections open\n");
    wait_for_line();
    exchange(count, 1, bytes);
    say(" connections equal\n");
    for (unsigned i = 0; i < count; i++)
        kernel(SYS_CLOSE, sockets[i], 0, 0);
    kernel(SYS_EXIT, 0, 0, 0);
}
