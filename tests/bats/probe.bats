#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole probe: functions that are called a known number of times, in one container and in its neighbour.

load lib
load cause

# target NAME COUNT: a container that waits for SIGUSR1; $PID.
target() {
	launch "$1" -- ph-load probe "$2"
	wait_for 20 grep -qs ready=1 "$PH_WORK/$PH_FILE-$1.log"
}

# begin PROBE...: probes $PH_FILE-in into $T; back when it records.
begin() {
	porthole probe ${PH_SLOW:+--buffer 4M} -c "$PH_FILE-in,$PH_FILE-later" -w "$T" -o json "$@" >"$T.json" 2>"$T.said" 3>&- &
	RECORDER=$!
	wait_for 20 recording "$T" || flunk "$(cat "$T.said")"
}

ended() { [ ! -e "/proc/$1" ]; }

# call PID...: let it call, until it has ended.
call() {
	local p
	kill -USR1 "$@"
	for p; do wait_for 60 ended "$p"; done
}

# of FUNCTION FILTER: of the lines.
of() { jq -s "map(select(.function == \"$1\")) | $2" "$T.json"; }

# Linux 6.1 has each place attached for itself, later ones all of a file at once.
@test "calls in one of two containers of an image: exactly those, with their arguments" {
	local in out n=${PH_SLOW:+500}
	n=${n:-10000}
	target in "$n"
	in=$PID
	target out "$n"
	out=$PID
	begin 'uprobe:/bin/ph-load:ph_load_target(arg1,text=str(arg2),s8(arg3),size=u32(*arg4),next=s32(*(*(arg4+8)+4)),name=str(arg4+16),arg8)' \
		'uretprobe:ph-load:ph_load_rec*(s32(arg1),s32(retval))' 'usdt:ph-load:ph_load:tick(arg1,t=str(arg2),arg3)'
	call "$in" "$out"
	grep -q semaphore=1 "$PH_WORK/$PH_FILE-out.log" || flunk "$(cat "$PH_WORK/$PH_FILE-out.log" "$T.said")"
	# A container that comes later has the same file.
	target later 10
	call "$PID"
	record_end
	[ "$(jq -s "map(select(.container == \"$PH_FILE-in\")) | length" "$T.json")" = $((2 * n + 4)) ]
	[ "$(jq -s "map(select(.container == \"$PH_FILE-later\")) | length" "$T.json")" = 24 ]
	[ "$(jq -r .container "$T.json" | sort -u | wc -l)" = 2 ]
	jq -se "map(select(.container == \"$PH_FILE-in\" and .function == \"ph_load_target\")) | length == $n and
		all(.arg3 == -5 and .size == 4096 and .next == -1 and .name == \"second\" and .arg8 == 8 and .duration_ns == null) and
		([range($n)] == map(.arg1)) and ([range($n) | \"call \\(. % 10)\"] == map(.text))" "$T.json" >/dev/null
	jq -se "map(select(.container == \"$PH_FILE-in\" and .function == \"ph_load:tick\")) | length == $n and
		all(.arg1 == .arg3) and ([range($n) | 0 - .] == map(.arg1)) and ([range($n) | \"call \\(. % 10)\"] == map(.t))" "$T.json" >/dev/null
	# The innermost returns first, and took the least time.
	[ "$(of ph_load_recurse "map(select(.container == \"$PH_FILE-in\") | \"\\(.arg1) \\(.retval)\") | join(\", \")" -r)" = '"0 0, 1 1, 2 3, 3 6"' ]
	of ph_load_recurse 'map(.duration_ns)[:4] | length == 4 and all(. > 0) and . == sort' | grep -qx true
	# The same of the trace, by whoever reads it.
	babeltrace_reads "$T"
	porthole probe -r "$T" -o json | jq -c . | diff - <(jq -c . "$T.json")
	[ "$(porthole probe -r "$T" --count --by container,function -o csv --no-header --sort container | tr -d '\r' | sort | tr '\n' ' ')" = \
		"$PH_FILE-in,ph_load:tick,$n $PH_FILE-in,ph_load_recurse,4 $PH_FILE-in,ph_load_target,$n $PH_FILE-later,ph_load:tick,10 $PH_FILE-later,ph_load_recurse,4 $PH_FILE-later,ph_load_target,10 " ]
	one probe_point '.fields.asked == 1' <<-END
		probe    ? . > 0
		asked    1
		kind     "uretprobe"
		text     "uretprobe:ph-load:ph_load_rec*(s32(arg1),s32(retval))"
		path     ? endswith("/ph-load")
		function "ph_load_recurse"
		offset   ? . > 0
		names    "arg1 retval"
		types    "s32 s32"
	END
	one probe_hit ".container == \"$PH_FILE-in\" and .fields.asked == 0 and .fields.values[0] == 7" <<-END
		probe       0
		asked       0
		unread      0
		values      ? length == 7 and .[6] == 8
		address     ? . > 0
		duration_ns 0
		text1       "call 7"
		text2       "second"
		text3       ""
		text4       ""
		buffer      ""
	END
}

# Attached, and left, one after the other, while the program runs: what is called in turns is counted as often.
@test "several probes count from one moment to another; killed, they leave nothing behind" {
	local d
	target in 100000000
	kill -USR1 "$PID"
	# Between the first and the last there is much to attach. The program may have no turn for a while.
	for d in 200ms 2s 10s; do
		porthole probe -c "$PH_FILE-in" -d $d --count --by asked -o csv --no-header 'uprobe:ph-load:ph_load_target' 'uprobe:ph-load:_*' \
			'uretprobe:ph-load:ph_load_target' 'usdt:ph-load:ph_load:tick' >"$T.csv" 2>"$T.said"
		! grep -q tick "$T.csv" || break
	done
	# One of each may be of a round that was under way.
	tr -d '\r' <"$T.csv" | awk -F, '/ph_load_target|tick/ { least = !n || $2 < least ? $2 : least; most = $2 > most ? $2 : most; n++ }
		END { exit !(n == 3 && least > 0 && most - least <= 1) }' || flunk "$(cat "$T.csv" "$T.said")" || return
	ph-launch --stop "$PH_FILE-in"
	# What counts who is attached is as it was.
	target later 10
	begin 'usdt:ph-load:ph_load:tick(arg1)'
	kill -KILL "$RECORDER"
	wait "$RECORDER" || :
	kill -USR1 "$PID"
	wait_for 20 grep -qs semaphore= "$PH_WORK/$PH_FILE-later.log"
	grep -q semaphore=0 "$PH_WORK/$PH_FILE-later.log" || flunk "$(cat "$PH_WORK/$PH_FILE-later.log")"
}

# On the host only: the kernel side's filter is another test's.
@test "what is not wanted is not recorded; memory that is not there is told" {
	target in 100
	begin 'uprobe:ph-load:ph_load_target(arg1,bad=str(arg6),none=u64(*arg1))' --if 'arg1 >= 95 && comm == "ph-load"'
	call "$PID"
	record_end
	# What could not be read is kept by the kernel side, and asked again here: of this one all was.
	[ "$(jq -r '"\(.arg1) \(.bad) \(.none)"' "$T.json" | tr '\n' ,)" = "95 null null,96 null null,97 null null,98 null null,99 null null," ]
	events "$T" -e probe_hit | jq -se 'length == 100 and all(.fields.unread == 6)' >/dev/null
	target later 100
	rm -rf "$T"
	# By the names of the source, where there is debug information.
	begin --stacks 'uprobe:ph-load:ph_load_target(n,text,small,o->size,o->next->level,o->next->name,eight)' --if 'n >= 95'
	call "$PID"
	record_end
	# No more stacks than hits, either.
	[ "$(events "$T" -e probe_hit | wc -l)" = 5 ]
	[ "$(events "$T" -e callstack | wc -l)" = 5 ]
	[ "$(jq -r '"\(.n) \(.text) \(.small) \(.o_size) \(.o_next_level) \(.o_next_name) \(.eight)"' "$T.json" | tail -n 1)" = \
		"99 call 9 -5 4096 -1 first 8" ]
	# What led to them.
	porthole profile -r "$T" -e probe_hit -o folded >"$T.folded"
	grep -qE ';_start;.*;load_probe;ph_load_target [0-9]+$' "$T.folded" || flunk "$(cat "$T.folded")"
}

# What the program prints of its own arguments, in the same JSON. Linux 6.1 has no way to wait for memory.
@test "floats, bit fields, enumerations and structs by value are what the program itself has" {
	local said text='"a text that is far away"'
	grep -qw bpf_uprobe_multi_link_attach /proc/kallsyms || text=null
	target in 3
	begin 'uprobe:ph-load:ph_load_kinds(pair.first,pair.second,pair.third,large.v[2],large.name,last)' \
		'uprobe:ph-load:ph_load_kinds(ratio=k->ratio,share=k->share,low=k->low,middle=k->middle,high=k->high,next_tag=k->next->tag,word=*words,name=k->next->names[1])' \
		'uretprobe:ph-load:ph_load_kinds(end=retval,x32(retval))' 'uretprobe:ph-load:ph_load_result(tag=retval->tag,state=retval->state)' \
		'uprobe:ph-load:ph_load_far(far=text)' 'uretprobe:ph-load:ph_load_far' \
		'uprobe:ph-load:ph_load_view(view,views=*views,bytes=str(bytes,n),part=buf(bytes,n))' \
		'uretprobe:ph-load:ph_load_view(out=str(arg4,retval),got=buf(arg4,retval),r=retval)' 'uprobe:ph-load:ph_load_target(raw=buf(o,u8(eight)))'
	call "$PID"
	record_end
	said=$(grep -h '^{' "$PH_WORK/$PH_FILE-in.log" | jq -sc add)
	[ "$(jq -r keys[] <<<"$said" | wc -l)" = 18 ]
	[ "$(jq -s '[.[] | with_entries(select(.value != null))] | reverse | add' "$T.json" | jq -c --argjson said "$said" 'with_entries(select($said[.key] != null))')" = "$said" ] ||
		flunk "$(cat "$T.json")"
	[ "$(of ph_load_kinds 'map(select(.end)) | map("\(.end) \(.retval)") | join(",")')" = '"PROBE_GONE 4294967294"' ]
	[ "$(of ph_load_result 'map("\(.tag) \(.state)") | join(",")')" = '"wxyz PROBE_GONE"' ]
	of ph_load_view 'map([.view, .views, .bytes, .out, .r] | map(select(. != null)))' | jq -e '.[2:] == [["", "", ""], ["", -1]]' >/dev/null ||
		flunk "$(grep ph_load_view "$T.json")" || return
	# Bytes, whatever they are; of a length below 0 none.
	[ "$(jq -r 'select(.raw or .part != null or .got != null) | "\(.part) \(.got) \(.raw)"' "$T.json")" = \
		"$(printf '%s\n' 'null null '{,,}'\x00\x10\x00\x00\xf9\xff\xff\xff' 'two three null null' 'null two th null' ' null null' 'null  null')" ] ||
		flunk "$(grep -E 'raw|part|got' "$T.json")" || return
	[ "$(events "$T" -e probe_hit | jq -sr 'map(.fields.buffer | select(. != "")) | join(" ")')" = \
		"00100000f9ffffff 00100000f9ffffff 00100000f9ffffff 74776f207468726565 74776f207468" ]
	[ "$(porthole probe -r "$T" --if 'raw ~ "*x10*"' --count -o csv --no-header | tr -d '\r')" = ph_load_target,3 ]
	of ph_load_far "map(.far) == [$text, null]" | grep -qx true
	[ "$(porthole probe -r "$T" --if 'low == 3' --count --by function -o csv --no-header | tr -d '\r')" = ph_load_kinds,1 ]
	[ "$(porthole probe -r "$T" --if 'ratio < -3.7 && share > 1.4' --count --by function -o csv --no-header | tr -d '\r')" = ph_load_kinds,1 ]
	[ "$(porthole probe -r "$T" --if 'end == PROBE_GONE' --count --by function -o csv --no-header | tr -d '\r')" = ph_load_kinds,1 ]
}

# On the host only: it takes compilers.
@test "static programs, and a stripped one by address" {
	local kind address
	bats_require_minimum_version 1.5.0
	cat >"$T.c" <<-'END'
		#include <stdio.h>
		int value(int n, const char *text);
		__attribute__((noinline, noclone)) int value(int n, const char *text)
		{
			asm volatile("" ::"r"(text) : "memory");
			return n * 3;
		}
		int main(void)
		{
			int sum = 0;
			for (int i = 0; i < 7; i++)
				sum += value(i, i % 2 ? "odd" : "even");
			printf("sum=%d\n", sum);
			return 0;
		}
	END
	for kind in -no-pie -static-pie -static; do
		gcc -O1 "$kind" -o "$T-app" "$T.c"
		porthole probe "uretprobe:$T-app:value(n=s32(arg1),text=str(arg2),r=s32(retval))" -o json -- "$T-app" >"$T.json"
		[ "$(grep '^sum=' "$T.json")" = sum=63 ]
		grep '^{' "$T.json" | jq -se 'map(.n) == [range(7)] and all(.r == 3 * .n and .text == ["even", "odd"][.n % 2] and .duration_ns > 0)' >/dev/null ||
			flunk "$kind: $(cat "$T.json")"
	done
	# No names are left; a container has it, and a neighbour.
	address=0x$(nm "$T-app" | awk '$3 == "value" { print $1 }')
	strip -s "$T-app"
	fails "is stripped" "uprobe:$T-app:value"
	launch in --bind "$T-app:/bin/app" -- sh -c 'while [ ! -e /go ]; do sleep 0.1; done; app; sleep 60'
	launch out --bind "$T-app:/bin/app" -- sh -c 'while sleep 0.1; do app; done'
	porthole probe -c "$PH_FILE-in" "uprobe:/bin/app:$address(n=s32(arg1))" -w "$T" -o json >"$T.json" 2>"$T.said" 3>&- &
	RECORDER=$!
	wait_for 20 recording "$T" || flunk "$(cat "$T.said")"
	touch "/proc/$(ph-launch --list | awk -v n="$PH_FILE-in" '$1 == n { print $2 }')/root/go"
	wait_for 20 grep -q '"n":6' "$T.json"
	record_end
	jq -se --arg a "$address" --arg c "$PH_FILE-in" 'map(.n) == [range(7)] and all(.container == $c and .comm == "app" and .function != null)' "$T.json" >/dev/null
}

# On the host only: it takes compilers.
@test "functions as their author knows them: of C++, put into others, chosen when the program starts, remade" {
	bats_require_minimum_version 1.5.0
	cat >"$T.cc" <<-'END'
		#include <cstdio>
		#include <cstring>
		#define OUTSIDE __attribute__((noinline, noclone))
		namespace shop {
		struct Item { int id; int operator<(const Item &o) const; };
		OUTSIDE int Item::operator<(const Item &o) const { asm volatile("" ::: "memory"); return id < o.id; }
		OUTSIDE int over(int a) { asm volatile("" ::: "memory"); return a; }
		OUTSIDE int over(const char *s, const int &n) { asm volatile("" ::: "memory"); return *s + n; }
		template <class T> OUTSIDE T twice(T x) { asm volatile("" ::: "memory"); return x + x; }
		static inline __attribute__((always_inline)) int within(int x) { asm volatile("nop" ::: "memory"); return x * 3; }
		static __attribute__((noinline)) int remade(int a, int dead, int b) { asm volatile("" ::: "memory"); return a * b; }
		}
		int main(int argc, char **argv)
		{
			static char from[5000], to[5000];
			void *(*volatile copy)(void *, const void *, size_t) = memcpy;
			shop::Item a = { 3 }, b = { 5 };
			for (volatile int i = 0; i < 3; i = i + 1) {
				shop::over(i);
				shop::over("text", 7 + i);
				shop::twice(i + 0);
				shop::twice(i + 0L);
				copy(to, from, 4000 + i);
				printf("%d\n", (a < b) + shop::within(i) + shop::remade(i, 9, 11 - i));
			}
		}
	END
	g++ -O2 -g -o "$T-app" "$T.cc"
	porthole probe "uprobe:$T-app:shop::over(char const*, int const&)" "uprobe:$T-app:shop::over(s,n)" "uprobe:$T-app:shop::twice" \
		"uprobe:$T-app:shop::twice<long>(x)" "uprobe:$T-app:shop::Item::operator<(this->id,other=o->id)" "uprobe:$T-app:shop::within" \
		"uprobe:$T-app:shop::within(x)" \
		"uprobe:$T-app:shop::remade*(a,b)" 'uprobe:libc.so.6:memcpy@@GLIBC_2.14(size=arg3)' -o json \
		-- "$T-app" 2>"$T.said" | grep '^{' >"$T.json"
	jq -sce 'map(select(.size == null or (.size >= 4000 and .size < 4010))) | group_by(.asked | sub(".*-app:"; "")) | map([(.[0].asked | sub(".*-app:"; "")), (map(.function | sub(" \\[clone.*"; "")) | unique | join(",")),
		(map([.s, .n, .x, .this_id, .other, .a, .b, .size] | map(select(. != null)) | join(" ")) | join(",")), length])[]' "$T.json" >"$T.is"
	diff - "$T.is" <<-'END' || flunk "$(cat "$T.said")"
		["shop::Item::operator<(this->id,other=o->id)","shop::Item::operator<(shop::Item const&) const","3 5,3 5,3 5",3]
		["shop::over(char const*, int const&)","shop::over(char const*, int const&)",",,",3]
		["shop::over(s,n)","shop::over(char const*, int const&)","text 7,text 8,text 9",3]
		["shop::remade*(a,b)","shop::remade(int, int, int)","0 11,1 10,2 9",3]
		["shop::twice","int shop::twice<int>(int),long shop::twice<long>(long)",",,,,,",6]
		["shop::twice<long>(x)","long shop::twice<long>(long)","0,1,2",3]
		["shop::within","shop::within in main",",,",3]
		["shop::within(x)","shop::within in main","0,1,2",3]
		["uprobe:libc.so.6:memcpy@@GLIBC_2.14(size=arg3)","memcpy","4000,4001,4002",3]
	END
	fails "did you mean 'shop::over'?" "uprobe:$T-app:over"
	fails "the compiler has put the function into its callers" "uprobe:$T-app:shop::within(arg1)"
	fails "from where it does not return" "uretprobe:$T-app:shop::within"
}

# On the host only: it takes a compiler.
@test "what the kernel would run wrongly is not probed, and programs go on as they were" {
	bats_require_minimum_version 1.5.0
	[ "$(uname -m)" = x86_64 ] && grep -qw avx /proc/cpuinfo || skip "instructions of AVX are x86_64's"
	cat >"$T.c" <<-'END'
		int sum(int a, int b);
		int sum_plain(int a, int b);
		asm(".globl sum, sum_plain\n.type sum, @function\n.type sum_plain, @function\n"
		    "sum: vpor %xmm0, %xmm1, %xmm2\nvmovd %xmm2, %eax\nadd %esi, %eax\nret\n.size sum, . - sum\n"
		    "sum_plain: lea (%rdi,%rsi), %eax\nret\n.size sum_plain, . - sum_plain\n");
		int main(void)
		{
			for (int i = 0; i < 100; i++) {
				asm volatile("vmovd %0, %%xmm0\nvpxor %%xmm1, %%xmm1, %%xmm1\nvpxor %%xmm2, %%xmm2, %%xmm2" :: "r"(i) : "xmm0", "xmm1", "xmm2");
				if (sum(i, 1) != i + 1 || sum_plain(i, 2) != i + 2)
					return 1;
			}
			return 0;
		}
	END
	gcc -O1 -o "$T-app" "$T.c"
	"$T-app"
	porthole probe "uprobe:$T-app:sum*(arg1)" -o json -- "$T-app" 2>"$T.said" >"$T.json" || flunk "$(cat "$T.said")"
	[ "$(jq -r .function "$T.json" | sort | uniq -c | xargs)" = "100 sum_plain" ] || flunk "$(cat "$T.json" "$T.said")"
	grep -qF "functions are not probed that begin with an instruction of AVX which the kernel takes for another one: sum" "$T.said" || flunk "$(cat "$T.said")"
	fails "takes the instruction of AVX that sum begins with for another one" "uprobe:$T-app:sum"
	fails "takes the instruction of AVX that sum begins with for another one" "uretprobe:$T-app:sum"
}

# On the host only: it takes a compiler. A kernel's own return address would be the end of the program at the first exception.
@test "exceptions and longjmp leave functions whose returns are probed, and the program lives" {
	bats_require_minimum_version 1.5.0
	cat >"$T.cc" <<-'END'
		#include <csetjmp>
		#include <cstdio>
		#include <stdexcept>
		#include <thread>
		#define OUTSIDE extern "C" __attribute__((noinline, noclone))
		static jmp_buf to;
		OUTSIDE int jumps(int n) { asm volatile("" ::: "memory"); if (n % 2) longjmp(to, 1); return n; }
		OUTSIDE int throws(int n) { asm volatile("" ::: "memory"); if (n % 2) throw std::runtime_error("odd"); return n; }
		OUTSIDE int catches(int n) { asm volatile("" ::: "memory"); try { return throws(n); } catch (...) { return -n; } }
		OUTSIDE int goes_on(int n) { asm volatile("" ::: "memory"); return catches(n + 1); }
		int main()
		{
			for (volatile int i = 0; i < 20; i = i + 1)
				if (!setjmp(to))
					jumps(i);
			std::thread a([] { for (int i = 0; i < 20; i++) catches(i); });
			for (int i = 20; i < 40; i++)
				catches(i);
			a.join();
			goes_on(0);
			puts("end");
		}
	END
	g++ -O2 -g -pthread -o "$T-app" "$T.cc"
	porthole probe "uretprobe:$T-app:jumps(n,retval)" "uretprobe:$T-app:throws(n,retval)" "uretprobe:$T-app:catches(n,retval)" \
		-o json -- "$T-app" >"$T.json"
	grep -qx end "$T.json"
	grep '^{' "$T.json" | jq -se 'all(.duration_ns > 0) and
		(map(select(.function == "jumps") | .n) == [range(20) | select(. % 2 == 0)]) and
		(map(select(.function == "throws") | .n) | sort) == [range(40) | select(. % 2 == 0)] and
		(map(select(.function == "catches") | .n) | sort) == ([range(40)] + [1] | sort) and
		(map(select(.function == "catches")) | all(.retval == if .n % 2 == 0 then .n else -.n end))' >/dev/null || flunk "$(cat "$T.json")"
	fails "it may leave by a jump into another function" "uretprobe:$T-app:goes_on"
	porthole probe "uprobe:$T-app:goes_on" --count -o csv --no-header -- "$T-app" | tr -d '\r' | grep -qx goes_on,1
}

# On the host only: it takes Go's compiler.
@test "Go: arguments, results and times of each call, of goroutines whose stacks are moved" {
	local name by_name
	bats_require_minimum_version 1.5.0
	need go
	GOCACHE=$T-cache GOFLAGS=-mod=mod go build -o "$T-go" "$(dirname "$BATS_TEST_FILENAME")/probe.go"
	GOCACHE=$T-cache go build -ldflags=-s -o "$T-stripped" "$(dirname "$BATS_TEST_FILENAME")/probe.go"
	# By the names of the source, where there is debug information: strings and slices of bytes as long as they are.
	by_name=('uprobe:app:main.kinds(name=r.name,id=r.id,tags=r.tags)' 'uprobe:app:main.kinds(pname=p->name,second=pair[1],b,c,last)'
		'uretprobe:app:main.kinds(r=retval)' 'uretprobe:app:main.work(n,s,small,retval)')
	for name in go stripped; do
		rm -rf "$T"
		launch in --bind "$T-$name:/bin/app" -- app
		wait_for 20 grep -qs ready=1 "$PH_WORK/$PH_FILE-in.log"
		begin 'uretprobe:app:main.work(arg1,arg4,retval)' 'uretprobe:app:main.deep(arg1)' 'uretprobe:app:main.fails' \
			'uretprobe:app:main.inner(arg1)' "${by_name[@]}"
		call "$PID"
		record_end
		# It lives through what a uretprobe would have been its end of.
		grep -q done=1 "$PH_WORK/$PH_FILE-in.log"
		jq -se 'all(.duration_ns > 0 or .kind == "uprobe") and (map(select(.function == "main.work" and .arg4)) | length == 1000 and
			(map(.arg1) | sort) == ([range(20) as $g | range(50) | $g * 100 + .] | sort) and
			all(if .arg1 % 2 == 0 then .retval == -.arg1 else .retval == 2 * .arg1 and .duration_ns >= 1000000 end))' "$T.json" >/dev/null ||
			flunk "$(head -n 20 "$T.json")"
		if [ $name = go ]; then
			jq -sce 'map(select(.function == "main.kinds") | [.name, .id, .tags, .pname, .second, .b, .c, .last, .r] | map(select(. != null))) | sort' "$T.json" |
				grep -qxF '[["pointed at",-12,2,3,"the last"],["some name",-3,"tags"],["the laspt"]]' || flunk "$(grep kinds "$T.json")" || return
			jq -se 'map(select(.function == "main.work" and .s)) | length == 1000 and all(.s == "text" and .small <= 0 and
				.retval == if .n % 2 == 0 then -.n else 2 * .n end)' "$T.json" >/dev/null
			fails "'ratio' is in a register for floating-point numbers" "uprobe:$T-go:main.kinds(ratio)"
			fails "it has no argument 'q', did you mean 'r'?; it has r, ratio, p, pair, a, b, c, last" "uprobe:$T-go:main.kinds(q)"
			by_name=()
		fi
		# 20 goroutines, each a thousand deep; of two calls, the outer one takes longer.
		jq -se 'map(select(.function == "main.deep")) | group_by(.arg1) | length == 1001 and all(length == 20) and
			(map(map(.duration_ns) | sort) | [.[0], .[500], .[1000]] | transpose | all(.[0] < .[1] and .[1] < .[2]))' "$T.json" >/dev/null
		# A panic returns nowhere, and does no harm to the next call.
		jq -se '[(map(select(.function == "main.fails")) | length), (map(select(.function == "main.inner")) | length, (map(.arg1) | add))] ==
			[20, 21, 0]' "$T.json" >/dev/null
		launch_stop
	done
}

# fails TEXT PROBE...: it says so, and nothing runs on.
fails() {
	local text=$1
	shift
	run ! porthole probe "$@" -- true
	[[ $output == *"$text"* ]] || flunk "$output"
}

# On the host only: nothing is recorded.
@test "what cannot be probed is told, with the nearest name" {
	bats_require_minimum_version 1.5.0
	fails "has no function 'ph_load_tarket'; did you mean 'ph_load_target'?" "uprobe:$PORTHOLE_BUILD/ph-load:ph_load_tarket"
	fails "it has no argument 'txt', did you mean 'text'?" "uprobe:$PORTHOLE_BUILD/ph-load:ph_load_target(txt)"
	fails "'probe_object' has no member 'sise'" "uprobe:$PORTHOLE_BUILD/ph-load:ph_load_target(o->sise)"
	fails "has no USDT probe 'tock'; did you mean 'tick'?" "usdt:$PORTHOLE_BUILD/ph-load:ph_load:tock"
	fails "none of those who are selected has a file /no/such" uprobe:/no/such:f
	fails "no process of those who are selected has libk.so.6" uprobe:libk.so.6:f
	fails "has nothing at that address" uprobe:libc.so.6:0xffffffffff
	fails "functions of the vdso are in no file" uprobe:linux-vdso.so.1:clock_gettime
	fails "is no program or library" uprobe:/etc/passwd:f
	fails "did you mean 'sched_switch'?" tracepoint:sched:sched_swich
	fails "it has no field 'pref_pid', did you mean 'prev_pid'?" 'tracepoint:sched:sched_switch(pref_pid)'
	[ -e /sys/bus/event_source/devices/kprobe ] || {
		fails "without kprobes (CONFIG_KPROBES)" fentry:vfs_read
		run ! porthole probes kprobe:vfs_
		[[ $output == *"without kprobes (CONFIG_KPROBES)"* ]] || flunk "$output"
	}
	fails "what is to be probed?"
	# Who may not look is not told that there is nothing, nor is who has mistaken the name.
	launch in -- sleep 60
	run setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all porthole probe -c "$PH_FILE-in" -d 1s uprobe:libc.so.6:malloc
	[[ $output == *"may not be looked at: run as root"* ]] || flunk "$output"
	run setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all porthole probes tracepoint:sched:
	[[ $output == *"may not be read: run as root"* ]] || flunk "$output"
	run porthole probes -c "$PH_FILE-ni"
	[[ $output == *"did you mean '$PH_FILE-in'?"* ]] || flunk "$output"
	PATH=/nonexistent run "$PORTHOLE_BUILD/porthole" bpftrace -c "$PH_FILE-in" -e 'BEGIN { exit(); }'
	[[ $output == *"bpftrace is not installed on this machine"* ]] || flunk "$output"
}

@test "a tracepoint of the kernel: its fields, of a container alone" {
	local c
	for c in in out; do
		mkdir "$T-$c"
		mkfifo "$T-$c/go"
		launch "$c" --bind "$T-$c:/go:rw" -- sh -c 'read -r _ </go/go; for i in 1 2 3; do /bin/true; done'
		eval "$c=$PID"
	done
	begin 'tracepoint:sched:sched_process_exec(filename)'
	for c in out in; do echo >"$T-$c/go"; done
	for c in "$in" "$out"; do wait_for 60 ended "$c"; done
	record_end
	[ "$(jq -r '"\(.container) \(.filename)"' "$T.json" | sort | uniq -c | tr -s ' ')" = " 3 $PH_FILE-in /bin/true" ] || flunk "$(head "$T.json")"
}

# Functions of the kernel, by the names that it has of their arguments. In the machine, mostly: there are kernels without kprobes.
@test "functions of the kernel: names, texts of programs and its own, results and times, of a container alone" {
	[ -e /sys/bus/event_source/devices/kprobe ] || skip "this kernel was built without kprobes"
	local c n=10
	for c in in out; do
		mkdir "$T-$c"
		mkfifo "$T-$c/go"
		launch "$c" --bind "$T-$c:/go:rw" -- sh -c 'read -r _ </go/go; for i in 0 1 2 3 4 5 6 7 8 9; do
			true </known-$i; printf 12345 >/go/written-$i; done 2>/dev/null; echo ended'
		eval "$c=$PID"
	done
	begin 'kretprobe:do_sys_openat2(dfd,filename,flags=how->flags,retval)' 'kprobe:vfs_write(count,name=file->f_path.dentry->d_name.name,head=str(buf,count))' \
		'fexit:vfs_write'
	for c in out in; do echo >"$T-$c/go"; done
	for c in "$in" "$out"; do wait_for 60 ended "$c"; done
	record_end
	[ "$(jq -r .container "$T.json" | sort -u)" = "$PH_FILE-in" ] || flunk "$(head "$T.json")" || return
	jq -se "map(select(.function == \"do_sys_openat2\" and (.filename | startswith(\"/known-\")))) | length == $n and
		([range($n) | \"/known-\(.)\"] == map(.filename)) and all(.retval == -2 and .dfd == -100 and .duration_ns > 0)" "$T.json" >/dev/null ||
		flunk "$(grep openat2 "$T.json" | tail -n 5)" || return
	jq -se "map(select(.function == \"vfs_write\" and .name and (.name | startswith(\"written-\")))) | length == $n and
		([range($n) | \"written-\(.)\"] == map(.name)) and all(.count == 5 and .head == \"12345\")" "$T.json" >/dev/null ||
		flunk "$(grep vfs_write "$T.json" | tail -n 5)" || return
	# By its type.
	jq -se "map(select(.function == \"vfs_write\" and .retval)) | map(select(.retval == 5 and .duration_ns > 0)) | length == $n" "$T.json" >/dev/null ||
		flunk "$(grep vfs_write "$T.json" | tail -n 5)" || return
	[ "$(porthole probe -r "$T" --if 'retval == -2 && !(flags & 64)' --count -o csv --no-header | tr -d '\r')" = "do_sys_openat2,$n" ]
	porthole probe -r "$T" --hist duration_ns --by function --if 'function == vfs_write && retval == 5' -o json | jq -se "map(.count) | add == $n" >/dev/null
	fails "it has no argument 'coutn', did you mean 'count'?; it has file, buf, count, pos" 'kprobe:vfs_write(coutn)'
	fails "'file' has no member 'f_mood'" 'kprobe:vfs_write(file->f_mood)'
	fails "this kernel has no function 'vfs_wrote'; did you mean 'vfs_write'?" kprobe:vfs_wrote
	porthole probes kprobe:vfs_writ -o csv --no-header --fields probe | tr -d '\r' | grep -qx kprobe:vfs_write
}

# On the host only: lists and programs of another tracer, which that kernel has no part in.
@test "what can be probed is listed, and bpftrace's programs see the container alone" {
	local in out
	need bpftrace
	target in 20
	in=$PID
	target out 20
	out=$PID
	porthole probes -c "$PH_FILE-in" -o json ph_load_ >"$T.json"
	[ "$(grep '"uprobe"' "$T.json" | jq -r .probe | sort | tr '\n' ' ')" = \
		"$(printf 'uprobe:/bin/ph-load:ph_load_%s ' far kinds recurse result target view)" ]
	# As readelf shows it.
	[ "$(porthole probes -c "$PH_FILE-in" 'usdt:*' -o json | jq -r '"\(.function) \(.args)"')" = \
		"ph_load:tick $(readelf -n "$PORTHOLE_BUILD/ph-load" | sed -n 's/^ *Arguments: //p')" ]
	porthole probes tracepoint:sched:sched_switch -o csv --no-header --fields probe | tr -d '\r' | grep -qx tracepoint:sched:sched_switch
	porthole bpftrace -c "$PH_FILE-in" -e 'BEGIN { printf("begun\n"); } uprobe:/bin/ph-load:ph_load_target /arg0 >= 10/ {
		printf("%s %d %d %s\n", $container_name, pid == $container_pid, arg0, str(arg1)); }
		uretprobe:ph-load:ph_load_recurse /retval == 6/ { exit(); }' >"$T.bt" 2>"$T.said" 3>&- &
	RECORDER=$!
	wait_for 60 grep -q begun "$T.bt" || flunk "$(cat "$T.said")"
	# The neighbour comes first: its calls are not seen, and its last return ends nothing.
	call "$out"
	call "$in"
	wait_for 20 ended "$RECORDER"
	grep -c "^$PH_FILE-in 1 1[0-9] call [0-9]$" "$T.bt" | grep -qx 10 || flunk "$(cat "$T.bt")"
	[ "$(grep -c call "$T.bt")" = 10 ]
	# With the last container the program ends, and prints what it has; its exit code is bpftrace's.
	target in 7
	in=$PID
	porthole bpftrace -c "$PH_FILE-in" -e 'BEGIN { printf("begun\n"); } uprobe:/bin/ph-load:ph_load_target { @n = count(); }
		tracepoint:syscalls:sys_enter_write { @buf[tid] = args->buf; } tracepoint:syscalls:sys_exit_write /@buf[tid]/ { @written = sum(args->ret); }' >"$T.bt" 2>"$T.said" 3>&- &
	RECORDER=$!
	wait_for 60 grep -q begun "$T.bt" || flunk "$(cat "$T.said")"
	call "$in"
	wait_for 20 ended "$RECORDER"
	wait "$RECORDER" || flunk "$?" "$(cat "$T.bt" "$T.said")" || return
	grep -qx '@n: 7' "$T.bt" || flunk "$(cat "$T.bt" "$T.said")" || return
	# A predicate that is an address.
	grep -qx '@written: [1-9][0-9]*' "$T.bt" || flunk "$(cat "$T.bt" "$T.said")"
	grep -q "$PH_FILE-in has ended" "$T.said"
}
