/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctf/writer.h"
#include "event/machine.h"

/*
 * Metadata in TSDL (CTF 1.8), worded as LTTng's kernel tracer does: readers know it by env.domain and
 * tracer_name, and choose their event layout by the version. 2.13 is the layout whose names events.def
 * follows; our own name is in env.generator.
 */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_TSDL "le"
#else
#define BYTE_ORDER_TSDL "be"
#endif

/* A TSDL string literal: as in C. */
static void add_literal(struct ph_buf *out, const char *s)
{
	ph_buf_addc(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			ph_buf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			ph_buf_addf(out, "\\%03o", c);
		else
			ph_buf_addc(out, (char)c);
	}
	ph_buf_addc(out, '"');
}

/* Names become identifiers behind an underscore, so that TSDL's keywords are free for use. */
static int check_name(const char *name, struct ph_err *err)
{
	const char *s = name;

	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	return *name && !*s ? 0 : ph_err_set(err, -EINVAL, "\"%s\" cannot be the name of a CTF field",
					     name);
}

static bool has_length(const struct ph_field *f)
{
	return f->type->kind == PH_KIND_SEQ || f->type->kind == PH_KIND_BYTES;
}

static void add_int(struct ph_buf *out, const struct ph_type *t)
{
	bool is_signed = t->kind == PH_KIND_INT || (t->kind == PH_KIND_ENUM && t->is_signed);

	ph_buf_addf(out, "integer { size = %u; align = 8; signed = %d; encoding = none; base = %u; }",
		    ph_wint_bits(t), is_signed, t->base ? t->base : 10);
}

static void indent(struct ph_buf *out, unsigned int depth)
{
	for (unsigned int i = 0; i < depth; i++)
		ph_buf_addc(out, '\t');
}

static int add_fields(struct ph_buf *out, const struct ph_field *fields, uint32_t n,
		      unsigned int depth, struct ph_err *err);

static void add_enum(struct ph_buf *out, const struct ph_type *t, unsigned int depth)
{
	ph_buf_adds(out, "enum : ");
	add_int(out, t);
	ph_buf_adds(out, " {\n");
	for (uint32_t i = 0; i < t->nlabels; i++) {
		const struct ph_enum_label *l = &t->labels[i];

		indent(out, depth + 1);
		add_literal(out, l->name);
		if (t->is_signed)
			ph_buf_addf(out, " = %" PRId64 " ... %" PRId64 ",\n", l->lo, l->hi);
		else
			ph_buf_addf(out, " = %" PRIu64 " ... %" PRIu64 ",\n", (uint64_t)l->lo,
				    (uint64_t)l->hi);
	}
	indent(out, depth);
	ph_buf_addc(out, '}');
}

/* The type in front of a name; sequences put their "[ length ]" behind it. */
static int add_type(struct ph_buf *out, const struct ph_type *t, unsigned int depth,
		    struct ph_err *err)
{
	int r;

	switch (t->kind) {
	case PH_KIND_UINT:
	case PH_KIND_INT:
		add_int(out, t);
		return 0;
	case PH_KIND_ENUM:
		/* An enumeration without labels is not TSDL; its integer says as much. */
		if (t->nlabels)
			add_enum(out, t, depth);
		else
			add_int(out, t);
		return 0;
	case PH_KIND_FLOAT:
		ph_buf_addf(out, "floating_point { exp_dig = %d; mant_dig = %d; align = 8; }",
			    t->bits == 32 ? 8 : 11, t->bits == 32 ? 24 : 53);
		return 0;
	case PH_KIND_STR:
		ph_buf_adds(out, "string");
		return 0;
	case PH_KIND_BYTES:
		ph_buf_adds(out, "integer { size = 8; align = 8; signed = 0; encoding = none; "
				 "base = 16; }");
		return 0;
	case PH_KIND_STRUCT:
		ph_buf_adds(out, "struct {\n");
		r = add_fields(out, t->fields, t->nfields, depth + 1, err);
		indent(out, depth);
		ph_buf_addc(out, '}');
		return r;
	case PH_KIND_SEQ:
		if (t->elem->kind == PH_KIND_SEQ || t->elem->kind == PH_KIND_BYTES)
			return ph_err_set(err, -EOPNOTSUPP,
					  "a sequence of sequences cannot be written");
		return add_type(out, t->elem, depth, err);
	case PH_KIND_VARIANT:
		break;
	}
	return ph_err_set(err, -EOPNOTSUPP, "a variant cannot be written");
}

/* Two members of one name are not TSDL; "_x_length" is also what we put before a sequence x. */
static int check_unique(const struct ph_field *fields, uint32_t n, uint32_t i, struct ph_err *err)
{
	size_t len = strlen(fields[i].name);

	for (uint32_t j = 0; j < n; j++) {
		const char *other = fields[j].name;

		if (j == i)
			continue;
		if (!strcmp(other, fields[i].name) ||
		    (has_length(&fields[i]) && other[0] == '_' &&
		     !strncmp(other + 1, fields[i].name, len) && !strcmp(other + 1 + len, "_length")))
			return ph_err_set(err, -EINVAL, "field \"%s\" would be there twice", other);
	}
	return 0;
}

static int add_fields(struct ph_buf *out, const struct ph_field *fields, uint32_t n,
		      unsigned int depth, struct ph_err *err)
{
	int r;

	for (uint32_t i = 0; i < n; i++) {
		const struct ph_field *f = &fields[i];

		r = check_name(f->name, err);
		if (r == 0)
			r = check_unique(fields, n, i, err);
		if (r < 0)
			return r;
		if (has_length(f)) {
			indent(out, depth);
			ph_buf_addf(out, "integer { size = 16; align = 8; signed = 0; encoding = none; "
				    "base = 10; } __%s_length;\n", f->name);
		}
		indent(out, depth);
		r = add_type(out, f->type, depth, err);
		if (r < 0)
			return ph_err_wrap(err, r, "field \"%s\"", f->name);
		if (has_length(f))
			ph_buf_addf(out, " _%s[ __%s_length ];\n", f->name, f->name);
		else
			ph_buf_addf(out, " _%s;\n", f->name);
	}
	return 0;
}

