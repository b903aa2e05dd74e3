/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuse FILE DIRECTORY HANG: a file system in DIRECTORY with FILE in it as `program`, which is served until HANG exists; from then on
 * nothing is answered. Is to be run in a mount namespace of its own, and ended by a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int dev, file;
static struct stat is;

static void answer(const struct fuse_in_header *in, int error, const void *p, size_t n)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + n), .error = error, .unique = in->unique };
	struct iovec v[] = { { &out, sizeof(out) }, { (void *)p, n } };

	if (writev(dev, v, 2) < 0 && errno != ENOENT)
		perror("fuse");
}

/* Nothing is kept of it: it is asked again each time. */
static struct fuse_attr attr_of(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node, .nlink = 1, .blksize = 4096, .mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0755,
		.size = node == 1 ? 0 : (uint64_t)is.st_size,
	};
}

static void read_file(const struct fuse_in_header *in, const struct fuse_read_in *r)
{
	static char data[1 << 20];
	ssize_t n = pread(file, data, r->size < sizeof(data) ? r->size : sizeof(data), (off_t)r->offset);

	answer(in, n < 0 ? -EIO : 0, data, n < 0 ? 0 : (size_t)n);
}

static void serve(const struct fuse_in_header *in, const void *arg)
{
	struct fuse_init_out init = { .major = 7, .minor = 31, .max_readahead = 1 << 17, .max_write = 4096 };
	struct fuse_entry_out entry = { .nodeid = 2, .entry_valid = 3600, .attr = attr_of(2) };
	struct fuse_attr_out attr = { .attr = attr_of(in->nodeid) };
	struct fuse_statfs_out room = { .st = { .bsize = 4096, .namelen = 255 } };
	struct fuse_open_out opened = { .open_flags = FOPEN_KEEP_CACHE };

	switch (in->opcode) {
	case FUSE_INIT:
		answer(in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		answer(in, strcmp(arg, "program") ? -ENOENT : 0, &entry, strcmp(arg, "program") ? 0 : sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(in, 0, &attr, sizeof(attr));
		break;
	case FUSE_STATFS:
		answer(in, 0, &room, sizeof(room));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(in, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		read_file(in, arg);
		break;
	case FUSE_READDIR:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		answer(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(in, -ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char request[(1 << 20) + 4096];
	char options[128];

	file = argc == 4 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", dev);
	if (file < 0 || dev < 0 || fstat(file, &is) || mount("test", argv[2], "fuse", MS_NODEV, options)) {
		perror("fuse");
		return 1;
	}
	for (;;) {
		ssize_t n = read(dev, request, sizeof(request));

		if (n < 0 && errno != EINTR && errno != ENOENT)
			return 1;
		if (n > 0 && (access(argv[3], F_OK) || ((struct fuse_in_header *)request)->opcode == FUSE_INIT))
			serve((const void *)request, request + sizeof(struct fuse_in_header));
	}
}
