/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the numbers of exits are called. */
#include "analyze/kvm.h"
#include "event/symbols.h"

/* Intel's exit reason: the entry itself failed; some more bits say how it was. */
#define VMX_FAILED_ENTRY 0x80000000u
#define VMX_REASON 0xffffu

static const char *name_of(uint32_t isa, uint32_t reason)
{
	if (isa == PH_KVM_VMX)
		switch (reason & VMX_REASON) {
#define KVM_VMX(number, name) case number: return #name;
#define KVM_SVM(number, name)
#define KVM_USER(number, name)
#include "analyze/kvm_reasons.def"
#undef KVM_VMX
#undef KVM_SVM
#undef KVM_USER
		}
	else if (isa == PH_KVM_SVM)
		switch (reason) {
#define KVM_VMX(number, name)
#define KVM_SVM(number, name) case number: return #name;
#define KVM_USER(number, name)
#include "analyze/kvm_reasons.def"
#undef KVM_VMX
#undef KVM_SVM
#undef KVM_USER
		}
	else if (!isa)
		switch (reason) {
#define KVM_VMX(number, name)
#define KVM_SVM(number, name)
#define KVM_USER(number, name) case number: return #name;
#include "analyze/kvm_reasons.def"
#undef KVM_VMX
#undef KVM_SVM
#undef KVM_USER
		}
	return NULL;
}

void ph_kvm_reason(const struct ph_kvm_exit *e, struct ph_buf *out)
{
	const char *name = e->error ? NULL : name_of(e->isa, e->reason);

	if (e->error) {
		if (!ph_symbol_add(out, PH_UNIT_RET, e->error))
			ph_buf_addf(out, "%d", e->error);
	} else if (name) {
		ph_buf_adds(out, name);
	} else {
		ph_buf_addf(out, "0x%x", e->reason);
	}
	if (e->isa == PH_KVM_VMX && e->reason & VMX_FAILED_ENTRY)
		ph_buf_adds(out, " (entry failed)");
}
