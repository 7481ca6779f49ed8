/*
 * See i8042.h. The controller of the IBM PS/2 (Technical Reference, Keyboard
 * and Auxiliary Device Controller).
 */
#include "emu/dev/i8042.h"

#include <stdlib.h>
#include <string.h>

#include "emu/dev/iobyte.h"
#include "emu/dev/ps2.h"
#include "emu/state.h"

/* Between two bytes of a device; the wire takes 1 ms, which nobody needs. */
#define BYTE_GAP_NS 100000u

enum {
    STATUS_OBF = 0x01,
    STATUS_SYS = 0x04,
    STATUS_COMMAND = 0x08,
    STATUS_UNLOCKED = 0x10,
    STATUS_AUX = 0x20,
};
/* The command byte, RAM location 0. */
enum {
    CCB_KBD_INT = 0x01,
    CCB_AUX_INT = 0x02,
    CCB_SYS = 0x04,
    CCB_KBD_OFF = 0x10,
    CCB_AUX_OFF = 0x20,
    CCB_TRANSLATE = 0x40,
};
enum {
    OUT_NOT_RESET = 0x01,
    OUT_A20 = 0x02,
    OUT_AUX_IRQ = 0x20,
    OUT_KBD_IRQ = 0x10,
    OUT_IDLE_LINES = 0xcc,
};
enum command {
    CMD_READ_RAM = 0x20,
    CMD_WRITE_RAM = 0x60,
    CMD_PASSWORD_TEST = 0xa4,
    CMD_AUX_OFF = 0xa7,
    CMD_AUX_ON = 0xa8,
    CMD_AUX_TEST = 0xa9,
    CMD_SELF_TEST = 0xaa,
    CMD_KBD_TEST = 0xab,
    CMD_KBD_OFF = 0xad,
    CMD_KBD_ON = 0xae,
    CMD_READ_INPUT = 0xc0,
    CMD_READ_OUTPUT = 0xd0,
    CMD_WRITE_OUTPUT = 0xd1,
    CMD_WRITE_KBD_BUFFER = 0xd2,
    CMD_WRITE_AUX_BUFFER = 0xd3,
    CMD_WRITE_AUX = 0xd4,
    CMD_A20_OFF = 0xdd,
    CMD_A20_ON = 0xdf,
    CMD_READ_TEST = 0xe0,
    CMD_PULSE = 0xf0,
};
#define RAM_SIZE 32u
#define BREAK_PREFIX 0xf0u

enum source { FROM_KBD, FROM_AUX };

struct i8042 {
    struct device dev;
    struct irq_line irq1, irq12;
    struct ps2_kbd kbd;
    struct ps2_mouse mouse;
    struct ps2_queue answer;    /* the controller's own bytes */
    uint8_t answer_from[PS2_QUEUE_SIZE];
    uint8_t ram[RAM_SIZE];
    uint8_t data;               /* the output buffer */
    bool full;
    enum source source;
    uint8_t command;            /* waits for its byte at 60h, or 0 */
    bool last_was_command;
    bool a20;
    bool break_seen;            /* translation: F0h came before */
    uint64_t ready_at;          /* when a device may fill the buffer again */
};

/* ---- The output buffer --------------------------------------------------- */

static void update_irqs(struct i8042 *k)
{
    irq_set(&k->irq1, k->full && k->source == FROM_KBD &&
                          (k->ram[0] & CCB_KBD_INT));
    irq_set(&k->irq12, k->full && k->source == FROM_AUX &&
                           (k->ram[0] & CCB_AUX_INT));
}

static void fill(struct i8042 *k, uint8_t byte, enum source source)
{
    k->data = byte;
    k->source = source;
    k->full = true;
}

static bool kbd_waits(const struct i8042 *k)
{
    return !(k->ram[0] & CCB_KBD_OFF) && ps2_kbd_has_data(&k->kbd);
}

static bool aux_waits(const struct i8042 *k)
{
    return !(k->ram[0] & CCB_AUX_OFF) && ps2_mouse_has_data(&k->mouse);
}

/* The keyboard's next byte; in translation F0h is folded into bit 7. */
static void fill_from_kbd(struct i8042 *k)
{
    int byte = ps2_kbd_take(&k->kbd);

    if (k->ram[0] & CCB_TRANSLATE) {
        if (byte == BREAK_PREFIX) {
            k->break_seen = true;
            byte = ps2_kbd_take(&k->kbd);
            if (byte < 0)
                return;
        }
        byte = ps2_set2_to_set1((uint8_t)byte) | (k->break_seen ? 0x80 : 0);
        k->break_seen = false;
    }
    fill(k, (uint8_t)byte, FROM_KBD);
}

