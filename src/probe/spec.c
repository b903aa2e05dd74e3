/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The language of probes. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "probe/probe.h"

static const char *const kinds[PH_PROBE_KIND_MAX] = {
	[PH_PROBE_UPROBE] = "uprobe", [PH_PROBE_URETPROBE] = "uretprobe", [PH_PROBE_USDT] = "usdt",
	[PH_PROBE_TRACEPOINT] = "tracepoint", [PH_PROBE_KPROBE] = "kprobe", [PH_PROBE_KRETPROBE] = "kretprobe",
};

static const struct {
	const char *name;
	uint8_t size;
	bool is_signed;
} types[PH_PROBE_TYPE_MAX] = {
	[PH_PROBE_AUTO] = { "s64", 8, true },
	[PH_PROBE_U8] = { "u8", 1, false }, [PH_PROBE_U16] = { "u16", 2, false },
	[PH_PROBE_U32] = { "u32", 4, false }, [PH_PROBE_U64] = { "u64", 8, false },
	[PH_PROBE_S8] = { "s8", 1, true }, [PH_PROBE_S16] = { "s16", 2, true },
	[PH_PROBE_S32] = { "s32", 4, true }, [PH_PROBE_S64] = { "s64", 8, true },
	[PH_PROBE_X32] = { "x32", 4, false }, [PH_PROBE_X64] = { "x64", 8, false },
	[PH_PROBE_F32] = { "f32", 4, false }, [PH_PROBE_F64] = { "f64", 8, false },
	[PH_PROBE_STR] = { "str", 8, false }, [PH_PROBE_BUF] = { "buf", 8, false }, [PH_PROBE_ENUM] = { "enum", 8, true },
};

const char *ph_probe_kind_name(enum ph_probe_kind k)
{
	return k < PH_PROBE_KIND_MAX ? kinds[k] : "?";
}

const char *ph_probe_type_name(enum ph_probe_type t)
{
	return t < PH_PROBE_TYPE_MAX ? types[t].name : "?";
}

enum ph_probe_type ph_probe_type_by_name(const char *name, size_t n)
{
	for (unsigned int t = PH_PROBE_AUTO + 1; t < PH_PROBE_TYPE_MAX; t++)
		if (t != PH_PROBE_ENUM && strlen(types[t].name) == n && !memcmp(types[t].name, name, n))
			return (enum ph_probe_type)t;
	return PH_PROBE_TYPE_MAX;
}

uint8_t ph_probe_type_size(enum ph_probe_type t)
{
	return types[t].size;
}

bool ph_probe_type_signed(enum ph_probe_type t)
{
	return types[t].is_signed;
}

void ph_probe_spec_done(struct ph_probe_spec *s)
{
	ph_vec_each(e, &s->args) {
		if (e->length)
			free(e->length->word);
		free(e->length);
		free(e->name);
		free(e->word);
	}
	ph_vec_done(&s->args);
	free(s->text);
	free(s->path);
	free(s->provider);
	free(s->function);
	*s = (struct ph_probe_spec){ 0 };
}

/* ---- arguments ---------------------------------------------------------------------------------- */

struct parser {
	const char *text, *p;
	enum ph_probe_kind kind;
	struct ph_err *err;
};

static void blanks(struct parser *ps)
{
	while (isspace((unsigned char)*ps->p))
		ps->p++;
}

