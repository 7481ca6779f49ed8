/* TFTP datagrams of any bytes, in a folder with one file. */
// covers: kernel/net/user/tftp.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "kernel/net/user/tftp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/trestle-fuzz-XXXXXX";

static void clean_up(void)
{
    char path[64];

    snprintf(path, sizeof path, "%s/f", folder);
    unlink(path);
    rmdir(folder);
}

static void make_folder(void)
{
    char path[64];
    FILE *f;

    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/f", folder);
    f = fopen(path, "w");
    if (!f)
        abort();
    for (unsigned i = 0; i < 1500; i++)
        fputc(i, f);
    fclose(f);
    atexit(clean_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char request[] = "\0\1f\0octet";
    static bool ready;
    struct tftp t = { .folder = folder };
    struct input in = { data, size };
    uint64_t now = 0;

    if (!ready)
        make_folder();
    ready = true;
    while (input_more(&in)) {
        uint8_t what = input_u8(&in), reply[TFTP_REPLY_MAX], *p;
        size_t n = input_u8(&in), at = 0, got;

        p = calloc(1, n ? n : 1);
        if (what & 1 && n >= sizeof request) {
            memcpy(p, request, sizeof request);
            at = sizeof request;
        } else if (what & 2 && n >= 2) {
            p[1] = 4;
            at = 2;
        }
        while (at < n && input_more(&in))
            p[at++] = input_u8(&in);
        got = tftp_input(&t, 1, what >> 2 & 31, p, n, now, reply);
        if (got > sizeof reply || (got && got < 4))
            abort();
        if (what & 0x80)
            now += 20000;
        free(p);
    }
    tftp_fini(&t);
    return 0;
}
