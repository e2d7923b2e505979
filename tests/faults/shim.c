/* Stands between the program and the C library (LD_PRELOAD): counts what it does to the files under one folder, does
 * something bad at the Nth, and writes down what happened. Only the program named by SHIM_EXE is touched; what it starts
 * is not. Compiled by the tests (shim.rs), which also read its record.
 *
 *   SHIM_DIR   the folder (absolute)         SHIM_LOG   where to write the record (none: nothing is written)
 *   SHIM_AT    the number of the call        SHIM_DO    kill eio enospc eintr short lose
 *   SHIM_DATA  also record what is written   SHIM_STATFS  the file system that statfs(2) shall name (hex)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <ucontext.h>
#include <unistd.h>

enum { FILES = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *path_of[FILES]; /* of descriptors on files under the folder */
static char dir[PATH_MAX], act[16];
static size_t dir_length;
static long at, count;
static int on, record_fd = -1, with_data, own_pid, fired;
static long statfs_magic;

static void say(const char *text, size_t length) {
    if (record_fd >= 0) syscall(SYS_write, record_fd, text, length);
}

/* One line, one write: lines of this process and of the stages' scripts never mix. */
static void line(const char *kind, const char *path, long a, const void *data, size_t length) {
    static const char hex[] = "0123456789abcdef";
    if (record_fd < 0) return;
    if (!with_data) length = 0;
    char *text = malloc(strlen(path) + 2 * length + 100);
    int head = sprintf(text, "%ld %s %s %ld ", count, kind, path, a);
    for (size_t i = 0; i < length; i++) {
        text[head++] = hex[((const unsigned char *)data)[i] >> 4];
        text[head++] = hex[((const unsigned char *)data)[i] & 15];
    }
    text[head++] = '\n';
    say(text, head);
    free(text);
}

static int ours(const char *path) {
    return on && getpid() == own_pid && path && strncmp(path, dir, dir_length) == 0 &&
           (path[dir_length] == '/' || path[dir_length] == 0);
}

static const char *file(int fd) { return on && fd >= 0 && fd < FILES && getpid() == own_pid ? path_of[fd] : NULL; }

/* Says what shall become of this call: 0 nothing special, else an errno, -1 a short write, -2 a lost one. The caller
 * holds the lock. */
static int fate(const char *kind, const char *path) {
    count++;
    int writes = !strcmp(kind, "write"), syncs = !strcmp(kind, "sync");
    if (!strcmp(act, "kill") && count == at) {
        line("kill", path, 0, NULL, 0);
        syscall(SYS_kill, own_pid, SIGKILL);
        for (;;) pause();
    }
    if (at == 0 || count < at) return 0;
    int first = !fired;
    if (!strcmp(act, "enospc")) { /* the disk stays full: only what takes room fails */
        if (syncs || !strcmp(kind, "unlink") || (!strcmp(kind, "truncate"))) return 0;
        fired = 1;
        line("enospc", path, 0, NULL, 0);
        return ENOSPC;
    }
    if (!strcmp(act, "lose")) return writes || syncs ? -2 : 0;
    if (!first) return 0;
    if (!strcmp(act, "eio")) {
        fired = 1;
        line(syncs ? "eio-sync" : !strcmp(kind, "open") ? "eio-open" : "eio", path, 0, NULL, 0);
        return EIO;
    }
    if (!strcmp(act, "eintr") && (writes || !strcmp(kind, "open") || !strcmp(kind, "truncate"))) {
        fired = 1;
        line("eintr", path, 0, NULL, 0);
        return EINTR;
    }
    if (!strcmp(act, "short") && writes) {
        fired = 1;
        line("short", path, 0, NULL, 0);
        return -1;
    }
    return 0;
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)
#define ENTER pthread_mutex_lock(&lock)
#define LEAVE pthread_mutex_unlock(&lock)
#define REFUSE(code) do { LEAVE; errno = (code); return -1; } while (0)

static void remember(int fd, const char *path) {
    if (fd < 0 || fd >= FILES) return;
    free(path_of[fd]);
    path_of[fd] = path ? strdup(path) : NULL;
}

/* Opening counts only where it may make a file. */
#define OPEN(name, call)                                                                           \
    REAL(name);                                                                                    \
    mode_t mode = 0;                                                                               \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                           \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode = va_arg(rest, mode_t);                                                               \
        va_end(rest);                                                                              \
    }                                                                                              \
    if (!ours(path)) {                                                                             \
        int other = call;                                                                          \
        if (on && getpid() == own_pid && other >= 0 && other < FILES) {                            \
            ENTER; remember(other, NULL); LEAVE;                                                   \
        }                                                                                          \
        return other;                                                                              \
    }                                                                                              \
    ENTER;                                                                                         \
    int made = (flags & O_CREAT) && access(path, F_OK) != 0;                                       \
    if (flags & O_CREAT) {                                                                         \
        int code = fate("open", path);                                                             \
        if (code > 0) REFUSE(code);                                                                \
    }                                                                                              \
    int fd = call;                                                                                 \
    int error = errno;                                                                             \
    if (fd >= 0) {                                                                                 \
        remember(fd, path);                                                                        \
        if (made) line("create", path, 0, NULL, 0);                                                \
        if (flags & O_TRUNC) line("truncate", path, 0, NULL, 0);                                   \
        line("open", path, fd, NULL, 0);                                                           \
    }                                                                                              \
    LEAVE;                                                                                         \
    errno = error;                                                                                 \
    return fd

