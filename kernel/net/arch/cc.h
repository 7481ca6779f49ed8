/* lwIP's compiler and platform header, the same for both builds. */
#ifndef KERNEL_NET_ARCH_CC_H
#define KERNEL_NET_ARCH_CC_H

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX
#endif

/* kernel/net/net.c: report through the platform and stop. */
_Noreturn void net_lwip_assert(const char *what, const char *file, int line);

#define LWIP_PLATFORM_DIAG(x) do { } while (0)
#define LWIP_PLATFORM_ASSERT(x) net_lwip_assert(x, __FILE__, __LINE__)
#define LWIP_RAND() net_random()

/* kernel/net/net.c: sys_now, which does not wrap. */
uint64_t net_now_ms(void);

/* kernel/net/random.c: hard to guess for who has seen some. */
uint32_t net_random(void);

#endif
