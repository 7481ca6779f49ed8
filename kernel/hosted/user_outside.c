/* The way out of user-mode networks on Linux, and its name servers. */
#include "kernel/net/user/outside.h"

#include <stdio.h>

#include "kernel/net/user/sockets.h"

const struct user_outside_ops *const user_outside_default = &user_sockets;

/* Read anew each time: it changes with the networks that a laptop is in. */
unsigned user_host_nameservers(uint32_t *out, unsigned max)
{
    FILE *f = fopen("/etc/resolv.conf", "re");
    char line[256], addr[64];
    unsigned n = 0;

    if (!f)
        return 0;
    while (n < max && fgets(line, sizeof line, f))
        if (sscanf(line, "nameserver %63s", addr) == 1 &&
            user_parse_address(addr, &out[n]))
            n++;                /* IPv6 ones are skipped */
    fclose(f);
    return n;
}