static bool take(struct parser *ps, char c)
{
	blanks(ps);
	if (*ps->p != c)
		return false;
	ps->p++;
	return true;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Bytes of the name that begins here, 0: none does. */
static size_t word(const char *p)
{
	size_t n = 0;

	if (isdigit((unsigned char)*p))
		return 0;
	while (is_word(p[n]))
		n++;
	return n;
}

static int bad(struct parser *ps, const char *what)
{
	return ph_err_set(ps->err, -EINVAL, "'%s': %s at '%.20s'", ps->text, what, *ps->p ? ps->p : "the end");
}

static int number(struct parser *ps, uint64_t *ret)
{
	char *end;

	blanks(ps);
	if (!isdigit((unsigned char)*ps->p))
		return bad(ps, "a number was expected");
	errno = 0;
	*ret = strtoull(ps->p, &end, 0);
	if (errno || is_word(*end))
		return bad(ps, "this is no number");
	ps->p = end;
	return 0;
}

/* Bytes of "->name", ".name" or "[12]", 0: none of them begins here. */
static size_t member(const char *p)
{
	size_t n = 1 + strspn(p + (*p != 0), "0123456789"), op = !strncmp(p, "->", 2) ? 2 : *p == '.' ? 1 : 0, name;

	if (*p == '[')
		return n > 1 && p[n] == ']' ? n + 1 : 0;
	name = op ? word(p + op) : 0;
	return name ? op + name : 0;
}

/* Bytes of a name with the members behind it: "req->peers[2].id". */
static size_t path(const char *p)
{
	size_t n = word(p), more = n;

	while (more)
		n += more = member(p + n);
	return n;
}

/* "arg2", "retval", "%rax", or a name. */
static int primary(struct parser *ps, struct ph_probe_expr *e)
{
	bool reg = take(ps, '%');
	size_t n;

	blanks(ps);
	n = reg ? word(ps->p) : path(ps->p);
	if (!n)
		return bad(ps, "an argument was expected (arg1, retval, %register, *(arg1+8))");
	free(ph_take(e->word));
	e->word = ph_strndup(ps->p, n);
	e->from = reg ? PH_PROBE_FROM_REG : PH_PROBE_FROM_NAME;
	if (!reg && !strncmp(e->word, "arg", 3) && e->word[3] && !e->word[3 + strspn(e->word + 3, "0123456789")]) {
		if (strlen(e->word) > 5 || !atoi(e->word + 3))
			return bad(ps, "arguments are counted from arg1 to arg99");
		e->from = PH_PROBE_FROM_ARG;
		e->number = (uint32_t)atoi(e->word + 3);
	} else if (!reg && word(e->word) == strlen("retval") && !strncmp(e->word, "retval", strlen("retval"))) {
		if (!ph_probe_is_return(ps->kind))
			return bad(ps, "only a uretprobe or kretprobe has a retval");
		e->from = PH_PROBE_FROM_RETVAL;
	}
	ps->p += n;
	return 0;
}

static int sum(struct parser *ps, struct ph_probe_expr *e);

/* What stands in memory where the sum between the parentheses, or the name alone, points to. */
static int term(struct parser *ps, struct ph_probe_expr *e)
{
	int r;

	if (take(ps, '(')) {
		r = sum(ps, e);
		if (r == 0 && !take(ps, ')'))
			r = bad(ps, "')' was expected");
		return r;
	}
	if (!take(ps, '*'))
		return primary(ps, e);
	r = term(ps, e);
	if (r == 0 && e->loads++ == PH_PROBE_LOADS)
		r = bad(ps, "that is more than four loads from memory");
	return r;
}

static int sum(struct parser *ps, struct ph_probe_expr *e)
{
	int r = term(ps, e);

	for (;;) {
		bool minus;
		uint64_t v = 0;

		blanks(ps);
		if (r < 0 || (*ps->p != '+' && *ps->p != '-'))
			return r;
		minus = *ps->p++ == '-';
		r = number(ps, &v);
		if (r == 0)
			e->add[e->loads] = (int64_t)((uint64_t)e->add[e->loads] + (minus ? -v : v));
	}
}

/* "TYPE(" or nothing. */
static bool cast(struct parser *ps, struct ph_probe_expr *e)
{
	size_t n, after;

	blanks(ps);
	n = word(ps->p);
	after = n;
	while (isspace((unsigned char)ps->p[after]))
		after++;
	if (!n || ps->p[after] != '(' || ph_probe_type_by_name(ps->p, n) == PH_PROBE_TYPE_MAX)
		return false;
	e->type = ph_probe_type_by_name(ps->p, n);
	ps->p += after + 1;
	return true;
}

/* Without blanks and with what a column cannot be called left out: "*(arg1+8)" is arg1_8. */
static char *column(const char *from, size_t n)
{
	ph_autobuf b = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (is_word(from[i]))
			ph_buf_addc(&b, from[i]);
		else if (b.len && b.p[b.len - 1] != '_' && i + 1 < n && from[i] != ')' && from[i] != '(')
			ph_buf_addc(&b, '_');
	}
	while (b.len && b.p[b.len - 1] == '_')
		b.p[--b.len] = 0;
	return ph_buf_steal(&b);
}

/* A number, which may be said to be of a type: "s32(arg3)". */
static int length(struct parser *ps, struct ph_probe_expr *e)
{
	bool typed = cast(ps, e);
	int r;

	if (e->type == PH_PROBE_STR || e->type == PH_PROBE_BUF)
		return bad(ps, "a length is a number, not a text,");
	r = sum(ps, e);
	return r == 0 && typed && !take(ps, ')') ? bad(ps, "')' was expected") : r;
}

