/*
 * The platform: what the host program needs from whatever it runs on.
 *
 * Two implementations exist: kernel/metal (the bare machine) and
 * kernel/hosted (a Linux program). Nothing above this header knows which one
 * it got, and both pass the same tests (tests/unit/test_platform.c).
 *
 * Threads: every call below belongs to the I/O core unless it says otherwise.
 */
#ifndef KERNEL_PLATFORM_H
#define KERNEL_PLATFORM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct canvas;                  /* kernel/screen/canvas.h */
struct chardev;                 /* emu/chardev.h */
struct local;                   /* kernel/console/local.h */
struct options;                 /* kernel/options.h */
struct input_event;             /* drivers/input/input.h */
struct window_ops;              /* emu/cpu/window.h */
struct nic;                     /* drivers/net/nic.h */
struct disk;                    /* drivers/block/disk.h */

/* ---- Time ------------------------------------------------------------- */

/* Monotonic clock in nanoseconds since an arbitrary start. Any core. */
uint64_t platform_now_ns(void);

/* Does the TSC run at one rate, whatever the processor does? */
bool platform_tsc_is_steady(void);

/* Wall clock: seconds since 1970-01-01 00:00 UTC. */
int64_t platform_wall_seconds(void);
/* The same in nanoseconds. Any core. */
int64_t platform_wall_ns(void);

/*
 * Sleep until `deadline_ns` (on platform_now_ns's clock) or until an event. For
 * the I/O core: a physical device wants service, console input, or
 * platform_wake; for another core: platform_core_wake. May
 * return early for no reason; never busy-waits (HLT here, poll(2) there).
 * A deadline in the past returns at once.
 */
void platform_wait(uint64_t deadline_ns);

/*
 * End the I/O core's current or next platform_wait. Any core, but no interrupt
 * handler. What the caller stored before is seen by whoever is woken.
 */
void platform_wake(void);

/* ---- Cores ------------------------------------------------------------ */

/*
 * Core 0 is the I/O core and runs kernel_main. Each of the others, 1 and up,
 * runs one function at a time, to its end (on Linux: a thread). At least 1.
 */
unsigned platform_core_count(void);
/* The caller's. Any core. */
unsigned platform_core_index(void);
/*
 * Let core `core` call fn(ctx). 0; -ENODEV: no such core, or core 0; -EBUSY: it
 * has one; -EAGAIN (Linux): no thread to be had.
 */
int platform_core_start(unsigned core, void (*fn)(void *ctx), void *ctx);
/* Its function has not returned yet (core 0: always). I/O core. */
bool platform_core_busy(unsigned core);
/*
 * End that core's current or next platform_wait (it is machine_kick that takes a
 * core out of a guest). Any core. As platform_wake, it makes what was stored
 * before seen.
 */
void platform_core_wake(unsigned core);
/* Nanoseconds that core has spent in platform_wait. Any core. */
uint64_t platform_core_idle_ns(unsigned core);

/* ---- Tasks ------------------------------------------------------------ */

/*
 * A task is a function beside the I/O loop that may wait, as for a disk: on
 * Linux a thread, on the bare machine a stack of its own on the I/O core, where
 * it keeps the loop up until it waits or ends. So it shares nothing but what
 * any core may use, and rings; a task that works for long calls
 * platform_task_wait(0) every millisecond or so.
 */
struct platform_task;

/* Let a task call run(arg). 0, -ENOMEM, -EAGAIN: there are too many. */
int platform_task_start(void (*run)(void *arg), void *arg,
                        struct platform_task **out);
/*
 * In a task: give the core back, until somebody pokes it, the platform is awake
 * for whatever reason, or `deadline_ns` (platform_now_ns). Elsewhere, on the I/O
 * core only: as platform_wait, and what platform_disks_poll is there for goes
 * on. May return early for no reason.
 */
void platform_task_wait(uint64_t deadline_ns);
/*
 * End the task's current or next platform_task_wait. Any core; what the caller
 * stored before is seen by the task.
 */
void platform_task_poke(struct platform_task *t);
/* run() has returned. The end of a task ends platform_wait of the I/O core. */
bool platform_task_has_ended(const struct platform_task *t);
/* Wait until it has, then forget it. Not in a task. `t` may be NULL. */
void platform_task_free(struct platform_task *t);
/*
 * Run those that have something to do, until each waits: a part of each round
 * of the I/O loop. Returns when (platform_now_ns) that is to be at the latest.
 */
uint64_t platform_tasks_run(void);

