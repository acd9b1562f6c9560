// A disk that fails on demand: preloaded into a process (LD_PRELOAD), it intercepts the process's access to
// the files below one folder.
//
//   SHIM_DIR      the folder
//   SHIM_CONTROL  a file of at least 64 bytes, read and written while the process runs (struct control)
//   SHIM_JOURNAL  optional: each change of a file or folder and each sync is logged here, a line each
//   SHIM_GRAVE    with the journal: a folder on the same file system that keeps what is removed or replaced
//
// It fails calls with an error of choice, counts the calls that change something and kills the process at one
// of them (before it, or with half a write done), and logs what a loss of power would have kept.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct control {
    _Atomic uint64_t fail_writes;  // errno for calls that need room or change a file; 0: none
    _Atomic uint64_t fail_syncs;   // errno for fsync and fdatasync
    _Atomic uint64_t fail_names;   // errno for creating, renaming and removing files, and opening them to write
    _Atomic uint64_t fail_reads;   // errno for reading
    _Atomic uint64_t changes;      // calls so far that change or sync something
    _Atomic uint64_t kill_at;      // the call (from 1) that kills the process; 0: none
    _Atomic uint64_t kill_halfway; // 1: half of a write is done first, or all of another call
    _Atomic uint64_t slow_syncs;   // microseconds each sync takes longer
};

#define FILES 65536

static struct control *control;
static char dir[PATH_MAX];
static size_t dir_length;
static int journal = -1;
static const char *grave;
static _Atomic uint64_t graves;
// The path of each file descriptor of ours.
static char *_Atomic paths[FILES];

__attribute__((constructor)) static void start(void) {
    const char *wanted = getenv("SHIM_DIR"), *control_path = getenv("SHIM_CONTROL");
    if (!wanted || !control_path) return;
    snprintf(dir, sizeof dir, "%s", wanted);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, control_path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) abort();
    void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (map == MAP_FAILED) abort();
    const char *journal_path = getenv("SHIM_JOURNAL");
    grave = getenv("SHIM_GRAVE");
    if (journal_path) {
        journal = (int)syscall(SYS_openat, AT_FDCWD, journal_path,
                               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (journal < 0) abort();
    }
    dir_length = strlen(dir);
    control = map;
}

static int ours(const char *path) {
    return control && path && strncmp(path, dir, dir_length) == 0
        && (path[dir_length] == '/' || path[dir_length] == 0);
}

static const char *path_of(int fd) {
    return control && fd >= 0 && fd < FILES ? paths[fd] : NULL;
}

static void forget(int fd) {
    // The name is leaked: another thread may still read it, and tests are short.
    if (control && fd >= 0 && fd < FILES) paths[fd] = NULL;
}