static int arg(struct parser *ps, struct ph_probe_expr *e)
{
	const char *begin, *inner;
	size_t n;
	int r;

	blanks(ps);
	begin = ps->p;
	n = word(begin);
	while (n && isspace((unsigned char)begin[n]))
		n++;
	if (n && begin[n] == '=') {
		e->name = ph_strndup(begin, word(begin));
		ps->p = begin + n + 1;
	}
	if (cast(ps, e)) {
		blanks(ps);
		inner = ps->p;
		r = sum(ps, e);
		n = (size_t)(ps->p - inner);
		if (r == 0 && (e->type == PH_PROBE_STR || e->type == PH_PROBE_BUF) && take(ps, ',')) {
			e->length = ph_alloc(sizeof(*e->length));
			r = length(ps, e->length);
		}
		if (r == 0 && e->type == PH_PROBE_BUF && !e->length)
			r = bad(ps, "buf() takes a length, as buf(arg2, arg3),");
		if (r == 0 && !take(ps, ')'))
			r = bad(ps, "')' was expected");
	} else {
		blanks(ps);
		inner = ps->p;
		r = sum(ps, e);
		n = (size_t)(ps->p - inner);
	}
	if (r == 0 && !e->name)
		e->name = column(inner, n);
	return r;
}

static bool is_taken(const struct ph_probe_spec *s, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(s->args.v[i].name, name))
			return true;
	return false;
}

/* Two arguments of one name would be one column. */
static void make_unique(struct ph_probe_spec *s)
{
	for (size_t i = 0; i < s->args.n; i++) {
		char *name = ph_strdup(s->args.v[i].name);

		for (unsigned int n = 2; is_taken(s, i, name); n++) {
			free(name);
			name = ph_asprintf("%s_%u", s->args.v[i].name, n);
		}
		free(s->args.v[i].name);
		s->args.v[i].name = name;
	}
}

static int args(struct parser *ps, struct ph_probe_spec *s)
{
	int r = 0;

	s->has_args = true;
	if (take(ps, ')'))
		goto end;
	do {
		if (s->args.n == PH_PROBE_ARGS)
			return ph_err_set(ps->err, -EINVAL, "'%s': a probe has at most %d arguments", ps->text, PH_PROBE_ARGS);
		r = arg(ps, ph_vec_push(&s->args));
	} while (r == 0 && take(ps, ','));
	if (r == 0 && !take(ps, ')'))
		r = bad(ps, "',' or ')' was expected");
end:
	blanks(ps);
	if (r == 0 && *ps->p)
		r = bad(ps, "there is more behind the arguments");
	if (r == 0)
		make_unique(s);
	return r;
}

/* ---- the place ---------------------------------------------------------------------------------- */

/* "(int, char const*)": types, which no argument is called as. */
static bool is_parameters(const char *p)
{
	static const char *const words[] = { "void", "bool", "char", "short", "int", "long", "unsigned", "signed", "float", "double",
					     "const", "wchar_t", "char16_t", "char32_t" };

	while (*p) {
		size_t n = word(p);

		for (size_t i = 0; i < PH_ARRAY_SIZE(words); i++)
			if (n == strlen(words[i]) && !strncmp(p, words[i], n))
				return true;
		if (!n && (*p == '<' || *p == '&' || !strncmp(p, "::", 2) || !strncmp(p, "...", 3) || (*p == '*' && strchr(",)", p[1]))))
			return true;
		p += n + !n;
	}
	return false;
}

/* The list of arguments is the last pair of parentheses: names of C++ may have some, too. NULL: there is none. */
static const char *args_of(const char *text)
{
	const char *end = text + strlen(text), *p, *name = strrchr(text, ':');
	int depth = 0;

	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	if (end == text || end[-1] != ')')
		return NULL;
	for (p = end; p > text; ) {
		p--;
		depth += *p == ')' ? 1 : *p == '(' ? -1 : 0;
		if (!depth)
			break;
	}
	/* Names of C++ have no dots, those of Go do: there, an argument may be called `char`. */
	return depth || (is_parameters(p) && !(name && name < p && memchr(name, '.', (size_t)(p - name)))) ? NULL : p;
}

/* One part of what colons divide; "…" holds a path with colons. */
static char *part(const char **p)
{
	const char *begin = *p, *end;
	char *s;

	if (*begin == '"' && (end = strchr(begin + 1, '"')) && (!end[1] || end[1] == ':')) {
		s = ph_strndup(begin + 1, (size_t)(end - begin - 1));
		end++;
	} else {
		end = begin + strcspn(begin, ":");
		s = ph_strndup(begin, (size_t)(end - begin));
	}
	*p = *end == ':' ? end + 1 : end;
	return s;
}

static void trim(char *s)
{
	size_t n = strlen(s);

	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = 0;
}