/* Let the next byte into an empty output buffer when its time has come. */
static void advance(struct i8042 *k)
{
    struct machine *m = k->dev.machine;

    if (!k->full && k->answer.count) {
        enum source source = k->answer_from[k->answer.head];

        fill(k, (uint8_t)ps2_take(&k->answer), source);
    } else if (!k->full && machine_now(m) >= k->ready_at) {
        if (kbd_waits(k))
            fill_from_kbd(k);
        else if (aux_waits(k))
            fill(k, (uint8_t)ps2_mouse_take(&k->mouse), FROM_AUX);
    }
    update_irqs(k);
    if (!k->full && (kbd_waits(k) || aux_waits(k)))
        machine_timer_arm(m, TIMER_KBD, k->ready_at);
    else
        machine_timer_cancel(m, TIMER_KBD);
}

static void kbd_fire(void *ctx)
{
    advance(ctx);
}

static void put_answer(struct i8042 *k, uint8_t byte, enum source source)
{
    if (!ps2_room(&k->answer))
        return;
    k->answer_from[(k->answer.head + k->answer.count) % PS2_QUEUE_SIZE] =
        (uint8_t)source;
    ps2_put(&k->answer, byte);
}

/* ---- Commands ------------------------------------------------------------ */

static void set_a20(struct i8042 *k, bool on)
{
    k->a20 = on;
    machine_set_a20(k->dev.machine, on);
}

static uint8_t output_port(const struct i8042 *k)
{
    return OUT_IDLE_LINES | OUT_NOT_RESET | (k->a20 ? OUT_A20 : 0) |
           (k->full && k->source == FROM_KBD ? OUT_KBD_IRQ : 0) |
           (k->full && k->source == FROM_AUX ? OUT_AUX_IRQ : 0);
}

static void write_output_port(struct i8042 *k, uint8_t v)
{
    set_a20(k, v & OUT_A20);
    if (!(v & OUT_NOT_RESET))
        machine_request(k->dev.machine, MACHINE_REQ_RESET);
}

static void self_test(struct i8042 *k)
{
    k->answer.count = 0;
    k->full = false;
    k->break_seen = false;
    k->ram[0] = CCB_SYS | CCB_KBD_OFF | CCB_AUX_OFF | CCB_TRANSLATE;
    put_answer(k, 0x55, FROM_KBD);
}

static void write_command(struct i8042 *k, uint8_t v)
{
    k->command = 0;
    if (v >= CMD_PULSE) {
        /* Bits 0..3 low pulse their output lines; bit 0 is the reset line. */
        if (!(v & 1))
            machine_request(k->dev.machine, MACHINE_REQ_RESET);
        return;
    }
    if ((v & 0xe0) == CMD_READ_RAM) {
        put_answer(k, k->ram[v & (RAM_SIZE - 1)], FROM_KBD);
        return;
    }
    if ((v & 0xe0) == CMD_WRITE_RAM) {
        k->command = v;
        return;
    }
    switch (v) {
    case CMD_PASSWORD_TEST:
        put_answer(k, 0xf1, FROM_KBD);  /* none installed */
        break;
    case CMD_AUX_OFF:
        k->ram[0] |= CCB_AUX_OFF;
        break;
    case CMD_AUX_ON:
        k->ram[0] &= ~CCB_AUX_OFF;
        break;
    case CMD_KBD_OFF:
        k->ram[0] |= CCB_KBD_OFF;
        break;
    case CMD_KBD_ON:
        k->ram[0] &= ~CCB_KBD_OFF;
        break;
    case CMD_AUX_TEST:
    case CMD_KBD_TEST:
    case CMD_READ_TEST:
        put_answer(k, 0x00, FROM_KBD);
        break;
    case CMD_SELF_TEST:
        self_test(k);
        break;
    case CMD_READ_INPUT:
        put_answer(k, 0x80, FROM_KBD);  /* keyboard not locked */
        break;
    case CMD_READ_OUTPUT:
        put_answer(k, output_port(k), FROM_KBD);
        break;
    case CMD_A20_OFF:
    case CMD_A20_ON:
        set_a20(k, v == CMD_A20_ON);
        break;
    case CMD_WRITE_OUTPUT:
    case CMD_WRITE_KBD_BUFFER:
    case CMD_WRITE_AUX_BUFFER:
    case CMD_WRITE_AUX:
        k->command = v;
        break;
    default:
        machine_count(k->dev.machine, "i8042: unknown command");
        break;
    }
}

static void write_data(struct i8042 *k, uint8_t v)
{
    uint8_t command = k->command;

    k->command = 0;
    switch (command) {
    case 0:                     /* talking to it opens its clock line */
        k->ram[0] &= ~CCB_KBD_OFF;
        ps2_kbd_write(&k->kbd, v);
        break;
    case CMD_WRITE_AUX:
        k->ram[0] &= ~CCB_AUX_OFF;
        ps2_mouse_write(&k->mouse, v);
        break;
    case CMD_WRITE_OUTPUT:
        write_output_port(k, v);
        break;
    case CMD_WRITE_KBD_BUFFER:
        put_answer(k, v, FROM_KBD);
        break;
    case CMD_WRITE_AUX_BUFFER:
        put_answer(k, v, FROM_AUX);
        break;
    default:
        k->ram[command & (RAM_SIZE - 1)] = v;
        break;
    }
}

/* ---- Ports --------------------------------------------------------------- */

