// Counts a program's allocations: preloaded into it (LD_PRELOAD), it stands in front of glibc's
// own. The file that BENCH_ALLOCATIONS names holds the count, eight bytes, shared by the processes
// it starts.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {
// Under these names glibc keeps what it would have called.
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

std::atomic<uint64_t>* counter = nullptr;

void count() {
  if (counter != nullptr) {
    counter->fetch_add(1, std::memory_order_relaxed);
  }
}

__attribute__((constructor)) void share_the_counter() {
  const char* path = std::getenv("BENCH_ALLOCATIONS");
  if (path == nullptr) {
    return;
  }
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  void* memory = fd < 0
                     ? MAP_FAILED
                     : mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    _exit(EXIT_FAILURE);  // a count that is not kept would read as none
  }
  close(fd);
  counter = static_cast<std::atomic<uint64_t>*>(memory);
}

}  // namespace

extern "C" {

void* malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void* calloc(size_t items, size_t size) {
  count();
  return __libc_calloc(items, size);
}

void* realloc(void* memory, size_t size) {
  count();
  return __libc_realloc(memory, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, size_t alignment, size_t size) {
  count();
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"
