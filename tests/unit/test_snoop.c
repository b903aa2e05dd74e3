/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live views, a stream for each, whose lines are known. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "live/snoop.h"
#include "source/synthetic.h"

/* Containers 1 "web" (tasks 7, its first process, and 8, a thread of it) and 2 "db" (20); 99 is on the host. */
static const char setup[] =
	"@0 container_info index=1 name=web id=aaaabbbbcccc image=nginx:1 cgroup_path=/web cgroup_id=12 init_pid=7 pid_ns=5\n"
	"@0 container_info index=2 name=db cgroup_path=/db cgroup_id=13\n"
	"@0 statedump_cgroup hierarchy=0 id=12 container=1 cpu_quota_us=50000 cpu_period_us=100000 path=/web\n"
	"@0 lttng_statedump_process_state tid=7 pid=7 ppid=99 name=nginx container=1 status=5 syscall=-1 start_ns=1\n"
	"@0 lttng_statedump_process_state tid=8 pid=7 ppid=99 name=worker container=1 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=20 pid=20 ppid=99 name=postgres container=2 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=99 pid=99 ppid=1 name=bash container=0 status=5 syscall=-1\n";

struct asked {
	const char *snoop, *fields, *filter, *container, *sort, *by;
	uint64_t max, min_ns;
	enum ph_output output;
	bool hist, fails;
};

/* What is printed, with \n for CSV's ends of lines; the sentence where it must fail. */
static char *shown(const struct asked *a, const char *events, struct ph_snoop_seen *ret_seen)
{
	ph_autofree char *text = ph_asprintf("%s%s", setup, events);
	struct ph_identity *id = ph_identity_new();
	struct ph_selection sel = { 0 };
	struct ph_snoop_opts o = { .utc = true, .filter = a->filter, .hist = a->hist, .by = a->by,
				   .has_min = a->min_ns || !strcmp(a->snoop, "runq") ||
				   !strcmp(a->snoop, "file"), .min_ns = a->min_ns };
	struct ph_snooping *s;
	struct ph_source *src;
	struct ph_buf out = { 0 };
	struct ph_err err = { 0 };
	struct ph_event *ev;
	char *to;
	int r;

	if (a->container)
		ph_strv_add(&sel.container, a->container);
	assert_int_equal(ph_selection_check(&sel, &err), 0);
	o.sel = &sel;
	o.fmt = (struct ph_table_fmt){ .output = a->output, .sort = a->sort, .max_entries = a->max };
	if (a->fields)
		assert_int_equal(ph_parse_list(a->fields, &o.fmt.fields, &err), 0);
	r = ph_snooping_new(ph_snoop_by_name(a->snoop), &o, &s, &err);
	assert_int_equal(r, a->fails ? -EINVAL : 0);
	if (r < 0) {
		ph_buf_adds(&out, err.msg);
		goto out;
	}
	if (ph_synthetic_parse(text, &src, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		fail();
	}
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(id, ev);
		if (ph_snooping_feed(s, id, ev))
			break;
		ph_snooping_print(s, id, &out);
	}
	ph_snooping_finish(s, id, &out);
	if (ret_seen)
		*ret_seen = *ph_snooping_seen(s);
	ph_snooping_free(s);
	ph_source_close(src);
out:
	ph_identity_free(id);
	ph_selection_done(&sel);
	ph_strv_done(&o.fmt.fields);
	if (!out.p)
		return ph_strdup("");
	to = out.p;
	for (const char *from = out.p; *from; from++)
		if (*from != '\r')
			*to++ = *from;
	*to = 0;
	return ph_buf_steal(&out);
}

static void lines(const struct asked *a, const char *events, const char *want)
{
	ph_autofree char *got = shown(a, events, NULL);

	assert_string_equal(got, want);
}

#define CSV(snoop_, fields_, ...) (&(struct asked){ .snoop = snoop_, .fields = fields_, .output = PH_OUT_CSV, __VA_ARGS__ })

/* ---- the rows of the table ----------------------------------------------------------------------- */

static const char syncs[] =
	"@1000 cpu=1 tid=7 pid=7 container=1 syscall_entry_fsync fd=4\n"
	"@1500 cpu=0 tid=20 pid=20 container=2 syscall_entry_fdatasync fd=9\n"
	"@2000 cpu=1 tid=7 pid=7 container=1 syscall_exit_fsync ret=0\n"
	"@4500 cpu=0 tid=20 pid=20 container=2 syscall_exit_fdatasync ret=-5\n"
	"@5000 cpu=0 tid=8 pid=7 container=1 syscall_entry_sync\n"
	"@5500 cpu=0 tid=8 pid=7 container=1 syscall_exit_openat ret=3\n"
	"@9000 cpu=0 tid=8 pid=7 container=1 syscall_exit_sync ret=0\n"
	"@9100 cpu=0 tid=8 pid=7 container=1 syscall_exit_fsync ret=0\n"
	"@9200 cpu=0 tid=8 pid=7 container=1 syscall_entry_fsync fd=3\n";

static void test_sync(void **state)
{
	lines(CSV("sync", "time_ns,container,pid,tid,comm,cpu,call,fd,duration_ns,error,ret"), syncs,
	      "time_ns,container,pid,tid,comm,cpu,call,fd,duration_ns,error,ret\n"
	      "1000,web,7,7,nginx,1,fsync,4,1000,,0\n"
	      "1500,db,20,20,postgres,0,fdatasync,9,3000,EIO,-5\n"
	      "5000,web,7,8,worker,0,sync,,4000,,0\n");
	(void)state;
}

static void test_open(void **state)
{
	lines(CSV("open", "container,comm,fd,error,flags,path,call"),
	      "@10 tid=7 pid=7 container=1 syscall_entry_openat dfd=-100 filename=/etc/hosts flags=0x80000\n"
	      "@11 tid=20 pid=20 container=2 syscall_entry_openat dfd=-100 filename=\"/no such\"\n"
	      "@12 tid=7 pid=7 container=1 syscall_exit_openat ret=5\n"
	      "@13 tid=20 pid=20 container=2 syscall_exit_openat ret=-2\n"
	      "@14 tid=7 pid=7 container=1 syscall_entry_openat2 dfd=-100\n"
	      "@15 tid=7 pid=7 container=1 syscall_late_string arg=1 value=/swapped\n"
	      "@16 tid=7 pid=7 container=1 syscall_exit_openat2 ret=6\n",
	      "container,comm,fd,error,flags,path,call\n"
	      "web,nginx,5,,O_RDONLY|O_CLOEXEC,/etc/hosts,openat\n"
	      "db,postgres,,ENOENT,O_RDONLY,/no such,openat\n"
	      "web,nginx,6,,,/swapped,openat2\n");
	(void)state;
}