/* ---- Log -------------------------------------------------------------- */

/*
 * One formatted line to the host's log (console and in-memory ring). No
 * trailing newline in `fmt`. Safe before anything else is initialised; any
 * core, but no interrupt handler. Lines are cut at 255 bytes.
 */
void platform_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void platform_vlog(const char *fmt, va_list ap);

/*
 * Copy the newest bytes of the log ring into `buf`, oldest first.
 * Returns the number of bytes copied, at most `size`.
 */
size_t platform_log_read(char *buf, size_t size);

/* A host invariant is broken: report, then stop or restart. Any core. */
_Noreturn void platform_fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* ---- Memory ----------------------------------------------------------- */

/*
 * `bytes` (rounded up to pages) of zeroed page-aligned memory, or NULL when
 * there is not enough. Meant for guest RAM and other large blocks. Any core.
 */
void *platform_pages_alloc(size_t bytes);
void platform_pages_free(void *pages, size_t bytes);
/* Bytes that are left for that and malloc, in all; UINT64_MAX: who knows. */
uint64_t platform_memory_free(void);

/*
 * Memory for code made at run time: the same `bytes` (whole pages) at *write
 * and, to be executed, at *exec; neither is both. 0 or -ENOMEM. `write` names
 * it to platform_code_free. Any core.
 */
int platform_code_alloc(size_t bytes, uint8_t **write, uint8_t **exec);
void platform_code_free(uint8_t *write, size_t bytes);
/* Into which what platform_pages_alloc gave can be put; or NULL. */
extern const struct window_ops *const platform_windows;

/*
 * Zeroed memory that a physical device may reach: physically contiguous,
 * page-aligned, wholly below `max_address`. *phys gets the address to give to
 * the device (on Linux: the virtual address, as no device is there).
 * NULL when there is none. Never freed.
 */
void *platform_dma_alloc(size_t bytes, uint64_t max_address, uint64_t *phys);

/* ---- Files ------------------------------------------------------------ */

/*
 * A named input: on the bare machine a multiboot2 module (found by the last
 * component of its name), on Linux a file.
 */
struct platform_file {
    const char *name;           /* as opened; owned by the caller of open */
    uint64_t size;              /* bytes */
    bool read_only;
    bool volatile_data;         /* RAM: writes are lost at power-off */
    bool fixed_size;            /* a device: it does not grow */
    void *impl;
};

/*
 * Open `name`; read-write when `writable` and possible (check read_only).
 * 0, or negative errno (-ENOENT: no such module or file; -EBUSY: somebody has it
 * open for writing, or wants to read it unchanged while this would write).
 */
int platform_file_open(const char *name, bool writable,
                       struct platform_file *out);
/*
 * An empty file of that name, where there is none, that a cut of power leaves
 * there. 0, -EEXIST; -ENOTSUP where there is no place for files.
 */
int platform_file_create(const char *name);
/*
 * Of one that was made so: let it be gone once it is closed. 0, or negative errno:
 * -ESTALE: there is another file of that name now, which stays.
 */
int platform_file_remove(struct platform_file *f);
void platform_file_close(struct platform_file *f);
/*
 * Of one that was opened to be read: write it from now on, or no longer. 0,
 * -EBUSY: somebody else reads it; -EROFS: it cannot be written; -ESTALE: there
 * is another file of that name now. It stays what it was then.
 */
int platform_file_set_writable(struct platform_file *f, bool writable);

/*
 * Any core, but one at a time for each open file, down to platform_file_list.
 * Read or write exactly `len` bytes at `offset`. Reads beyond the end give
 * zeros; writes beyond the end grow the file (a module grows in RAM).
 * 0 or negative errno (-ENOSPC, -EROFS, -EIO).
 */
int platform_file_read(struct platform_file *f, uint64_t offset, void *buf,
                       size_t len);
int platform_file_write(struct platform_file *f, uint64_t offset,
                        const void *buf, size_t len);
/* What was written reaches the medium before this returns. 0 or -errno. */
int platform_file_flush(struct platform_file *f);

/* Name of the i-th file that can be opened without a path, or NULL. */
const char *platform_file_list(unsigned i);

/*
 * A new file, or an old one emptied, that is written front to end. 0, or
 * negative errno: -ENOTSUP where there is no place for files (the bare machine).
 */
struct platform_output;
int platform_output_open(const char *name, struct platform_output **out);
/* All of it, or negative errno; it waits for no reader of a pipe (-EAGAIN). */
int platform_output_write(struct platform_output *o, const void *buf,
                          size_t len);
