/* A disk that keeps only what was synced, for a process that is then killed.
 *
 * Preloaded (LD_PRELOAD), it keeps writes to regular files below UNSYNCED_ROOT in memory and puts
 * them into the file at fsync or fdatasync; reads and sizes see them before. So kill -9 is a power
 * cut: what was not synced is gone. Creating, renaming and removing files take effect at once, as
 * on a file system that journals its names.
 *
 *   UNSYNCED_TEAR=N   one write in N leaves some of its sectors in the file before it is synced, as
 *                     a kernel does that writes pages back early
 *   UNSYNCED_LIE=1    syncing does nothing: a checker must then find writes lost
 *   UNSYNCED_FULL=F   while the file F exists, writes fail with ENOSPC
 *
 * Build: cc -shared -fPIC -O1 -o unsynced.so unsynced.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

/* The next definition of a function: libc's own. */
#define REAL(type, name, ...) \
    static type (*real_##name)(__VA_ARGS__); \
    if (!real_##name) real_##name = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

enum { SECTOR = 512, FILES = 4096 };

/* A write, or where `data` is NULL a new size, that the file does not have yet. */
struct change {
    struct change *next;
    off_t at;
    size_t len;
    char *data;
};

/* A file with changes. The descriptor of its own keeps its inode number from being given away. */
struct file {
    dev_t device;
    ino_t inode;
    int own;
    struct change *first, **last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES];
static int used;
static unsigned dice = 4566;

static int real_fstat(int fd, struct stat *status) {
    REAL(int, fstat, int, struct stat *);
    return real_fstat(fd, status);
}

static ssize_t real_pread(int fd, void *to, size_t len, off_t at) {
    REAL(ssize_t, pread64, int, void *, size_t, off_t);
    return real_pread64(fd, to, len, at);
}

static ssize_t real_pwrite(int fd, const void *from, size_t len, off_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
    return real_pwrite64(fd, from, len, at);
}

static int real_truncate(int fd, off_t size) {
    REAL(int, ftruncate64, int, off_t);
    return real_ftruncate64(fd, size);
}

static off_t real_seek(int fd, off_t offset, int whence) {
    REAL(off_t, lseek64, int, off_t, int);
    return real_lseek64(fd, offset, whence);
}

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Whether `fd` is a regular file below the root. */
static int is_ours(int fd, struct stat *status) {
    const char *root = setting("UNSYNCED_ROOT");
    if (!root || real_fstat(fd, status) != 0 || !S_ISREG(status->st_mode)) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 0) return 0;
    path[len] = 0;
    return strncmp(path, root, strlen(root)) == 0;
}

static struct file *with_changes(dev_t device, ino_t inode) {
    for (int i = 0; i < used; i++)
        if (files[i].inode == inode && files[i].device == device) return &files[i];
    return NULL;
}

static struct file *of(int fd) {
    struct stat status;
    if (used == 0 || real_fstat(fd, &status) != 0) return NULL;
    return with_changes(status.st_dev, status.st_ino);
}

static off_t size_with(const struct file *file, off_t size) {
    for (struct change *c = file->first; c; c = c->next)
        if (!c->data) size = c->at;
        else if (c->at + (off_t)c->len > size) size = c->at + (off_t)c->len;
    return size;
}

static off_t size_of(int fd) {
    struct stat status;
    if (real_fstat(fd, &status) != 0) return -1;
    struct file *file = with_changes(status.st_dev, status.st_ino);
    return file ? size_with(file, status.st_size) : status.st_size;
}

/* Leaves a run of whole sectors of the data in the file, as early write-back would. */
static void tear(const struct file *file, const char *data, size_t len, off_t at) {
    const char *one_in = setting("UNSYNCED_TEAR");
    if (!one_in || rand_r(&dice) % (unsigned)atoi(one_in) != 0) return;
    off_t first = (at + SECTOR - 1) / SECTOR * SECTOR, end = (at + (off_t)len) / SECTOR * SECTOR;
    off_t from = at, to = at + (off_t)(rand_r(&dice) % (unsigned)(len + 1));
    if (first < end && rand_r(&dice) % 2) {
        from = first + (off_t)(rand_r(&dice) % (unsigned)((end - first) / SECTOR)) * SECTOR;
        to = from + SECTOR;
    }
    if (to > from) real_pwrite(file->own, data + (from - at), (size_t)(to - from), from);
}

/* Notes a change; 0, or -1 with errno. With the lock. */
static int note(int fd, const struct stat *status, const char *data, size_t len, off_t at) {
    const char *full = setting("UNSYNCED_FULL");
    if (data && full && access(full, F_OK) == 0) {
        errno = ENOSPC;
        return -1;
    }
    struct file *file = with_changes(status->st_dev, status->st_ino);
    if (!file) {
        if (used == FILES) abort();
        /* Not a duplicate: with O_APPEND, Linux's pwrite writes at the end whatever it is told. */
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        int own = open(link, O_WRONLY | O_CLOEXEC);
        if (own < 0) abort();
        file = &files[used++];
        *file = (struct file){status->st_dev, status->st_ino, own, NULL, NULL};
        file->last = &file->first;
    }
    struct change *change = calloc(1, sizeof *change);
    if (!change) abort();
    change->at = at;
    change->len = len;
    if (data) {
        change->data = malloc(len ? len : 1);
        if (!change->data) abort();
        memcpy(change->data, data, len);
        tear(file, data, len, at);
    }
    *file->last = change;
    file->last = &change->next;
    return 0;
}

/* Puts a file's changes into it and forgets them. With the lock. */
static void settle(struct file *file) {
    for (struct change *c = file->first; c;) {
        if (!c->data) real_truncate(file->own, c->at);
        for (size_t done = 0; c->data && done < c->len;) {
            ssize_t n = real_pwrite(file->own, c->data + done, c->len - done, c->at + (off_t)done);
            if (n <= 0) abort();
            done += (size_t)n;
        }
        struct change *next = c->next;
        free(c->data);
        free(c);
        c = next;
    }
    close(file->own);
    *file = files[--used];
    /* The list's end points into the entry it is in only while it is empty, which it is not here. */
}

static ssize_t read_at(int fd, char *to, size_t len, off_t at) {
    struct file *file = of(fd);
    if (!file) return real_pread(fd, to, len, at);
    struct stat status;
    real_fstat(fd, &status);
    ssize_t got = real_pread(fd, to, len, at);
    if (got < 0) return got;
    memset(to + got, 0, len - (size_t)got);
    for (struct change *c = file->first; c; c = c->next) {
        off_t from = c->at > at ? c->at : at, end = at + (off_t)len;
        if (!c->data) {
            if (from < end) memset(to + (from - at), 0, (size_t)(end - from));
            continue;
        }
        if (c->at + (off_t)c->len < end) end = c->at + (off_t)c->len;
        if (from < end) memcpy(to + (from - at), c->data + (from - c->at), (size_t)(end - from));
    }
    off_t rest = size_with(file, status.st_size) - at;
    return rest <= 0 ? 0 : rest < (off_t)len ? rest : (ssize_t)len;
}

ssize_t pwrite64(int fd, const void *from, size_t len, off_t at) {
    struct stat status;
    if (!is_ours(fd, &status)) return real_pwrite(fd, from, len, at);
    pthread_mutex_lock(&lock);
    int failed = note(fd, &status, from, len, at);
    pthread_mutex_unlock(&lock);
    return failed ? -1 : (ssize_t)len;
}

ssize_t write(int fd, const void *from, size_t len) {
    REAL(ssize_t, write, int, const void *, size_t);
    struct stat status;
    if (!is_ours(fd, &status)) return real_write(fd, from, len);
    pthread_mutex_lock(&lock);
    int append = fcntl(fd, F_GETFL) & O_APPEND;
    off_t at = append ? size_of(fd) : real_seek(fd, 0, SEEK_CUR);
    int failed = note(fd, &status, from, len, at);
    if (!failed) real_seek(fd, at + (off_t)len, SEEK_SET);
    pthread_mutex_unlock(&lock);
    return failed ? -1 : (ssize_t)len;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    struct stat status;
    if (!is_ours(fd, &status)) return real_writev(fd, parts, count);
    /* A short write is a write: callers go on. */
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) return write(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

ssize_t pread64(int fd, void *to, size_t len, off_t at) {
    pthread_mutex_lock(&lock);
    ssize_t got = read_at(fd, to, len, at);
    pthread_mutex_unlock(&lock);
    return got;
}

ssize_t read(int fd, void *to, size_t len) {
    REAL(ssize_t, read, int, void *, size_t);
    pthread_mutex_lock(&lock);
    if (!of(fd)) {
        pthread_mutex_unlock(&lock);
        return real_read(fd, to, len);
    }
    off_t at = real_seek(fd, 0, SEEK_CUR);
    ssize_t got = read_at(fd, to, len, at);
    if (got > 0) real_seek(fd, at + got, SEEK_SET);
    pthread_mutex_unlock(&lock);
    return got;
}

ssize_t readv(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, readv, int, const struct iovec *, int);
    struct stat status;
    if (!is_ours(fd, &status)) return real_readv(fd, parts, count);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) return read(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

off_t lseek64(int fd, off_t offset, int whence) {
    pthread_mutex_lock(&lock);
    int end = whence == SEEK_END && of(fd);
    off_t at = end ? real_seek(fd, size_of(fd) + offset, SEEK_SET) : real_seek(fd, offset, whence);
    pthread_mutex_unlock(&lock);
    return at;
}

int ftruncate64(int fd, off_t size) {
    struct stat status;
    if (!is_ours(fd, &status)) return real_truncate(fd, size);
    pthread_mutex_lock(&lock);
    int failed = note(fd, &status, NULL, 0, size);
    pthread_mutex_unlock(&lock);
    return failed;
}

static int synced(int fd) {
    pthread_mutex_lock(&lock);
    struct file *file = setting("UNSYNCED_LIE") ? NULL : of(fd);
    if (file) settle(file);
    pthread_mutex_unlock(&lock);
    return 0; /* The kernel has it, and it is not the kernel that is killed. */
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }

static void seen(dev_t device, ino_t inode, off_t *size) {
    pthread_mutex_lock(&lock);
    struct file *file = with_changes(device, inode);
    if (file) *size = size_with(file, *size);
    pthread_mutex_unlock(&lock);
}

int fstat(int fd, struct stat *status) {
    int failed = real_fstat(fd, status);
    if (!failed) seen(status->st_dev, status->st_ino, &status->st_size);
    return failed;
}

int fstat64(int fd, struct stat64 *status) { return fstat(fd, (struct stat *)status); }

int stat64(const char *path, struct stat64 *status) {
    REAL(int, stat64, const char *, struct stat64 *);
    int failed = real_stat64(path, status);
    if (!failed) seen(status->st_dev, status->st_ino, &status->st_size);
    return failed;
}

int statx(int folder, const char *path, int flags, unsigned mask, struct statx *status) {
    REAL(int, statx, int, const char *, int, unsigned, struct statx *);
    int failed = real_statx(folder, path, flags, mask, status);
    if (!failed) {
        off_t size = (off_t)status->stx_size;
        dev_t device = makedev(status->stx_dev_major, status->stx_dev_minor);
        seen(device, status->stx_ino, &size);
        status->stx_size = (__u64)size;
    }
    return failed;
}

/* Copies within the kernel would not see what is here; callers fall back to read and write. */
ssize_t copy_file_range(int a, off_t *b, int c, off_t *d, size_t e, unsigned f) {
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
    errno = ENOSYS;
    return -1;
}

ssize_t pwrite(int fd, const void *from, size_t len, off_t at) { return pwrite64(fd, from, len, at); }
ssize_t pread(int fd, void *to, size_t len, off_t at) { return pread64(fd, to, len, at); }
off_t lseek(int fd, off_t offset, int whence) { return lseek64(fd, offset, whence); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