static void test_exec(void **state)
{
	/* 30 is the first process of its pid namespace; 8 is a thread that takes 7's place; 99 fails. */
	lines(CSV("exec", "container,pid,comm,error,init,path,args,ret,duration_ns"),
	      "@10 tid=99 pid=99 container=0 sched_process_fork parent_comm=bash parent_tid=99 parent_pid=99 child_tid=30 child_pid=30 "
	      "child_comm=runc vtids=[30,1] child_container=2\n"
	      "@20 tid=30 pid=30 container=2 syscall_entry_execve filename=/bin/sh argv=7368002d63006563686f20686900\n"
	      "@25 tid=30 pid=30 container=2 sched_process_exec filename=/bin/sh tid=30 old_tid=30\n"
	      "@29 tid=30 pid=30 container=2 syscall_exit_execve ret=0\n"
	      "@30 tid=8 pid=7 container=1 syscall_entry_execveat filename=/opt/x argv=7800\n"
	      "@35 tid=7 pid=7 container=1 sched_process_exec filename=/opt/x tid=7 old_tid=8\n"
	      "@37 tid=7 pid=7 container=1 syscall_exit_execveat ret=0\n"
	      "@40 tid=99 pid=99 container=0 syscall_entry_execve filename=/nowhere\n"
	      "@41 tid=99 pid=99 container=0 syscall_exit_execve ret=-2\n",
	      "container,pid,comm,error,init,path,args,ret,duration_ns\n"
	      "db,30,sh,,true,/bin/sh,sh -c 'echo hi',0,9\n"
	      "web,7,x,,true,/opt/x,x,0,7\n"
	      ",99,bash,ENOENT,false,/nowhere,,-2,1\n");
	(void)state;
}

static void test_exit(void **state)
{
	/* The thread's end is none of the process's. */
	lines(CSV("exit", "time_ns,container,pid,comm,code,signal,oom,age_ns,runtime_ns,init"),
	      "@10 tid=8 pid=7 container=1 sched_process_exit tid=8 comm=worker exit_code=256\n"
	      "@20 tid=99 pid=99 container=0 oom_mark_victim pid=20 comm=postgres victim_container=2\n"
	      "@30 tid=20 pid=20 container=2 sched_process_exit tid=20 comm=postgres exit_code=9 runtime_ns=77\n"
	      "@41 tid=7 pid=7 container=1 sched_process_exit tid=7 comm=nginx exit_code=512 runtime_ns=5\n",
	      "time_ns,container,pid,comm,code,signal,oom,age_ns,runtime_ns,init\n"
	      "30,db,20,postgres,,SIGKILL,true,,77,false\n"
	      "41,web,7,nginx,2,,false,40,5,true\n");
	/* A first thread that ends does not end the process either. Its code is the process' where the last one's end is its own alone. */
	lines(CSV("exit", "time_ns,container,pid,tid,comm,code,signal,age_ns,runtime_ns,init,cpu"),
	      "@10 cpu=1 tid=7 pid=7 container=1 sched_process_exit tid=7 comm=nginx exit_code=768 runtime_ns=5 process_end=1\n"
	      "@30 cpu=2 tid=8 pid=7 container=1 sched_process_exit tid=8 comm=worker runtime_ns=77 process_status=768 process_end=2\n",
	      "time_ns,container,pid,tid,comm,code,signal,age_ns,runtime_ns,init,cpu\n30,web,7,7,nginx,3,,29,5,true,2\n");
	/* It is the first thread's that the process is told by, also where that ended before. */
	lines(CSV("exit", "time_ns,pid,tid,comm,code,runtime_ns"),
	      "@30 cpu=2 tid=8 pid=7 container=1 sched_process_exit tid=8 comm=worker runtime_ns=77 process_status=768 process_end=2\n",
	      "time_ns,pid,tid,comm,code,runtime_ns\n30,7,7,nginx,3,\n");
	lines(CSV("exit", "time_ns,container,pid,comm,code,signal,runtime_ns", .container = "web"),
	      "@10 tid=7 pid=7 container=1 sched_process_exit tid=7 comm=nginx runtime_ns=5\n"
	      "@30 tid=8 pid=7 container=1 sched_process_exit tid=8 comm=worker exit_code=9 runtime_ns=77\n",
	      "time_ns,container,pid,comm,code,signal,runtime_ns\n30,web,7,nginx,,SIGKILL,5\n");
	(void)state;
}

static void test_oom(void **state)
{
	const char *event = "@20 tid=7 pid=7 container=1 oom_mark_victim pid=20 comm=postgres victim_container=2 "
			    "total_vm_bytes=8192 anon_rss_bytes=4096 oom_score_adj=-5 memory_cgroup=12\n";
	const char *want = "container,pid,comm,anon_rss_bytes,total_vm_bytes,oom_score_adj,for_pid,for_comm,for_container\n"
			   "db,20,postgres,4096,8192,-5,7,nginx,web\n";

	lines(CSV("oom", "container,pid,comm,anon_rss_bytes,total_vm_bytes,oom_score_adj,for_pid,for_comm,for_container"),
	      event, want);
	/* Of Linux 6.1. */
	lines(CSV("oom", "pid,comm,container,anon_rss_bytes,total_vm_bytes"),
	      "@20 tid=20 pid=20 container=2 oom_mark_victim pid=20 victim_container=4294967295\n",
	      "pid,comm,container,anon_rss_bytes,total_vm_bytes\n20,postgres,db,,\n");
	/* Who asked for the memory is told, too. */
	lines(CSV("oom", "container,pid,comm,anon_rss_bytes,total_vm_bytes,oom_score_adj,for_pid,for_comm,for_container",
		  .container = "web"), event, want);
	(void)state;
}

static const char signals[] =
	"@20 tid=7 pid=7 container=1 signal_generate sig=15 comm=postgres pid=20 group=1 result=0 target_container=2\n"
	"@21 tid=99 pid=99 container=0 signal_generate sig=9 code=0x80 comm=bash pid=99 result=1\n"
	"@22 tid=8 pid=7 container=1 signal_generate sig=17 code=1 comm=nginx pid=7 result=2 target_container=1\n";

static void test_signal(void **state)
{
	const char *fields = "container,pid,tid,comm,signal,target_tid,target_comm,target_container,code,result,to_process";

	lines(CSV("signal", fields), signals,
	      "container,pid,tid,comm,signal,target_tid,target_comm,target_container,code,result,to_process\n"
	      "web,7,7,nginx,SIGTERM,20,postgres,db,SI_USER,delivered,true\n"
	      ",99,99,bash,SIGKILL,99,bash,,SI_KERNEL,ignored,false\n"
	      "web,7,8,worker,SIGCHLD,7,nginx,web,CLD_EXITED,pending,false\n");
	/* To whom it is sent sees it as well. */
	lines(CSV("signal", "signal", .container = "db"), signals, "signal\nSIGTERM\n");
	lines(CSV("signal", "signal", .container = "web"), signals, "signal\nSIGTERM\nSIGCHLD\n");
	(void)state;
}

