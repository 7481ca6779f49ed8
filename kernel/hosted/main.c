/* The Linux program's entry. */
#include <stdio.h>
#include <string.h>

#include "kernel/disk/image_info.h"
#include "kernel/hosted/console.h"
#include "kernel/hosted/log.h"
#include "kernel/main.h"

static void print_line(const char *text) { puts(text); }

/* `trestle image info [-f FORMAT] FILE`: no machine, no console. */
static int image_main(int argc, char **argv)
{
    const char *format = argc == 6 && !strcmp(argv[3], "-f") ? argv[4] : NULL;
    bool is_qcow2 = format && !strcmp(format, "qcow2");
    bool is_raw = format && !strcmp(format, "raw");
    char why[512];

    if (argc < 4 || strcmp(argv[2], "info") ||
        !(is_raw || is_qcow2 || argc == 4)) {
        fprintf(stderr, "usage: trestle image info [-f raw|qcow2] FILE\n");
        return 1;
    }
    if (image_info(argv[argc - 1], is_raw ? IMAGE_RAW
                                 : is_qcow2 ? IMAGE_QCOW2 : IMAGE_GUESS,
                   print_line, why, sizeof why)) {
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
    log_release();
    return status;
}
