/*
 * Assertions that fail because of the processor which plays the host, with what
 * it does wrong. Their tests still run; such a failure is shown, named and not
 * counted, any other assertion of the same test is.
 */
#include <cpuid.h>
#include <stddef.h>
#include <string.h>

#include "tests/engine/cmocka.h"
#include "tests/unit/cpu_harness.h"

/* ---- Which host ------------------------------------------------------------ */

/* QEMU's TCG as a processor: what its manual calls a hypervisor's name. */
static bool tcg(void)
{
    unsigned eax, ebx, ecx, edx;
    char text[13] = "";

    __cpuid(0x40000000, eax, ebx, ecx, edx);
    memcpy(text, &ebx, 4);
    memcpy(text + 4, &ecx, 4);
    memcpy(text + 8, &edx, 4);
    return strcmp(text, "TCGTCGTCGTCG") == 0;
}

static bool any(void)
{
    return true;
}

/* CPUID 7 EBX bit 13: FCS and FDS are deprecated, and read 0. */
static bool no_fcs(void)
{
    unsigned eax, ebx, ecx, edx;

    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) &&
           (ebx & 1u << 13);
}

/* An instruction at a time, of which the interpreter does some. */
static bool stepping(void)
{
    return harness_exact;
}

/* ---- What fails there -------------------------------------------------------- */

#define HARDWARE "hardware"     /* svm and vmx */
#define IS_UD "harness_vector(h) == EXC_UD"
#define IS_GP "harness_vector(h) == EXC_GP"
#define IS_DB "harness_vector(h) == EXC_DB"
#define IS_MF "harness_vector(h) == EXC_MF"
#define CAUGHT_GP "sys_caught.vector == EXC_GP"
#define CODE_VECTOR "harness_vector(h) == v"
#define ENVIRONMENT "harness_r32(h, HARNESS_DATA + 0x100 + 4 * n)"
#define ENVIRONMENT16 "harness_r16(h, HARNESS_DATA + 0x100 + 2 * n)"
#define REAL_ENVIRONMENT16 "harness_r16(h, 0x24000 + 2 * n)"

