/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of each verdict of `why denied`: tests/data/denied/NAME.events are told as NAME.words has it. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/denied.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "source/synthetic.h"

#define CASES PH_TEST_DATA "/denied"

static void report(struct ph_source *src, bool all, bool facts, struct ph_buf *out)
{
	struct ph_denied_view view = { .base.width = 200, .base.utc = true, .all = all, .facts = facts };
	struct ph_identity *id = ph_identity_new();
	struct ph_denied *d = ph_denied_new(id, NULL);
	struct ph_err err = { 0 };
	struct ph_event *ev;
	int r;

	while ((r = ph_source_next(src, &ev, &err)) > 0) {
		ph_identity_feed(id, ev);
		ph_denied_feed(d, ev);
	}
	assert_int_equal(r, 0);
	ph_denied_finish(d);
	/* Nobody is left without a verdict, and whoever is undetermined is told how to find out. */
	ph_vec_each(g, &d->groups) {
		assert_non_null((*g)->v.cause);
		assert_true((*g)->v.why.len > 0);
		if (!strcmp((*g)->v.cause, "undetermined"))
			assert_true((*g)->v.change.len > 0);
	}
	assert_int_equal(ph_denied_report(d, &view, out, &err), 0);
	ph_denied_free(d);
	ph_identity_free(id);
}

static int ends(const struct dirent *de)
{
	const char *dot = strrchr(de->d_name, '.');

	return dot && !strcmp(dot, ".events");
}

static void test_words(void **state)
{
	struct dirent **list;
	int n = scandir(CASES, &list, ends, alphasort), bad = 0;

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		ph_autofree char *path = ph_asprintf(CASES "/%s", list[i]->d_name);
		ph_autobuf want = { 0 }, got = { 0 };
		struct ph_err err = { 0 };
		struct ph_source *src;

		if (ph_synthetic_open(path, &src, &err) < 0)
			fail_msg("%s: %s", path, err.msg);
		report(src, false, false, &got);
		ph_source_close(src);
		strcpy(strrchr(path, '.'), ".words");
		if (getenv("PH_GOLDEN_WRITE")) {
			FILE *f = fopen(path, "w");

			assert_non_null(f);
			fwrite(got.p, 1, got.len, f);
			fclose(f);
		}
		ph_read_file_at(AT_FDCWD, path, 1 << 20, &want);
		if (want.len != got.len || memcmp(want.p, got.p, got.len)) {
			fprintf(stderr, "%s: other words now; PH_GOLDEN_WRITE=1 writes them, git diff shows them\n", path);
			bad++;
		}
		free(list[i]);
	}
	free(list);
	assert_int_equal(bad, 0);
}

/* One failure, with facts that say nothing, or too little: no rule may guess. */
static void undetermined(const char *failed, const char *facts)
{
	ph_autofree char *text = ph_asprintf(
		"@0 container_info index=1 name=web\n"
		"@1000 tid=7 pid=7 container=1 syscall_failed comm=x limit=-1 limit2=-1 setuid=-1 limit_use=18446744073709551615 "
		"limit2_use=18446744073709551615 mnt_ns=5 net_ns=6 pid_ns=7 user_ns=8 caps_watched=1 %s\n%s"
		"@9000 tid=7 pid=7 container=1 sched_process_exit comm=x tid=7 exit_code=256\n", failed, facts);
	struct ph_err err = { 0 };
	ph_autobuf got = { 0 };
	struct ph_source *src;

	if (ph_synthetic_parse(text, &src, &err) < 0)
		fail_msg("%s", err.msg);
	report(src, false, false, &got);
	ph_source_close(src);
	if (!strstr(got.p, "[undetermined]"))
		fail_msg("a guess: %s\n%s\n%s", failed, facts, got.p);
}

#define FACT "@2000 tid=7 pid=7 container=1 denial_evidence of_ns=1000 of_tid=7 "

