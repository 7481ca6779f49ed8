/* See input_news.h. */
#include "kernel/metal/input_news.h"

bool input_news(struct input_news *n, enum kbc_state state, uint64_t now)
{
    if (state == n->told || state == KBC_STARTING ||
        !log_limit_take(&n->limit, now, INPUT_NEWS_MAX, INPUT_NEWS_NS))
        return false;
    n->told = state;
    return true;
}
