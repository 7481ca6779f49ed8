/* See svm_caps.h. */
#include "kernel/metal/svm_caps.h"

#include <stddef.h>

bool svm_caps_present(const struct svm_caps *c)
{
    return c->max_leaf >= SVM_CAPS_LEAF && (c->ext_ecx & SVM_CAPS_SVM);
}

const char *svm_caps_refuse(const struct svm_caps *c)
{
    if (!svm_caps_present(c))
        return "this processor has no AMD-V";
    if (c->vm_cr & SVM_CAPS_SVMDIS)
        return "AMD-V is switched off in the PC's setup";
    if (!(c->svm_edx & SVM_CAPS_NESTED))
        return "this processor's AMD-V has no nested paging";
    return NULL;
}