static const char runs[] =
	"@100 cpu=0 tid=99 pid=99 container=0 sched_wakeup tid=7 target_cpu=1\n"
	"@150 cpu=1 tid=20 pid=20 container=2 sched_switch prev_comm=postgres prev_tid=20 prev_state=0 next_comm=nginx next_tid=7\n"
	"@400 cpu=1 tid=7 pid=7 container=1 sched_switch prev_comm=nginx prev_tid=7 prev_state=1 next_comm=postgres next_tid=20\n"
	"@500 cpu=1 tid=20 pid=20 container=2 sched_throttle_begin tid=20 limit_cgroup_id=12\n"
	"@500 cpu=1 tid=20 pid=20 container=2 sched_switch prev_comm=postgres prev_tid=20 prev_state=0 next_comm=swapper/1 next_tid=0\n"
	"@900 cpu=0 tid=0 pid=0 sched_switch prev_comm=swapper/0 prev_tid=0 prev_state=0 next_comm=postgres next_tid=20\n"
	"@901 cpu=0 tid=20 pid=20 container=2 sched_throttle_end tid=20 limit_cgroup_id=12 throttled_ns=390 exact=1\n";

static void test_runq(void **state)
{
	const char *fields = "time_ns,container,tid,comm,duration_ns,why,on_cpu,prev_tid,prev_comm,prev_container";

	lines(CSV("runq", fields), runs,
	      "time_ns,container,tid,comm,duration_ns,why,on_cpu,prev_tid,prev_comm,prev_container\n"
	      "100,web,7,nginx,50,woken,1,20,postgres,db\n"
	      "150,db,20,postgres,250,preempted,1,7,nginx,web\n"
	      "500,db,20,postgres,400,throttled,0,0,swapper/0,\n");
	lines(CSV("runq", "duration_ns", .min_ns = 250), runs, "duration_ns\n250\n400\n");
	/* The task that waited is whom the selection is about, not the one of the event. */
	lines(CSV("runq", "duration_ns", .container = "web"), runs, "duration_ns\n50\n");
	(void)state;
}

static void test_throttle(void **state)
{
	lines(CSV("throttle", "time_ns,container,tid,comm,throttled_ns,duration_ns,limit_level,quota_ns,period_ns,limit,exact"),
	      "@500 cpu=1 tid=7 pid=7 container=1 sched_throttle_begin tid=7 limit_cgroup_id=12 limit_level=1 quota_ns=50 period_ns=100\n"
	      "@901 cpu=0 tid=7 pid=7 container=1 sched_throttle_end tid=7 limit_cgroup_id=12 throttled_ns=390 exact=1\n",
	      "time_ns,container,tid,comm,throttled_ns,duration_ns,limit_level,quota_ns,period_ns,limit,exact\n"
	      "500,web,7,nginx,390,401,1,50,100,/web,true\n");
	(void)state;
}

static void test_bio(void **state)
{
	const char *fields = "time_ns,container,tid,comm,device,kind,sector,size_bytes,queue_ns,device_ns,duration_ns,error";
	const char *events =
		"@0 lttng_statedump_block_device dev=266338304 diskname=vda\n"
		"@100 tid=7 pid=7 container=1 block_rq_insert dev=266338304 sector=8 bytes=4096 rwbs=4\n"
		"@110 tid=99 pid=99 container=0 block_rq_issue dev=266338304 sector=8 bytes=4096 rwbs=4 io_container=1\n"
		/* One that goes past the queue, written back for db by somebody of the host. */
		"@120 tid=99 pid=99 container=0 block_rq_issue dev=266338305 sector=8 bytes=8192 rwbs=1 io_container=2\n"
		"@150 cpu=1 tid=20 pid=20 container=2 block_rq_complete dev=266338304 sector=8 rwbs=4 bytes=4096 io_container=1\n"
		"@190 cpu=1 tid=0 pid=0 container=0 block_rq_complete dev=266338305 sector=8 rwbs=1 bytes=8192 error=-5 io_container=2\n";

	lines(CSV("bio", fields), events,
	      "time_ns,container,tid,comm,device,kind,sector,size_bytes,queue_ns,device_ns,duration_ns,error\n"
	      "100,web,7,nginx,vda,READ,8,4096,10,40,50,0\n"
	      "120,db,99,bash,254:1,WRITE,8,8192,0,70,70,-5\n");
	/* The I/O is of the container that it is charged to, whoever had the CPU. */
	lines(CSV("bio", "sector,device", .container = "db"), events, "sector,device\n8,254:1\n");
	/* Charged to nobody: still its task's. */
	lines(CSV("bio", "container"),
	      "@10 tid=7 pid=7 container=1 block_rq_issue dev=1 sector=8 io_container=0\n"
	      "@11 tid=0 pid=0 container=0 block_rq_complete dev=1 sector=8 io_container=0\n"
	      "@20 tid=99 pid=99 container=0 block_rq_issue dev=1 sector=8 io_container=0\n"
	      "@21 tid=20 pid=20 container=2 block_rq_complete dev=1 sector=8 io_container=0\n",
	      "container\nweb\n\n");
	lines(&(struct asked){ .snoop = "bio", .hist = true, .by = "device", .output = PH_OUT_CSV }, events,
	      "device,from_ns,to_ns,count\n254:1,64,128,1\nvda,32,64,1\n");
	(void)state;
}

static void test_cap(void **state)
{
	lines(CSV("cap", "container,comm,capability,granted,call,ns_target,ns_task"),
	      "@10 tid=7 pid=7 container=1 syscall_entry_mount\n"
	      "@11 tid=7 pid=7 container=1 cap_capable cap=21 target_ns=5 task_ns=6 ret=-1\n"
	      "@12 tid=7 pid=7 container=1 syscall_exit_mount ret=-1\n"
	      "@13 tid=20 pid=20 container=2 cap_capable cap=7 target_ns=6 task_ns=6 ret=0\n",
	      "container,comm,capability,granted,call,ns_target,ns_task\n"
	      "web,nginx,CAP_SYS_ADMIN,false,mount,5,6\n"
	      "db,postgres,CAP_SETUID,true,,6,6\n");
	(void)state;
}

/* ---- names --------------------------------------------------------------------------------------------- */

static void add_dns_name(struct ph_buf *b, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		ph_buf_addf(b, "%02zx", n);
		for (size_t i = 0; i < n; i++)
			ph_buf_addf(b, "%02x", (unsigned int)name[i]);
		name += n + (name[n] == '.');
	}
	ph_buf_adds(b, "00");
}

/* Process @tid asks on a socket. */
static void ask(struct ph_buf *b, uint64_t ns, int tid, unsigned int sk, unsigned int id, const char *server,
		const char *name, unsigned int type)
{
	ph_buf_addf(b, "@%lu cpu=1 tid=%d pid=%d container=%d dns_query skaddr=%u netns=5 protocol=17 sport=0 dport=53 "
		    "daddr=%s id=%u len=30 message=%04x01000001000000000000", ns, tid, tid, tid == 20 ? 2 : 1, sk, server, id, id);
	add_dns_name(b, name);
	ph_buf_addf(b, "%04x0001\n", type);
}

