/* The Linux program's entry. */
#include <stdio.h>
#include <string.h>

#include "kernel/disk/image_info.h"
#include "kernel/hosted/console.h"
#include "kernel/main.h"

static void print_line(const char *text) { puts(text); }

/* `trestle image info FILE`: no machine, no console. */
static int image_main(int argc, char **argv)
{
    char why[320];

    if (argc != 4 || strcmp(argv[2], "info")) {
        fprintf(stderr, "usage: trestle image info FILE\n");
        return 1;
    }
    if (image_info(argv[3], print_line, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int status;

    if (argc > 1 && !strcmp(argv[1], "image"))
        return image_main(argc, argv);
    console_init();
    status = kernel_main(argc, argv);
    console_restore();
    return status;
}