/* FUNCTION, FUNCTION+OFFSET, 0xADDRESS. */
static int set_function(struct ph_probe_spec *s, char *name, struct ph_err *err)
{
	char *plus = strrchr(name, '+');
	uint64_t v;
	char *version = strchr(name, '@');

	/* Which version of a symbol is called, the dynamic linker knows. */
	if (version && version > name && strncmp(version, "@plt", 4) != 0)
		*version = 0;
	s->function = name;
	trim(name);
	if (!*name)
		return ph_err_set(err, -EINVAL, "'%s': which function?", s->text);
	if (isdigit((unsigned char)*name)) {
		if (ph_parse_u64(name, &s->address, err) < 0)
			return ph_err_wrap(err, -EINVAL, "'%s'", s->text);
		free(ph_take(s->function));
	} else if (plus && isdigit((unsigned char)plus[1]) && ph_parse_u64(plus + 1, &v, NULL) == 0) {
		*plus = 0;
		s->address = v;
	}
	if (ph_probe_is_return(s->kind) && s->address)
		return ph_err_set(err, -EINVAL, "'%s': a function returns, an address within one does not", s->text);
	return 0;
}

static int unknown_kind(const char *text, const char *kind, struct ph_err *err)
{
	const char *near = ph_nearest(kind, kinds, PH_PROBE_KIND_MAX);

	return ph_err_set(err, -EINVAL, "'%s': '%s' is no kind of probe%s%s%s; there are uprobe:PATH:FUNCTION, uretprobe:PATH:"
			  "FUNCTION, usdt:PATH:PROVIDER:NAME, tracepoint:CATEGORY:NAME, kprobe:FUNCTION and kretprobe:FUNCTION",
			  text, kind, near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* PH_PROBE_KIND_MAX: there is none of that name. */
static enum ph_probe_kind kind_by_name(const char *name)
{
	static const struct {
		const char *name;
		enum ph_probe_kind kind;
	} others[] = {
		/* Other ways of the kernel's, now and before, to show the same; a kprobe has what they have, by name, too. */
		{ "fentry", PH_PROBE_KPROBE }, { "fexit", PH_PROBE_KRETPROBE }, { "kfunc", PH_PROBE_KPROBE }, { "kretfunc", PH_PROBE_KRETPROBE },
	};
	unsigned int k = 0;

	for (size_t i = 0; i < PH_ARRAY_SIZE(others); i++)
		if (!strcmp(others[i].name, name))
			return others[i].kind;
	while (k < PH_PROBE_KIND_MAX && strcmp(kinds[k], name) != 0)
		k++;
	return (enum ph_probe_kind)k;
}

static int place(struct ph_probe_spec *s, const char *text, struct ph_err *err)
{
	const char *p = text;
	ph_autofree char *kind = part(&p);
	enum ph_probe_kind k = kind_by_name(kind);

	if (k == PH_PROBE_KIND_MAX)
		return unknown_kind(s->text, kind, err);
	s->kind = k;
	if (s->kind == PH_PROBE_KPROBE || s->kind == PH_PROBE_KRETPROBE)
		return set_function(s, ph_strdup(p), err);
	s->path = part(&p);
	trim(s->path);
	if (!*s->path || !*p)
		return ph_err_set(err, -EINVAL, "'%s': %s", s->text, s->kind == PH_PROBE_TRACEPOINT ? "it is tracepoint:CATEGORY:NAME" :
				  s->kind == PH_PROBE_USDT ? "it is usdt:PATH:PROVIDER:NAME" : "it is uprobe:PATH:FUNCTION");
	if (s->kind == PH_PROBE_TRACEPOINT || s->kind == PH_PROBE_USDT) {
		if (s->kind == PH_PROBE_USDT) {
			s->provider = part(&p);
			/* usdt:PATH:NAME: whoever provides it. */
			if (!*p) {
				s->function = ph_take(s->provider);
				s->provider = ph_strdup("*");
			}
		}
		if (!s->function)
			s->function = ph_strdup(p);
		trim(s->function);
		if (!*s->function)
			return ph_err_set(err, -EINVAL, "'%s': its name is missing", s->text);
		return 0;
	}
	return set_function(s, ph_strdup(p), err);
}

int ph_probe_parse(const char *text, struct ph_probe_spec *ret, struct ph_err *err)
{
	struct ph_probe_spec s = { .text = ph_strdup(text) };
	const char *list = args_of(text);
	ph_autofree char *front = ph_strndup(text, list ? (size_t)(list - text) : strlen(text));
	int r = place(&s, front, err);

	if (r == 0 && list) {
		struct parser ps = { .text = s.text, .p = list + 1, .kind = s.kind, .err = err };

		r = args(&ps, &s);
	}
	if (r < 0)
		ph_probe_spec_done(&s);
	else
		*ret = s;
	return r;
}
