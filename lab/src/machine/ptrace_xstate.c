/* Preloaded into linux.uml (user-mode Linux 6.1) where it dies of "ptrace set fp regs failed": on processors whose XSAVE area is
 * larger than the 2,696 bytes that it passes to PTRACE_SETREGSET/NT_X86_XSTATE (those with AMX), since the kernel refuses
 * a short buffer with EFAULT. So the full state is read, the caller's bytes are laid over it, and the whole is set.
 * boot.rs compiles it (cc -O2 -shared -fPIC) after a boot without it has failed in that way, and never otherwise. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

long ptrace(enum __ptrace_request request, ...) {
    va_list args;
    va_start(args, request);
    pid_t pid = va_arg(args, pid_t);
    void *addr = va_arg(args, void *);
    void *data = va_arg(args, void *);
    va_end(args);

    if (request == PTRACE_SETREGSET && (unsigned long)addr == NT_X86_XSTATE) {
        static __thread char full[16384] __attribute__((aligned(64)));
        struct iovec *given = data, whole = {full, sizeof full};
        if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, addr, &whole) == 0 && whole.iov_len > given->iov_len) {
            memcpy(full, given->iov_base, given->iov_len);
            return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, addr, &whole);
        }
    }
    if (request >= 1 && request <= 3) { /* PEEK*: the raw call returns the word through its last argument */
        long word;
        long rc = syscall(SYS_ptrace, request, pid, addr, &word);
        if (rc < 0) return rc;
        errno = 0;
        return word;
    }
    return syscall(SYS_ptrace, request, pid, addr, data);
}
