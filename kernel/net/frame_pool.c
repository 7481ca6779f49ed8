/* See frame_pool.h. */
#include "kernel/net/frame_pool.h"

#include "kernel/platform.h"

#define FRAMES 256u
#define FRAME_BYTES 2048u

static struct nic_buf frames[FRAMES];
static unsigned free_list[FRAMES], free_count;

static void frame_free(struct nic_buf *buf)
{
    free_list[free_count++] = (unsigned)(buf - frames);
}

static bool make_frames(void)
{
    static bool made;
    uint64_t phys;
    uint8_t *memory;

    if (made)
        return true;
    memory = platform_dma_alloc(FRAMES * FRAME_BYTES, NIC_DMA_BELOW, &phys);
    if (!memory)
        return false;
    made = true;
    for (unsigned i = 0; i < FRAMES; i++) {
        frames[i] = (struct nic_buf){
            .data = memory + i * FRAME_BYTES, .phys = phys + i * FRAME_BYTES,
            .free = frame_free
        };
        frame_free(&frames[i]);
    }
    return true;
}

struct nic_buf *frame_pool_take(void)
{
    return make_frames() && free_count ? &frames[free_list[--free_count]]
                                       : NULL;
}