static void tell(const char *format, ...) {
    if (journal < 0) return;
    char line[3 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (syscall(SYS_write, journal, line, (size_t)length) != length) abort();
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

// Counts a change. Returns 1 if the process is to die after having done (half of) it.
static int last_change(void) {
    uint64_t number = atomic_fetch_add(&control->changes, 1) + 1;
    uint64_t kill_at = control->kill_at;
    if (kill_at && number > kill_at) die();
    if (kill_at && number == kill_at) {
        if (!control->kill_halfway) die();
        return 1;
    }
    return 0;
}

static int refused(uint64_t error) {
    if (error) errno = (int)error;
    return error != 0;
}

// ---- opening and closing

static int opened(int fd, const char *path, int existed) {
    if (fd < 0) return fd;
    forget(fd);
    if (ours(path)) {
        if (fd < FILES) paths[fd] = strdup(path);
        if (!existed) tell("create\t%s\n", path);
    }
    return fd;
}

static int open_any(int at, const char *path, int flags, mode_t mode) {
    int existed = 1, last = 0;
    if (ours(path)) {
        int writes = (flags & (O_CREAT | O_TRUNC)) || (flags & O_ACCMODE) != O_RDONLY;
        if (writes && refused(control->fail_names)) return -1;
        if (!writes && refused(control->fail_reads)) return -1;
        existed = !(flags & O_CREAT) || syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
        if (!existed) last = last_change();
    }
    int fd = opened((int)syscall(SYS_openat, at, path, flags, mode), path, existed);
    if (last) die();
    return fd;
}

#define MODE(flags)                                    \
    mode_t mode = 0;                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {             \
        va_list arguments;                             \
        va_start(arguments, flags);                    \
        mode = va_arg(arguments, mode_t);              \
        va_end(arguments);                             \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_any(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_any(at, path, flags, mode); }
int creat(const char *path, mode_t mode) {
    return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int close(int fd) {
    forget(fd);
    return (int)syscall(SYS_close, fd);
}

// ---- writing

static ssize_t write_any(int fd, const void *bytes, size_t count, off_t offset) {
    int last = 0;
    if (path_of(fd)) {
        if (refused(control->fail_writes)) return -1;
        last = last_change();
        if (last) count = (count + 1) / 2;
    }
    ssize_t written = offset < 0 ? syscall(SYS_write, fd, bytes, count)
                                 : syscall(SYS_pwrite64, fd, bytes, count, offset);
    if (last) die();
    return written;
}

ssize_t write(int fd, const void *bytes, size_t count) { return write_any(fd, bytes, count, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return write_any(fd, bytes, count, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { return write_any(fd, bytes, count, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!path_of(fd)) return syscall(SYS_writev, fd, parts, count);
    return count > 0 ? write_any(fd, parts[0].iov_base, parts[0].iov_len, -1) : 0;
}

static int resize(int fd, off_t length) {
    int last = 0;
    if (path_of(fd)) {
        if (refused(control->fail_writes)) return -1;
        last = last_change();
    }
    int result = (int)syscall(SYS_ftruncate, fd, length);
    if (last) die();
    return result;
}

int ftruncate(int fd, off_t length) { return resize(fd, length); }
int ftruncate64(int fd, off_t length) { return resize(fd, length); }

int fallocate(int fd, int mode, off_t from, off_t length) {
    if (path_of(fd) && refused(control->fail_writes)) return -1;
    return (int)syscall(SYS_fallocate, fd, mode, from, length);
}

// ---- syncing

static int sync_any(int fd, long number) {
    const char *path = path_of(fd);
    if (!path) return (int)syscall(number, fd);
    if (refused(control->fail_syncs)) return -1;
    int last = last_change();
    if (control->slow_syncs) usleep((useconds_t)control->slow_syncs);
    // Data written while the sync runs is not promised.
    struct stat before;
    if (fstat(fd, &before) != 0) return -1;
    int result = (int)syscall(number, fd);
    if (result == 0) {
        if (S_ISDIR(before.st_mode)) tell("syncdir\t%s\n", path);
        else tell("sync\t%lld\t%s\n", (long long)before.st_size, path);
    }
    if (last) die();
    return result;
}

int fsync(int fd) { return sync_any(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_any(fd, SYS_fdatasync); }

// ---- names

// Keeps what `path` holds; returns its number in the grave, or 0 if there is nothing.
static uint64_t bury(const char *path) {
    if (journal < 0 || !grave) return 0;
    char kept[PATH_MAX];
    uint64_t number = atomic_fetch_add(&graves, 1) + 1;
    snprintf(kept, sizeof kept, "%s/%d-%llu", grave, getpid(), (unsigned long long)number);
    return syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, kept, 0) == 0 ? number : 0;
}

static int rename_any(const char *from, const char *to, unsigned flags) {
    if (!ours(to)) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
    if (refused(control->fail_names)) return -1;
    int last = last_change();
    uint64_t kept = bury(to);
    tell("rename\t%d-%llu\t%s\t%s\n", getpid(), (unsigned long long)kept, from, to);
    int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
    if (last) die();
    return result;
}

int rename(const char *from, const char *to) { return rename_any(from, to, 0); }
int renameat(int old, const char *from, int new, const char *to) {
    (void)old, (void)new;
    return rename_any(from, to, 0);
}
int renameat2(int old, const char *from, int new, const char *to, unsigned flags) {
    (void)old, (void)new;
    return rename_any(from, to, flags);
}

static int unlink_any(int at, const char *path, int flags) {
    if (!ours(path) || (flags & AT_REMOVEDIR)) return (int)syscall(SYS_unlinkat, at, path, flags);
    if (refused(control->fail_names)) return -1;
    int last = last_change();
    uint64_t kept = bury(path);
    if (kept) tell("remove\t%d-%llu\t%s\n", getpid(), (unsigned long long)kept, path);
    int result = (int)syscall(SYS_unlinkat, at, path, flags);
    if (last) die();
    return result;
}

int unlink(const char *path) { return unlink_any(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return unlink_any(at, path, flags); }

// ---- reading

static ssize_t read_any(int fd, void *bytes, size_t count, off_t offset) {
    if (path_of(fd) && refused(control->fail_reads)) return -1;
    return offset < 0 ? syscall(SYS_read, fd, bytes, count) : syscall(SYS_pread64, fd, bytes, count, offset);
}

ssize_t read(int fd, void *bytes, size_t count) { return read_any(fd, bytes, count, -1); }
ssize_t pread(int fd, void *bytes, size_t count, off_t at) { return read_any(fd, bytes, count, at); }
ssize_t pread64(int fd, void *bytes, size_t count, off_t at) { return read_any(fd, bytes, count, at); }
