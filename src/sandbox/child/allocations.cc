// The C library's allocator, and its start of a thread, under their own names, with one addition: a failure is noted in
// the recorder. GLib aborts on one and decoders report one in many ways, as if their input were broken; by the note the
// parent knows it from every other end. Programs built with
// a sanitizer keep the sanitizer's allocator.
#include "sandbox/child/recorder.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

extern "C" {

// NOLINTBEGIN: the names are glibc's.
void* __libc_malloc(size_t) noexcept;
void* __libc_calloc(size_t, size_t) noexcept;
void* __libc_realloc(void*, size_t) noexcept;
void* __libc_memalign(size_t, size_t) noexcept;
// NOLINTEND

static void* Watched(void* allocated) noexcept {
  if (allocated == nullptr) sandbox::NoteOutOfMemory();
  return allocated;
}

void* malloc(size_t size) noexcept {
  return Watched(__libc_malloc(size));
}
void* calloc(size_t count, size_t size) noexcept {
  return Watched(__libc_calloc(count, size));
}
void* realloc(void* old, size_t size) noexcept {
  void* grown = __libc_realloc(old, size);
  if (size != 0) Watched(grown);  // of size 0 it frees
  return grown;
}
void* memalign(size_t alignment, size_t size) noexcept {
  return Watched(__libc_memalign(alignment, size));
}
void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return Watched(__libc_memalign(alignment, size));
}
int posix_memalign(void** out, size_t alignment, size_t size) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  void* allocated = Watched(__libc_memalign(alignment, size));
  if (allocated == nullptr) return ENOMEM;
  *out = allocated;
  return 0;
}
void* mmap(void* at, size_t length, int protection, int flags, int fd, off_t offset) noexcept {
  const long mapped = ::syscall(SYS_mmap, at, length, protection, flags, fd, offset);
  if (mapped == -1 && errno == ENOMEM) sandbox::NoteOutOfMemory();
  return reinterpret_cast<void*>(mapped);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* with) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const Create create = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  const int error = create(thread, attributes, run, with);
  if (error != EAGAIN) return error;
  // Either there is no room for another stack, which the C library maps by itself, or no number for another thread.
  constexpr std::size_t kStack = 8U << 20U;
  void* room = mmap(nullptr, kStack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return error;
  (void)::munmap(room, kStack);
  sandbox::NoteNoThread();
  return error;
}
void* mmap64(void* at, size_t length, int protection, int flags, int fd, off64_t offset) noexcept {
  return mmap(at, length, protection, flags, fd, offset);
}

}  // extern "C"

#endif
