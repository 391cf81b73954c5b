/* Faults of the disk for database files, on command; preloaded into the services (see disk.py).
 *
 * The file that SYSTEMZERO_TEST_FAULTS names holds three integers that the loop writes: what fails (1 a write,
 * 2 a write after half of it, 3 a sync), how many such calls from now on, and how many in a row.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITE = 1, TORN = 2, SYNC = 3 };
struct control { volatile int kind, countdown, times; };
static struct control *control;

__attribute__((constructor)) static void attach(void) {
  const char *name = getenv("SYSTEMZERO_TEST_FAULTS");
  int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) control = mapped;
  close(fd);
}

static int of_database(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, ".db") != NULL;
}

static int strikes(int fd, int sync) {
  if (!control || !control->kind || (control->kind == SYNC) != sync || !of_database(fd)) return 0;
  if (__atomic_fetch_sub(&control->countdown, 1, __ATOMIC_SEQ_CST) > 0) return 0;
  int kind = control->kind;
  if (__atomic_fetch_sub(&control->times, 1, __ATOMIC_SEQ_CST) <= 1) control->kind = 0;
  return kind;
}

static ssize_t fail(void) { errno = EIO; return -1; }

#define NEXT(name) __typeof__(&name) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define POSITIONED(name, offset_type)                                                     \
  ssize_t name(int fd, const void *data, size_t size, offset_type offset) {               \
    NEXT(name);                                                                           \
    int kind = strikes(fd, 0);                                                            \
    if (!kind) return next(fd, data, size, offset);                                       \
    if (kind == TORN) (void)!next(fd, data, size / 2, offset);                            \
    return fail();                                                                        \
  }
POSITIONED(pwrite, off_t)
POSITIONED(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t size) {
  NEXT(write);
  int kind = strikes(fd, 0);
  if (!kind) return next(fd, data, size);
  if (kind == TORN) (void)!next(fd, data, size / 2);
  return fail();
}

int fsync(int fd) { NEXT(fsync); return strikes(fd, 1) ? (int)fail() : next(fd); }
int fdatasync(int fd) { NEXT(fdatasync); return strikes(fd, 1) ? (int)fail() : next(fd); }