/* It is answered with @code and, where it is not NULL, an address in hex digits. */
static void told(struct ph_buf *b, uint64_t ns, int tid, unsigned int sk, unsigned int id, const char *server,
		 const char *name, unsigned int type, unsigned int code, const char *addr)
{
	ph_buf_addf(b, "@%lu cpu=1 tid=%d pid=%d container=%d dns_answer skaddr=%u netns=5 protocol=17 sport=4000 dport=53 "
		    "daddr=%s id=%u len=50 message=%04x81%02x0001%04x00000000", ns, tid, tid, tid == 20 ? 2 : 1, sk, server, id, id,
		    0x80 | code, addr != NULL);
	add_dns_name(b, name);
	ph_buf_addf(b, "%04x0001", type);
	if (addr)
		ph_buf_addf(b, "c00c%04x00010000003c%04zx%s", type, strlen(addr) / 2, addr);
	ph_buf_addc(b, '\n');
}

#define ONE "7f00000b"		/* 127.0.0.11 */
#define TWO "0a000002"
#define SIX "20010db8000000000000000000000035"

static void test_dns(void **state)
{
	ph_autobuf b = { 0 };

	ask(&b, 1000, 7, 1, 10, ONE, "a.example", 1);
	ask(&b, 1001, 7, 1, 11, ONE, "a.example", 28);
	/* Another's socket, the same number. */
	ask(&b, 1500, 20, 2, 10, SIX, "b.example", 12);
	told(&b, 2000, 7, 1, 10, ONE, "a.example", 1, 0, "c0000207");
	told(&b, 2101, 7, 1, 11, ONE, "a.example", 28, 0, SIX);
	told(&b, 2500, 20, 2, 10, SIX, "b.example", 12, 3, NULL);
	/* An answer that nobody waits for. */
	told(&b, 2600, 7, 1, 10, ONE, "a.example", 1, 0, "c0000208");
	lines(CSV("dns", "time_ns,container,comm,pid,server,name,type,code,answers,duration_ns,try,truncated,protocol,query_id,"
		  "size_bytes,local_port,netns"), b.p,
	      "time_ns,container,comm,pid,server,name,type,code,answers,duration_ns,try,truncated,protocol,query_id,"
	      "size_bytes,local_port,netns\n"
	      "1000,web,nginx,7,127.0.0.11:53,a.example,A,NOERROR,192.0.2.7,1000,1,false,udp,10,50,4000,5\n"
	      "1001,web,nginx,7,127.0.0.11:53,a.example,AAAA,NOERROR,2001:db8::35,1100,1,false,udp,11,50,4000,5\n"
	      "1500,db,postgres,20,[2001:db8::35]:53,b.example,PTR,NXDOMAIN,,1000,1,false,udp,10,50,4000,5\n");
	lines(CSV("dns", "name", .filter = "code == NXDOMAIN"), b.p, "name\nb.example\n");
	lines(CSV("dns", "name,type", .container = "db"), b.p, "name,type\nb.example,PTR\n");
	lines(&(struct asked){ .snoop = "dns", .hist = true, .by = "server", .output = PH_OUT_CSV }, b.p,
	      "server,from_ns,to_ns,count\n127.0.0.11:53,512,1024,1\n127.0.0.11:53,1024,2048,1\n[2001:db8::35]:53,512,1024,1\n");
	(void)state;
}

/* What has no answer is a line, too; and who asks again is seen to do so, whatever changes with the next try. */
static void test_dns_unanswered(void **state)
{
	ph_autobuf b = { 0 }, two = { 0 };
	struct ph_snoop_seen seen;
	char *got;

	/* The same message again; another socket, number and server; refused; told. */
	ask(&b, 1000, 7, 1, 10, ONE, "a.example", 1);
	ask(&b, 5000, 7, 1, 10, ONE, "a.example", 1);
	ask(&b, 9000, 7, 3, 12, TWO, "a.example", 1);
	told(&b, 9500, 7, 3, 12, TWO, "a.example", 1, 2, NULL);
	ask(&b, 9600, 7, 3, 13, TWO, "a.example", 1);
	told(&b, 9900, 7, 3, 13, TWO, "a.example", 1, 0, "c0000207");
	ask(&b, 10000, 7, 3, 14, TWO, "a.example", 1);
	/* Ends with its process; the other one at the end. */
	ask(&b, 10500, 20, 2, 10, ONE, "b.example", 1);
	ph_buf_adds(&b, "@11000 tid=20 pid=20 container=2 sched_process_exit tid=20\n");
	lines(CSV("dns", "time_ns,server,name,code,try,duration_ns"), b.p,
	      "time_ns,server,name,code,try,duration_ns\n"
	      "1000,127.0.0.11:53,a.example,timeout,1,\n"
	      "9000,10.0.0.2:53,a.example,SERVFAIL,3,500\n"
	      "9600,10.0.0.2:53,a.example,NOERROR,4,300\n"
	      "10500,127.0.0.11:53,b.example,timeout,1,\n"
	      "5000,127.0.0.11:53,a.example,timeout,2,\n"
	      "10000,10.0.0.2:53,a.example,timeout,1,\n");
	/* So it does where the first thread has ended before, and not then. */
	ask(&two, 1000, 7, 1, 10, ONE, "a.example", 1);
	ph_buf_adds(&two, "@2000 tid=7 pid=7 container=1 sched_process_exit tid=7 process_end=1\n");
	told(&two, 4000, 7, 1, 10, ONE, "a.example", 1, 0, NULL);
	ask(&two, 5000, 7, 1, 10, ONE, "a.example", 1);
	ask(&two, 5500, 20, 2, 10, ONE, "b.example", 1);
	ph_buf_adds(&two, "@6000 tid=8 pid=7 container=1 sched_process_exit tid=8 process_end=2\n");
	told(&two, 6500, 20, 2, 10, ONE, "b.example", 1, 0, NULL);
	lines(CSV("dns", "time_ns,code,duration_ns"), two.p,
	      "time_ns,code,duration_ns\n1000,NOERROR,3000\n5000,timeout,\n5500,NOERROR,1000\n");
	/* What was waited for long enough; no more than are wanted; none has a time. */
	lines(CSV("dns", "time_ns", .min_ns = 4000), b.p, "time_ns\n1000\n5000\n");
	lines(CSV("dns", "time_ns", .max = 5), b.p, "time_ns\n1000\n9000\n9600\n10500\n5000\n");
	lines(&(struct asked){ .snoop = "dns", .hist = true, .by = "name", .output = PH_OUT_CSV }, b.p,
	      "name,from_ns,to_ns,count\na.example,256,512,2\n");
	/* 30 s are enough. */
	ph_buf_clear(&b);
	ask(&b, 1000, 7, 1, 10, ONE, "a.example", 1);
	ask(&b, 20000000000, 7, 3, 10, ONE, "a.example", 1);
	ask(&b, 31000000000, 20, 2, 10, ONE, "b.example", 1);
	told(&b, 32000000000, 7, 1, 10, ONE, "a.example", 1, 0, NULL);
	told(&b, 32000000001, 7, 3, 10, ONE, "a.example", 1, 0, NULL);
	told(&b, 32000000002, 20, 2, 10, ONE, "b.example", 1, 0, NULL);
	lines(CSV("dns", "time_ns,code,try,duration_ns"), b.p,
	      "time_ns,code,try,duration_ns\n1000,timeout,1,\n20000000000,NOERROR,2,12000000001\n31000000000,NOERROR,1,1000000002\n");
	/* The answer may have been lost. */
	ph_buf_clear(&b);
	ask(&b, 1000, 7, 1, 10, ONE, "a.example", 1);
	ph_buf_adds(&b, "@1100 cpu=0 events_discarded count=5 begin_ns=1010 end_ns=1090\n");
	got = shown(CSV("dns", "name"), b.p, &seen);
	assert_string_equal(got, "name\n");
	assert_int_equal(seen.cut, 1);
	free(got);
	/* But where single events were missed, what was asked is still waited for. */
	ph_buf_clear(&b);
	ask(&b, 1000, 7, 1, 10, ONE, "a.example", 1);
	ph_buf_adds(&b, "@1100 cpu=0 events_discarded count=5 begin_ns=1010 end_ns=1090 gap_cpu=-1\n");
	told(&b, 1200, 7, 1, 10, ONE, "a.example", 1, 0, NULL);
	lines(CSV("dns", "name,duration_ns"), b.p, "name,duration_ns\na.example,200\n");
	(void)state;
}

