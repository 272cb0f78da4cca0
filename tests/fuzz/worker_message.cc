// Fuzzes what a worker reports to the command that started it: what was understood is sent and
// understood again as the same.

#include <string>
#include <string_view>

#include "cli/ui/parent_link.h"
#include "engine/base/ensure.h"
#include "engine/base/types.h"

using namespace murder;
using namespace murder::cli;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::optional<WorkerMessage> message = decode_worker_message(as_text_of({data, size}));
  if (!message) {
    return 0;
  }
  const std::string packet = encode_worker_message(*message);
  const std::optional<WorkerMessage> again = decode_worker_message(packet);
  ENSURE(again && again->kind == message->kind);
  ENSURE(again->progress == message->progress && again->text == message->text);
  ENSURE(again->exit_code == message->exit_code);
  ENSURE(again->final_report.text == message->final_report.text);
  ENSURE(again->error.code == message->error.code && again->error.text == message->error.text);
  ENSURE(encode_worker_message(*again) == packet);
  return 0;
}
