/*
 * Bytes to characters and control functions: ECMA-48 chapter 5 for how a
 * sequence is built, and DEC's rule that C0 controls inside of one are done at
 * once, CAN and SUB end it and ESC begins another.
 */
#include "kernel/screen/vt_internal.h"

#include <string.h>

enum { BEL = 0x07, CAN = 0x18, SUB = 0x1a, ESC = 0x1b, DEL = 0x7f };
/* C1 controls are 80h to 9Fh, or ESC and 40h less. */
#define C1_FIRST 0x80u
#define C1_LAST 0x9fu
#define C1_TO_ESCAPE 0x40u

static void begin_sequence(struct vt *vt, enum vt_state state)
{
    vt->state = state;
    vt->prefix = 0;
    vt->intermediates = 0;
    vt->parameters = 1;
    memset(vt->parameter, 0, sizeof vt->parameter);
    memset(vt->is_sub, 0, sizeof vt->is_sub);
}

static void collect(struct vt *vt, uint8_t c)
{
    if (vt->intermediates < sizeof vt->intermediate)
        vt->intermediate[vt->intermediates] = c;
    vt->intermediates++;
}

static void begin_string(struct vt *vt, bool is_osc)
{
    vt->state = VT_STRING;
    vt->string_len = 0;
    vt->string_is_osc = is_osc;
}

/* The byte after ESC, or a C1 control's. */
static void escape_final(struct vt *vt, uint8_t c)
{
    vt->state = VT_GROUND;
    if (vt->intermediates) {
        vt_escape(vt, c);
        return;
    }
    switch (c) {
    case '[':
        begin_sequence(vt, VT_CSI);
        break;
    case ']':
        begin_string(vt, true);
        break;
    case 'P':
    case 'X':
    case '^':
    case '_':
        begin_string(vt, false);
        break;
    default:
        vt_escape(vt, c);
    }
}

static void in_escape(struct vt *vt, uint32_t c)
{
    if (c >= 0x20 && c <= 0x2f)
        collect(vt, (uint8_t)c);
    else if (c >= 0x30 && c < DEL)
        escape_final(vt, (uint8_t)c);
    else if (c > DEL)
        vt->state = VT_GROUND;
}

static void next_parameter(struct vt *vt, bool is_sub)
{
    if (vt->parameters < VT_PARAMETERS)
        vt->is_sub[vt->parameters] = is_sub;
    /* Those that do not fit are counted, so that none takes their place. */
    if (vt->parameters <= VT_PARAMETERS)
        vt->parameters++;
}

static void add_digit(struct vt *vt, unsigned digit)
{
    unsigned i = vt->parameters - 1, value;

    if (i >= VT_PARAMETERS)
        return;
    value = vt->parameter[i] * 10u + digit;
    vt->parameter[i] = (uint16_t)(value < VT_PARAMETER_MAX ? value
                                                           : VT_PARAMETER_MAX);
}

static void csi_final(struct vt *vt, uint8_t c)
{
    bool ignored = vt->state == VT_CSI_IGNORE;

    vt->state = VT_GROUND;
    if (vt->parameters > VT_PARAMETERS)
        vt->parameters = VT_PARAMETERS;
    if (!ignored)
        vt_csi(vt, c);
}

static void in_csi(struct vt *vt, uint32_t c)
{
    bool first = vt->parameters == 1 && !vt->parameter[0] && !vt->prefix;

    if (c >= 0x40 && c < DEL)
        csi_final(vt, (uint8_t)c);
    else if (c > DEL)
        vt->state = VT_GROUND;
    else if (vt->state == VT_CSI_IGNORE || c == DEL)
        return;
    else if (c < 0x30)
        collect(vt, (uint8_t)c);
    else if (vt->intermediates)
        vt->state = VT_CSI_IGNORE;      /* a parameter behind those */
    else if (c <= '9')
        add_digit(vt, c - '0');
    else if (c <= ';')
        next_parameter(vt, c == ':');
    else if (first)
        vt->prefix = (uint8_t)c;
    else
        vt->state = VT_CSI_IGNORE;
}

static void in_string(struct vt *vt, uint32_t c)
{
    if ((c == BEL && vt->string_is_osc) || ++vt->string_len >= VT_STRING_MAX)
        vt->state = VT_GROUND;
}

/* A character, or a control. */
static void take(struct vt *vt, uint32_t c)
{
    if (c == ESC) {
        begin_sequence(vt, VT_ESCAPE);
    } else if (c == CAN || c == SUB) {
        vt->state = VT_GROUND;
    } else if (c >= C1_FIRST && c <= C1_LAST) {
        begin_sequence(vt, VT_ESCAPE);
        escape_final(vt, (uint8_t)(c - C1_TO_ESCAPE));
    } else if (vt->state == VT_STRING) {
        in_string(vt, c);
    } else if (c < ' ') {
        vt_c0(vt, (uint8_t)c);
    } else if (vt->state == VT_ESCAPE) {
        in_escape(vt, c);
    } else if (vt->state != VT_GROUND) {
        in_csi(vt, c);
    } else if (c != DEL) {
        vt_print(vt, c);
    }
}

/* ---- UTF-8 (RFC 3629) ---------------------------------------------------- */

/* The first byte of a character that is longer than one. */
static void begin_code(struct vt *vt, uint8_t c)
{
    if (c >= 0xc2 && c <= 0xdf) {
        vt->code_left = 1;
        vt->code_least = 0x80;
        vt->code = c & 0x1f;
    } else if (c >= 0xe0 && c <= 0xef) {
        vt->code_left = 2;
        vt->code_least = 0x800;
        vt->code = c & 0x0f;
    } else if (c >= 0xf0 && c <= 0xf4) {
        vt->code_left = 3;
        vt->code_least = 0x10000;
        vt->code = c & 0x07;
    } else {
        take(vt, CELL_REPLACEMENT);
    }
}

static void end_code(struct vt *vt)
{
    bool bad = vt->code < vt->code_least || vt->code > 0x10ffff ||
               (vt->code >= 0xd800 && vt->code <= 0xdfff);

    take(vt, bad ? CELL_REPLACEMENT : vt->code);
}

static void take_utf8(struct vt *vt, uint8_t c)
{
    if (vt->code_left && (c & 0xc0) == 0x80) {
        vt->code = vt->code << 6 | (c & 0x3f);
        if (!--vt->code_left)
            end_code(vt);
        return;
    }
    if (vt->code_left) {                /* it was cut off */
        vt->code_left = 0;
        take(vt, CELL_REPLACEMENT);
    }
    if (c < 0x80)
        take(vt, c);
    else
        begin_code(vt, c);
}

void vt_write(struct vt *vt, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (vt->utf8)
            take_utf8(vt, data[i]);
        else
            take(vt, data[i]);
    }
}