/* musl asks all servers at once, on one socket: that is one look-up, of who answers first. */
static void test_dns_servers(void **state)
{
	ph_autobuf b = { 0 };

	for (int i = 0; i < 2; i++) {
		ask(&b, 1000 + 5000 * i, 7, 1, 10, ONE, "a.example", 1);
		ask(&b, 1001 + 5000 * i, 7, 1, 10, TWO, "a.example", 1);
	}
	told(&b, 7000, 7, 1, 10, TWO, "a.example", 1, 0, "c0000207");
	told(&b, 7100, 7, 1, 10, ONE, "a.example", 1, 0, "c0000207");
	lines(CSV("dns", "time_ns,server,code,try,duration_ns"), b.p,
	      "time_ns,server,code,try,duration_ns\n"
	      "1000,127.0.0.11:53,timeout,1,\n"
	      "6000,10.0.0.2:53,NOERROR,2,1000\n");
	(void)state;
}

/* What is no message, and what a foreign trace calls so. */
static void test_dns_nonsense(void **state)
{
	lines(CSV("dns", "server,name,type,code,answers,try"),
	      "@10 tid=7 pid=7 container=1 dns_query skaddr=1 id=1 dport=53 daddr=7f message=00\n"
	      "@20 tid=7 pid=7 container=1 dns_answer skaddr=1 id=1 dport=53 message=ffffffffffffffffffffffffffff\n"
	      "@30 tid=7 pid=7 container=1 dns_query skaddr=1 id=2\n"
	      "@40 tid=7 pid=7 container=1 dns_answer skaddr=1 id=2\n",
	      "server,name,type,code,answers,try\n"
	      ",,,RCODE15,,\n"
	      ",,,,,\n");
	(void)state;
}

static void test_events(void **state)
{
	const char *events =
		"@10 container_info index=3 name=new runtime=docker image=redis:7\n"
		"@10 container_start index=3 name=new init_pid=0\n"
		"@20 tid=7 pid=7 container=1 sched_process_exec filename=/bin/again tid=7 old_tid=7\n"
		/* Not the first process. */
		"@30 tid=20 pid=20 container=2 sched_process_exec filename=/bin/sh tid=20 old_tid=20\n"
		/* A container's own: what runs before its namespaces are known is not its first process. */
		"@31 container_info index=3 name=new runtime=docker image=redis:7 init_pid=30\n"
		"@32 tid=99 pid=99 container=0 sched_process_fork parent_comm=runc parent_tid=99 parent_pid=99 child_tid=30 child_pid=30 "
		"child_comm=runc vtids=[30] child_container=3\n"
		"@33 tid=30 pid=30 container=3 sched_process_exec filename=/bin/runc tid=30 old_tid=30\n"
		"@34 tid=30 pid=30 container=3 sched_process_fork parent_comm=runc parent_tid=30 parent_pid=30 child_tid=31 child_pid=31 "
		"child_comm=runc vtids=[31,1] child_container=3\n"
		"@35 tid=31 pid=31 container=3 sched_process_exec filename=/bin/redis tid=31 old_tid=31\n"
		"@36 tid=31 pid=31 container=3 sched_process_exec filename=/bin/other tid=31 old_tid=31\n"
		/* Brought in, and its child, which is not. */
		"@37 tid=99 pid=99 container=0 sched_process_fork parent_comm=runc parent_tid=99 parent_pid=99 child_tid=40 child_pid=40 "
		"child_comm=runc vtids=[40,2] child_container=2\n"
		"@38 tid=40 pid=40 container=2 sched_process_exec filename=/bin/psql tid=40 old_tid=40\n"
		"@38 tid=40 pid=40 container=2 sched_process_exec filename=/bin/psql2 tid=40 old_tid=40\n"
		"@39 tid=40 pid=40 container=2 sched_process_fork parent_comm=psql parent_tid=40 parent_pid=40 child_tid=41 child_pid=41 "
		"child_comm=psql vtids=[41,3] child_container=2\n"
		"@39 tid=41 pid=41 container=2 sched_process_exec filename=/bin/less tid=41 old_tid=41\n"
		"@40 tid=99 pid=99 container=0 container_pause index=2 name=db\n"
		"@50 tid=99 pid=99 container=0 container_unpause index=2 name=db\n"
		"@60 tid=99 pid=99 container=0 oom_mark_victim pid=20 comm=postgres victim_container=2\n"
		"@70 container_stop index=3 name=new\n";

	lines(CSV("events", "time_ns,event,container,pid,runtime,image,path"), events,
	      "time_ns,event,container,pid,runtime,image,path\n"
	      "10,start,new,,docker,redis:7,\n20,exec,web,7,,nginx:1,/bin/again\n"
	      "33,exec,new,30,docker,redis:7,/bin/runc\n35,ready,new,31,docker,redis:7,/bin/redis\n"
	      "36,exec,new,31,docker,redis:7,/bin/other\n38,exec,db,40,,,/bin/psql\n40,pause,db,,,,\n"
	      "50,unpause,db,,,,\n60,oom,db,20,,,\n70,stop,new,,docker,redis:7,\n");
	lines(CSV("events", "event", .container = "db"), events, "event\nexec\npause\nunpause\noom\n");
	(void)state;
}

