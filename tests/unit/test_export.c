/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole profile over recordings that are written here: each output is read as those read it that it is for. */
#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "ctf/ctf.h"
#include "ctf_dir.h"
#include "profile_stream.h"
#include "program.h"

/* Samples and a wait; the names have what formats are made of. */
static const char events[] =
	"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=600 comm=nginx tid=7 callstack_user=[0x401100,0x402001,0x403011] user_end=1\n"
	"+10 cpu=1 tid=8 pid=7 container=1 callstack weight=300 comm=worker tid=8 callstack_kernel=[0xffff1000,0xffff2000] "
	"callstack_user=[0x7f0000000555,0x403011] user_end=1\n"
	"+10 cpu=0 tid=20 pid=20 container=2 callstack weight=100 comm=\"<b>&;]]>\" tid=20 callstack_user=[0x500010] user_end=3\n"
	"+1 mapped_file file=9 path=\"/opt/a (b)/evil<>.so\" build_id=00ff\n"
	"+1 process_map pid=20 begin=0x500000 end=0x501000 vaddr=0x1000 file=9\n"
	"+10 cpu=0 tid=20 pid=20 container=2 callstack weight=100 comm=\"<b>&;]]>\" tid=20 callstack_user=[0x500010] user_end=1\n" NAMES
	"+0 user_symbol file=9 vaddr=0x1010 name=\"op<T>::operator()(\\\"x\\\", ']]>' & \\x1b[31m\\n\\xff\\xef\\xbf\\xbe</script>)\"\n"
	"+0 symbols_missing file=2 distribution=\"debian 12\" install=\"apt install libc6-dbg\"\n";

/* Of another recording, in which the worker has all. */
static const char other[] =
	"+10 cpu=1 tid=8 pid=7 container=1 callstack weight=900 comm=worker tid=8 callstack_kernel=[0xffff1000,0xffff2000] "
	"callstack_user=[0x7f0000000555,0x403011] user_end=1\n" NAMES;

/* A trace of @events, everything in one stream but for what the recorder itself says. */
static void write_trace(const char *path, const char *text)
{
	struct ph_ctf_env env = { .hostname = "host1", .offset_ns = 1000000000 };
	struct ph_ctf_stream *cpu, *state;
	ph_autofree char *all = ph_asprintf("%s%s", profile_setup, text);
	struct ph_err err = { 0 };
	struct ph_ctf_writer *w;
	struct ph_source *src;
	struct ph_event *ev;

	assert_int_equal(ph_synthetic_parse(all, &src, &err), 0);
	assert_int_equal(ph_ctf_create(path, &env, NULL, 0, &w, &err), 0);
	assert_int_equal(ph_ctf_stream(w, "cpu", 0, &cpu, &err), 0);
	assert_int_equal(ph_ctf_stream(w, "state", 0, &state, &err), 0);
	while (ph_source_next(src, &ev, &err) > 0) {
		bool told = ev->cls->group == PH_GROUP_META || ev->cls->group == PH_GROUP_STATEDUMP || ev->cls->group == PH_GROUP_CONTAINER;

		assert_int_equal(ph_ctf_write(told ? state : cpu, ev, &err), 0);
	}
	assert_int_equal(ph_ctf_close(w, 100000000, &err), 0);
	ph_source_close(src);
}

static struct result run(struct dir *d, const char *args)
{
	ph_autofree char *cmd = ph_asprintf("profile -r '%s/t' %s", d->path, args);
	struct result r = program_run(d->path, cmd);

	if (r.code)
		fprintf(stderr, "porthole %s: %s\n", cmd, r.err);
	assert_int_equal(r.code, 0);
	return r;
}

static void begin(struct dir *d)
{
	ph_autofree char *t = ph_asprintf("%s/t", d->path);

	write_trace(t, events);
}

/* Run a shell command on what porthole prints. */
static char *through(struct dir *d, const char *args, const char *command)
{
	ph_autofree char *cmd = ph_asprintf("profile -r '%s/t' %s 2>/dev/null | %s", d->path, args, command);
	struct result r = program_run(d->path, cmd);

	assert_int_equal(r.code, 0);
	free(r.err);
	return r.out;
}

