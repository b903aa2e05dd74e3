/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define BUFFER (1u << 20)

struct ph_spill {
	int fd, error;
	uint64_t written;	/* in the file; what follows is in the buffer */
	size_t n;
	char buffer[BUFFER];
};

static int open_unnamed(const char *dir)
{
	ph_autofree char *name = NULL;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

	/* Not all file systems have it. */
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	name = ph_asprintf("%s/porthole-XXXXXX", dir);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

int ph_spill_open(struct ph_spill **ret, struct ph_err *err)
{
	const char *dir = getenv("TMPDIR");
	struct ph_spill *s;
	int fd = -1;

	/* /tmp may be memory. */
	if (!dir || dir[0] != '/') {
		dir = "/var/tmp";
		fd = open_unnamed(dir);
		if (fd < 0)
			dir = "/tmp";
	}
	if (fd < 0)
		fd = open_unnamed(dir);
	if (fd < 0)
		return ph_err_sys(err, errno, "cannot make a temporary file in %s (TMPDIR says where)", dir);
	s = ph_alloc(sizeof(*s));
	s->fd = fd;
	*ret = s;
	return 0;
}

void ph_spill_close(struct ph_spill *s)
{
	if (!s)
		return;
	close(s->fd);
	free(s);
}

uint64_t ph_spill_size(const struct ph_spill *s)
{
	return s->written + s->n;
}

static void flush(struct ph_spill *s)
{
	size_t done = 0;

	while (done < s->n && !s->error) {
		ssize_t n = pwrite(s->fd, s->buffer + done, s->n - done, (off_t)(s->written + done));

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			s->error = n == 0 ? ENOSPC : errno;
	}
	s->written += s->n;
	s->n = 0;
}

uint64_t ph_spill_add(struct ph_spill *s, const void *data, size_t n)
{
	uint64_t at = ph_spill_size(s);

	while (n) {
		size_t part = n < BUFFER - s->n ? n : BUFFER - s->n;

		memcpy(s->buffer + s->n, data, part);
		s->n += part;
		data = (const char *)data + part;
		n -= part;
		if (s->n == BUFFER)
			flush(s);
	}
	return at;
}

int ph_spill_read(struct ph_spill *s, uint64_t at, void *to, size_t n)
{
	size_t done = 0;

	if (at > ph_spill_size(s) || n > ph_spill_size(s) - at) {
		s->error = s->error ? s->error : EINVAL;
	} else if (at + n > s->written && at < s->written) {
		flush(s);
	} else if (at >= s->written) {
		memcpy(to, s->buffer + (at - s->written), n);
		return s->error ? -s->error : 0;
	}
	while (done < n && !s->error) {
		ssize_t got = pread(s->fd, (char *)to + done, n - done, (off_t)(at + done));

		if (got > 0)
			done += (size_t)got;
		else if (got == 0 || errno != EINTR)
			s->error = got == 0 ? EIO : errno;
	}
	if (s->error)
		memset(to, 0, n);
	return s->error ? -s->error : 0;
}

int ph_spill_error(const struct ph_spill *s, struct ph_err *err)
{
	return s->error ? ph_err_sys(err, s->error, "what does not fit into memory cannot be kept in a temporary file") : 0;
}
