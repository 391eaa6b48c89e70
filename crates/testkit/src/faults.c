/* Preloaded into a program: faults of its disk and its clock, steered while it runs through
   a small file that both sides map. Only files below FAULTS_FOLDER are touched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { SOUND, FULL, READ_ONLY, SYNC_FAILS, SYNC_STALLS };

struct control {
    int64_t disk;
    int64_t sync_delay_ms;
    int64_t clock_ahead_ms;
    int64_t met;
};

static struct control sound;
static volatile struct control *control = &sound;
static const char *folder = "";

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_CONTROL");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) control = mapped;
    close(file);
    if (getenv("FAULTS_FOLDER")) folder = getenv("FAULTS_FOLDER");
}

/* Whether a file is one of those whose disk is at fault. */
static int is_ours(int file) {
    struct stat about;
    if (fstat(file, &about) != 0 || !(S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length > 0 && strncmp(path, folder, strlen(folder)) == 0;
}

static int fails(int with) {
    __atomic_add_fetch(&control->met, 1, __ATOMIC_SEQ_CST);
    errno = with;
    return -1;
}

/* Whether writing up to this place must fail: a full disk still takes what needs no new room. */
static int write_fault(int file, off_t end) {
    struct stat about;
    if (control->disk == SOUND || !is_ours(file)) return 0;
    if (control->disk == READ_ONLY) return EROFS;
    return control->disk == FULL && fstat(file, &about) == 0 && end > about.st_size ? ENOSPC : 0;
}

static off_t place(int file) {
    struct stat about;
    if (fcntl(file, F_GETFL) & O_APPEND) return fstat(file, &about) == 0 ? about.st_size : 0;
    return lseek(file, 0, SEEK_CUR);
}

ssize_t write(int file, const void *bytes, size_t count) {
    int fault = control->disk == SOUND || !is_ours(file) ? 0 : write_fault(file, place(file) + (off_t)count);
    return fault ? fails(fault) : REAL(write)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    int fault = write_fault(file, at + (off_t)count);
    return fault ? fails(fault) : REAL(pwrite)(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    return pwrite(file, bytes, count, at);
}

int ftruncate(int file, off_t length) {
    int fault = control->disk == READ_ONLY ? write_fault(file, length) : 0;
    return fault ? fails(fault) : REAL(ftruncate)(file, length);
}

int ftruncate64(int file, off64_t length) {
    return ftruncate(file, length);
}

int posix_fallocate(int file, off_t at, off_t length) {
    int fault = write_fault(file, at + length);
    if (!fault) return REAL(posix_fallocate)(file, at, length);
    fails(fault);
    return fault;
}

static int sync_with(int (*real)(int), int file) {
    if ((control->disk != SOUND || control->sync_delay_ms) && is_ours(file)) {
        if (control->disk == SYNC_FAILS) return fails(EIO);
        int64_t delay = control->sync_delay_ms;
        struct timespec time = {delay / 1000, delay % 1000 * 1000000}, moment = {0, 1000000};
        if (delay || control->disk == SYNC_STALLS) __atomic_add_fetch(&control->met, 1, __ATOMIC_SEQ_CST);
        nanosleep(&time, NULL);
        while (control->disk == SYNC_STALLS) nanosleep(&moment, NULL);
    }
    return real(file);
}

int fsync(int file) {
    return sync_with(REAL(fsync), file);
}

int fdatasync(int file) {
    return sync_with(REAL(fdatasync), file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = REAL(clock_gettime);
    int done = real(clock, time);
    int64_t ahead = control->clock_ahead_ms;
    if (done != 0 || ahead == 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return done;
    int64_t nanoseconds = time->tv_nsec + ahead % 1000 * 1000000;
    time->tv_sec += ahead / 1000 + (nanoseconds >= 1000000000) - (nanoseconds < 0);
    time->tv_nsec = (nanoseconds + 1000000000) % 1000000000;
    return done;
}

int gettimeofday(struct timeval *time, void *zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
