// The child's end of the recorder: notes that outlive it. Thread-safe; works before Open too, then nobody reads it.
#pragma once

#include "sandbox/protocol.h"

namespace sandbox {

// Maps the shared page of kRecorderFd and closes the descriptor. False: notes go nowhere.
[[nodiscard]] bool OpenRecorder();
void NotePhase(Phase phase);
// An allocation failed. Safe inside an allocator.
void NoteOutOfMemory() noexcept;
// A thread could not be started, for another reason than memory: too many run under this user.
void NoteNoThread() noexcept;
void ForgetShortages();  // a new task begins

}  // namespace sandbox
