/* Taking a guest's picture. See picture.h. */
#include "kernel/picture/picture.h"

#include <errno.h>

#include "emu/display.h"
#include "kernel/guest.h"
#include "kernel/platform.h"

/* Between asking for the size and drawing the guest may change it. */
#define TRIES 4u

static int make_room(struct picture *p, const struct display_mode *mode)
{
    size_t bytes = (size_t)mode->width * mode->height * sizeof *p->pixels;

    picture_free(p);
    p->pixels = platform_pages_alloc(bytes);
    if (!p->pixels)
        return -ENOMEM;
    p->bytes = bytes;
    p->width = mode->width;
    p->height = mode->height;
    return 0;
}

int picture_take(struct guest *g, struct picture *p)
{
    *p = (struct picture){ 0 };
    for (unsigned i = 0; i < TRIES; i++) {
        struct display_view view = { 0 };
        struct display_target target = { p->pixels, p->width, p->width,
                                         p->height };
        int r = guest_draw(g, &view, &target, DISPLAY_BOTH);

        if (r >= 0 && view.mode.width == p->width) {
            p->height = view.mode.height;
            return 0;
        }
        if (r >= 0 || r == -ENOSPC)
            r = make_room(p, &view.mode);
        if (r) {
            picture_free(p);
            return r;
        }
    }
    picture_free(p);
    return -EAGAIN;
}

void picture_free(struct picture *p)
{
    if (p->pixels)
        platform_pages_free(p->pixels, p->bytes);
    *p = (struct picture){ 0 };
}
