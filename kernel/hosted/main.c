/* The Linux program's entry. */
#include "kernel/hosted/console.h"
#include "kernel/main.h"

int main(int argc, char **argv)
{
    int status;

    console_init();
    status = kernel_main(argc, argv);
    console_restore();
    return status;
}