/* Descriptors: from the dump, opened, doubled, inherited, closed by exec and by close. */
static void test_file(void **state)
{
	const char *fields = "container,tid,call,fd,size_bytes,duration_ns,error,file,pos";

	lines(CSV("file", fields),
	      "@1 lttng_statedump_process_state tid=20 pid=20 name=postgres container=2 file_table_address=0xabc status=5\n"
	      "@1 lttng_statedump_file_descriptor file_table_address=0xabc fd=9 filename=/db/wal\n"
	      "@10 tid=20 pid=20 container=2 syscall_entry_pwrite64 fd=9 pos=4096\n"
	      "@15 tid=20 pid=20 container=2 syscall_exit_pwrite64 ret=512\n"
	      "@20 tid=7 pid=7 container=1 syscall_entry_openat dfd=-100 filename=/dir\n"
	      "@21 tid=7 pid=7 container=1 syscall_exit_openat ret=3\n"
	      "@22 tid=7 pid=7 container=1 syscall_entry_openat dfd=3 filename=log flags=0x80000\n"
	      "@23 tid=7 pid=7 container=1 syscall_exit_openat ret=4\n"
	      "@24 tid=7 pid=7 container=1 syscall_entry_dup fildes=4\n"
	      "@25 tid=7 pid=7 container=1 syscall_exit_dup ret=5\n"
	      "@26 tid=7 pid=7 container=1 sched_process_fork parent_tid=7 parent_pid=7 child_tid=31 child_pid=31 child_container=1\n"
	      /* The other thread closes it, and reads from it without success. */
	      "@30 tid=8 pid=7 container=1 syscall_entry_close fd=4\n"
	      "@31 tid=8 pid=7 container=1 syscall_exit_close ret=0\n"
	      "@32 tid=8 pid=7 container=1 syscall_entry_read fd=4\n"
	      "@33 tid=8 pid=7 container=1 syscall_exit_read ret=-9\n"
	      "@34 tid=8 pid=7 container=1 syscall_entry_read fd=5\n"
	      "@36 tid=8 pid=7 container=1 syscall_exit_read ret=0\n"
	      /* The child has its own, and after an exec those that are meant for it. */
	      "@40 tid=31 pid=31 container=1 syscall_entry_write fd=4\n"
	      "@41 tid=31 pid=31 container=1 syscall_exit_write ret=7\n"
	      "@42 tid=31 pid=31 container=1 sched_process_exec filename=/bin/x tid=31 old_tid=31\n"
	      "@43 tid=31 pid=31 container=1 syscall_entry_write fd=4\n"
	      "@44 tid=31 pid=31 container=1 syscall_exit_write ret=-9\n"
	      "@45 tid=31 pid=31 container=1 syscall_entry_write fd=5\n"
	      "@46 tid=31 pid=31 container=1 syscall_exit_write ret=8\n",
	      "container,tid,call,fd,size_bytes,duration_ns,error,file,pos\n"
	      "db,20,pwrite64,9,512,5,,/db/wal,4096\n"
	      "web,8,read,4,,1,EBADF,,\n"
	      "web,8,read,5,0,2,,/dir/log,\n"
	      "web,31,write,4,7,1,,/dir/log,\n"
	      "web,31,write,4,,1,EBADF,,\n"
	      "web,31,write,5,8,1,,/dir/log,\n");
	/* A name that was not in memory yet when the call began. */
	lines(CSV("file", "fd,file"),
	      "@20 tid=7 pid=7 container=1 syscall_entry_openat dfd=-100 filename=/dir\n"
	      "@21 tid=7 pid=7 container=1 syscall_exit_openat ret=3\n"
	      "@22 tid=7 pid=7 container=1 syscall_entry_openat dfd=3 filename=\"\"\n"
	      "@23 tid=7 pid=7 container=1 syscall_late_string arg=1 value=late\n"
	      "@24 tid=7 pid=7 container=1 syscall_exit_openat ret=4\n"
	      "@30 tid=7 pid=7 container=1 syscall_entry_read fd=4\n"
	      "@31 tid=7 pid=7 container=1 syscall_exit_read ret=1\n", "fd,file\n4,/dir/late\n");
	/* They stay where the first thread ends, and where another one starts a program; not beyond the last one's end. */
	lines(CSV("file", "pid,tid,call,fd,file"),
	      "@20 tid=7 pid=7 container=1 syscall_entry_openat dfd=-100 filename=/log\n"
	      "@21 tid=7 pid=7 container=1 syscall_exit_openat ret=3\n"
	      "@30 tid=7 pid=7 container=1 sched_process_exit tid=7 process_end=1\n"
	      "@40 tid=8 pid=7 container=1 syscall_entry_read fd=3\n"
	      "@41 tid=8 pid=7 container=1 syscall_exit_read ret=1\n"
	      "@50 tid=7 pid=7 container=1 sched_process_exec filename=/bin/x tid=7 old_tid=8\n"
	      "@52 tid=7 pid=7 container=1 syscall_entry_write fd=3\n"
	      "@53 tid=7 pid=7 container=1 syscall_exit_write ret=1\n"
	      "@60 tid=7 pid=7 container=1 sched_process_exit tid=7 process_end=2\n"
	      "@70 tid=99 pid=99 container=1 sched_process_fork parent_tid=99 parent_pid=99 child_tid=8 child_pid=7 child_container=1\n"
	      "@72 tid=8 pid=7 container=1 syscall_entry_read fd=3\n"
	      "@73 tid=8 pid=7 container=1 syscall_exit_read ret=-9\n",
	      "pid,tid,call,fd,file\n7,8,read,3,/log\n7,7,write,3,/log\n7,8,read,3,\n");
	(void)state;
}

static void test_mount(void **state)
{
	lines(CSV("mount", "container,call,error,type,source,target,flags,options"),
	      "@10 tid=7 pid=7 container=1 syscall_entry_mount dev_name=none dir_name=/mnt type=tmpfs flags=3 data_data=\"size=1m\"\n"
	      "@11 tid=7 pid=7 container=1 syscall_exit_mount ret=-1\n"
	      "@12 tid=7 pid=7 container=1 syscall_entry_umount name=/mnt\n"
	      "@13 tid=7 pid=7 container=1 syscall_exit_umount ret=0\n"
	      "@14 tid=7 pid=7 container=1 syscall_entry_mount dev_name=x\n"
	      "@15 tid=7 pid=7 container=1 syscall_late_string nr=mount arg=1 value=/late\n"
	      "@16 tid=7 pid=7 container=1 syscall_exit_mount ret=0\n"
	      "@17 tid=7 pid=7 container=1 syscall_entry_move_mount from_pathname=/a to_pathname=/b\n"
	      "@18 tid=7 pid=7 container=1 syscall_exit_move_mount ret=0\n",
	      "container,call,error,type,source,target,flags,options\n"
	      "web,mount,EPERM,tmpfs,none,/mnt,MS_RDONLY|MS_NOSUID,size=1m\n"
	      "web,umount,,,,/mnt,,\n"
	      "web,mount,,,x,/late,0,\n"
	      "web,move_mount,,,/a,/b,,\n");
	(void)state;
}

