// Which serials of signed releases were placed at a target, so that nothing steps back there: what
// the record of a directory keeps, and what may be placed next to it. Pure.
//
// Every signature over a release has a serial, and one that is signed later has a higher one. So a
// serial below the highest one is a release of yesterday that somebody replays. A rollback is a
// fresh signature over the older content: its serial is higher, and its content is known to have
// come before; the host's side has to allow that as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace murder::host {

struct SignedContent {
  std::string sha256;  // 64 hexadecimal digits
  uint64_t serial = 0;

  bool operator==(const SignedContent&) const = default;
};

// Of one application at one target.
struct SerialMark {
  std::string app;
  std::string name;     // of a file or directory that has no tag in its path; else empty
  uint64_t serial = 0;  // the highest
  std::string sha256;   // of the content that it was of
  // When that signature ends, or the key or certificate that made it: for `murder doctor`.
  std::optional<int64_t> until_s;
  // Each content once, with the serial under which it came first; the last one to come at the end.
  std::vector<SignedContent> contents;

  bool operator==(const SerialMark&) const = default;
};

inline constexpr size_t serial_marks_max = 50;     // of a directory
inline constexpr size_t serial_contents_max = 50;  // of a mark; older ones are forgotten

enum class Step : uint8_t {
  forward,
  replay,  // its serial is below the highest
  back,    // its content came before the present one, with a serial that is right
};

// nullptr: nothing signed was placed there.
[[nodiscard]] const SerialMark* find_mark(const std::vector<SerialMark>& marks,
                                          std::string_view app, std::string_view name);
[[nodiscard]] Step step_of(const SerialMark& mark, const SignedContent& content);
// Error (limit): there are too many.
[[nodiscard]] Status note_serial(std::vector<SerialMark>& marks, std::string_view app,
                                 std::string_view name, const SignedContent& content,
                                 std::optional<int64_t> until_s = {});

[[nodiscard]] Json json_of(const std::vector<SerialMark>& marks);
// Error: damaged. What is not understood is not passed over: it might be what forbids a step.
[[nodiscard]] Result<std::vector<SerialMark>> serial_marks_of(const Json& json);

}  // namespace murder::host