static void test_tables(void **state)
{
	struct dir *d = *state;
	struct result r;

	begin(d);
	r = run(d, "-o csv --fields self,total,function,module,kind,container --no-header -c web");
	assert_string_equal(r.out, "600,600,next,nginx,inlined,web\r\n300,300,do_read,,kernel,web\r\n0,900,main,nginx,user,web\r\n"
				   "0,600,parse,nginx,user,web\r\n0,600,serve,nginx,user,web\r\n0,300,do_syscall,,kernel,web\r\n"
				   "0,300,libc.so.6+0x28555,libc.so.6,user,web\r\n");
	result_done(&r);
	/* Functions' names may be long: nothing stands behind them. */
	r = run(d, "-o top -c web --max-entries 1");
	assert_string_equal(r.out, "SELF%  TOTAL%    SELF  CONTAINER  KIND     MODULE  FUNCTION\n"
				   " 66.7    66.7  600 ns  web        inlined  nginx   next\n");
	assert_non_null(strstr(r.err, "of the stacks: /lib/libc.so.6, build id abcdef: apt install libc6-dbg (debian 12)\n"));
	result_done(&r);
	r = run(d, "--by image -f 'comm == worker' --kernel -o folded");
	assert_string_equal(r.out, "nginx:1.27;do_syscall_[k];do_read_[k] 300\n");
	result_done(&r);
	/* Mappings of before the range, and names of behind it. */
	r = run(d, "--by image -o folded --begin +5ns --end +15ns");
	assert_string_equal(r.out, "nginx:1.27;main;libc.so.6+0x28555;do_syscall_[k];do_read_[k] 300\n");
	result_done(&r);
	/* Told after the first stack. */
	r = run(d, "--by comm -o folded -c db");
	assert_non_null(strstr(r.out, ";[incomplete];op<T>::operator()("));
	result_done(&r);
	{
		ph_autofree char *t = ph_asprintf("%s/base", d->path);
		ph_autofree char *args = ph_asprintf("-o folded --by container -c web --diff '%s'", t);
		ph_autofree char *svg = ph_asprintf("profile -r '%s' --diff '%s/t' -o svg --by container -c web", t, d->path);

		write_trace(t, other);
		r = run(d, args);
		assert_string_equal(r.out, "web;main;libc.so.6+0x28555;do_syscall_[k];do_read_[k] 900 300\nweb;main;serve;parse;next_[i] 0 600\n");
		result_done(&r);
		/* What has no width, because it is gone, is told: the call that is, not all that it led to. */
		r = program_run(d->path, svg);
		assert_int_equal(r.code, 0);
		assert_non_null(strstr(r.out, ">No longer there: 66.7 % of before: serve 66.7 %</text>"));
		result_done(&r);
		r = run(d, "-o svg --by container -c web");
		assert_null(strstr(r.out, "No longer there"));
		result_done(&r);
	}
}

/* A wait that goes on at the end of the range is as long as it is in the range, not in the trace. */
static void test_range(void **state)
{
	struct dir *d = *state;
	ph_autofree char *t = ph_asprintf("%s/t", d->path);
	struct result r;

	write_trace(t,
		"@1000 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7 next_comm=nginx\n"
		"@2000 cpu=0 tid=7 pid=7 container=1 callstack trigger=1 weight=1 unit=2 comm=nginx tid=7 callstack_kernel=[0xffff5000] "
		"callstack_user=[0x402000] user_end=1\n"
		"@2000 cpu=0 tid=7 pid=7 container=1 sched_switch prev_tid=7 prev_state=1 prev_comm=nginx next_tid=20 next_comm=sh\n"
		"@9000 cpu=0 tid=20 sched_waking tid=7 target_cpu=0\n@9000 cpu=0 tid=20 sched_wakeup tid=7 target_cpu=0\n"
		"@9000 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=1 next_tid=7 next_comm=nginx prev_comm=sh\n" NAMES);
	r = run(d, "-c web --off-cpu -o csv --fields total,function --no-header");
	assert_non_null(strstr(r.out, "7000,serve\r\n"));
	result_done(&r);
	r = run(d, "-c web --off-cpu -o csv --fields total,function --no-header --end +5us");
	assert_non_null(strstr(r.out, "4000,serve\r\n"));
	result_done(&r);
}

