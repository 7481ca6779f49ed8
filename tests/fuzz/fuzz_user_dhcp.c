/* DHCP requests of any bytes, several in a row. */
// covers: kernel/net/user/dhcp.c
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "kernel/net/user/dhcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct user_config c;
    struct input in = { data, size };
    struct dhcp d = { 0 };
    uint64_t now = 0;
    char why[160];

    if (!user_config_parse(input_u8(&in) & 1 ? "restrict=on,hostname=h"
                                             : "bootfile=/b,domainname=d",
                           &c, why, sizeof why))
        abort();
    while (input_more(&in)) {
        size_t n = input_u16(&in) % 600;
        uint8_t *q = calloc(1, n ? n : 1);
        struct dhcp_reply r;

        /* A head that is right in most, so that options are reached. */
        if (n >= 242 && input_u8(&in) & 7) {
            memcpy(q, "\1\1\6", 3);
            memcpy(q + 236, "\x63\x82\x53\x63\x35\1", 6);
            q[33] = input_u8(&in) & 31;
        }
        for (size_t i = n >= 242 ? 242 : 0; i < n && input_more(&in); i++)
            q[i] = input_u8(&in);
        if (n > 16 && input_u8(&in) & 1)
            q[10] = 0x80;
        if (dhcp_request(&d, &c, q, n, now, &r)) {
            if (r.len > sizeof r.data || r.data[0] != 2 ||
                (r.lease && r.lease - c.dhcp_start >= USER_LEASES))
                abort();
        }
        now += input_u32(&in) >> 4;
        free(q);
    }
    return 0;
}
