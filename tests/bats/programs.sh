#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Real programs at work, each for a moment, in DIR. Those that are not installed are left out; the others are named on
# the standard output, one a line, once they have done what they were asked for.
#
#	programs.sh DIR
# shellcheck disable=SC2016  # programs in quotes are for others
export LC_ALL=C HOME=$1 TMPDIR=$1 PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONDONTWRITEBYTECODE=1
cd "$1" || exit
exec 2>"$1/errors"

# try PROGRAM [ARGUMENT...]
try() {
	command -v "$1" >/dev/null && "$@" >out </dev/null && echo "$1"
}

# until_there FILE: what a program that goes on has made.
until_there() {
	local end=$((SECONDS + 20))
	while [ ! -e "$1" ] && [ $SECONDS -lt $end ]; do sleep 0.05; done
}

mkdir -p tree/a/b
echo text >tree/a/b/file
printf '#include <stdio.h>\nint main(void)\n{\n\treturn printf("hello\\n") != 6;\n}\n' >hello.c
printf 'hello: hello.c\n\tgcc -O1 -o $@ $<\n' >Makefile

try bash -c 'trap : USR1; kill -USR1 $$; cat <(echo one) | (read -r x; echo $x); umask; ulimit -n'
try dash -c 'ls / | while read -r l; do echo "$l"; done; sleep 0.01 & wait'
try ls -lR tree
try cp -a tree copy
try find tree -type f -newer Makefile -o -type f -exec cat {} +
try grep -r text tree
try diff -r tree copy
try sed -i s/text/other/ copy/a/b/file
try awk 'BEGIN { while (("ls" | getline name) > 0) n++; print n; system("true") }'
try make
[ ! -x hello ] || echo gcc
try tar czf tree.tgz tree
try gzip -k hello.c
try git init -q repository
try git -C repository -c user.name=a -c user.email=a@b commit -q --allow-empty -m one
try perl -e 'use File::Copy; copy("hello.c", "copy.c"); print `id -u`; alarm 9; select(undef, undef, undef, 0.01)'
try python3 -c '
import socket, subprocess, tempfile, threading
threads = [threading.Thread(target=sum, args=(range(1000),)) for _ in range(2)]
[t.start() for t in threads]
[t.join() for t in threads]
subprocess.run(["true"])
a, b = socket.socketpair()
a.sendmsg([b"x", b"y"])
b.recvmsg(10)
with tempfile.TemporaryFile() as f:
    f.write(b"z")'
try dpkg-query -W bash
try apt-cache policy bash
try openssl rand -hex 8
try sqlite3 database 'create table t(a); insert into t values (1), (2); select sum(a) from t;'

if command -v redis-cli >/dev/null; then
	# The server is the same file under another name, and this one is there without the service.
	(exec -a redis-server redis-check-rdb --port 0 --unixsocket redis --save '' --dir "$PWD") >out &
	until_there redis
	try redis-cli -s redis set key value
	redis-cli -s redis shutdown nosave && wait $! && echo redis-server
fi

if command -v nginx >/dev/null; then
	cat >nginx.conf <<-END
		worker_processes 1;
		pid $PWD/nginx.pid;
		events { worker_connections 64; }
		http {
			access_log $PWD/nginx.log;
			client_body_temp_path $PWD/body;
			proxy_temp_path $PWD/proxy;
			fastcgi_temp_path $PWD/fastcgi;
			uwsgi_temp_path $PWD/uwsgi;
			scgi_temp_path $PWD/scgi;
			server { listen 127.0.0.1:8080; root $PWD/tree; }
		}
	END
	nginx -c "$PWD/nginx.conf" -e "$PWD/nginx.err" -g 'daemon off;' >out &
	until_there nginx.pid
	try curl -sS http://127.0.0.1:8080/a/b/file
	kill -QUIT $! && wait $! && echo nginx
else
	try curl -sS "file://$PWD/tree/a/b/file"
fi

try node -e 'require("fs").writeFileSync("n", "x"); setTimeout(() => console.log(1), 5)'