static void test_no_guess(void **state)
{
	static const char *const failures[] = {
		"name=openat ret=-13 path=/x", "name=openat ret=-1 path=/x", "name=mkdir ret=-13 path=/x",
		"name=execve ret=-13 path=/x", "name=execve ret=-2 path=/x", "name=mkdir ret=-30 path=/x",
		"name=write ret=-28 arg0=3", "name=write ret=-12 arg0=3", "name=pipe2 ret=-23", "name=mmap ret=-12 arg1=4096",
		"name=mmap ret=-12 arg1=2097152 arg3=262144", "name=clone ret=-11", "name=unshare ret=-28 arg0=67108864",
		"name=inotify_add_watch ret=-28 path=/x", "name=kill ret=-1 arg0=9", "name=ptrace ret=-1 arg1=9",
		"name=bind ret=-13 addr=02000050000000000000000000000000",
		"name=connect ret=-111 addr=020000500a0102030000000000000000",
		"name=connect ret=-101 addr=020000500a0102030000000000000000",
		"name=connect ret=-111 addr=01000061", "name=mount ret=-1 path=/x", "name=socket ret=-1", "name=bpf ret=-1",
		"name=mount ret=-38", "name=unshare ret=-1 arg0=268435456", "name=mknodat ret=-1 path=/x arg2=8192 arg3=259",
		"name=chmod ret=-1 path=/x", "name=renameat2 ret=-1 path=/x path2=/y",
	};
	/* Nothing; it was gone; all allows it and two security modules might not; a file system that must not be asked. */
	static const char *const facts[] = {
		"", FACT "what=gone facts=\"mnt_ns=5\"\n" FACT "what=net_gone facts=\"net_ns=6\"\n",
		FACT "what=component subject=/ facts=\"dir=1 mode=493 uid=0 gid=0 mnt=1\"\n"
		FACT "what=component subject=/x facts=\"file=1 mode=511 uid=0 gid=0 mnt=1\"\n"
		FACT "what=mount subject=/ facts=\"id=1\" text=\"ext4 /dev/vda rw\"\n" FACT "what=path subject=/x facts=\"known=1 errno=0\"\n"
		FACT "what=lsm facts=\"readable=1\" text=capability,landlock,apparmor,bpf\n" FACT "what=net_gone facts=\"net_ns=6\"\n",
		FACT "what=unseen subject=/x text=fuse facts=\"mnt=3\"\n" FACT "what=path subject=/x facts=\"known=0\"\n"
		FACT "what=net_gone facts=\"net_ns=6\"\n",
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(failures); i++)
		for (size_t k = 0; k < PH_ARRAY_SIZE(facts); k++)
			undetermined(failures[i], facts[k]);
}

/* Of a trace with calls alone, one that seccomp refused is told once. */
static void test_calls_alone(void **state)
{
	struct ph_err err = { 0 };
	ph_autobuf got = { 0 };
	struct ph_source *src;

	if (ph_synthetic_parse("@0 container_info index=1 name=web\n"
			       "@1000 tid=7 pid=7 container=1 seccomp_refused nr=83 name=mkdir ret=-1\n"
			       "@1100 tid=7 pid=7 container=1 syscall_exit_mkdir ret=-1\n"
			       "@2000 tid=7 pid=7 container=1 syscall_exit_mkdir ret=-13\n", &src, &err) < 0)
		fail_msg("%s", err.msg);
	report(src, false, false, &got);
	ph_source_close(src);
	assert_non_null(strstr(got.p, "mkdir() EPERM at"));
	assert_non_null(strstr(got.p, "[seccomp]"));
	assert_null(strstr(strstr(got.p, "mkdir() EPERM") + 1, "mkdir() EPERM"));
	assert_non_null(strstr(got.p, "the trace does not tell why EACCES came of mkdir()"));
}