static void add_env(struct ph_buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	ph_buf_addf(out, "\t%s = ", name);
	add_literal(out, value);
	ph_buf_adds(out, ";\n");
}

static void add_creation_time(struct ph_buf *out)
{
	time_t now = time(NULL);
	char iso[32];
	struct tm tm;

	if (gmtime_r(&now, &tm) && strftime(iso, sizeof(iso), "%Y%m%dT%H%M%S+0000", &tm))
		add_env(out, "trace_creation_datetime", iso);
}

int ph_tsdl_head(struct ph_buf *out, const struct ph_ctf_env *env, const uint8_t uuid[16],
		 const struct ph_field *ctx, uint32_t nctx, struct ph_err *err)
{
	int r;

	ph_buf_adds(out, "/* CTF 1.8 */\n\n"
		"typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
		"typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n"
		"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
		"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n\n"
		"trace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = \"");
	for (int i = 0; i < 16; i++)
		ph_buf_addf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	ph_buf_adds(out, "\";\n\tbyte_order = " BYTE_ORDER_TSDL ";\n"
		"\tpacket.header := struct {\n"
		"\t\tuint32_t magic;\n\t\tuint8_t uuid[16];\n\t\tuint32_t stream_id;\n"
		"\t\tuint64_t stream_instance_id;\n\t};\n};\n\nenv {\n");
	add_env(out, "hostname", env->hostname ? env->hostname : "");
	ph_buf_adds(out, "\tdomain = \"kernel\";\n\tsysname = \"Linux\";\n");
	add_env(out, "kernel_release", env->kernel_release ? env->kernel_release : "");
	add_env(out, "kernel_version", env->kernel_version ? env->kernel_version : "");
	ph_buf_adds(out, "\ttracer_name = \"lttng-modules\";\n\ttracer_major = 2;\n"
		"\ttracer_minor = 13;\n\ttracer_patchlevel = 0;\n"
		"\ttrace_buffering_scheme = \"global\";\n");
	add_env(out, "trace_name", env->trace_name);
	add_creation_time(out);
	add_env(out, "machine", env->machine ? env->machine : ph_machine_here);
	add_env(out, "recorded", env->whole ? "machine" : "selection");
	ph_buf_adds(out, "\tgenerator = \"porthole " PH_VERSION "\";\n};\n\n"
		"clock {\n\tname = \"monotonic\";\n");
	/* One machine's traces, whoever recorded them, are told to belong together by this uuid. */
	if (env->boot_id && strlen(env->boot_id) == 36) {
		ph_buf_adds(out, "\tuuid = ");
		add_literal(out, env->boot_id);
		ph_buf_adds(out, ";\n");
	}
	ph_buf_addf(out, "\tdescription = \"Monotonic Clock\";\n\tfreq = 1000000000;\n"
		    "\toffset = %" PRId64 ";\n};\n\n", env->offset_ns);
	ph_buf_addf(out,
		"typealias integer { size = %u; align = 8; signed = false;\n"
		"\tmap = clock.monotonic.value; } := uint%u_clock_monotonic_t;\n"
		"typealias integer { size = 64; align = 8; signed = false;\n"
		"\tmap = clock.monotonic.value; } := uint64_clock_monotonic_t;\n\n",
		PH_CTF_TS_BITS, PH_CTF_TS_BITS);
	ph_buf_adds(out,
		"struct packet_context {\n"
		"\tuint64_clock_monotonic_t timestamp_begin;\n"
		"\tuint64_clock_monotonic_t timestamp_end;\n"
		"\tuint64_t content_size;\n\tuint64_t packet_size;\n\tuint64_t packet_seq_num;\n"
		"\tuint64_t events_discarded;\n\tuint32_t cpu_id;\n};\n\n");
	ph_buf_addf(out,
		"struct event_header {\n"
		"\tenum : uint8_t { compact = 0 ... %u, extended = %u } id;\n"
		"\tvariant <id> {\n"
		"\t\tstruct {\n\t\t\tuint%u_clock_monotonic_t timestamp;\n\t\t} compact;\n"
		"\t\tstruct {\n\t\t\tuint32_t id;\n"
		"\t\t\tuint64_clock_monotonic_t timestamp;\n\t\t} extended;\n"
		"\t} v;\n};\n\n", PH_CTF_ID_EXTENDED - 1, PH_CTF_ID_EXTENDED, PH_CTF_TS_BITS);
	ph_buf_adds(out, "stream {\n\tid = 0;\n\tevent.header := struct event_header;\n"
		"\tpacket.context := struct packet_context;\n\tevent.context := struct {\n");
	r = add_fields(out, ctx, nctx, 2, err);
	ph_buf_adds(out, "\t};\n};\n\n");
	return r;
}

int ph_tsdl_class(struct ph_buf *out, const struct ph_class *cls, uint32_t id, struct ph_err *err)
{
	int r;

	ph_buf_adds(out, "event {\n\tname = ");
	add_literal(out, cls->name);
	ph_buf_addf(out, ";\n\tid = %u;\n\tstream_id = 0;\n\tfields := struct {\n", id);
	r = add_fields(out, cls->fields, cls->nfields, 2, err);
	ph_buf_adds(out, "\t};\n};\n\n");
	return r < 0 ? ph_err_wrap(err, r, "event \"%s\"", cls->name) : 0;
}