int open(const char *path, int flags, ...) { OPEN(open, real(path, flags, mode)); }
int open64(const char *path, int flags, ...) { OPEN(open64, real(path, flags, mode)); }
int openat(int at_fd, const char *path, int flags, ...) { OPEN(openat, real(at_fd, path, flags, mode)); }
int openat64(int at_fd, const char *path, int flags, ...) { OPEN(openat64, real(at_fd, path, flags, mode)); }

int close(int fd) {
    REAL(close);
    if (!file(fd)) return real(fd);
    ENTER;
    line("close", path_of[fd], fd, NULL, 0);
    remember(fd, NULL);
    int result = real(fd);
    LEAVE;
    return result;
}

/* What a person or program is shown. */
static void shown(int fd, const void *data, size_t length) {
    if (on && fd == 1 && getpid() == own_pid && record_fd >= 0) {
        ENTER;
        line("shown", "-", 0, data, length);
        LEAVE;
    }
}

#define WRITE(offset, call, part)                                                                  \
    if (!file(fd)) { shown(fd, data, length); return call; }                                       \
    ENTER;                                                                                         \
    off64_t where = (offset);                                                                      \
    int code = fate("write", path_of[fd]);                                                         \
    if (code > 0) REFUSE(code);                                                                    \
    if (code == -2) { lseek64(fd, where + length, SEEK_SET); LEAVE; return length; }               \
    ssize_t done = code == -1 && length > 1 ? (part) : (call);                                     \
    int error = errno;                                                                             \
    if (done > 0) line("write", path_of[fd], where, data, done);                                   \
    LEAVE;                                                                                         \
    errno = error;                                                                                 \
    return done

ssize_t write(int fd, const void *data, size_t length) {
    REAL(write);
    WRITE(lseek64(fd, 0, SEEK_CUR), real(fd, data, length), real(fd, data, length / 2));
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t to) {
    REAL(pwrite);
    WRITE(to, real(fd, data, length, to), real(fd, data, length / 2, to));
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t to) {
    REAL(pwrite64);
    WRITE(to, real(fd, data, length, to), real(fd, data, length / 2, to));
}

#define SYNC(name)                                                                                 \
    int name(int fd) {                                                                             \
        REAL(name);                                                                                \
        if (!file(fd)) return real(fd);                                                            \
        ENTER;                                                                                     \
        int code = fate("sync", path_of[fd]);                                                      \
        if (code > 0) REFUSE(code);                                                                \
        int result = code == -2 ? 0 : real(fd);                                                    \
        if (result == 0) line("sync", path_of[fd], 0, NULL, 0);                                    \
        LEAVE;                                                                                     \
        return result;                                                                             \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, type)                                                                       \
    int name(int fd, type length) {                                                                \
        REAL(name);                                                                                \
        if (!file(fd)) return real(fd, length);                                                    \
        ENTER;                                                                                     \
        int code = fate("truncate", path_of[fd]);                                                  \
        if (code > 0) REFUSE(code);                                                                \
        int result = real(fd, length);                                                             \
        if (result == 0) line("truncate", path_of[fd], length, NULL, 0);                           \
        LEAVE;                                                                                     \
        return result;                                                                             \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define NAMED(kind, path, call)                                                                    \
    if (!ours(path)) return call;                                                                  \
    ENTER;                                                                                         \
    int code = fate(kind, path);                                                                   \
    if (code > 0) REFUSE(code);                                                                    \
    int result = call;                                                                             \
    int error = errno;                                                                             \
    if (result == 0) line(kind, path, 0, data, data ? strlen(data) : 0);                           \
    LEAVE;                                                                                         \
    errno = error;                                                                                 \
    return result

int unlink(const char *path) { REAL(unlink); const char *data = NULL; NAMED("unlink", path, real(path)); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); const char *data = NULL; NAMED("mkdir", path, real(path, mode)); }
int link(const char *path, const char *data) { REAL(link); NAMED("link", path, real(path, data)); }
int rename(const char *path, const char *data) { REAL(rename); NAMED("rename", path, real(path, data)); }
int linkat(int in, const char *path, int to, const char *data, int flags) {
    REAL(linkat);
    NAMED("link", path, real(in, path, to, data, flags));
}

#if defined(__x86_64__)
/* rustix asks the kernel itself, past the C library: the call is trapped and answered here. */
static void answer_statfs(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    struct statfs *found = (struct statfs *)registers[REG_RSI];
    memset(found, 0, sizeof *found);
    found->f_type = statfs_magic;
    registers[REG_RAX] = 0;
}

static void trap_statfs(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_statfs, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fstatfs, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    struct sigaction action = {.sa_sigaction = answer_statfs, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void trap_statfs(void) {}
#endif

__attribute__((constructor)) static void begin(void) {
    const char *exe = getenv("SHIM_EXE"), *text;
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (!exe || length < 0) return;
    self[length] = 0;
    if (strcmp(self, exe)) return;
    unsetenv("LD_PRELOAD"); /* what this program starts goes without */
    if ((text = getenv("SHIM_DIR"))) snprintf(dir, sizeof dir, "%s", text);
    dir_length = strlen(dir);
    if ((text = getenv("SHIM_AT"))) at = atol(text);
    if ((text = getenv("SHIM_DO"))) snprintf(act, sizeof act, "%s", text);
    if ((text = getenv("SHIM_LOG"))) record_fd = syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    with_data = getenv("SHIM_DATA") != NULL;
    own_pid = getpid();
    on = dir_length > 0;
    if ((text = getenv("SHIM_STATFS"))) {
        statfs_magic = strtol(text, NULL, 16);
        trap_statfs();
    }
}