static void test_usage(void **state)
{
	static const struct { const char *args, *err; int code; } wrong[] = {
		{ "-o svgg", "-o takes tree, top, folded", 2 }, { "--by week", "--by takes container, pod", 2 },
		{ "--by pod,pod", "--by has 'pod' twice", 2 }, { "--off-cpu --wall", "one of --off-cpu, --wall and -e", 2 },
		{ "-e nosuch", "there is no event 'nosuch'", 2 }, { "--min 101", "--min takes a percentage", 2 }, { "--min x", "--min takes", 2 },
		{ "-F 0", "-F takes 1 to", 2 }, { "-o svg --fields self", "are about the table", 2 }, { "-o pprof --diff /nowhere", "--diff goes with", 2 },
		{ "-o csv --fields x", "there is no field 'x'", 2 }, { "--colors red", "--colors takes kind or container", 2 },
		{ "--colors container --by comm", "--colors container goes with --by container", 2 },
		{ "--diff /nowhere", "/nowhere", 1 }, { "-c nosuch", "--container nosuch matches none", 1 },
		{ "-e sched_switch", "there are no stacks of sched_switch in it, but of other events", 1 },
		{ "-f 'nosuch == 1'", "--filter", 1 },
	};
	struct dir *d = *state;

	begin(d);
	for (size_t i = 0; i < PH_ARRAY_SIZE(wrong); i++) {
		ph_autofree char *cmd = ph_asprintf("profile -r '%s/t' %s", d->path, wrong[i].args);
		struct result r = program_run(d->path, cmd);

		if (r.code != wrong[i].code || !strstr(r.err, wrong[i].err))
			fprintf(stderr, "%s: %d: %s\n", wrong[i].args, r.code, r.err);
		assert_int_equal(r.code, wrong[i].code);
		assert_non_null(strstr(r.err, wrong[i].err));
		/* What ended before an event was read says nothing of what there is. */
		assert_null(strstr(r.err, "there are no events"));
		assert_string_equal(r.out, "");
		result_done(&r);
	}
}

/* ---- JSON ---------------------------------------------------------------------------------------------- */

static json_t *load(const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, 0, &e);

	if (!j)
		fprintf(stderr, "%s at %d\n", e.text, e.position);
	assert_non_null(j);
	return j;
}

static const char *text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void test_json(void **state)
{
	struct dir *d = *state;
	struct result r, schema = program_run(d->path, "profile --json-schema");
	json_t *row, *frame, *missing, *properties, *s = load(schema.out);
	const char *key;
	char *second;
	json_t *value;

	begin(d);
	r = run(d, "-o json");
	assert_int_equal(r.lines, 4);
	second = strchr(r.out, '\n');
	*second++ = 0;
	*strchr(second, '\n') = 0;
	row = load(r.out);
	assert_string_equal(text_of(row, "container"), "web");
	assert_string_equal(text_of(row, "pod"), "web-1");
	assert_string_equal(text_of(row, "comm"), "nginx");
	assert_int_equal(json_integer_value(json_object_get(row, "weight")), 600);
	assert_int_equal(json_array_size(json_object_get(row, "stack")), 4);
	frame = json_array_get(json_object_get(row, "stack"), 3);
	assert_string_equal(text_of(frame, "function"), "next");
	assert_string_equal(text_of(frame, "source"), "parse.c");
	assert_int_equal(json_integer_value(json_object_get(frame, "line")), 10);
	/* The schema has all fields, and no other. */
	properties = json_object_get(s, "properties");
	assert_int_equal(json_object_size(properties), json_object_size(row));
	json_object_foreach(row, key, value)
		assert_non_null(json_object_get(properties, key));
	properties = json_object_get(json_object_get(json_object_get(properties, "stack"), "items"), "properties");
	assert_int_equal(json_object_size(properties), json_object_size(frame));
	json_object_foreach(frame, key, value)
		assert_non_null(json_object_get(properties, key));
	assert_true(json_is_null(json_object_get(frame, "missing")));
	json_decref(row);
	/* What is to be had for a function without a name. */
	row = load(second);
	frame = json_array_get(json_object_get(row, "stack"), 1);
	assert_true(json_is_null(json_object_get(frame, "function")));
	missing = json_object_get(frame, "missing");
	assert_string_equal(text_of(missing, "path"), "/lib/libc.so.6");
	assert_string_equal(text_of(missing, "build_id"), "abcdef");
	assert_string_equal(text_of(missing, "install"), "apt install libc6-dbg");
	assert_true(json_is_null(json_object_get(missing, "problem")));
	properties = json_object_get(json_object_get(properties, "missing"), "properties");
	assert_int_equal(json_object_size(properties), json_object_size(missing));
	json_object_foreach(missing, key, value)
		assert_non_null(json_object_get(properties, key));
	json_decref(row);
	json_decref(s);
	result_done(&r);
	result_done(&schema);
}

