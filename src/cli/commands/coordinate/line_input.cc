#include "cli/commands/coordinate/line_input.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

namespace murder::cli {
namespace {

// A torrent of some MiB in base64, and what goes with it.
constexpr size_t input_line_bytes_max = 64 * 1024 * 1024;
constexpr size_t input_part_bytes = 64 * 1024;

}  // namespace

LineInput::LineInput() {
  const int flags = fcntl(STDIN_FILENO, F_GETFL);
  has_ended_ = flags < 0 || fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK) != 0;
}

std::vector<Json> LineInput::take() {
  std::vector<Json> objects;
  const auto part = std::make_unique<std::array<char, input_part_bytes>>();
  while (!has_ended_) {
    const ssize_t size = read(STDIN_FILENO, part->data(), part->size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0 && errno == EAGAIN) {
      break;
    }
    if (size <= 0 || text_.size() > input_line_bytes_max) {
      has_ended_ = true;
      break;
    }
    text_.append(part->data(), static_cast<size_t>(size));
  }
  size_t start = 0;
  for (size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n', start)) {
    if (Result<Json> json = parse_json(std::string_view(text_).substr(start, end - start));
        json && json->is_object()) {
      objects.push_back(std::move(*json));
    }
    start = end + 1;
  }
  text_.erase(0, start);
  return objects;
}

int LineInput::wait_fd() const {
  return has_ended_ ? -1 : STDIN_FILENO;
}

}  // namespace murder::cli
