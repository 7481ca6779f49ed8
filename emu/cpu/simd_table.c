/*
 * Which instruction each prefix and opcode of the 0F map is (Intel SDM vol. 2,
 * appendix A, tables A-3). Rows that are missing are #UD.
 */
#include "emu/cpu/simd.h"

#define T(name) simd_host_##name

/* The same integer instruction on MMX and, with 66, on XMM registers. */
#define INT_BOTH(op, name, mmx_size, mmx_name, mmx_flags) \
    [P_NP][op] = { simd_do_mmx, T(mmx_name), mmx_size, 0, \
                   SIMD_MMX | (mmx_flags) }, \
    [P_66][op] = { simd_do_xmm, T(name), 16, 0, SIMD_XMM | SIMD_ALIGN }
#define INT(op, name) INT_BOTH(op, name, 8, name, 0)
#define INT_PACK(op, name) INT_BOTH(op, name, 8, name, SIMD_PACK)
#define INT_LOW(op, name) INT_BOTH(op, name, 4, name, 0)
#define INT_HIGH(op, name, low) INT_BOTH(op, name, 8, low, SIMD_HIGH)

/* Packed without MXCSR. */
#define PACKED(prefix, op, name) \
    [prefix][op] = { simd_do_xmm, T(name), 16, 0, SIMD_XMM | SIMD_ALIGN }

/* Arithmetic in the four types. FP_ARITH: may overflow and underflow. */
#define FP_ARG(prefix, op, name, size, arg, flags) \
    [prefix][op] = { simd_do_xmm, T(name), size, arg, \
                     SIMD_XMM | SIMD_FP | (flags) }
#define FP_ROW(prefix, op, name, size, flags) \
    FP_ARG(prefix, op, name, size, 0, flags)