static void test_ns(void **state)
{
	lines(CSV("ns", "container,tid,call,changed,ns_mnt,ns_net,ns_time"),
	      "@10 tid=7 pid=7 container=1 syscall_entry_unshare unshare_flags=0x20000\n"
	      "@11 tid=7 pid=7 container=1 sched_process_namespaces tid=7 flags=0x20000 mnt_ns=77 net_ns=78 time_ns=79\n"
	      "@12 tid=7 pid=7 container=1 syscall_exit_unshare ret=0\n"
	      /* Exec tells of it again, though nothing has changed. */
	      "@13 tid=7 pid=7 container=1 syscall_entry_execve filename=/bin/x\n"
	      "@14 tid=7 pid=7 container=1 sched_process_namespaces tid=7 flags=0x20000 mnt_ns=77 net_ns=78 time_ns=79\n"
	      "@14 tid=7 pid=7 container=1 sched_process_exec filename=/bin/x tid=7 old_tid=7\n"
	      "@15 tid=7 pid=7 container=1 syscall_exit_execve ret=0\n"
	      "@20 tid=7 pid=7 container=1 syscall_entry_clone3\n"
	      "@21 tid=7 pid=7 container=1 sched_process_fork parent_comm=x parent_tid=7 parent_pid=7 child_tid=9 child_pid=9 "
	      "child_comm=x vtids=[9] child_container=1\n"
	      "@21 tid=9 pid=9 container=1 sched_process_namespaces tid=9 flags=0x40000000 mnt_ns=77 net_ns=88 time_ns=79\n"
	      "@22 tid=7 pid=7 container=1 syscall_exit_clone3 ret=9\n",
	      "container,tid,call,changed,ns_mnt,ns_net,ns_time\nweb,7,unshare,CLONE_NEWNS,77,78,79\n"
	      "web,9,clone3,CLONE_NEWNET,77,88,79\n");
	(void)state;
}

static void test_tcp(void **state)
{
	const char *fields = "time_ns,container,pid,event,local_addr,local_port,remote_addr,remote_port,duration_ns,sent_bytes,received_bytes,state,queued,backlog";
	const char *events =
		/* web connects to db, which accepts in whatever task the packet met, and closes first. */
		"@100 tid=7 pid=7 container=1 inet_sock_set_state skaddr=0x1 oldstate=7 newstate=2 dport=80 daddr=0a000002 sock_container=1\n"
		"@110 tid=99 pid=99 container=0 inet_sock_set_state skaddr=0x2 oldstate=3 newstate=1 sport=80 dport=4000 "
		"saddr=0a000002 daddr=0a000001 sock_container=2\n"
		"@120 tid=0 pid=0 container=0 inet_sock_set_state skaddr=0x1 oldstate=2 newstate=1 sport=4000 dport=80 "
		"saddr=0a000001 daddr=0a000002 sock_container=1\n"
		"@130 tid=20 pid=20 container=2 inet_sock_set_state skaddr=0x2 oldstate=1 newstate=4 sport=80 dport=4000 "
		"saddr=0a000002 daddr=0a000001 sock_container=2 bytes_sent=5\n"
		"@150 tid=99 pid=99 container=0 inet_sock_set_state skaddr=0x2 oldstate=5 newstate=7 sport=0 dport=4000 "
		"saddr=0a000002 daddr=0a000001 sock_container=2 bytes_sent=5\n"
		"@155 tid=8 pid=7 container=1 inet_sock_set_state skaddr=0x1 oldstate=8 newstate=9 sport=4000 dport=80 "
		"saddr=0a000001 daddr=0a000002 sock_container=1 bytes_received=5\n"
		"@160 tid=99 pid=99 container=1 inet_sock_set_state skaddr=0x1 oldstate=9 newstate=7 sport=4000 dport=80 "
		"saddr=0a000001 daddr=0a000002 sock_container=1 bytes_received=5\n"
		"@200 tid=7 pid=7 container=1 inet_sock_set_state skaddr=0x3 oldstate=7 newstate=2 dport=81 daddr=0a000002 sock_container=1\n"
		"@210 tid=0 pid=0 container=0 inet_sock_set_state skaddr=0x3 oldstate=2 newstate=7 sport=0 dport=81 daddr=0a000002 sock_container=1\n"
		"@300 tid=99 pid=99 container=0 tcp_retransmit_skb skaddr=0x1 state=2 sport=5 dport=6 saddr=0a000001 daddr=0a000002 sock_container=1\n"
		"@310 tid=99 pid=99 container=0 tcp_listen_overflow skaddr=0x4 sport=80 saddr=0a000002 backlog=1 queued=2 sock_container=2\n";

	lines(CSV("tcp", fields), events,
	      "time_ns,container,pid,event,local_addr,local_port,remote_addr,remote_port,duration_ns,sent_bytes,received_bytes,state,queued,backlog\n"
	      "110,db,,accept,10.0.0.2,80,10.0.0.1,4000,,,,,,\n"
	      "100,web,7,connect,10.0.0.1,4000,10.0.0.2,80,20,,,,,\n"
	      /* Who closes it is known, whoever the last packet met. */
	      "110,db,20,close,10.0.0.2,80,10.0.0.1,4000,40,5,0,,,\n"
	      "120,web,7,close,10.0.0.1,4000,10.0.0.2,80,40,0,5,,,\n"
	      "200,web,7,failed,,,10.0.0.2,81,10,,,,,\n"
	      "300,web,,retransmit,10.0.0.1,5,10.0.0.2,6,,,,TCP_SYN_SENT,,\n"
	      "310,db,,overflow,10.0.0.2,80,,,,,,,2,1\n");
	lines(CSV("tcp", "event", .container = "db"), events, "event\naccept\nclose\noverflow\n");
	(void)state;
}

/* ---- the engine ---------------------------------------------------------------------------------- */

static void test_selection_filter_sort(void **state)
{
	lines(CSV("sync", "call", .container = "web"), syncs, "call\nfsync\nsync\n");
	lines(CSV("sync", "call", .filter = "duration_ns >= 3us && container == db"), syncs, "call\nfdatasync\n");
	lines(CSV("sync", "call", .filter = "error == EIO"), syncs, "call\nfdatasync\n");
	/* A column without a value is not equal, and not different either. */
	lines(CSV("sync", "call", .filter = "fd != 4"), syncs, "call\nfdatasync\n");
	lines(CSV("sync", "call", .filter = "!(fd == 4)"), syncs, "call\nfdatasync\nsync\n");
	lines(CSV("sync", "call", .filter = "comm ~ \"n*\" && tid == 7"), syncs, "call\nfsync\n");
	lines(CSV("sync", "call", .max = 2), syncs, "call\nfsync\nfdatasync\n");
	lines(CSV("sync", "call", .sort = "-duration_ns", .max = 1), syncs, "call\nsync\n");
	lines(CSV("sync", "call", .min_ns = 3000), syncs, "call\nfdatasync\nsync\n");
	(void)state;
}

