/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "collect/packages.h"
#include "event/schema.h"
#include "symbol/package.h"

/* Which package has the debug symbols of a file, as the lists in its container's root say. */

#define PATH "/usr/bin/app"
#define ID "abcd1234567890"

static char dir[] = "/tmp/test_package.XXXXXX";

/* In the root. */
static void run(const char *cmd)
{
	ph_autofree char *in = ph_asprintf("mkdir -p %s/root && cd %s/root && { %s\n}", dir, dir, cmd);

	if (system(in))
		fail_msg("%s", cmd);
}

static int open_root(const char *below)
{
	ph_autofree char *path = ph_asprintf("%s/root%s", dir, below);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int root(void)
{
	return open_root("");
}

static int other_root(void)
{
	return open_root("/other");
}

static void is(const char *path, const char *build_id, const char *distribution, const char *install)
{
	ph_autoclose int fd = root();
	struct ph_symbol_wanted w = { .path = path, .build_id = build_id };

	ph_symbol_packages(fd, &w, 1);
	assert_string_equal(w.found.distribution, distribution);
	assert_string_equal(w.found.install, install);
	assert_int_equal(ph_symbol_installs(install), install[0] != 0);
	ph_symbol_package_done(&w.found);
}

static void release(const char *text)
{
	ph_autofree char *cmd = ph_asprintf("mkdir -p etc usr/lib; cat > usr/lib/os-release <<'END'\n%sEND\n"
					    "ln -sf ../usr/lib/os-release etc/os-release", text);

	run(cmd);
}

static void dpkg(const char *cmd)
{
	ph_autofree char *all = ph_asprintf("rm -rf var/lib/dpkg; mkdir -p var/lib/dpkg/info; cd var/lib/dpkg/info; %s", cmd);

	run(all);
}

static void test_debian(void **state)
{
	(void)state;
	release("PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=\"12\"\nID=debian\n");
	is(PATH, ID, "debian 12", "");
	/* One that has a longer path, one behind another, what cannot be read, and the one that is meant, from before /usr was merged. */
	dpkg("printf '/.\\n/usr/bin/apple\\n' > zoo.list; printf '/usr/bin/my/usr/bin/app\\n' > two.list; mkfifo pipe.list;"
	     "ln -s /dev/zero zero.list; mkdir dir.list; printf '/usr\\n/bin/app\\n' > shop:amd64.list");
	is(PATH, ID, "debian 12", "apt install shop-dbgsym");
	is("/bin/app", "", "debian 12", "apt install shop-dbgsym");
	is("/usr/bin/ap", "", "debian 12", "");
	is("app", "", "debian 12", "");
	dpkg("printf '/lib/libc.so.6\\n' > libc6:amd64.list");
	is("/usr/lib/libc.so.6", ID, "debian 12", "apt install libc6-dbg");
	release("ID=mint\nID_LIKE='ubuntu debian'\n");
	is("/usr/lib/libc.so.6", ID, "mint", "apt install libc6-dbg");
}

/* By what it is built from, which its debug symbols are called after. */
static void test_alpine(void **state)
{
	(void)state;
	release("ID=alpine\nVERSION_ID=3.20.1\n");
	run("mkdir -p lib/apk/db; printf 'P:other\\nF:usr/bin\\nR:apple\\n\\nP:shop\\nV:1\\nF:usr\\nF:usr/bin\\nR:app\\n\\n"
	    "P:libcrypto3\\no:openssl\\nF:lib\\nR:libcrypto.so.3\\n' > lib/apk/db/installed");
	is(PATH, ID, "alpine 3.20.1", "apk add shop-dbg");
	is("/lib/libcrypto.so.3", ID, "alpine 3.20.1", "apk add openssl-dbg");
	is("/lib/libcrypto.so", ID, "alpine 3.20.1", "");
}

/* By build id: packages of debug symbols say which they have. */
static void test_rpm(void **state)
{
	(void)state;
	release("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n");
	is(PATH, ID, "rocky 9.4", "dnf --enablerepo='*debug*' install /usr/lib/debug/.build-id/ab/cd1234567890.debug");
	is(PATH, "", "rocky 9.4", "");
	release("ID=opensuse-leap\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"\n");
	is(PATH, ID, "opensuse-leap 15.6", "zypper install -C 'debuginfo(build-id)=" ID "'");
	release("ID=arch\n");
	is(PATH, ID, "arch", "");
}

/* Whoever ships the image writes the lists: nothing of them is to be run by who copies a command. */
static void test_hostile(void **state)
{
	(void)state;
	run("rm -rf etc usr/lib/os-release");
	is(PATH, ID, "", "");
	run("mkdir etc; mkfifo etc/os-release");
	is(PATH, ID, "", "");
	run("rm etc/os-release; ln -s ../../../../../../../../etc/os-release etc/os-release");
	is(PATH, ID, "", "");
	run("rm etc/os-release");
	release("ID=debian\nVERSION_ID=$(reboot)\n");
	dpkg("printf '" PATH "\\n' > 'x;reboot.list'");
	is(PATH, ID, "debian", "");
	dpkg("printf '" PATH "\\n' > '-oDebug::NoLocking.list'");
	is(PATH, ID, "debian", "");
	dpkg("printf '" PATH "\\n' > '.list'");
	is(PATH, ID, "debian", "");
	/* A list that is too long is none; the others are read. */
	dpkg("truncate -s 10G huge.list; printf '" PATH "\\n' > shop.list");
	is(PATH, ID, "debian", "apt install shop-dbgsym");
	/* Out of the root by a link: /etc/passwd is there on the host alone. */
	dpkg("ln -s /../../../../../etc/passwd a.list; ln -s ../../../../../../../../etc b.list");
	is("root:x:0:0:root:/root:/bin/bash", ID, "debian", "");
	run("rm -rf var/lib/dpkg; ln -s /../../../../../../var/lib/dpkg var/lib/dpkg");
	is("/bin/sh", ID, "debian", "");
	release("ID=alpine\n");
	run("printf 'F:usr/bin\\nR:app\\nP:$(reboot)\\nF:usr/bin\\nR:app\\n' > lib/apk/db/installed");
	is(PATH, ID, "alpine", "");
	run("truncate -s 1G lib/apk/db/installed");
	is(PATH, ID, "alpine", "");
}

/* Several at once: of one package, of two, of none. */
static void test_several(void **state)
{
	struct ph_symbol_wanted w[] = { { "/none", "" }, { PATH, ID }, { "/lib/two.so", "" }, { "/usr/lib/one.so", ID } };
	static const char *const install[] = { "", "apt install shop-dbgsym", "apt install two-dbgsym", "apt install shop-dbgsym" };
	ph_autoclose int fd = root();

	(void)state;
	release("ID=debian\nVERSION_ID=12\n");
	run("rm -rf var/lib/dpkg");
	dpkg("printf '" PATH "\n/lib/one.so\n' > shop.list; printf '/lib/two.so\n' > two.list; printf '/lib/three.so\n' > three.list");
	ph_symbol_packages(fd, w, PH_ARRAY_SIZE(w));
	for (size_t i = 0; i < PH_ARRAY_SIZE(w); i++) {
		assert_string_equal(w[i].found.install, install[i]);
		assert_string_equal(w[i].found.distribution, "debian 12");
		ph_symbol_package_done(&w[i].found);
	}
}

/* Beside who asks, each is answered once; of several roots and owners, what is asked of one is found in that. */
static void test_thread(void **state)
{
	struct ph_packages *p = ph_packages_new();
	struct ph_symbol_package found;
	unsigned int seen = 0;
	uint32_t file;

	(void)state;
	release("ID=debian\n");
	run("rm -rf var/lib/dpkg");
	dpkg("printf '" PATH "\\n' > shop.list");
	assert_false(ph_packages_next(p, &file, &found));
	run("mkdir -p other/etc other/var/lib/dpkg/info; echo ID=debian > other/etc/os-release; echo " PATH " > other/var/lib/dpkg/info/other.list");
	for (uint32_t i = 1; i <= 3; i++)
		ph_packages_ask(p, i, 7, root(), i == 2 ? "/none" : PATH, ID);
	ph_packages_ask(p, 4, 7, other_root(), PATH, ID);
	ph_packages_ask(p, 5, 8, other_root(), PATH, ID);
	ph_packages_ask(p, 6, 7, root(), PATH, ID);
	/* The host's are looked for after 10 s, unless somebody waits. */
	ph_packages_ask(p, 7, PH_CONTAINER_HOST, root(), PATH, ID);
	ph_packages_wait(p, 9 * PH_NSEC);
	while (ph_packages_next(p, &file, &found)) {
		assert_string_equal(found.install, file == 2 ? "" : file == 4 || file == 5 ? "apt install other-dbgsym" : "apt install shop-dbgsym");
		seen |= 1u << file;
		ph_symbol_package_done(&found);
	}
	assert_int_equal(seen, 0xfe);
	/* It ends with questions under way, or none. */
	for (uint32_t i = 1; i <= 3; i++)
		ph_packages_ask(p, i, 7, root(), PATH, ID);
	ph_packages_free(p);
	ph_packages_free(ph_packages_new());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debian), cmocka_unit_test(test_alpine), cmocka_unit_test(test_rpm), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_several), cmocka_unit_test(test_thread),
	};
	ph_autofree char *rm = NULL;
	int r;

	if (!mkdtemp(dir))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	rm = ph_asprintf("rm -rf %s", dir);
	return system(rm) || r;
}