#define FP_ARITH(op, name, arith) \
    FP_ARG(P_NP, op, name##ps, 16, arith, PACKED_SS), \
    FP_ARG(P_66, op, name##pd, 16, arith, PACKED_SD), \
    FP_ARG(P_F3, op, name##ss, 4, arith, SIMD_TINY_SS), \
    FP_ARG(P_F2, op, name##sd, 8, arith, SIMD_TINY_SD)
#define FP_SELECT(op, name) \
    FP_ROW(P_NP, op, name##ps, 16, SIMD_ALIGN), \
    FP_ROW(P_66, op, name##pd, 16, SIMD_ALIGN), \
    FP_ROW(P_F3, op, name##ss, 4, 0), \
    FP_ROW(P_F2, op, name##sd, 8, 0)

#define ROW(prefix, op, exec, size, arg, flags) \
    [prefix][op] = { exec, NULL, size, arg, flags }
#define ROWT(prefix, op, exec, name, size, arg, flags) \
    [prefix][op] = { exec, T(name), size, arg, flags }
#define PACKED_SS (SIMD_ALIGN | SIMD_TINY_SS | SIMD_TINY_P)
#define PACKED_SD (SIMD_ALIGN | SIMD_TINY_SD | SIMD_TINY_P)
#define ALIGNED (SIMD_XMM | SIMD_ALIGN)

const struct simd_entry simd_table[4][256] = {
    /* 10-17, 28-2B: moves */
    ROW(P_NP, 0x10, simd_load, 16, 0, SIMD_XMM),
    ROW(P_NP, 0x11, simd_store, 16, 0, SIMD_XMM),
    ROW(P_66, 0x10, simd_load, 16, 0, SIMD_XMM),
    ROW(P_66, 0x11, simd_store, 16, 0, SIMD_XMM),
    ROW(P_F3, 0x10, simd_load_scalar, 4, 0, SIMD_XMM),
    ROW(P_F3, 0x11, simd_store_scalar, 4, 0, SIMD_XMM),
    ROW(P_F2, 0x10, simd_load_scalar, 8, 0, SIMD_XMM),
    ROW(P_F2, 0x11, simd_store_scalar, 8, 0, SIMD_XMM),
    ROW(P_NP, 0x12, simd_load_half, 8, 0, SIMD_XMM),
    ROW(P_66, 0x12, simd_load_half, 8, 0, SIMD_XMM | SIMD_MEM),
    ROW(P_NP, 0x13, simd_store_half, 8, 0, SIMD_XMM | SIMD_MEM),
    ROW(P_66, 0x13, simd_store_half, 8, 0, SIMD_XMM | SIMD_MEM),
    ROW(P_NP, 0x16, simd_load_half, 8, 8, SIMD_XMM),
    ROW(P_66, 0x16, simd_load_half, 8, 8, SIMD_XMM | SIMD_MEM),
    ROW(P_NP, 0x17, simd_store_half, 8, 8, SIMD_XMM | SIMD_MEM),
    ROW(P_66, 0x17, simd_store_half, 8, 8, SIMD_XMM | SIMD_MEM),
    PACKED(P_NP, 0x14, unpcklps),
    PACKED(P_NP, 0x15, unpckhps),
    PACKED(P_66, 0x14, unpcklpd),
    PACKED(P_66, 0x15, unpckhpd),
    ROW(P_NP, 0x18, simd_prefetch, 0, 0, 0),
    ROW(P_66, 0x18, simd_prefetch, 0, 0, 0),
    ROW(P_F3, 0x18, simd_prefetch, 0, 0, 0),
    ROW(P_F2, 0x18, simd_prefetch, 0, 0, 0),
    ROW(P_NP, 0x28, simd_load, 16, 0, ALIGNED),
    ROW(P_NP, 0x29, simd_store, 16, 0, ALIGNED),
    ROW(P_NP, 0x2b, simd_store, 16, 0, ALIGNED | SIMD_MEM),
    ROW(P_66, 0x28, simd_load, 16, 0, ALIGNED),
    ROW(P_66, 0x29, simd_store, 16, 0, ALIGNED),
    ROW(P_66, 0x2b, simd_store, 16, 0, ALIGNED | SIMD_MEM),
    /* 2A, 2C-2F: conversions, comparisons */
    ROWT(P_NP, 0x2a, simd_cvt_pi2, cvtdq2ps, 8, 8,
         SIMD_XMM | SIMD_MMX | SIMD_FP),
    ROWT(P_66, 0x2a, simd_cvt_pi2, cvtdq2pd, 8, 16,
         SIMD_XMM | SIMD_MMX | SIMD_FP),
    ROWT(P_F3, 0x2a, simd_cvt_si2, cvtsi2ss, 4, 0, SIMD_XMM | SIMD_FP),
    ROWT(P_F2, 0x2a, simd_cvt_si2, cvtsi2sd, 4, 0, SIMD_XMM | SIMD_FP),
    ROWT(P_NP, 0x2c, simd_cvt_2pi, cvttps2dq, 8, 0,
         SIMD_XMM | SIMD_MMX | SIMD_FP),
    ROWT(P_66, 0x2c, simd_cvt_2pi, cvttpd2dq, 16, 0,
         ALIGNED | SIMD_MMX | SIMD_FP),
    ROWT(P_F3, 0x2c, simd_cvt_2si, cvttss2si, 4, 0, SIMD_XMM | SIMD_FP),
    ROWT(P_F2, 0x2c, simd_cvt_2si, cvttsd2si, 8, 0, SIMD_XMM | SIMD_FP),
    ROWT(P_NP, 0x2d, simd_cvt_2pi, cvtps2dq, 8, 0,
         SIMD_XMM | SIMD_MMX | SIMD_FP),
    ROWT(P_66, 0x2d, simd_cvt_2pi, cvtpd2dq, 16, 0,
         ALIGNED | SIMD_MMX | SIMD_FP),
    ROWT(P_F3, 0x2d, simd_cvt_2si, cvtss2si, 4, 0, SIMD_XMM | SIMD_FP),
    ROWT(P_F2, 0x2d, simd_cvt_2si, cvtsd2si, 8, 0, SIMD_XMM | SIMD_FP),
    ROWT(P_NP, 0x2e, simd_comis, ucomiss, 4, 0, SIMD_XMM | SIMD_FP),
    ROWT(P_66, 0x2e, simd_comis, ucomisd, 8, 0, SIMD_XMM | SIMD_FP),
    ROWT(P_NP, 0x2f, simd_comis, comiss, 4, 0, SIMD_XMM | SIMD_FP),
    ROWT(P_66, 0x2f, simd_comis, comisd, 8, 0, SIMD_XMM | SIMD_FP),
    /* 50-5F: floating point */
    ROWT(P_NP, 0x50, simd_movmsk, movmskps, 0, 0, SIMD_XMM | SIMD_REG),
    ROWT(P_66, 0x50, simd_movmsk, movmskpd, 0, 0, SIMD_XMM | SIMD_REG),
    FP_SELECT(0x51, sqrt),
    PACKED(P_NP, 0x52, rsqrtps),
    ROWT(P_F3, 0x52, simd_do_xmm, rsqrtss, 4, 0, SIMD_XMM),
    PACKED(P_NP, 0x53, rcpps),
    ROWT(P_F3, 0x53, simd_do_xmm, rcpss, 4, 0, SIMD_XMM),
    PACKED(P_NP, 0x54, andps),
    PACKED(P_66, 0x54, andps),
    PACKED(P_NP, 0x55, andnps),
    PACKED(P_66, 0x55, andnps),
    PACKED(P_NP, 0x56, orps),
    PACKED(P_66, 0x56, orps),
    PACKED(P_NP, 0x57, xorps),
    PACKED(P_66, 0x57, xorps),
    FP_ARITH(0x58, add, SIMD_ADD),
    FP_ARITH(0x59, mul, SIMD_MUL),
    FP_ARITH(0x5c, sub, SIMD_SUB),
    FP_ARITH(0x5e, div, SIMD_DIV),
    FP_SELECT(0x5d, min),
    FP_SELECT(0x5f, max),
    FP_ROW(P_NP, 0x5a, cvtps2pd, 8, 0),
    FP_ARG(P_66, 0x5a, cvtpd2ps, 16, SIMD_NARROW, PACKED_SS),
    FP_ROW(P_F3, 0x5a, cvtss2sd, 4, 0),
    FP_ARG(P_F2, 0x5a, cvtsd2ss, 8, SIMD_NARROW, SIMD_TINY_SS),
    FP_ROW(P_NP, 0x5b, cvtdq2ps, 16, SIMD_ALIGN),
    FP_ROW(P_66, 0x5b, cvtps2dq, 16, SIMD_ALIGN),
    FP_ROW(P_F3, 0x5b, cvttps2dq, 16, SIMD_ALIGN),
    /* 60-7F: integers */
    INT_LOW(0x60, punpcklbw),
    INT_LOW(0x61, punpcklwd),
    INT_LOW(0x62, punpckldq),
    INT_PACK(0x63, packsswb),
    INT(0x64, pcmpgtb),
    INT(0x65, pcmpgtw),
    INT(0x66, pcmpgtd),
    INT_PACK(0x67, packuswb),
    INT_HIGH(0x68, punpckhbw, punpcklbw),
    INT_HIGH(0x69, punpckhwd, punpcklwd),
    INT_HIGH(0x6a, punpckhdq, punpckldq),
    INT_PACK(0x6b, packssdw),
    PACKED(P_66, 0x6c, punpcklqdq),
    PACKED(P_66, 0x6d, punpckhqdq),
    ROW(P_NP, 0x6e, simd_movd_to, 4, 1, SIMD_MMX),
    ROW(P_66, 0x6e, simd_movd_to, 4, 0, SIMD_XMM),
    ROW(P_NP, 0x6f, simd_load_mmx, 8, 0, SIMD_MMX),
    ROW(P_66, 0x6f, simd_load, 16, 0, ALIGNED),
    ROW(P_F3, 0x6f, simd_load, 16, 0, SIMD_XMM),
    ROW(P_NP, 0x70, simd_pshufw, 8, 0, SIMD_MMX),
    ROW(P_66, 0x70, simd_pshuf, 16, PSHUF_D, ALIGNED),
    ROW(P_F3, 0x70, simd_pshuf, 16, PSHUF_HW, ALIGNED),
    ROW(P_F2, 0x70, simd_pshuf, 16, PSHUF_LW, ALIGNED),
    ROW(P_NP, 0x71, simd_do_shift_imm, 0, 0, SIMD_MMX | SIMD_REG),
    ROW(P_66, 0x71, simd_do_shift_imm, 0, 0, SIMD_XMM | SIMD_REG),
    ROW(P_NP, 0x72, simd_do_shift_imm, 0, 0, SIMD_MMX | SIMD_REG),
    ROW(P_66, 0x72, simd_do_shift_imm, 0, 0, SIMD_XMM | SIMD_REG),
    ROW(P_NP, 0x73, simd_do_shift_imm, 0, 0, SIMD_MMX | SIMD_REG),
    ROW(P_66, 0x73, simd_do_shift_imm, 0, 0, SIMD_XMM | SIMD_REG),
    INT(0x74, pcmpeqb),
    INT(0x75, pcmpeqw),
    INT(0x76, pcmpeqd),
    ROW(P_NP, 0x77, simd_emms, 0, 0, SIMD_MMX),
    ROW(P_NP, 0x7e, simd_movd_from, 4, 1, SIMD_MMX),
    ROW(P_66, 0x7e, simd_movd_from, 4, 0, SIMD_XMM),
    ROW(P_F3, 0x7e, simd_load_scalar, 8, 1, SIMD_XMM),
    ROW(P_NP, 0x7f, simd_store_mmx, 8, 0, SIMD_MMX),
    ROW(P_66, 0x7f, simd_store, 16, 0, ALIGNED),
    ROW(P_F3, 0x7f, simd_store, 16, 0, SIMD_XMM),
    /* AE, C2-C6 */
    ROW(P_NP, 0xae, simd_group15, 0, 0, 0),
    ROW(P_NP, 0xc2, simd_do_cmp, 16, P_NP, SIMD_XMM | SIMD_FP | SIMD_ALIGN),
    ROW(P_66, 0xc2, simd_do_cmp, 16, P_66, SIMD_XMM | SIMD_FP | SIMD_ALIGN),
    ROW(P_F3, 0xc2, simd_do_cmp, 4, P_F3, SIMD_XMM | SIMD_FP),
    ROW(P_F2, 0xc2, simd_do_cmp, 8, P_F2, SIMD_XMM | SIMD_FP),
    ROW(P_NP, 0xc3, simd_movnti, 4, 0, SIMD_MEM),
    ROW(P_NP, 0xc4, simd_pinsrw, 2, 1, SIMD_MMX),
    ROW(P_NP, 0xc5, simd_pextrw, 0, 1, SIMD_MMX | SIMD_REG),
    ROW(P_66, 0xc4, simd_pinsrw, 2, 0, SIMD_XMM),
    ROW(P_66, 0xc5, simd_pextrw, 0, 0, SIMD_XMM | SIMD_REG),
    ROW(P_NP, 0xc6, simd_shufp, 16, 4, ALIGNED),
    ROW(P_66, 0xc6, simd_shufp, 16, 8, ALIGNED),
    /* D0-FE: integers */
    INT(0xd1, psrlw),
    INT(0xd2, psrld),
    INT(0xd3, psrlq),
    INT(0xd4, paddq),
    INT(0xd5, pmullw),
    ROW(P_66, 0xd6, simd_store_scalar, 8, 1, SIMD_XMM),
    ROW(P_F3, 0xd6, simd_mov_mmx_xmm, 0, 0, SIMD_XMM | SIMD_MMX | SIMD_REG),
    ROW(P_F2, 0xd6, simd_mov_mmx_xmm, 0, 1, SIMD_XMM | SIMD_MMX | SIMD_REG),
    ROWT(P_NP, 0xd7, simd_movmsk, pmovmskb, 0, 1, SIMD_MMX | SIMD_REG),
    ROWT(P_66, 0xd7, simd_movmsk, pmovmskb, 0, 0, SIMD_XMM | SIMD_REG),
    INT(0xd8, psubusb),
    INT(0xd9, psubusw),
    INT(0xda, pminub),
    INT(0xdb, pand),
    INT(0xdc, paddusb),
    INT(0xdd, paddusw),
    INT(0xde, pmaxub),
    INT(0xdf, pandn),
    INT(0xe0, pavgb),
    INT(0xe1, psraw),
    INT(0xe2, psrad),
    INT(0xe3, pavgw),
    INT(0xe4, pmulhuw),
    INT(0xe5, pmulhw),
    FP_ROW(P_66, 0xe6, cvttpd2dq, 16, SIMD_ALIGN),
    FP_ROW(P_F3, 0xe6, cvtdq2pd, 8, 0),
    FP_ROW(P_F2, 0xe6, cvtpd2dq, 16, SIMD_ALIGN),
    ROW(P_NP, 0xe7, simd_store_mmx, 8, 0, SIMD_MMX | SIMD_MEM),
    ROW(P_66, 0xe7, simd_store, 16, 0, ALIGNED | SIMD_MEM),
    INT(0xe8, psubsb),
    INT(0xe9, psubsw),
    INT(0xea, pminsw),
    INT(0xeb, por),
    INT(0xec, paddsb),
    INT(0xed, paddsw),
    INT(0xee, pmaxsw),
    INT(0xef, pxor),
    INT(0xf1, psllw),
    INT(0xf2, pslld),
    INT(0xf3, psllq),
    INT(0xf4, pmuludq),
    INT(0xf5, pmaddwd),
    INT(0xf6, psadbw),
    ROW(P_NP, 0xf7, simd_maskmov, 8, 1, SIMD_MMX | SIMD_REG),
    ROW(P_66, 0xf7, simd_maskmov, 16, 0, SIMD_XMM | SIMD_REG),
    INT(0xf8, psubb),
    INT(0xf9, psubw),
    INT(0xfa, psubd),
    INT(0xfb, psubq),
    INT(0xfc, paddb),
    INT(0xfd, paddw),
    INT(0xfe, paddd),
};