/* Many of one kind, by two processes, of which evidence came about the first alone: the last is the last, and whose it was. */
static void test_group(void **state)
{
	static const char text[] =
		"@0 container_info index=1 name=web\n"
		"@1000000000 tid=7 pid=7 container=1 syscall_failed comm=x limit=-1 limit2=-1 setuid=-1 name=mkdir ret=-30 path=/x\n"
		"@1010000000 tid=7 pid=7 container=1 denial_evidence of_ns=1000000000 of_tid=7 what=mount subject=/ "
		"facts=\"id=1 ro=1\" text=\"ext4 /dev/vda rw\"\n"
		"@1010000000 tid=7 pid=7 container=1 denial_evidence of_ns=1000000000 of_tid=7 what=path subject=/x "
		"facts=\"known=1 errno=2\"\n"
		"@61000000000 tid=8 pid=8 container=1 syscall_failed comm=x limit=-1 limit2=-1 setuid=-1 name=mkdir ret=-30 path=/x\n"
		"@122000000000 tid=9 pid=9 container=1 syscall_failed comm=x limit=-1 limit2=-1 setuid=-1 name=mkdir ret=-30 path=/x\n"
		"@122000001000 tid=9 pid=9 container=1 sched_process_exit comm=x tid=9 exit_code=256\n";
	struct ph_denied_view view = { .base.width = 200, .base.utc = true };
	struct ph_identity *id = ph_identity_new();
	struct ph_denied *d = ph_denied_new(id, NULL);
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	struct ph_source *src;
	struct ph_event *ev;

	assert_int_equal(ph_synthetic_parse(text, &src, &err), 0);
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(id, ev);
		ph_denied_feed(d, ev);
	}
	ph_denied_finish(d);
	assert_int_equal(d->groups.n, 1);
	assert_int_equal(d->groups.v[0]->count, 3);
	assert_int_equal(d->groups.v[0]->first_ns, 1000000000);
	assert_int_equal(d->groups.v[0]->last_ns, 122000000000);
	/* The third was by the process that then failed. */
	assert_true(d->groups.v[0]->fatal);
	assert_int_equal(ph_denied_report(d, &view, &out, &err), 0);
	assert_non_null(strstr(out.p, "web: x: mkdir(\"/x\") EROFS 3 times, 00:00:01.000 to 00:02:02.000\n"));
	ph_source_close(src);
	ph_denied_free(d);
	ph_identity_free(id);
}

#define LOST(ns, pid, path) "@" #ns " tid=" #pid " pid=" #pid " container=1 syscall_failed comm=x limit=-1 limit2=-1 setuid=-1 " \
	"name=openat ret=-2 mnt_ns=5 path=" path "\n"
#define LOST_FACT(ns, pid, path) "@" #ns "1 tid=" #pid " pid=" #pid " container=1 denial_evidence of_ns=" #ns " of_tid=" #pid \
	" what=path subject=" path " facts=\"known=1 errno=2\"\n"
#define END(ns, pid, code) "@" #ns " tid=" #pid " pid=" #pid " container=1 sched_process_exit comm=x tid=" #pid " exit_code=" #code "\n"

/* Which missing file a process failed for: none that was ended by another or with success; the last one, if it is not long ago. */
static void test_blame(void **state)
{
	static const char text[] =
		"@0 container_info index=1 name=web\n"
		LOST(1000, 7, "/etc/first") LOST(2000, 7, "/etc/last") LOST_FACT(1000, 7, "/etc/first") LOST_FACT(2000, 7, "/etc/last")
		END(30000, 7, 256)
		LOST(40000, 8, "/etc/killed") LOST_FACT(40000, 8, "/etc/killed") END(500000, 8, 2)
		LOST(600000, 9, "/etc/well") LOST_FACT(600000, 9, "/etc/well") END(7000000, 9, 0)
		LOST(8000000, 10, "/etc/before") LOST_FACT(8000000, 10, "/etc/before") END(9000000000, 10, 256)
		LOST(9100000000, 11, "/etc/abort") END(9110000000, 11, 6);
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	struct ph_source *src;

	assert_int_equal(ph_synthetic_parse(text, &src, &err), 0);
	report(src, false, false, &out);
	ph_source_close(src);
	assert_non_null(strstr(out.p, "openat(\"/etc/last\") ENOENT"));
	assert_null(strstr(out.p, "/etc/first"));
	assert_null(strstr(out.p, "/etc/killed"));
	assert_null(strstr(out.p, "/etc/well"));
	assert_null(strstr(out.p, "/etc/before"));
	assert_non_null(strstr(out.p, "/etc/abort"));
}