void platform_output_close(struct platform_output *o);

/*
 * Let the file `name`, which is there, have these bytes in place of its own; a
 * loss of power leaves the old ones or these. 0, or negative errno: -ENOTSUP
 * where there is no place for files. Any core; it may wait.
 */
int platform_file_replace(const char *name, const void *data, size_t len);

/* ---- CPU engines ------------------------------------------------------- */

struct engine_ops;              /* emu/cpu/engine.h */

/* All engines that this platform may have, fastest first; NULL-terminated. */
extern const struct engine_ops *const platform_engines[];

/* ---- Disks ------------------------------------------------------------- */

/*
 * The i-th physical disk, opened or not, or NULL past the last. A number stays
 * with its disk; one that is gone keeps it. On Linux there are none.
 */
struct disk *platform_disk(unsigned i);
/*
 * Look for disks that come and go; each round of the I/O loop calls it. Returns
 * when (platform_now_ns) it wants to be called again at the latest. Open disks
 * are polled by whoever opened them.
 */
uint64_t platform_disks_poll(void);

/* ---- Console and NICs ------------------------------------------------- */

/*
 * The administrator's line: COM1 (or what was found) on the bare machine,
 * the terminal on Linux, in raw mode. Never NULL: without a UART, writes are
 * accepted and dropped and reads give nothing.
 */
struct chardev *platform_console(void);
/*
 * A break came on it since the last call, in front of what it gives to be read
 * next. On Linux it is not told apart from a NUL, which is read.
 */
bool platform_console_broke(void);

/*
 * What of the terminal and the screen is wanted, as `o` says (-display,
 * -vnc, -nographic); before the other calls here. `line`: a serial port of some
 * machine is on the terminal. 0, or negative errno and the reason.
 */
int platform_display(const struct options *o, bool line, char *why,
                     size_t why_size);

/*
 * The local screen, which is the caller's from now on, but for a panic; lines of
 * the log go to `log` instead. NULL: there is none.
 */
struct canvas *platform_screen(void (*log)(const char *line, size_t len));
/*
 * Where it is a program's own that has keys of its own, give them to `l` and
 * `log` its lines. When (platform_now_ns) to call again at the latest. A part of
 * each round of the I/O loop, in front of the drawing.
 */
uint64_t platform_screen_poll(struct local *l, uint64_t now);
/* Behind it: what was drawn is to be seen. */
void platform_screen_show(void);
/*
 * What `info vnc` says; and the password of clients that come from now on, ""
 * for none. 0; -ENOTSUP: there is no VNC server, or it wants no password;
 * -EINVAL: the password is too long.
 */
int platform_vnc_info(char *text, size_t size);
int platform_vnc_password(const char *password);

/*
 * The next that happened at the PC's own keyboards and mice; on Linux, at those
 * of VNC's clients. False: nothing.
 */
bool platform_input_take(struct input_event *e);
/* The LEDs of its keyboards: INPUT_NUM_LOCK and so on are on, the others off. */
void platform_input_leds(unsigned leds);
/*
 * Look what happened there: before events are taken, in each round of the I/O
 * loop. Returns when (platform_now_ns) it wants to be called again at the
 * latest.
 */
uint64_t platform_input_poll(void);
/* Which there are and what was counted, in lines of text. */
void platform_input_info(char *text, size_t size);

/*
 * The i-th physical NIC, opened or not, or NULL past the last. On Linux there
 * are none by themselves: -net tap makes its own.
 */
struct nic *platform_nic(unsigned i);

/*
 * Make what stands in for a physical NIC, a TAP device: `params` is the rest of
 * qemu's -net option ("ifname=tap0,script=no"). 0, or negative errno with the
 * reason in words in `why`: -ENOTSUP where there is no such thing (the bare
 * machine).
 */
int platform_tap_open(const char *params, struct nic **out, char *why,
                      size_t why_size);

/* ---- End -------------------------------------------------------------- */

/* Power off (bare machine) or exit with `status` (Linux). */
_Noreturn void platform_poweroff(int status);

/* Ending Trestle switches a PC off, so ask first. */
extern const bool platform_exit_is_poweroff;

/* Without options for it a machine has a NIC and a user-mode network. */
extern const bool platform_default_network;

/* The console is a line that -uart sets up, before kernel_main. */
extern const bool platform_has_uart;

/* "metal" or "hosted", for `info version`. */
extern const char platform_name[];

#endif
