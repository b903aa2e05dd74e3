#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Servers, compilers and package managers that have nothing to complain of, each in a container of its
# own with Docker's capabilities: `porthole why denied` must tell no cause of them. By hand, as root:
# Debian's packages come from its mirror. TAP on stdout; what was told of a load is below its line.
#
#	tests/healthy.sh DIR [NAME...]
#
# DIR is the root file system of the containers, made by debootstrap where it is none yet (600 MB).
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${PORTHOLE_BUILD:=$top/build}"
PATH=$PORTHOLE_BUILD:$PATH
[ $# -gt 0 ] || { sed -n '7p' "$0" >&2; exit 2; }
root=$1
shift
only=" $* "

packages=ca-certificates,nginx-light,apache2,redis-server,memcached,postgresql,haproxy,nodejs,gcc,libc6-dev,make
packages+=,python3,git,perl,curl,openssl,sqlite3,openssh-client
[ -e "$root/etc/debian_version" ] ||
	debootstrap --variant=minbase --include=$packages bookworm "$root" http://deb.debian.org/debian >&2
cp /etc/resolv.conf "$root/etc/resolv.conf"
work=$(mktemp -d)
trap 'kill ${recorder:-} 2>/dev/null; rm -rf "$work"' EXIT

names=()
# load NAME SCRIPT: run by the container's bash in an empty directory.
load() {
	local name=$1
	[ "$only" = "  " ] || [[ $only == *" $name "* ]] || return 0
	names+=("$name")
	rm -rf "$root/load"
	mkdir -m 1777 "$root/load"
	printf 'set -e\nexport HOME=/load LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive\ncd /load\n%s\n' "$2" >"$root/load.sh"
	if ! ph-launch --quiet --name "healthy-$name" --rootfs "$root" --share net --caps default --timeout 180s -- \
		bash /load.sh >"$work/$name.log" 2>&1; then
		echo "# $name fails here:"
		tail -5 "$work/$name.log" | sed 's/^/#   /'
	fi
}

porthole record -q -w "$work/trace" -c '*' --wait -e denied,oom_mark_victim 2>"$work/record.log" &
recorder=$!
until [ -s "$work/trace/metadata" ]; do sleep 0.1; done

load apt 'apt-get -q update; apt-get -q -y install --no-install-recommends hello jq; hello; apt-get -q -y purge hello jq libjq1 libonig5'
load dpkg 'dpkg --verify coreutils; dpkg-query -l >list; dpkg -L bash >files; dpkg --audit'
load gcc 'for i in 1 2 3; do echo "int f$i(int x) { return x * $i; }" >f$i.c; done
printf "#include <stdio.h>\nint f1(int); int f2(int); int f3(int);\nint main(void) { printf(\"%%d\\\\n\", f1(f2(f3(7)))); }\n" >m.c
printf "o = m.o f1.o f2.o f3.o\nprogram: \$o\n\t\$(CC) -o \$@ \$o\n" >Makefile
make -j2 CFLAGS="-O2 -g -pipe"; ./program; gcc -static -o s m.c f1.c f2.c f3.c; ./s; make'
load nginx 'mkdir html; head -c 100000 /dev/zero >html/x
printf "events {}\npid /load/pid; error_log /load/e;\nhttp { access_log /load/a; server { listen 18080; root /load/html; } }\n" >conf
nginx -c /load/conf; for i in $(seq 50); do curl -s -o /dev/null http://127.0.0.1:18080/x; done
nginx -c /load/conf -s reload; sleep 1; curl -s -o /dev/null http://127.0.0.1:18080/x; nginx -c /load/conf -s quit; sleep 1'
load apache 'sed -i "s/^Listen 80$/Listen 18081/" /etc/apache2/ports.conf; apachectl start; sleep 1
for i in $(seq 20); do curl -s -o /dev/null http://127.0.0.1:18081/; done; apachectl graceful; sleep 1; apachectl stop; sleep 1'
load redis 'redis-server --port 17000 --daemonize yes --dir /load --appendonly yes; sleep 1
redis-benchmark -p 17000 -n 5000 -q; redis-cli -p 17000 bgsave; redis-cli -p 17000 bgrewriteaof; sleep 1; redis-cli -p 17000 shutdown; sleep 1'
load memcached 'memcached -u nobody -p 17001 -U 0 -d -P /load/pid; sleep 1
for i in $(seq 20); do printf "set k 0 0 1\r\n1\r\nget k\r\nquit\r\n" | curl -s -m 2 telnet://127.0.0.1:17001 >>out; done; kill "$(cat pid)"; sleep 1'
load postgres 'p=$(echo /usr/lib/postgresql/*/bin); mkdir -p db; chown postgres db; as="setpriv --reuid postgres --regid postgres --init-groups"
$as $p/initdb -D db; $as $p/pg_ctl -D db -w -o "-p 17432 -k /tmp" -l db/log start
$as $p/createdb -h /tmp -p 17432 t; $as $p/pgbench -h /tmp -p 17432 -i t; $as $p/pgbench -h /tmp -p 17432 -c 4 -T 5 t
$as $p/psql -h /tmp -p 17432 -c "vacuum analyze" t; $as $p/pg_ctl -D db -w stop'
load haproxy 'printf "defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\nfrontend f\n bind :18082\n http-request return status 200\n" >conf
haproxy -D -f conf -p pid; for i in $(seq 20); do curl -s -o /dev/null http://127.0.0.1:18082/; done; kill "$(cat pid)"; sleep 1'
load node 'printf "const h = require(\"http\"), f = require(\"fs\"), c = require(\"child_process\");
f.writeFileSync(\"x\", \"y\".repeat(1e6));
h.createServer((q, r) => f.createReadStream(\"x\").pipe(r)).listen(18083, async function () {
	for (let i = 0; i < 50; i++) await new Promise(d => h.get(\"http://127.0.0.1:18083/\", r => r.resume().on(\"end\", d)));
	c.execSync(\"ls -l\"); this.close();
});\n" >a.js; node a.js'
load python 'python3 -m venv --without-pip v; v/bin/python -m compileall -q v; v/bin/python -c "
import concurrent.futures, http.server, json, multiprocessing, sqlite3, ssl, subprocess, tempfile, threading, urllib.request
s = http.server.ThreadingHTTPServer((\"127.0.0.1\", 18084), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=s.serve_forever).start()
for i in range(20): urllib.request.urlopen(\"http://127.0.0.1:18084/\").read()
s.shutdown()
print(multiprocessing.Pool(2).map(len, [\"a\", \"bb\"]), tempfile.mkdtemp(), subprocess.run([\"true\"]))
sqlite3.connect(\"db\").execute(\"create table t(a)\")"'
load perl 'perl -MFile::Temp -MPOSIX -MSocket -MIO::Socket::INET -e "print POSIX::strftime(q(%Y), localtime); open(F, q(>), File::Temp::tempdir() . q(/x)); print F q(y);
socket(S, AF_INET, SOCK_STREAM, 0) or die; my \$p = fork; exit unless \$p; waitpid(\$p, 0)"'
load git 'git init -q r; cd r; git config user.name a; git config user.email a@b
for i in $(seq 20); do echo $i >f$i; git add .; git commit -q -m $i; done; git gc -q; git clone -q . ../c; git -C ../c log --oneline; git -C ../c fsck'
load sqlite 'for i in $(seq 20); do echo "insert into t values($i);"; done >in; sqlite3 db "pragma journal_mode=wal; create table t(a)"; sqlite3 db <in; sqlite3 db "vacuum; select count(*) from t"'
load openssl 'openssl genrsa -out k 2048; openssl req -x509 -key k -subj /CN=x -out c; openssl verify -CAfile c c; openssl s_server -accept 18085 -key k -cert c -www & s=$!
sleep 1; curl -sk -o /dev/null https://127.0.0.1:18085/; kill $s; ssh-keygen -q -t ed25519 -N "" -f id; ssh-keygen -lf id'

sleep 0.3
kill -INT $recorder
wait $recorder
recorder=
porthole why denied -r "$work/trace" -o json >"$work/told.json"
bad=0
echo "1..${#names[@]}"
for name in "${names[@]}"; do
	# What the launcher does before it runs the command is not the load's.
	jq -r "select(.container == \"healthy-$name\") | \"#   \(.comm) \(.call) \(.subject) \(.error) \(.cause): \(.why)\"" \
		"$work/told.json" >"$work/told"
	if [ -s "$work/told" ]; then
		echo "not ok - $name"
		cat "$work/told"
		bad=1
	else
		echo "ok - $name"
	fi
done
exit $bad