/* Entry and exit of calls are known alone: what no call is to be blamed for is folded there, too. */
static void test_waited(void **state)
{
	static const char text[] =
		"@0 container_info index=1 name=web\n"
		"@1000 tid=7 pid=7 container=1 syscall_entry_read fd=3 count=5\n@2000 tid=7 pid=7 container=1 syscall_exit_read ret=-11\n"
		"@3000 tid=7 pid=7 container=1 syscall_entry_openat dfd=-100 filename=/x\n"
		"@4000 tid=7 pid=7 container=1 syscall_exit_openat ret=-13\n"
		"@5000 tid=7 pid=7 container=1 syscall_entry_read fd=3 count=5\n@6000 tid=7 pid=7 container=1 syscall_exit_read ret=-4\n"
		"@7000 tid=7 pid=7 container=1 syscall_entry_read fd=3 count=5\n@8000 tid=7 pid=7 container=1 syscall_exit_read ret=-512\n";
	struct ph_err err = { 0 };
	ph_autobuf few = { 0 }, all = { 0 };
	struct ph_source *src;

	assert_int_equal(ph_synthetic_parse(text, &src, &err), 0);
	report(src, false, false, &few);
	ph_source_close(src);
	assert_non_null(strstr(few.p, "openat(\"/x\") EACCES"));
	assert_null(strstr(few.p, "read"));
	assert_non_null(strstr(few.p, "\n2 failures of 2 kinds"));
	assert_int_equal(ph_synthetic_parse(text, &src, &err), 0);
	report(src, true, false, &all);
	ph_source_close(src);
	assert_non_null(strstr(all.p, "there was nothing yet, and it was not to wait"));
	assert_non_null(strstr(all.p, "a signal came meanwhile"));
}

/* A program that tries everything does not fill the memory, and it is told that it was not all. */
static void test_too_many(void **state)
{
	ph_autobuf text = { 0 }, out = { 0 };
	struct ph_err err = { 0 };
	struct ph_source *src;

	for (int i = 0; i < 20003; i++)
		ph_buf_addf(&text, "@%d tid=7 pid=7 syscall_failed comm=x limit=-1 limit2=-1 setuid=-1 name=openat ret=-2 path=/%d\n", i + 1, i);
	assert_int_equal(ph_synthetic_parse(text.p, &src, &err), 0);
	report(src, false, false, &out);
	ph_source_close(src);
	assert_non_null(strstr(out.p, "20000 failures of 20000 kinds"));
	assert_non_null(strstr(out.p, "\n3 more failures were of too many different kinds"));
}

/* Nothing of a trace comes to a terminal as it is, with all that was seen neither. */
static void test_escapes(void **state)
{
	ph_autobuf out = { 0 };
	struct ph_err err = { 0 };
	struct ph_source *src;

	(void)state;
	assert_int_equal(ph_synthetic_open(CASES "/hostile.events", &src, &err), 0);
	report(src, true, true, &out);
	ph_source_close(src);
	assert_non_null(strstr(out.p, "mkdir\\x1b[2J\\xff("));
	assert_non_null(strstr(out.p, " x=\\x1b[2J "));
	for (size_t i = 0; i < out.len; i++)
		assert_true(out.p[i] == '\n' || ((unsigned char)out.p[i] >= ' ' && out.p[i] != 0x7f && out.p[i] != '\xff'));
	assert_null(strstr(out.p, "\xe2\x80\xae"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words), cmocka_unit_test(test_escapes), cmocka_unit_test(test_no_guess), cmocka_unit_test(test_calls_alone),
		cmocka_unit_test(test_group), cmocka_unit_test(test_waited), cmocka_unit_test(test_blame),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