static void test_outputs(void **state)
{
	lines(&(struct asked){ .snoop = "sync", .container = "db" }, syncs,
	      "           TIME  CONTAINER         PID  COMM             CALL        FD  DURATION  ERROR    FILE\n"
	      "00:00:00.000001  db                 20  postgres         fdatasync    9      3 us  EIO      -\n");
	lines(&(struct asked){ .snoop = "sync", .container = "web", .output = PH_OUT_JSON, .max = 1 }, syncs,
	      "{\"time_ns\":1000,\"container\":\"web\",\"pid\":7,\"comm\":\"nginx\",\"tid\":7,\"vpid\":null,\"ppid\":99,"
	      "\"cpu\":1,\"container_id\":\"aaaabbbbcccc\",\"image\":\"nginx:1\",\"pod\":null,\"namespace\":null,"
	      "\"call\":\"fsync\",\"fd\":4,\"duration_ns\":1000,\"error\":null,\"file\":null,\"ret\":0}\n");
	/* Nothing is still a table. */
	lines(CSV("sync", "call"), "", "call\n");
	(void)state;
}

static void test_histogram(void **state)
{
	lines(&(struct asked){ .snoop = "sync", .hist = true, .by = "container", .output = PH_OUT_CSV }, syncs,
	      "container,from_ns,to_ns,count\n"
	      "web,512,1024,1\nweb,1024,2048,0\nweb,2048,4096,1\n"
	      "db,2048,4096,1\n");
	lines(&(struct asked){ .snoop = "sync", .hist = true }, syncs,
	      "3 times, average 2.67 us, half below 3.01 us, 99 % below 4 us, most 4 us\n"
	      "   512 ns .. 1.02 us  |####################                    | 1\n"
	      "  1.02 us .. 2.05 us  |                                        | 0\n"
	      "  2.05 us .. 4.1 us   |########################################| 2\n");
	lines(&(struct asked){ .snoop = "sync", .hist = true, .by = "call", .output = PH_OUT_JSON, .container = "db" }, syncs,
	      "{\"snoop\":\"sync\",\"by\":\"call\",\"value\":\"fdatasync\",\"duration_ns\":{\"count\":1,\"sum_ns\":3000,"
	      "\"min_ns\":3000,\"max_ns\":3000,\"avg_ns\":3000,\"p50_ns\":3000,\"p90_ns\":3000,\"p99_ns\":3000,"
	      "\"edges_ns\":[2048,4096],\"counts\":[1]}}\n");
	(void)state;
}

/* What began before a gap may have ended in it. */
static void test_gap(void **state)
{
	ph_autofree char *got = NULL;
	struct ph_snoop_seen seen;

	got = shown(CSV("sync", "time_ns,duration_ns"),
		    "@10 tid=7 pid=7 container=1 syscall_entry_fsync fd=4\n"
		    "@20 tid=20 pid=20 container=2 syscall_entry_fsync fd=4\n"
		    "@30 cpu=0 events_discarded count=5 begin_ns=12 end_ns=18\n"
		    "@40 tid=7 pid=7 container=1 syscall_exit_fsync ret=0\n"
		    "@50 tid=20 pid=20 container=2 syscall_exit_fsync ret=0\n", &seen);
	assert_string_equal(got, "time_ns,duration_ns\n20,30\n");
	assert_int_equal(seen.cut, 1);
	assert_int_equal(seen.shown, 1);
	(void)state;
}

static void test_a_thousand(void **state)
{
	ph_autobuf events = { 0 };
	ph_autofree char *got = NULL;
	struct ph_snoop_seen seen;

	for (unsigned int i = 0; i < 5000; i++)
		ph_buf_addf(&events, "@%u tid=7 pid=7 container=1 syscall_entry_fsync fd=4\n"
			    "@%u tid=7 pid=7 container=1 syscall_exit_fsync ret=0\n", 100 * i + 1, 100 * i + 2 + i % 50);
	got = shown(CSV("sync", "duration_ns"), events.p, &seen);
	assert_int_equal(seen.shown, 5000);
	free(ph_take(got));
	/* Of what is sorted in the end, no more is kept than is wanted. */
	got = shown(CSV("sync", "time_ns,duration_ns", .sort = "-duration_ns", .max = 2), events.p, NULL);
	assert_string_equal(got, "time_ns,duration_ns\n4901,50\n9901,50\n");
	(void)state;
}

static void test_refused(void **state)
{
	static const struct { struct asked a; const char *says; } cases[] = {
		{ { .snoop = "sync", .fields = "duration" }, "--fields: there is no field 'duration'; did you mean 'duration_ns'" },
		{ { .snoop = "sync", .sort = "-x" }, "--sort: there is no field 'x'" },
		{ { .snoop = "sync", .filter = "nosuch == 1" }, "'nosuch'" },
		{ { .snoop = "sync", .filter = "prev_state == 1" }, "its columns are time_ns, container" },
		{ { .snoop = "signal", .hist = true }, "'trace signal' has no times" },
		{ { .snoop = "sync", .by = "call" }, "--by goes with --hist" },
		{ { .snoop = "sync", .hist = true, .by = "device" }, "--by: there is no field 'device'" },
		{ { .snoop = "sync", .hist = true, .sort = "fd" }, "not histograms" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct asked a = cases[i].a;
		ph_autofree char *got = NULL;

		a.fails = true;
		got = shown(&a, "", NULL);
		if (!strstr(got, cases[i].says))
			fail_msg("'%s' lacks '%s'", got, cases[i].says);
	}
	(void)state;
}

/* Of every view: the events that it needs are there, names are unique, and what it says of itself is short. */
static void test_table(void **state)
{
	const struct ph_snoop *sn;

	for (size_t i = 0; (sn = ph_snoop_nth(i)); i++) {
		ph_strv events = { 0 };
		ph_autobuf schema = { 0 };

		assert_ptr_equal(ph_snoop_by_name(ph_snoop_name(sn)), sn);
		assert_true(i == 0 || strcmp(ph_snoop_name(ph_snoop_nth(i - 1)), ph_snoop_name(sn)) < 0);
		assert_true(strlen(ph_snoop_summary(sn)) < 100);
		assert_non_null(strstr(ph_snoop_example(sn), ph_snoop_name(sn)));
		ph_snoop_events(sn, true, &events);
		assert_int_not_equal(events.n, 0);
		ph_snoop_schema(sn, &(struct ph_snoop_opts){ 0 }, &schema);
		assert_non_null(strstr(schema.p, "\"container\""));
		ph_strv_done(&events);
	}
	assert_null(ph_snoop_by_name("nosuch"));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sync), cmocka_unit_test(test_open), cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exit), cmocka_unit_test(test_oom), cmocka_unit_test(test_signal),
		cmocka_unit_test(test_runq), cmocka_unit_test(test_throttle), cmocka_unit_test(test_bio),
		cmocka_unit_test(test_cap), cmocka_unit_test(test_dns), cmocka_unit_test(test_dns_unanswered),
		cmocka_unit_test(test_dns_servers), cmocka_unit_test(test_dns_nonsense), cmocka_unit_test(test_events), cmocka_unit_test(test_file),
		cmocka_unit_test(test_mount), cmocka_unit_test(test_ns), cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_selection_filter_sort), cmocka_unit_test(test_outputs),
		cmocka_unit_test(test_histogram), cmocka_unit_test(test_gap), cmocka_unit_test(test_a_thousand),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
