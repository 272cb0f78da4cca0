// The one way by which what runs a release speaks to whoever started it. Nothing in this layer
// prints.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/host/progress.h"

namespace murder::host {

// What there is to say when it is done.
struct FinalReport {
  std::string text;  // for people, one or more lines; may be empty
  Json json;         // for --json; null: nothing
  // An event in the journal says the same: where standard output goes there too, the text is left
  // out.
  bool is_in_journal = false;
};

// Whoever started it. One thread.
class Parent {
 public:
  virtual ~Parent() = default;
  virtual void progress(const Progress& progress) = 0;  // may be called often; may be dropped
  virtual void note(std::string_view line) = 0;
  virtual void warn(std::string_view line) = 0;
  // At most once. The command ends with it; from here on notes go to the log.
  virtual void finish(const FinalReport& report) = 0;
  // Readable (end of file) when the parent is gone before finish(); -1: there is none to watch, in
  // the foreground and after finish().
  [[nodiscard]] virtual int hangup_fd() const = 0;
};

}  // namespace murder::host
