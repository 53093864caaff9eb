/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System V queues, semaphores and shared memory, keys: refused to labelled subjects
 * outright. Channel rows I1 to I3, I8. POSIX queues are files of a file system that is
 * not on the list of worlds.bpf.h (I4).
 *
 * Guarantee: a labelled subject neither makes, finds nor uses one.
 */

SEC("lsm/ipc_permission")
int BPF_PROG(ipc_permission)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/shm_alloc_security")
int BPF_PROG(shm_alloc_security)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/shm_associate")
int BPF_PROG(shm_associate)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/shm_shmctl")
int BPF_PROG(shm_shmctl)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/shm_shmat")
int BPF_PROG(shm_shmat)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/msg_queue_alloc_security")
int BPF_PROG(msg_queue_alloc_security)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/msg_queue_associate")
int BPF_PROG(msg_queue_associate)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/msg_queue_msgctl")
int BPF_PROG(msg_queue_msgctl)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/msg_queue_msgsnd")
int BPF_PROG(msg_queue_msgsnd)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/msg_queue_msgrcv")
int BPF_PROG(msg_queue_msgrcv)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/sem_alloc_security")
int BPF_PROG(sem_alloc_security)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/sem_associate")
int BPF_PROG(sem_associate)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/sem_semctl")
int BPF_PROG(sem_semctl)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/sem_semop")
int BPF_PROG(sem_semop)
{
	return closed(CSN_OP_SYSV);
}

SEC("lsm/key_alloc")
int BPF_PROG(key_alloc)
{
	return closed(CSN_OP_KEY);
}

SEC("lsm/key_permission")
int BPF_PROG(key_permission)
{
	return closed(CSN_OP_KEY);
}
