/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block requests. A request is often issued by a kernel worker, and written-back pages by the flusher:
 * the cgroup that the bio is charged to tells whose it is, where the kernel keeps that (the io
 * controller, or blkio on v1).
 */

static __always_inline u32 rq_dev(struct request *rq)
{
	struct gendisk *disk = NULL;

	if (bpf_core_field_exists(rq->q->disk))
		disk = WALK(rq)->q->disk;
	else if (bpf_core_field_exists(((struct request___rq_disk *)rq)->rq_disk))
		disk = ((struct request___rq_disk *)rq)->rq_disk;
	return disk ? (u32)disk->major << 20 | (u32)disk->first_minor : 0;
}

/* As the kernel's tracepoints have it: what has no place, as a flush, was never given a sector, which then is -1. */
static __always_inline u64 rq_sector(struct request *rq)
{
	u64 sector = rq->__sector;

	return sector == ~0ULL ? 0 : sector;
}

/* LTTng's encoding of a request's kind; the kernel's own numbers are enum req_op and req_flag_bits. */
static __always_inline u32 rwbs(u32 flags)
{
	u32 v;

	switch (flags & 0xff) {
	case 0: v = 1 << 2; break;			/* read */
	case 1: v = 1 << 0; break;			/* write */
	case 2: v = 1 << 8; break;			/* flush */
	case 3: v = 1 << 1; break;			/* discard */
	case 5: v = 1 << 1 | 1 << 7; break;		/* secure erase */
	default: v = 0;
	}
	v |= (flags >> 19 & 1) << 3;			/* read-ahead */
	v |= (flags >> 11 & 1) << 5;			/* sync */
	v |= (flags >> 12 & 1) << 6;			/* metadata */
	v |= (flags >> 17 & 1) << 9;			/* force unit access */
	return v | (flags >> 18 & 1) << 10;		/* flush before */
}

/* The container that a request's I/O is charged to; *@cgroup_id 0 where the kernel does not say. */
static __always_inline u32 rq_container(struct request *rq, u64 *cgroup_id)
{
	struct cgroup *c = WALK(rq)->bio->bi_blkg->blkcg->css.cgroup;
	struct ph_cgent *e;

	*cgroup_id = c->kn->id;
	if (!*cgroup_id)
		return PH_CONTAINER_UNKNOWN;
	e = cgent(cgroup_key(c));
	return e ? e->index : PH_CONTAINER_HOST;
}

/*
 * @interrupt: the current task is whom the device interrupted, the recorder as often as others. What a
 * request's giver is left out for, its end must not be.
 */
static __always_inline bool rq_selected(struct task_struct *cur, u64 *who, struct request *rq, bool interrupt)
{
	struct ph_cgent *e;
	bool ours;

	if (!interrupt && cur->tgid == cfg.self_tgid)
		return false;
	if (current_surely_selected(cur, who, &ours))
		return true;
	if (!cfg.by_container || cfg.by_pid || cfg.by_comm || cfg.nns)
		return ours;
	e = cgent(cgroup_key(WALK(rq)->bio->bi_blkg->blkcg->css.cgroup));
	if (!e || !(e->flags & PH_CG_SELECTED))
		return ours;
	*who = or_of(*who, ours, e->index);
	return true;
}

SEC("?tp_btf/block_rq_insert")
int BPF_PROG(block_rq_insert, struct request *rq)
{
	struct task_struct *cur = current_task();
	u64 who;

	if (!rq_selected(cur, &who, rq, false))
		return 0;
	EVENT(block_rq_insert, cur, who, e);
	SET(e, dev, rq_dev(rq));
	SET(e, sector, rq_sector(rq));
	SET(e, nr_sector, rq->__data_len >> 9);
	SET(e, bytes, rq->__data_len);
	SET(e, tid, cur->pid);
	SET(e, rwbs, rwbs(rq->cmd_flags));
	set_comm(e->comm, cur);
	DONE(block_rq_insert, e, 0);
	return 0;
}

SEC("?tp_btf/block_rq_issue")
int BPF_PROG(block_rq_issue, struct request *rq)
{
	struct task_struct *cur = current_task();
	u64 who;
	u32 io;
	u64 cgroup_id;

	io = rq_container(rq, &cgroup_id);
	if (!rq_selected(cur, &who, rq, false))
		return 0;
	EVENT(block_rq_issue, cur, who, e);
	SET(e, dev, rq_dev(rq));
	SET(e, sector, rq_sector(rq));
	SET(e, nr_sector, rq->__data_len >> 9);
	SET(e, bytes, rq->__data_len);
	SET(e, tid, cur->pid);
	SET(e, rwbs, rwbs(rq->cmd_flags));
	set_comm(e->comm, cur);
	SET(e, cgroup_id, cgroup_id);
	SET(e, io_container, io);
	DONE(block_rq_issue, e, 0);
	return 0;
}

/* The order of blk_errors[] in the kernel, as far as callers see them; others are EIO. */
static __always_inline s32 blk_errno(u32 status)
{
	switch (status) {
	case 0: return 0;
	case 1: return -95;	/* EOPNOTSUPP */
	case 2: return -110;	/* ETIMEDOUT */
	case 3: return -28;	/* ENOSPC */
	case 4: return -67;	/* ENOLINK */
	case 5: return -121;	/* EREMOTEIO */
	case 6: return -52;	/* EBADE */
	case 7: return -61;	/* ENODATA */
	case 8: return -84;	/* EILSEQ */
	case 9: return -12;	/* ENOMEM */
	case 12: return -11;	/* EAGAIN */
	default: return -5;	/* EIO */
	}
}

SEC("?tp_btf/block_rq_complete")
int BPF_PROG(block_rq_complete, struct request *rq, int error, unsigned int nr_bytes)
{
	struct task_struct *cur = current_task();
	u64 who;
	u32 io;
	u64 cgroup_id;

	io = rq_container(rq, &cgroup_id);
	if (!rq_selected(cur, &who, rq, true))
		return 0;
	EVENT(block_rq_complete, cur, who, e);
	SET(e, dev, rq_dev(rq));
	SET(e, sector, rq_sector(rq));
	SET(e, nr_sector, nr_bytes >> 9);
	/* v5.16 (8a7d267b4a2c): a blk_status_t in place of an errno, which is never positive. */
	SET(e, error, error > 0 ? blk_errno(error & 0xff) : error);
	SET(e, rwbs, rwbs(rq->cmd_flags));
	SET(e, bytes, nr_bytes);
	SET(e, io_container, io);
	DONE(block_rq_complete, e, 0);
	return 0;
}
