/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker: what the daemon keeps on disk; failing that (no root), what it answers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "identity/runtime.h"

#define ANSWER_MAX (64 << 20)

static bool wait_for(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = ph_now_ns();

	return now < deadline_ns && poll(&p, 1, (int)((deadline_ns - now) / 1000000) + 1) == 1;
}

/* All containers as the daemon at @path lists them, or NULL; never longer than the time limit. */
static json_t *ask(struct ph_runtimes *rt, const char *path)
{
	static const char request[] = "GET /containers/json?all=1 HTTP/1.0\r\nHost: docker\r\n\r\n";
	ph_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	uint64_t deadline = ph_now_ns() + rt->timeout_ns;
	ph_autobuf b = { 0 };
	char *body;
	int r;

	/* Through the descriptor, so that a test's root has its own sockets. */
	r = snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", rt->rootfd, path);
	if (fd < 0 || r < 0 || (size_t)r >= sizeof(addr.sun_path))
		return NULL;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
		return NULL;
	for (;;) {
		ssize_t n;

		ph_buf_reserve(&b, 65536);
		n = recv(fd, b.p + b.len, b.cap - b.len - 1, 0);
		if (n == 0)
			break;
		if (n < 0 && (errno != EAGAIN || !wait_for(fd, POLLIN, deadline)))
			return NULL;
		if (n > 0)
			b.len += (size_t)n;
		if (b.len > ANSWER_MAX)
			return NULL;
	}
	if (!b.len)
		return NULL;
	b.p[b.len] = 0;
	if (strncmp(b.p, "HTTP/1.", 7) || !strstr(b.p, " 200 "))
		return NULL;
	body = strstr(b.p, "\r\n\r\n");
	return body ? runtime_parse(body + 4, strlen(body + 4), 0) : NULL;
}

static void ask_daemons(struct ph_runtimes *rt)
{
	if (rt->docker_asked || rt->files_only)
		return;
	rt->docker_asked = true;
	rt->docker_list = json_array();
	for (size_t i = 0; i < rt->docker_sockets.n; i++) {
		json_t *answer = ask(rt, rt->docker_sockets.v[i]), *one;
		size_t k;

		json_array_foreach(answer, k, one) {
			const char *id = runtime_str(one, "Id");

			if (!id)
				continue;
			json_array_append(rt->docker_list, one);
			ph_strmap_put(&rt->docker_api, id, one);
		}
		json_decref(answer);
	}
}

void docker_done(struct ph_runtimes *rt)
{
	ph_strmap_done(&rt->docker_api);
	json_decref(rt->docker_list);
}

static void set_name(struct ph_container *c, const char *name)
{
	runtime_set(&c->name, name && *name == '/' ? name + 1 : name);
}

static void set_labels(struct ph_container *c, json_t *labels)
{
	const char *key;
	json_t *v;

	runtime_kubernetes(c, labels);
	json_object_foreach(labels, key, v)
		if (json_is_string(v))
			runtime_label(c, key, json_string_value(v));
}

bool docker_has(const struct ph_runtimes *rt, const struct ph_container *c)
{
	for (size_t i = 0; i < rt->docker_roots.n; i++) {
		ph_autofree char *path = ph_asprintf("%s/containers/%s", rt->docker_roots.v[i], c->id);

		if (runtime_has(rt->rootfd, path))
			return true;
	}
	return false;
}

static bool from_disk(struct ph_runtimes *rt, struct ph_container *c)
{
	for (size_t i = 0; i < rt->docker_roots.n; i++) {
		ph_autofree char *path = ph_asprintf("%s/containers/%s/config.v2.json",
						     rt->docker_roots.v[i], c->id);
		json_t *j = runtime_json(rt->rootfd, path), *config, *state, *restarts;

		if (!json_is_object(j)) {
			json_decref(j);
			continue;
		}
		config = json_object_get(j, "Config");
		state = json_object_get(j, "State");
		set_labels(c, json_object_get(config, "Labels"));
		restarts = json_object_get(j, "RestartCount");
		if (!c->has_restarts && json_is_integer(restarts)) {
			c->has_restarts = true;
			c->restarts = (uint32_t)json_integer_value(restarts);
		}
		set_name(c, runtime_str(j, "Name"));
		runtime_set(&c->image, runtime_str(config, "Image"));
		if (json_is_true(json_object_get(state, "Paused")))
			runtime_set(&c->state, "paused");
		else if (!json_is_true(json_object_get(state, "Running")))
			runtime_set(&c->state, runtime_str(state, "FinishedAt") &&
				    strncmp(runtime_str(state, "FinishedAt"), "0001", 4) ?
				    "stopped" : "created");
		json_decref(j);
		return true;
	}
	return false;
}

void docker_describe(struct ph_runtimes *rt, struct ph_container *c)
{
	json_t *j;

	if (from_disk(rt, c))
		return;
	ask_daemons(rt);
	j = ph_strmap_get(&rt->docker_api, c->id);
	if (!j)
		return;
	set_labels(c, json_object_get(j, "Labels"));
	set_name(c, json_string_value(json_array_get(json_object_get(j, "Names"), 0)));
	runtime_set(&c->image, runtime_str(j, "Image"));
	if (runtime_str(j, "State") && !strcmp(runtime_str(j, "State"), "exited"))
		runtime_set(&c->state, "stopped");
	runtime_set(&c->state, runtime_str(j, "State"));
}

static void add(ph_runtime_states *out, const char *id)
{
	struct ph_runtime_state *s;

	if (!runtime_safe(id) || strlen(id) != 64)
		return;
	s = ph_vec_push(out);
	s->runtime = ph_strdup("docker");
	s->id = ph_strdup(id);
}

void docker_list(struct ph_runtimes *rt, ph_runtime_states *out)
{
	size_t before = out->n;

	for (size_t i = 0; i < rt->docker_roots.n; i++) {
		ph_autofree char *path = ph_asprintf("%s/containers", rt->docker_roots.v[i]);
		int fd = runtime_open(rt->rootfd, path, O_RDONLY | O_DIRECTORY);
		ph_autoclosedir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
		struct dirent *de;

		while (d && (de = readdir(d)))
			add(out, de->d_name);
	}
	if (out->n > before)
		return;
	ask_daemons(rt);
	for (struct ph_strmap_slot *s = NULL; (s = ph_strmap_next(&rt->docker_api, s)); )
		add(out, s->key);
}
