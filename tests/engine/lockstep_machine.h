/* A whole machine for lockstep.c: the router image's PC on virtual time. */
#ifndef TESTS_ENGINE_LOCKSTEP_MACHINE_H
#define TESTS_ENGINE_LOCKSTEP_MACHINE_H

#include <stdbool.h>

#include "emu/chardev.h"
#include "emu/machine.h"
#include "kernel/disk/image.h"

struct lockstep_machine {
    struct machine *m;
    const struct engine_ops *engine;    /* that it has now */
    uint8_t *ram;
    struct disk_image disk;
    struct machine_host host;
    struct machine_rom rom;
    struct chardev serial;
    const char *name;           /* for log lines */
    bool echo;                  /* what the guest says goes to the log */
    char line[80];
    unsigned line_len;
    uint64_t serial_hash;       /* of all bytes that the guest sent */
    uint64_t interrupts;        /* acknowledged by the CPU */
};

#define LOCKSTEP_RAM (64ull << 20)

/*
 * A machine on `image`, with writes in memory, running on interp. `rtc`: UTC
 * seconds at power-on; `shift`: of -icount. False: the reason has been logged.
 */
bool lockstep_machine_create(struct lockstep_machine *l, const char *name,
                             const char *image, int64_t rtc, int shift);
/* What the engine says of itself (engine_ops.info), to the log. */
void lockstep_machine_say_engine(struct lockstep_machine *l);
/* From now on let `engine` execute. False: it could not be created. */
bool lockstep_machine_engine(struct lockstep_machine *l,
                             const struct engine_ops *engine);

#endif