static const struct {
    const char *test;
    const char *text;           /* in the text of the failing assertion */
    const char *engine;         /* NULL: any */
    bool (*host)(void);
    const char *reason;
} known[] = {
    /*
     * QEMU's TCG, where the interpreter has the x87 compute, too. These and all
     * of the next part pass under vmx in Bochs (test_bochs.py).
     */
    { "test_mf", IS_MF, "svm", tcg, "an unmasked x87 exception is not pending" },
    { "test_mf", "0xb084", NULL, tcg,
      "x87 pops in spite of an unmasked exception" },
    { "test_ferr", "h->ferr", "svm", tcg,
      "an unmasked x87 exception is not pending" },
    { "test_ferr", "0x3800", NULL, tcg,
      "x87 pops in spite of an unmasked exception" },
    { "test_store_suppressed", "0x11223344", "svm", tcg,
      "x87 stores in spite of an unmasked exception" },
    { "test_store_suppressed", "0xb881", NULL, tcg,
      "x87 stores in spite of an unmasked exception" },
    /* ... and what the guest's own instructions meet there under svm */
    { "test_lock_mov", "harness_vector(h) == vector", "svm", tcg, "takes LOCK with MOV" },
    { "test_real_wraps", IS_GP, "svm", tcg, "no segment limits" },
    { "test_real_ip_end", IS_GP, "svm", tcg, "no segment limits" },
    { "test_branch_beyond_limit", IS_GP, "svm", tcg, "no segment limits" },
    { "test_branch_beyond_limit", "0xfffd", "svm", tcg, "no segment limits" },
    { "test_segment_checks", CAUGHT_GP, "svm", tcg, "no segment limits" },
    { "test_real_mode_limits", CAUGHT_GP, "svm", tcg, "no segment limits" },
    { "test_tables", CAUGHT_GP, "svm", tcg, "null segments can be used" },
    { "test_call_gate_inner", CAUGHT_GP, "svm", tcg,
      "null segments can be used" },
    { "test_alignment_check", CODE_VECTOR, "svm", tcg, "no alignment check" },
    { "test_alignment", "EXC_AC", "svm", tcg, "no alignment check" },
    { "test_store_operand_first", "EXC_AC", "svm", tcg, "no alignment check" },
    { "test_next_insn_modified", "reg(h, RAX) == 0", "svm", tcg,
      "a store into the running block takes effect behind it" },
    { "test_patch_by_alias", "reg(h, RBX) == 1", "svm", tcg,
      "a store into the running block takes effect behind it" },
    { "test_code_breakpoint", IS_DB, "svm", tcg, "VMRUN arms no breakpoints" },
    { "test_data_breakpoint", IS_DB, "svm", tcg, "VMRUN arms no breakpoints" },
    { "test_task_trap_bit", CODE_VECTOR, "svm", tcg,
      "the TSS's T bit does nothing" },
    { "test_address_spaces", "reg(h, RDI) == 2", "svm", tcg,
      "no global pages in the TLB" },
    { "test_env_protected32", ENVIRONMENT, "svm", tcg,
      "FNSTENV clears the upper halves" },
    { "test_env_protected16", ENVIRONMENT16, "svm", tcg,
      "FXSAVE stores no x87 pointers" },
    { "test_fsave_frstor", "0xffff2800", "svm", tcg,
      "FNSAVE clears the upper halves" },
    { "test_env_real", REAL_ENVIRONMENT16, "svm", tcg,
      "FNSTENV stores no opcode, FXSAVE no x87 pointers" },
    { "test_control_keeps_pointers", "fpu.fip", "svm", tcg,
      "FXSAVE stores no x87 pointers" },
    { "test_store_page_fault", "fpu.fip", "svm", tcg,
      "FXSAVE stores no x87 pointers" },
    { "test_fxsave", "image.fop", "svm", tcg,
      "FXSAVE stores no x87 pointers" },
    { "test_env_load_keeps_registers", "f->fsw", "svm", tcg,
      "FLDENV leaves ES alone" },
    { "test_fldcw_unmasks", IS_MF, "svm", tcg, "FLDCW leaves ES alone" },
    { "test_xm", "EXC_XM", "svm", tcg, "no #XM" },
    { "test_mxcsr_reserved", IS_GP, "svm", tcg,
      "LDMXCSR takes reserved bits" },
    { "test_mmx_transition", "f->st[2][9]", "svm", tcg,
      "MMX leaves exponents alone" },
    /* Intel's newer processors, as Bochs plays one. */
    { "test_env_protected32", ENVIRONMENT, "vmx", no_fcs, "FCS is no more" },
    { "test_env_protected16", ENVIRONMENT16, "vmx", no_fcs,
      "FCS is no more" },
    { "test_env_real", REAL_ENVIRONMENT16, "vmx", no_fcs, "FCS is no more" },
    { "test_env_load_keeps_registers", "f->fcs", "vmx", no_fcs,
      "FCS is no more" },
    { "test_fxsave", "image.fcs", "vmx", no_fcs, "FCS is no more" },
    /* Bochs has no name of its own to be known by. */
    { "test_store_operand_first", "EXC_AC", "vmx", any,
      "Bochs looks at no operand of a store that it suppresses" },
    { "test_store_page_fault", "fpu.fip", "vmx", any,
      "Bochs sets the x87 pointers before a store faults" },
    /* Every processor. */
    { "test_address_spaces", "reg(h, RDI) == 2", HARDWARE, stepping,
      "the interpreter's MOV CR3 drops the processor's whole TLB" },
    { "test_ferr", "!(h->ferr)", HARDWARE, any,
      "FNCLEX does not exit; port F0h lowers FERR#" },
    { "test_mov_ss_shadow", "reg(h, RCX) == 1", HARDWARE, any,
      "only the first of several shadows need delay (SDM vol. 2, STI)" },
    { "test_x87_available", IS_UD, HARDWARE, any,
      "an instruction that the model lacks and the processor has" },
    { "test_newer_is_undefined", IS_UD, HARDWARE, any,
      "an instruction that the model lacks and the processor has" },
};

static bool engine_is(const char *name)
{
    if (name && strcmp(name, HARDWARE) == 0)
        return harness_engine->long_mode;
    return !name || strcmp(name, harness_engine->name) == 0;
}

const char *cmocka_excuse(const char *test, const char *text)
{
    for (size_t n = 0; n < sizeof known / sizeof known[0]; n++)
        if (strcmp(known[n].test, test) == 0 &&
            strstr(text, known[n].text) && engine_is(known[n].engine) &&
            known[n].host())
            return known[n].reason;
    return NULL;
}
