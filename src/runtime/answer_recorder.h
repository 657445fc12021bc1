// The recorder of the local home: outcomes travel back in the answer, and the server commits them.
#pragma once

#include "ports/work.h"

namespace runtime {

class AnswerRecorder final : public ports::Recorder {
 public:
  // The bytes of wire::EncodeAnswers. A failure of the platform that may pass (a store that is away) becomes that
  // record's batch item failure; one that trying again cannot mend is answered as the invocation's error.
  [[nodiscard]] base::Result<std::string> Respond(std::vector<Handled> handled) override;
};

}  // namespace runtime
