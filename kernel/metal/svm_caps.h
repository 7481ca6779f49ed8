/* What AMD-V a processor offers, and whether it will do. Pure. */
#ifndef KERNEL_METAL_SVM_CAPS_H
#define KERNEL_METAL_SVM_CAPS_H

#include <stdbool.h>
#include <stdint.h>

/* As read (APM vol. 2, 15.4; vol. 3, appendix E.4); 0 where not there. */
struct svm_caps {
    uint32_t max_leaf;          /* CPUID 80000000h EAX */
    uint32_t ext_ecx;           /* 80000001h ECX */
    uint32_t svm_edx;           /* 8000000Ah EDX */
    uint64_t vm_cr;             /* MSR C0010114h; exists with SVM alone */
};

#define SVM_CAPS_LEAF 0x8000000au
#define SVM_CAPS_SVM (1u << 2)          /* ext_ecx */
#define SVM_CAPS_NESTED (1u << 0)       /* svm_edx */
#define SVM_CAPS_NEXT_RIP (1u << 3)
#define SVM_CAPS_FLUSH_ASID (1u << 6)
#define SVM_CAPS_SVMDIS (1u << 4)       /* vm_cr */

/* Is there SVM at all, so that leaf 8000000Ah and VM_CR can be read? */
bool svm_caps_present(const struct svm_caps *c);
/* NULL, or why the engine cannot use it. */
const char *svm_caps_refuse(const struct svm_caps *c);

#endif
