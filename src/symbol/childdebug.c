/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <lzma.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "symbol/childfile.h"

/* MiniDebugInfo is a few hundred KiB, of large programs some MiB. */
#define DEBUGDATA_MAX (64u << 20)
#define LZMA_MEMORY (128u << 20)

/* ---- what a file says of others ------------------------------------------------------------- */

/* Section .gnu_debuglink: a name, filled up to 4 bytes, and the CRC of that file. */
static bool debuglink(Elf *elf, char name[PH_SYMSTR_MAX], uint32_t *crc)
{
	Elf64_Shdr sh;
	Elf_Scn *scn = ph_section(elf, ".gnu_debuglink", &sh);
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	size_t n;

	if (!data || !data->d_buf)
		return false;
	n = strnlen(data->d_buf, data->d_size);
	if (!n || n >= PH_SYMSTR_MAX || ((n + 4) & ~3UL) + 4 > data->d_size)
		return false;
	memcpy(name, data->d_buf, n);
	name[n] = 0;
	memcpy(crc, (char *)data->d_buf + ((n + 4) & ~3UL), 4);
	return true;
}

/* Section .gnu_debugaltlink: a name, and the build id of the file that it shares debug information with (dwz). */
static void put_altlink(Elf *elf, struct ph_buf *out)
{
	Elf64_Shdr sh;
	Elf_Scn *scn = ph_section(elf, ".gnu_debugaltlink", &sh);
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	size_t n = data && data->d_buf ? strnlen(data->d_buf, data->d_size) : 0;

	if (!n || n >= PH_SYMSTR_MAX || n + 1 >= data->d_size || data->d_size - n - 1 > PH_BUILD_ID_MAX) {
		ph_put_str(out, "");
		ph_put_u32(out, 0);
		return;
	}
	ph_put_str(out, data->d_buf);
	ph_put_u32(out, (uint32_t)(data->d_size - n - 1));
	ph_buf_add(out, (char *)data->d_buf + n + 1, data->d_size - n - 1);
}

void ph_childdebug_put_wants(struct ph_childfile *f, struct ph_buf *out)
{
	char name[PH_SYMSTR_MAX];
	uint32_t crc;

	ph_put_str(out, debuglink(ph_childfile_main(f), name, &crc) ? name : "");
	put_altlink(ph_childfile_main(f), out);
}

/* Debug files without a build id are old and small. */
#define CRC_FILE_MAX (256LL << 20)

/* ---- candidates ----------------------------------------------------------------------------- */

static bool crc_is(int fd, uint32_t wanted)
{
	static uint8_t chunk[1 << 16];
	uint32_t crc = 0;
	struct stat st;
	off_t at = 0;
	ssize_t n;

	if (fstat(fd, &st) || st.st_size > CRC_FILE_MAX)
		return false;
	while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
		crc = lzma_crc32(chunk, (size_t)n, crc);
		at += n;
	}
	return !n && crc == wanted;
}

/* By its build id, where both have one: then what is in it need not be read. */
static bool belongs(struct ph_childfile *f, uint32_t which, struct ph_elf *elf, int fd, const uint8_t *wanted,
		    size_t wanted_n)
{
	uint8_t id[PH_BUILD_ID_MAX];
	size_t n = ph_elf_build_id(elf, id);
	char name[PH_SYMSTR_MAX];
	uint32_t crc;

	if (which == PH_SYMDEBUG_ALT)
		return n && n == wanted_n && !memcmp(id, wanted, n);
	if (n && f->build_id_n)
		return n == f->build_id_n && !memcmp(id, f->build_id, n);
	return debuglink(ph_childfile_main(f), name, &crc) && crc_is(fd, crc);
}

int ph_answer_debug(struct ph_childfile *f, struct ph_bytes *in, int *fd, struct ph_buf *out, struct ph_err *err)
{
	uint32_t which = ph_get_u32(in), n = ph_get_u32(in);
	struct ph_bytes id = ph_bytes_cut(in, n);
	struct ph_elf *elf = NULL;
	Elf64_Shdr sh;
	bool ok;
	int r;

	if (in->bad || which >= PH_SYMDEBUG_N || *fd < 0)
		return ph_err_set(err, -EINVAL, "a request that makes no sense");
	r = ph_elf_open(*fd, &elf, err);
	if (r)
		return r;
	ok = belongs(f, which, elf, *fd, id.p, ph_bytes_left(&id));
	ph_elf_close(elf);
	if (!ok)
		return ph_err_set(err, -ENOENT, "it is of another file");
	ph_childfile_forget(f);
	ph_close_ptr(&f->debug_fd[which]);
	f->debug_fd[which] = *fd;
	*fd = -1;
	if (which == PH_SYMDEBUG_SEPARATE) {
		Elf *separate = ph_childfile_separate(f);

		ph_put_u32(out, (ph_has_section_type(separate, SHT_SYMTAB) ? PH_SYMBOL_SEPARATE : 0) |
				(ph_section(separate, ".debug_info", &sh) ? PH_SYMBOL_DWARF : 0));
		put_altlink(separate, out);
	}
	return 0;
}

/* ---- MiniDebugInfo -------------------------------------------------------------------------- */

/* What is packed; NULL: it is broken, or too large. */
static void *unpack(const uint8_t *p, size_t n, size_t *ret_n)
{
	lzma_stream z = LZMA_STREAM_INIT;
	size_t room = n * 4 + 4096;
	uint8_t *out = ph_alloc(room);
	lzma_ret r = lzma_stream_decoder(&z, LZMA_MEMORY, 0);

	z.next_in = p;
	z.avail_in = n;
	z.next_out = out;
	z.avail_out = room;
	while (r == LZMA_OK) {
		r = lzma_code(&z, LZMA_FINISH);
		if (r == LZMA_OK && !z.avail_out && room < DEBUGDATA_MAX) {
			out = ph_realloc(out, room * 2);
			z.next_out = out + room;
			z.avail_out = room;
			room *= 2;
		} else if (r == LZMA_OK && (!z.avail_out || !z.avail_in)) {
			r = LZMA_BUF_ERROR;
		}
	}
	*ret_n = room - z.avail_out;
	lzma_end(&z);
	if (r == LZMA_STREAM_END)
		return out;
	free(out);
	return NULL;
}

Elf *ph_childdebug_unpack(struct ph_childfile *f)
{
	Elf64_Shdr sh;
	Elf_Scn *scn = ph_section(ph_childfile_main(f), ".gnu_debugdata", &sh);
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	struct ph_elf *elf = NULL;
	size_t n;

	if (!data || !data->d_buf || data->d_size > DEBUGDATA_MAX / 4)
		return NULL;
	f->unpacked = unpack(data->d_buf, data->d_size, &n);
	if (!f->unpacked || ph_elf_open_image(f->unpacked, n, &elf, NULL))
		return NULL;
	ph_elf_close(elf);
	return elf_memory(f->unpacked, n);
}
