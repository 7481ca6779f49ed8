/* The host program's entry, called by the platform once it is up. */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

/*
 * argv[0] is the program's name, the rest qemu-style options (command line, or
 * the multiboot2 command line split at blanks, quotes honoured). Returns
 * an exit status; the platform then powers off or exits.
 */
int kernel_main(int argc, char **argv);

/* Build identity for `info version`: "0.1 (git hash)". */
extern const char trestle_version[];

#endif