/* What speedscope's schema asks for: frames by number, as many weights as samples, an end that is their sum. */
static void test_speedscope(void **state)
{
	struct dir *d = *state;
	struct result r;
	json_t *j, *frames, *profiles, *p;
	size_t i, k, l, nframes;
	json_t *sample, *at;

	begin(d);
	r = run(d, "-o speedscope");
	j = load(r.out);
	assert_string_equal(text_of(j, "$schema"), "https://www.speedscope.app/file-format-schema.json");
	frames = json_object_get(json_object_get(j, "shared"), "frames");
	nframes = json_array_size(frames);
	profiles = json_object_get(j, "profiles");
	assert_int_equal(json_array_size(profiles), 3);
	json_array_foreach(frames, i, at)
		assert_true(json_is_string(json_object_get(at, "name")));
	json_array_foreach(profiles, i, p) {
		json_t *samples = json_object_get(p, "samples"), *weights = json_object_get(p, "weights");
		json_int_t sum = 0;

		assert_string_equal(text_of(p, "type"), "sampled");
		assert_string_equal(text_of(p, "unit"), "nanoseconds");
		assert_int_equal(json_array_size(samples), json_array_size(weights));
		json_array_foreach(weights, k, at)
			sum += json_integer_value(at);
		assert_int_equal(json_integer_value(json_object_get(p, "endValue")), sum);
		json_array_foreach(samples, k, sample)
			json_array_foreach(sample, l, at)
				assert_true((size_t)json_integer_value(at) < nframes);
	}
	p = json_array_get(profiles, 0);
	assert_string_equal(text_of(p, "name"), "web / nginx (thread 7 of 7)");
	sample = json_array_get(json_object_get(p, "samples"), 0);
	at = json_array_get(frames, (size_t)json_integer_value(json_array_get(sample, 3)));
	assert_string_equal(text_of(at, "name"), "next_[i]");
	assert_string_equal(text_of(at, "file"), "parse.c");
	json_decref(j);
	result_done(&r);
}

/* ---- pprof --------------------------------------------------------------------------------------------- */

struct message {
	const unsigned char *p, *end;
};

struct field {
	uint64_t number, value;
	struct message bytes;
};

static uint64_t varint(struct message *m)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; ; shift += 7) {
		assert_true(m->p < m->end && shift < 64);
		v |= (uint64_t)(*m->p & 0x7f) << shift;
		if (!(*m->p++ & 0x80))
			return v;
	}
}

static bool next(struct message *m, struct field *f)
{
	uint64_t key;

	if (m->p == m->end)
		return false;
	key = varint(m);
	*f = (struct field){ .number = key >> 3 };
	assert_true((key & 7) == 0 || (key & 7) == 2);
	f->value = varint(m);
	if ((key & 7) == 0)
		return true;
	assert_true(f->value <= (uint64_t)(m->end - m->p));
	f->bytes = (struct message){ m->p, m->p + f->value };
	m->p = f->bytes.end;
	return true;
}

static uint64_t number(struct message m, uint64_t field)
{
	struct field f;

	while (next(&m, &f))
		if (f.number == field)
			return f.value;
	return 0;
}

/* What is made of it again: stacks, the innermost first, with the two values and the container's label. */
struct decoded {
	PH_VEC(struct message) strings;
	struct ph_u64map functions, locations;	/* by id: where it stands, as a struct message * */
	PH_VEC(struct message) samples, mappings;
	uint64_t period;
};

static void text(const struct decoded *dec, uint64_t at, struct ph_buf *out)
{
	assert_true(at < dec->strings.n);
	ph_buf_add(out, dec->strings.v[at].p, (size_t)(dec->strings.v[at].end - dec->strings.v[at].p));
}

