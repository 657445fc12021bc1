#include "runtime/answer_recorder.h"

#include <utility>

#include "wire/chunk_codec.h"

namespace runtime {

base::Result<std::string> AnswerRecorder::Respond(std::vector<Handled> handled) {
  std::vector<wire::RecordAnswer> answers;
  answers.reserve(handled.size());
  for (Handled& one : handled) {
    wire::RecordAnswer answer{.message_id = std::move(one.message_id)};
    if (one.answer) {
      answer.answer = std::move(*one.answer);
    } else if (base::PolicyOf(one.answer.error().code).retryable) {
      answer.failed = true;
      answer.failure = one.answer.error().message;
    } else {
      return std::unexpected(std::move(one.answer).error());
    }
    answers.push_back(std::move(answer));
  }
  return wire::EncodeAnswers(answers);
}

}  // namespace runtime
