#include "cli/commands/tune/apply.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/commands/tune/read_facts.h"
#include "cli/commands/tune/runtime_values.h"
#include "engine/base/small_file.h"

namespace murder::cli::tune {
namespace {

std::string_view parent_of(std::string_view path) {
  return path.substr(0, path.rfind('/'));
}

// The content is the last one that may be ours; those before it may still be there.
void expect(std::vector<std::string>& written, const std::string& content) {
  std::erase(written, content);
  written.push_back(content);
}

FileState wanted_state(const FileEntry& entry) {
  FileState state{.exists = true,
                  .content = entry.written.back(),
                  .mode = 0644,
                  .owner = ::geteuid(),
                  .group = ::getegid()};
  if (entry.before.exists) {
    state.mode = entry.before.mode;
    state.owner = entry.before.owner;
    state.group = entry.before.group;
  }
  return state;
}

// Sets the value. What the kernel takes as another one is put back.
void set_value(const std::string& root, const ValueEntry& entry, Outcome& outcome) {
  const std::string& wanted = entry.written.back();
  const Result<std::string> now = read_value(root, entry.place, entry.key);
  if (!now) {
    outcome.failed.push_back(now.error().text);
    return;
  }
  if (*now == wanted) {
    return;
  }
  if (Status status = write_value(root, entry.place, entry.key, wanted); !status) {
    outcome.failed.push_back(status.error().text);
    return;
  }
  const Result<std::string> after = read_value(root, entry.place, entry.key);
  if (after && *after == wanted) {
    outcome.done.push_back(fmt::format("{}: {} -> {}", what_of(entry), *now, wanted));
    return;
  }
  outcome.failed.push_back(fmt::format("{} became {} instead of {}: set back to {}", what_of(entry),
                                       after ? *after : "unreadable", wanted, *now));
  if (Status status = write_value(root, entry.place, entry.key, *now); !status) {
    outcome.failed.push_back(status.error().text);
  }
}

// One run of apply: builds the record of what will be, then makes it so.
class Application {
 public:
  Application(const std::string& root, const std::optional<Record>& found, bool takes_over)
      : root_(root), found_(found), takes_over_(takes_over) {}

  Status add_file(const DropIn& drop_in);
  Status add_value(const Change& change);
  Result<Outcome> run();

 private:
  void add_directories_of(const std::string& path);
  void add_stale();
  void restore_stale();
  void place_files();
  Status finish(const std::string& written_text);