static void keep(struct ph_u64map *m, struct message of)
{
	struct message *copy = ph_alloc(sizeof(*copy));

	*copy = of;
	assert_true(number(of, 1) != 0);
	assert_null(ph_u64map_put(m, number(of, 1), copy));
}

static void add_sample_text(const struct decoded *dec, struct message m, struct ph_buf *out)
{
	struct field f, line, label;

	while (next(&m, &f)) {
		if (f.number == 1) {
			while (f.bytes.p < f.bytes.end) {
				struct message *l = ph_u64map_get(&dec->locations, varint(&f.bytes)), *fn, in;

				assert_non_null(l);
				in = *l;
				while (next(&in, &line)) {
					if (line.number != 4)
						continue;
					fn = ph_u64map_get(&dec->functions, number(line.bytes, 1));
					assert_non_null(fn);
					/* What has a system name is taken for a name of C++, of which parts are left out. */
					assert_int_equal(number(*fn, 3), 0);
					text(dec, number(*fn, 2), out);
					ph_buf_addf(out, ":%lu", number(line.bytes, 2));
					/* Inlined functions are in one location with what they are in. */
					ph_buf_addc(out, in.p < in.end ? '<' : ' ');
				}
			}
		} else if (f.number == 2) {
			while (f.bytes.p < f.bytes.end)
				ph_buf_addf(out, "%lu ", varint(&f.bytes));
		} else if (f.number == 3) {
			label = f;
			text(dec, number(label.bytes, 1), out);
			ph_buf_addc(out, '=');
			if (number(label.bytes, 2))
				text(dec, number(label.bytes, 2), out);
			else
				ph_buf_addf(out, "%lu", number(label.bytes, 3));
			ph_buf_addc(out, ' ');
		}
	}
}

static void map_free(struct ph_u64map *m)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s)); )
		free(s->val);
	ph_u64map_done(m);
}

/* What porthole writes with @args. */
static void decode(struct dir *d, const char *trace, const char *what, struct decoded *dec)
{
	ph_autofree char *file = ph_asprintf("%s/p", d->path), *args = ph_asprintf("profile -r '%s' -o pprof %s >'%s'", trace, what, file);
	static unsigned char plain[65536];
	ph_autobuf packed = { 0 };
	struct result r = program_run(d->path, args);
	struct message whole;
	struct field f;
	z_stream z = { 0 };

	*dec = (struct decoded){ 0 };
	assert_int_equal(r.code, 0);
	result_done(&r);
	assert_int_equal(ph_read_file_at(AT_FDCWD, file, 1 << 20, &packed), 0);
	z.next_in = (unsigned char *)packed.p;
	z.avail_in = (unsigned int)packed.len;
	z.next_out = plain;
	z.avail_out = sizeof(plain);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	whole = (struct message){ plain, plain + z.total_out };
	inflateEnd(&z);
	while (next(&whole, &f)) {
		if (f.number == 2)
			*ph_vec_push(&dec->samples) = f.bytes;
		else if (f.number == 3)
			*ph_vec_push(&dec->mappings) = f.bytes;
		else if (f.number == 4)
			keep(&dec->locations, f.bytes);
		else if (f.number == 5)
			keep(&dec->functions, f.bytes);
		else if (f.number == 6)
			*ph_vec_push(&dec->strings) = f.bytes;
		else if (f.number == 12)
			dec->period = f.value;
	}
}

static void decoded_done(struct decoded *dec)
{
	map_free(&dec->locations);
	map_free(&dec->functions);
	ph_vec_done(&dec->samples);
	ph_vec_done(&dec->mappings);
	ph_vec_done(&dec->strings);
}

/* A sample and a wait in the kernel and in a module of it. */
static const char in_module[] =
	"+10 cpu=0 tid=0 sched_waking tid=7 target_cpu=0\n+0 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"+0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7 next_comm=nginx\n"
	"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=600 comm=nginx tid=7 callstack_kernel=[0xffff1000,0xffffc000] "
	"callstack_user=[0x403011] user_end=1\n"
	"+10 cpu=0 tid=7 pid=7 container=1 callstack trigger=1 weight=1 unit=2 comm=nginx tid=7 "
	"callstack_kernel=[0xffff1000,0xffffc000] callstack_user=[0x403011] user_end=1\n"
	"+0 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 prev_comm=nginx next_tid=0\n"
	"+500 cpu=0 tid=0 sched_waking tid=7 target_cpu=0\n+0 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"+0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7 next_comm=nginx\n"
	NAMES "+0 kernel_symbol address=0xffffc000 name=kvm_vcpu_block module=kvm\n";