static void i8042_write(struct device *dev, uint16_t port, uint8_t v)
{
    struct i8042 *k = (struct i8042 *)dev;

    if (port != 0x60 && port != 0x64)
        return;
    k->last_was_command = port == 0x64;
    if (port == 0x64)
        write_command(k, v);
    else
        write_data(k, v);
    advance(k);
}

static uint8_t read_data(struct i8042 *k)
{
    if (k->full) {
        k->full = false;
        k->ready_at = machine_now(k->dev.machine) + BYTE_GAP_NS;
        /* The line drops before the next byte raises it: one edge a byte. */
        update_irqs(k);
    }
    return k->data;
}

static uint8_t i8042_read(struct device *dev, uint16_t port)
{
    struct i8042 *k = (struct i8042 *)dev;
    uint8_t v;

    if (port == 0x60) {
        v = read_data(k);
        advance(k);
        return v;
    }
    if (port != 0x64)
        return 0xff;
    if (!k->full)
        advance(k);
    return (k->full ? STATUS_OBF : 0) |
           (k->full && k->source == FROM_AUX ? STATUS_AUX : 0) |
           (k->ram[0] & CCB_SYS ? STATUS_SYS : 0) |
           (k->last_was_command ? STATUS_COMMAND : 0) | STATUS_UNLOCKED;
}

static uint32_t i8042_io_read(struct device *dev, uint16_t port, unsigned size)
{
    return io_read_bytes(dev, port, size, i8042_read);
}

static void i8042_io_write(struct device *dev, uint16_t port, unsigned size,
                           uint32_t value)
{
    io_write_bytes(dev, port, size, value, i8042_write);
}

static void i8042_reset(struct device *dev)
{
    struct i8042 *k = (struct i8042 *)dev;

    ps2_kbd_reset(&k->kbd);
    ps2_mouse_reset(&k->mouse);
    memset(k->ram, 0, sizeof k->ram);
    k->ram[0] = CCB_KBD_OFF | CCB_AUX_OFF | CCB_TRANSLATE;
    k->answer.count = 0;
    k->full = k->break_seen = k->last_was_command = false;
    k->data = k->command = 0;
    k->ready_at = 0;
    set_a20(k, true);
    advance(k);
}

/* The controller's own bytes, each with whose it pretends to be. */
static void answer_state(struct i8042 *k, struct state *s)
{
    ps2_queue_state(&k->answer, s);
    for (unsigned i = 0; i < k->answer.count; i++) {
        uint8_t *from = &k->answer_from[(k->answer.head + i) % PS2_QUEUE_SIZE];

        *from = (uint8_t)state_choice(s, *from, FROM_AUX, "a byte's source");
    }
}

static void i8042_state(struct device *dev, struct state *s)
{
    struct i8042 *k = (struct i8042 *)dev;

    ps2_kbd_state(&k->kbd, s);
    ps2_mouse_state(&k->mouse, s);
    answer_state(k, s);
    state_bytes(s, k->ram, sizeof k->ram);
    state_u8(s, &k->data);
    state_bool(s, &k->full);
    k->source = state_choice(s, k->source, FROM_AUX, "the byte's source");
    state_u8(s, &k->command);
    state_bool(s, &k->last_was_command);
    state_bool(s, &k->a20);
    state_bool(s, &k->break_seen);
    state_u64(s, &k->ready_at);
}

static const struct device_ops i8042_ops = {
    .name = "i8042",
    .reset = i8042_reset,
    .io_read = i8042_io_read,
    .io_write = i8042_io_write,
    .state = i8042_state,
    .state_version = 1,
    .state_size = sizeof(struct i8042),
};

struct i8042 *i8042_create(struct machine *m, struct irq_line irq1,
                           struct irq_line irq12)
{
    struct i8042 *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    k->dev.ops = &i8042_ops;
    k->dev.machine = m;
    k->irq1 = irq1;
    k->irq12 = irq12;
    machine_timer_register(m, TIMER_KBD, kbd_fire, k);
    i8042_reset(&k->dev);
    machine_io_map(m, 0x60, 1, &k->dev);
    machine_io_map(m, 0x64, 1, &k->dev);
    return k;
}

void i8042_destroy(struct i8042 *k)
{
    if (k)
        machine_timer_cancel(k->dev.machine, TIMER_KBD);
    free(k);
}

void i8042_key(struct i8042 *k, uint8_t set1_scancode_byte)
{
    if (!ps2_kbd_key(&k->kbd, set1_scancode_byte))
        machine_count(k->dev.machine, "i8042: key lost, buffer full");
    advance(k);
}

void i8042_mouse(struct i8042 *k, int dx, int dy, int dz, unsigned buttons)
{
    ps2_mouse_move(&k->mouse, dx, dy, dz, buttons);
    advance(k);
}

bool i8042_has_room(const struct i8042 *k)
{
    return ps2_room(&k->kbd.codes) >= PS2_KEY_BYTES;
}

unsigned i8042_leds(const struct i8042 *k)
{
    return k->kbd.leds;
}
