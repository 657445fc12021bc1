#include "sandbox/child/recorder.h"

#include <sys/mman.h>
#include <unistd.h>

namespace sandbox {

namespace {

Recorder g_nowhere;
std::atomic<Recorder*> g_recorder{&g_nowhere};

}  // namespace

bool OpenRecorder() {
  void* page = ::mmap(nullptr, sizeof(Recorder), PROT_READ | PROT_WRITE, MAP_SHARED, kRecorderFd, 0);
  (void)::close(kRecorderFd);
  if (page == MAP_FAILED) return false;
  g_recorder = static_cast<Recorder*>(page);
  return true;
}

void NotePhase(Phase phase) {
  g_recorder.load()->phase = static_cast<std::uint32_t>(phase);
}

void NoteOutOfMemory() noexcept {
  g_recorder.load()->out_of_memory = 1;
}

void NoteNoThread() noexcept {
  g_recorder.load()->no_thread = 1;
}

void ForgetShortages() {
  g_recorder.load()->out_of_memory = 0;
  g_recorder.load()->no_thread = 0;
}

}  // namespace sandbox