static void test_pprof(void **state)
{
	struct dir *d = *state;
	ph_autofree char *t = ph_asprintf("%s/t", d->path), *modules = ph_asprintf("%s/m", d->path);
	ph_autobuf out = { 0 }, maps = { 0 };
	struct decoded dec;

	begin(d);
	decode(d, t, "-c web", &dec);
	assert_int_equal(dec.period, 450);
	ph_vec_each(m, &dec.mappings)	/* to its end, or addresses in it would not be looked up */
		assert_true(number(*m, 3) == UINT64_MAX && number(*m, 2) == 0);
	ph_vec_each(s, &dec.samples) {
		add_sample_text(&dec, *s, &out);
		ph_buf_addc(&out, '\n');
	}
	assert_string_equal(out.p, "next:10<parse:20 serve:31 main:40 1 600 container=web pod=web-1 image=nginx:1.27 comm=nginx pid=7 tid=7 \n"
				   "do_read:0 do_syscall:0 libc.so.6+0x28555:0 main:40 1 300 container=web pod=web-1 image=nginx:1.27 "
				   "comm=worker pid=7 tid=8 \n");
	decoded_done(&dec);
	/* A mapping for each file, the kernel and each of its modules; of waits all are told, not one in so many. */
	write_trace(modules, in_module);
	for (int off_cpu = 0; off_cpu < 2; off_cpu++) {
		decode(d, modules, off_cpu ? "-c web --off-cpu" : "-c web", &dec);
		assert_int_equal(dec.period, off_cpu ? 1 : 600);
		maps.len = 0;
		ph_vec_each(m, &dec.mappings) {
			text(&dec, number(*m, 5), &maps);
			ph_buf_addc(&maps, ' ');
		}
		assert_string_equal(maps.p, "/usr/sbin/nginx [kvm] [kernel.kallsyms] ");
		decoded_done(&dec);
	}
}

/* ---- perf script and SVG ------------------------------------------------------------------------------- */

static void test_perf_script(void **state)
{
	struct dir *d = *state;
	struct result r;

	begin(d);
	r = run(d, "-o perf-script -c web");
	assert_string_equal(r.out,
		"nginx 7/7 [000] 0.000000:        600 cpu-clock: \n\t            1100 next (inlined)\n"
		"\t            1100 parse (/usr/sbin/nginx)\n\t            2000 serve (/usr/sbin/nginx)\n"
		"\t            3010 main (/usr/sbin/nginx)\n\n"
		"worker 7/8 [000] 0.000000:        300 cpu-clock: \n\t        ffff1000 do_read ([kernel.kallsyms])\n"
		"\t        ffff2000 do_syscall ([kernel.kallsyms])\n\t           28555 [unknown] (/lib/libc.so.6)\n"
		"\t            3010 main (/usr/sbin/nginx)\n\n");
	result_done(&r);
}

#define HOSTILE "x\\x1b[31m\\nINJECTED 1\\r\\xe2\\x80\\xae\\\"';<b>&\\\\"

/* Of a container everything is what its owner has chosen; of a thread, its name; of a file, its path. */
static const char hostile[] =
	"+1 container_info index=3 name=\"" HOSTILE "\" pod=\"" HOSTILE "\" pod_namespace=\"" HOSTILE "\" image=\"" HOSTILE "\" labels=\"a=" HOSTILE
	"\" cgroup_path=\"/" HOSTILE "\" cgroup_id=14\n"
	"+1 lttng_statedump_process_state tid=30 pid=30 name=first container=3 cgroup_id=14 status=5 syscall=-1\n"
	"+1 mapped_file file=9 path=\"/opt/" HOSTILE "\" build_id=00ff\n+1 process_map pid=30 begin=0x500000 end=0x501000 vaddr=0x1000 file=9\n"
	"+1 cpu=0 tid=30 pid=30 container=3 callstack weight=100 comm=\" 1/1 [000] 1.0:\" tid=30 callstack_user=[0x500010] user_end=1\n"
	"+1 cpu=0 tid=30 pid=30 container=3 callstack weight=100 comm=\"#x\\x1b[2J\\n\" tid=30 callstack_user=[0x500020] user_end=1\n"
	"+0 user_symbol file=9 vaddr=0x1010 name=\"f 5\"\n";

