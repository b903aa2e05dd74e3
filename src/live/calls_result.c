/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's values, as in event/symbols.c: not <fcntl.h>. */
#include <linux/fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/symbols.h"
#include "live/calls_priv.h"

/* Results as text. */

static void add_flags_result(const struct ph_call *call, struct ph_buf *b)
{
	bool fd = call->value[1] == F_GETFD;

	ph_buf_addf(b, call->ret ? "%#lx" : "%lu", (unsigned long)call->ret);
	if (fd && !call->ret)
		return;
	ph_buf_adds(b, " (flags ");
	if (fd)
		ph_buf_adds(b, "FD_CLOEXEC");
	else
		call_add_open_flags(b, call, call->ret);
	ph_buf_addc(b, ')');
}

static bool add_named_result(const struct ph_call *call, struct ph_buf *b)
{
	const struct call_names *names = call->cc->result ? call_names_now(call, CALL_RESULT) : NULL;
	ph_autobuf name = { 0 };

	if (!names || !call_names_add(names, call->ret, &name))
		return false;
	ph_buf_addf(b, call_names_flags(names) && call->ret ? "%#lx (%s)" : "%ld (%s)", (unsigned long)call->ret, name.p);
	return true;
}

/* What the kernel keeps to itself: the program sees EINTR, or the call anew. */
static const char *restart_text(int64_t error)
{
	switch (error) {
	case 512: return "To be restarted if SA_RESTART is set";
	case 513: return "To be restarted";
	case 514: return "To be restarted if no handler";
	case 516: return "Interrupted by signal";
	default: return NULL;
	}
}

void ph_call_add_result(const struct ph_call *call, struct ph_buf *b)
{
	if (!call->ended) {
		ph_buf_addc(b, '?');
	} else if (ph_call_failed(call)) {
		const char *restart = restart_text(-call->ret), *text = strerrordesc_np((int)-call->ret);

		ph_buf_adds(b, restart ? "? " : "-1 ");
		if (!ph_symbol_add(b, PH_UNIT_RET, call->ret))
			ph_buf_addf(b, "(errno %ld)", (long)-call->ret);
		else if (restart || text)
			ph_buf_addf(b, " (%s)", restart ? restart : text);
	} else if (call->address) {
		ph_buf_addf(b, "%#lx", (unsigned long)call->ret);
	} else if (call_is(call, "umask")) {
		ph_buf_addf(b, "%#03lo", (unsigned long)call->ret);
	} else if (call_is(call, "fcntl") && (call->value[1] == F_GETFL || call->value[1] == F_GETFD)) {
		add_flags_result(call, b);
	} else {
		if (add_named_result(call, b))
			return;
		ph_buf_add_s64(b, call->ret);
		if (call_is(call, "rt_sigtimedwait")) {
			ph_buf_adds(b, " (");
			call_add_signal(b, call->ret);
			ph_buf_addc(b, ')');
		}
		if (call->ret_path) {
			ph_buf_addc(b, '<');
			ph_buf_add_term(b, call->ret_path, strlen(call->ret_path));
			ph_buf_addc(b, '>');
		}
		if (call->found)
			ph_buf_addf(b, " (%s)", call->found);
	}
}
