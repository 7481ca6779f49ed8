/* Modes that programs switch: SM, RM, DECSET, DECRST (xterm ctlseqs). */
#include "kernel/screen/vt_internal.h"

static void ansi_mode(struct vt *vt, unsigned mode, bool on)
{
    if (mode == 4)
        vt->insert = on;
    else if (mode == 20)
        vt->new_line = on;
}

/* xterm's 47, 1047, 1048 and 1049 are parts of this. */
static void alternate(struct vt *vt, unsigned mode, bool on)
{
    bool was_on = vt_page_index(vt) == VT_ALTERNATE;
    struct vt_cursor cursor = vt->cursor;

    if (on == was_on)
        return;
    if (mode == 1049 && on)
        vt_save_cursor(vt);
    if (mode == 1047 && !on)
        vt_clear_rows(vt, 0, vt->config.rows);
    vt_show_page(vt, on ? VT_ALTERNATE : VT_MAIN);
    vt->cursor = cursor;
    if (mode == 1049 && on)
        vt_clear_rows(vt, 0, vt->config.rows);
    else if (mode == 1049)
        vt_restore_cursor(vt);
}

static void dec_mode(struct vt *vt, unsigned mode, bool on)
{
    switch (mode) {
    case 1:
        vt->application_cursor = on;
        break;
    case 5:
        vt->reverse_screen = on;
        vt_mark_all(vt);
        break;
    case 6:
        vt->cursor.origin = on;
        vt_move_to(vt, 0, 0);
        break;
    case 7:
        vt->autowrap = on;
        vt->cursor.wrap_next &= on;
        break;
    case 25:
        vt->cursor_shown = on;
        break;
    case 66:
        vt->application_keypad = on;
        break;
    case 47:
    case 1047:
    case 1049:
        alternate(vt, mode, on);
        break;
    case 1048:
        if (on)
            vt_save_cursor(vt);
        else
            vt_restore_cursor(vt);
        break;
    default:                            /* blinking, mouse, pasting ... */
        break;
    }
}

void vt_set_modes(struct vt *vt, bool on)
{
    for (unsigned i = 0; i < vt->parameters; i++) {
        if (vt->prefix)
            dec_mode(vt, vt->parameter[i], on);
        else
            ansi_mode(vt, vt->parameter[i], on);
    }
}