static void test_hostile(void **state)
{
	static const char *const formats[] = { "tree", "top", "csv", "folded", "svg", "json", "jsonpretty", "speedscope", "perf-script" };
	struct dir *d = *state;
	ph_autofree char *t = ph_asprintf("%s/t", d->path);
	struct result r;

	write_trace(t, hostile);
	for (size_t i = 0; i < PH_ARRAY_SIZE(formats); i++) {
		ph_autofree char *args = ph_asprintf("--by container,pod,image,comm -o %s", formats[i]);

		r = run(d, args);
		assert_non_null(strstr(r.out, "INJECTED"));
		for (const char *out = r.out; out; out = out == r.out ? r.err : NULL) {
			assert_null(strchr(out, '\x1b'));
			assert_null(strstr(out, "\xe2\x80\xae"));
			assert_null(strstr(out, "\nINJECTED"));
			assert_null(strstr(out, "\rINJECTED"));
			for (const char *c = strchr(out, '\r'); c; c = strchr(c + 1, '\r'))
				assert_int_equal(c[1], '\n');
		}
		assert_true(strcmp(formats[i], "svg") || !strstr(r.out, "<b>"));
		if (strstr(formats[i], "json") || !strcmp(formats[i], "speedscope")) {
			ph_autofree char *lines = through(d, args, "jq -c . >/dev/null || echo bad");

			assert_string_equal(lines, "");
		}
		result_done(&r);
	}
	/* What the name ends with is no second weight, as of a comparison. */
	r = run(d, "--by container -o folded");
	assert_non_null(strstr(r.out, ";f_5 100\n"));
	result_done(&r);
	/* A line at its beginning is a sample of its own, and no frame nor a comment. */
	r = run(d, "-o perf-script");
	assert_memory_equal(r.out, "\\x201/1 [000] 1.0: 30/30 [000] ", 30);
	assert_non_null(strstr(r.out, "\n\\x23x\\x1b[2J\\x0a 30/30 [000] "));
	result_done(&r);
}

/* Only of a line's last name, and only what is a number to those who read it. A thread may have no name. */
static void test_numbers_at_end(void **state)
{
	static const char stacks[] =
		"+1 lttng_statedump_process_state tid=30 pid=30 name=x status=5 syscall=-1\n"
		"+1 mapped_file file=9 path=/opt/x build_id=00ff\n+1 process_map pid=30 begin=0x500000 end=0x501000 vaddr=0x1000 file=9\n"
		"+1 cpu=0 tid=30 pid=30 container=0 callstack weight=1 comm=\"\" tid=30 callstack_user=[0x500010,0x500060] user_end=1\n"
		"+1 cpu=0 tid=30 pid=30 container=0 callstack weight=2 comm=x tid=30 callstack_user=[0x500020,0x500060] user_end=1\n"
		"+1 cpu=0 tid=30 pid=30 container=0 callstack weight=3 comm=x tid=30 callstack_user=[0x500030,0x500060] user_end=1\n"
		"+1 cpu=0 tid=30 pid=30 container=0 callstack weight=4 comm=x tid=30 callstack_user=[0x500040,0x500060] user_end=1\n"
		"+0 user_symbol file=9 vaddr=0x1010 name=\"f 5 6\"\n+0 user_symbol file=9 vaddr=0x1020 name=\"g 1.5\"\n"
		"+0 user_symbol file=9 vaddr=0x1030 name=\"h \"\n+0 user_symbol file=9 vaddr=0x1040 name=\"i 7x\"\n"
		"+0 user_symbol file=9 vaddr=0x105f name=\"main 3\"\n+0 user_symbol file=9 vaddr=0x1060 name=\"main 3\"\n";
	struct dir *d = *state;
	ph_autofree char *t = ph_asprintf("%s/t", d->path), *lines = NULL;
	struct result r;

	write_trace(t, stacks);
	lines = through(d, "--by container -o folded", "sort");
	assert_string_equal(lines, "(host);main 3;f 5_6 1\n(host);main 3;g_1.5 2\n(host);main 3;h  3\n(host);main 3;i 7x 4\n");
	r = run(d, "-o perf-script");
	assert_memory_equal(r.out, ": 30/30 [000] ", 14);
	result_done(&r);
}