  const std::string& root_;
  const std::optional<Record>& found_;
  bool takes_over_;
  Record record_;
  Record stale_;                         // of the earlier record, and not wanted any more
  std::vector<std::string> left_alone_;  // paths that somebody else changed
  Outcome outcome_;
};

Status Application::add_file(const DropIn& drop_in) {
  const Result<FileState> now = read_state(below(root_, drop_in.path));
  if (!now) {
    return fail(now.error());
  }
  FileEntry entry{.path = drop_in.path, .before = *now};
  const FileEntry* earlier = found_ ? found_->find_file(drop_in.path) : nullptr;
  const bool is_foreign =
      earlier != nullptr && now->exists && !earlier->is_ours(*now) && !earlier->is_as_before(*now);
  if (is_foreign && !takes_over_) {
    outcome_.failed.push_back(fmt::format(
        "{} was changed by somebody else: it is left as it is (--force writes it)", drop_in.path));
    left_alone_.push_back(drop_in.path);
    record_.files.push_back(*earlier);
    return {};
  }
  if (earlier != nullptr && !is_foreign) {
    entry = *earlier;
  }
  expect(entry.written, drop_in.content);
  add_directories_of(drop_in.path);
  record_.files.push_back(std::move(entry));
  return {};
}

void Application::add_directories_of(const std::string& path) {
  for (std::string_view each = parent_of(path); !each.empty(); each = parent_of(each)) {
    if (::access(below(root_, std::string(each)).c_str(), F_OK) != 0) {
      record_.directories.emplace_back(each);
    }
  }
}

Status Application::add_value(const Change& change) {
  if (!has_runtime_value(root_, change.place)) {
    return {};
  }
  const Result<std::string> now = read_value(root_, change.place, change.key);
  if (!now) {
    return fail(now.error());
  }
  ValueEntry entry{.place = change.place, .key = change.key, .before = *now};
  const ValueEntry* earlier = found_ ? found_->find_value(change.place, change.key) : nullptr;
  // What somebody else set meanwhile is what was there before this run.
  if (earlier != nullptr && (earlier->is_ours(*now) || *now == earlier->before)) {
    entry = *earlier;
  }
  expect(entry.written, change.wanted);
  record_.values.push_back(std::move(entry));
  return {};
}

void Application::add_stale() {
  if (!found_) {
    return;
  }
  for (const FileEntry& entry : found_->files) {
    if (record_.find_file(entry.path) == nullptr) {
      stale_.files.push_back(entry);
    }
  }
  for (const ValueEntry& entry : found_->values) {
    if (record_.find_value(entry.place, entry.key) == nullptr) {
      stale_.values.push_back(entry);
    }
  }
  for (const std::string& each : found_->directories) {
    record_.directories.push_back(each);
  }
}

void Application::restore_stale() {
  for (auto entry = stale_.values.rbegin(); entry != stale_.values.rend(); ++entry) {
    const Result<std::string> now = read_value(root_, entry->place, entry->key);
    // Somebody else's by now: no longer our concern.
    const bool is_foreign = now && !entry->is_ours(*now) && *now != entry->before;
    if (!is_foreign && !restore_value(root_, *entry, takes_over_, outcome_)) {
      record_.values.push_back(*entry);
    }
  }
  for (const FileEntry& entry : stale_.files) {
    if (!restore_file(root_, entry, takes_over_, outcome_)) {
      record_.files.push_back(entry);
      left_alone_.push_back(entry.path);
    }
  }
}

void Application::place_files() {
  for (const std::string& directory : record_.directories) {
    const std::string path = below(root_, directory);
    if (::mkdir(path.c_str(), 0755) == 0) {
      static_cast<void>(::chmod(path.c_str(), 0755));  // whatever the umask is
      static_cast<void>(sync_directory(std::string(parent_of(path))));
    }
  }
  for (const FileEntry& entry : record_.files) {
    if (std::find(left_alone_.begin(), left_alone_.end(), entry.path) != left_alone_.end()) {
      continue;
    }
    const std::string path = below(root_, entry.path);
    const FileState wanted = wanted_state(entry);
    const Result<FileState> now = read_state(path);
    if (now && now->exists && now->content == wanted.content) {
      continue;
    }
    const Status status = now ? place_state(path, wanted) : Status(fail(now.error()));
    if (status) {
      outcome_.done.push_back("wrote " + entry.path);
    } else {
      outcome_.failed.push_back(status.error().text);
    }
  }
}

// The record as it ended: what is there now is the only content of ours.
Status Application::finish(const std::string& written_text) {
  for (FileEntry& entry : record_.files) {
    const Result<FileState> now = read_state(below(root_, entry.path));
    if (now && now->exists && now->content == entry.written.back()) {
      entry.written = {entry.written.back()};
    }
  }
  for (ValueEntry& entry : record_.values) {
    const Result<std::string> now = read_value(root_, entry.place, entry.key);
    if (now && *now == entry.written.back()) {
      entry.written = {entry.written.back()};
    }
  }
  if (record_.is_empty()) {
    remove_directories(root_, record_.directories);
    return remove_record(root_);
  }
  return text_of(record_) == written_text ? Status() : write_record(root_, record_);
}

Result<Outcome> Application::run() {
  add_stale();
  std::sort(record_.directories.begin(), record_.directories.end());  // an upper one comes first
  record_.directories.erase(std::unique(record_.directories.begin(), record_.directories.end()),
                            record_.directories.end());
  if (record_.is_empty() && stale_.is_empty()) {
    return outcome_;
  }
  Record ahead = record_;
  ahead.files.insert(ahead.files.end(), stale_.files.begin(), stale_.files.end());
  ahead.values.insert(ahead.values.end(), stale_.values.begin(), stale_.values.end());
  const std::string ahead_text = text_of(ahead);
  if (!found_ || text_of(*found_) != ahead_text) {
    if (Status status = write_record(root_, ahead); !status) {
      return fail(status.error());
    }
  }
  restore_stale();
  place_files();
  for (const ValueEntry& entry : record_.values) {
    set_value(root_, entry, outcome_);
  }
  for (const Status& status :
       {finish(ahead_text), outcome_.done.empty() ? Status() : reload_units(root_)}) {
    if (!status) {
      outcome_.failed.push_back(status.error().text);
    }
  }
  return outcome_;
}

}  // namespace

Result<Outcome> apply(const std::string& root, const Plan& plan,
                      const std::vector<DropIn>& drop_ins, const std::optional<Record>& found,
                      bool takes_over) {
  Application application(root, found, takes_over);
  for (const DropIn& drop_in : drop_ins) {
    if (Status status = application.add_file(drop_in); !status) {
      return fail(status.error());
    }
  }
  for (const Change& change : plan.changes) {
    if (!change.is_pending()) {
      continue;
    }
    if (Status status = application.add_value(change); !status) {
      return fail(status.error());
    }
  }
  return application.run();
}

std::vector<std::string> mark_done(const std::string& root, Plan& plan,
                                   const std::vector<DropIn>& drop_ins,
                                   const std::optional<Record>& found) {
  std::vector<std::string> right;  // paths of drop-ins that are as they should be
  for (const DropIn& drop_in : drop_ins) {
    const Result<FileState> now = read_state(below(root, drop_in.path));
    if (now && now->exists && now->content == drop_in.content) {
      right.push_back(drop_in.path);
    }
  }
  Record wanted;
  for (const DropIn& drop_in : drop_ins) {
    wanted.files.push_back({.path = drop_in.path});
  }
  for (Change& change : plan.changes) {
    if (!change.is_pending()) {
      continue;
    }
    wanted.values.push_back({.place = change.place, .key = change.key});
    const bool holds = !has_runtime_value(root, change.place) ||
                       read_value(root, change.place, change.key) == change.wanted;
    if (holds && std::find(right.begin(), right.end(), drop_in_path(change)) != right.end()) {
      change.now = change.wanted;
    }
  }
  std::vector<std::string> stale;
  if (found) {
    for (const FileEntry& entry : found->files) {
      if (wanted.find_file(entry.path) == nullptr) {
        stale.push_back(entry.path);
      }
    }
    for (const ValueEntry& entry : found->values) {
      if (wanted.find_value(entry.place, entry.key) == nullptr) {
        stale.push_back(fmt::format("{} -> {}", what_of(entry), entry.before));
      }
    }
  }
  return stale;
}

Outcome undo(const std::string& root, const Record& record, bool takes_over) {
  Outcome outcome;
  Record left{.directories = record.directories};
  for (auto entry = record.values.rbegin(); entry != record.values.rend(); ++entry) {
    if (!restore_value(root, *entry, takes_over, outcome)) {
      left.values.insert(left.values.begin(), *entry);
    }
  }
  for (const FileEntry& entry : record.files) {
    if (!restore_file(root, entry, takes_over, outcome)) {
      left.files.push_back(entry);
    }
  }
  remove_directories(root, record.directories);
  const Status kept = left.is_empty() ? remove_record(root) : write_record(root, left);
  for (const Status& status : {kept, reload_units(root)}) {
    if (!status) {
      outcome.failed.push_back(status.error().text);
    }
  }
  return outcome;
}

Outcome apply_at_boot(const std::string& root, const Record& record) {
  Outcome outcome;
  for (const ValueEntry& entry : record.values) {
    if (entry.place == Place::receive_ring || entry.place == Place::channels ||
        entry.place == Place::interrupt) {
      set_value(root, entry, outcome);
    }
  }
  return outcome;
}

}  // namespace murder::cli::tune