/* Of whom a recording does not say whose it is, nobody is made up. */
static void test_unknown_container(void **state)
{
	static const char stacks[] =
		"+1 lttng_statedump_process_state tid=30 pid=30 name=x container=1 status=5 syscall=-1\n"
		"+1 mapped_file file=9 path=/opt/x build_id=00ff\n+1 process_map pid=30 begin=0x500000 end=0x501000 vaddr=0x1000 file=9\n"
		"+1 cpu=0 tid=30 pid=30 callstack weight=2 comm=x tid=30 callstack_user=[0x500010] user_end=1\n"
		"+1 cpu=0 tid=99 pid=99 callstack weight=1 comm=y tid=99 callstack_kernel=[0xffff1000]\n"
		"+0 user_symbol file=9 vaddr=0x1010 name=f\n+0 kernel_symbol address=0xffff1000 name=g\n";
	struct dir *d = *state;
	ph_autofree char *t = ph_asprintf("%s/t", d->path), *lines = NULL;

	write_trace(t, stacks);
	lines = through(d, "--by container -o folded", "sort");
	assert_string_equal(lines, "?;g_[k] 1\nweb;f 2\n");
}

/* Well-formed whatever names are, with all of them as data, and nothing from anywhere else. */
static void test_svg(void **state)
{
	struct dir *d = *state;
	ph_autofree char *lint = NULL, *xml = NULL, *names = NULL;
	const char *data;
	char *end;
	json_t *j;

	begin(d);
	xml = through(d, "-o svg", "cat");
	assert_null(strstr(xml, "</script>)"));
	assert_null(strchr(xml, '\x1b'));
	assert_null(strstr(xml, "\xef\xbf\xbe"));
	assert_null(strstr(xml, "<b>"));
	/* The one address in it is the name of what it is. */
	for (const char *p = xml; (p = strstr(p, "http")); p++)
		assert_true(!strncmp(p, "http://www.w3.org/", 18));
	assert_non_null(strstr(xml, ">main</text>"));
	data = strstr(xml, "<metadata class=\"data\">");
	assert_non_null(data);
	data += strlen("<metadata class=\"data\">");
	names = ph_strdup(data);
	end = strstr(names, "</metadata>");
	assert_non_null(end);
	*end = 0;
	j = load(names);
	assert_int_equal(json_array_size(json_object_get(j, "nodes")) % 5, 0);
	/* The root has all of it. */
	assert_int_equal(json_integer_value(json_array_get(json_object_get(j, "nodes"), 3)), 1100);
	json_decref(j);
	lint = through(d, "-o svg --icicle --colors container", "if command -v xmllint >/dev/null; then xmllint --noout - 2>&1; fi");
	assert_string_equal(lint, "");
	/* With a script it is drawn anew from the numbers, so they must be all that is needed. */
	assert_non_null(strstr(xml, "</svg>"));
}

/* As a browser shows it. */
static void test_browser(void **state)
{
	struct dir *d = *state;
	ph_autofree char *base = ph_asprintf("%s/base", d->path);
	ph_autofree char *compare = ph_asprintf("profile -r '%s' --diff '%s/t' -o svg --by container -c web >'%s/d.svg'", base, d->path, d->path);
	ph_autofree char *look = ph_asprintf("python3 '%s/../browser/flamegraph.py' '%s/p.svg' '%s/d.svg'", PH_TEST_DATA, d->path, d->path);
	ph_autofree char *keep = ph_asprintf("cat >'%s/p.svg'", d->path);
	struct result r;
	int code;

	begin(d);
	free(through(d, "-o svg", keep));
	write_trace(base, other);
	r = program_run(d->path, compare);
	assert_int_equal(r.code, 0);
	result_done(&r);
	code = system(look);
	assert_true(WIFEXITED(code));
	if (WEXITSTATUS(code) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(code), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_tables), T(test_range), T(test_usage), T(test_json), T(test_speedscope), T(test_pprof), T(test_perf_script), T(test_hostile), T(test_numbers_at_end), T(test_unknown_container),
		T(test_svg),
		T(test_browser),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
