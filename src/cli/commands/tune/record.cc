#include "cli/commands/tune/record.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "cli/commands/tune/read_facts.h"
#include "cli/commands/tune/values.h"
#include "engine/base/small_file.h"

namespace murder::cli::tune {
namespace {

constexpr size_t record_bytes_max = 8 * 1024 * 1024;
constexpr uint64_t record_version = 1;
constexpr std::array<std::pair<Place, std::string_view>, 7> place_names = {{
    {Place::module, "module"},
    {Place::sysctl, "sysctl"},
    {Place::unit, "unit"},
    {Place::huge_pages, "huge_pages"},
    {Place::receive_ring, "receive_ring"},
    {Place::channels, "channels"},
    {Place::interrupt, "interrupt"},
}};

std::string_view name_of(Place place) {
  const auto* const found = std::find_if(place_names.begin(), place_names.end(),
                                         [&](const auto& each) { return each.first == place; });
  return found == place_names.end() ? "" : found->second;
}

std::optional<Place> place_of(std::string_view name) {
  const auto* const found = std::find_if(place_names.begin(), place_names.end(),
                                         [&](const auto& each) { return each.second == name; });
  return found == place_names.end() ? std::nullopt : std::optional(found->first);
}

Json json_of(const FileState& state) {
  if (!state.exists) {
    return {};
  }
  return {{"hex", hex_of(state.content)},
          {"mode", static_cast<uint64_t>(state.mode)},
          {"owner", static_cast<uint64_t>(state.owner)},
          {"group", static_cast<uint64_t>(state.group)},
          {"modified_s", state.modified_s < 0 ? 0 : state.modified_s},
          {"modified_ns", state.modified_ns}};
}

std::optional<FileState> state_of(const Json& json) {
  FileState state;
  if (json.is_null()) {
    return state;
  }
  state.exists = true;
  state.keeps_time = true;
  state.mode = static_cast<mode_t>(count_member(json, "mode") & 07777U);
  state.owner = static_cast<uid_t>(count_member(json, "owner"));
  state.group = static_cast<gid_t>(count_member(json, "group"));
  state.modified_s = static_cast<int64_t>(count_member(json, "modified_s"));
  state.modified_ns = static_cast<int64_t>(count_member(json, "modified_ns") % 1'000'000'000);
  return bytes_of_hex(text_member(json, "hex"), &state.content) ? std::optional(state)
                                                                : std::nullopt;
}

// What is in a path or a key cannot lead elsewhere.
bool is_plain_path(std::string_view path, std::string_view start) {
  return path.starts_with(start) && path.find("/../") == std::string_view::npos &&
         !path.ends_with("/..") && path.find('\0') == std::string_view::npos;
}

bool is_valid_key(Place place, std::string_view key) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-@:";
  if (key.empty() || key.find("..") != std::string_view::npos) {
    return false;
  }
  // The action of an interrupt is compared with others only: it may be any text.
  return place == Place::interrupt || key.find_first_not_of(plain) == std::string_view::npos;
}

std::optional<FileEntry> file_entry_of(const Json& json) {
  FileEntry entry{.path = text_member(json, "path")};
  const std::optional<FileState> before = state_of(json["before"]);
  if (!before || !is_plain_path(entry.path, "/etc/")) {
    return std::nullopt;
  }
  entry.before = *before;
  for (const Json& each : json["written"]) {
    if (!bytes_of_hex(each.text(), &entry.written.emplace_back())) {
      return std::nullopt;
    }
  }
  return entry;
}

std::optional<ValueEntry> value_entry_of(const Json& json) {
  const std::optional<Place> place = place_of(text_member(json, "place"));
  ValueEntry entry{.key = text_member(json, "key"), .before = text_member(json, "before")};
  if (!place || !is_valid_key(*place, entry.key)) {
    return std::nullopt;
  }
  entry.place = *place;
  for (const Json& each : json["written"]) {
    entry.written.push_back(each.text());
  }
  return entry;
}

tl::unexpected<Error> no_record() {
  return fail(ErrorCode::invalid_input,
              fmt::format("{} is not a record of murder tune: move it away, and compare "
                          "/etc/sysctl.d/90-murder.conf and its like yourself",
                          record_path));
}

}  // namespace

bool FileEntry::is_ours(const FileState& now) const {
  return now.exists && std::find(written.begin(), written.end(), now.content) != written.end();
}

bool FileEntry::is_as_before(const FileState& now) const {
  return now.exists == before.exists && now.content == before.content &&
         (!now.exists ||
          (now.mode == before.mode && now.owner == before.owner && now.group == before.group));
}

bool ValueEntry::is_ours(const std::string& now) const {
  return std::find(written.begin(), written.end(), now) != written.end();
}

const FileEntry* Record::find_file(std::string_view path) const {
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const FileEntry& each) { return each.path == path; });
  return found == files.end() ? nullptr : &*found;
}

const ValueEntry* Record::find_value(Place place, std::string_view key) const {
  const auto found = std::find_if(values.begin(), values.end(), [&](const ValueEntry& each) {
    return each.place == place && each.key == key;
  });
  return found == values.end() ? nullptr : &*found;
}

std::string text_of(const Record& record) {
  Json files = Json::array();
  for (const FileEntry& entry : record.files) {
    Json written = Json::array();
    for (const std::string& each : entry.written) {
      written.push_back(hex_of(each));
    }
    files.push_back(
        {{"path", entry.path}, {"before", json_of(entry.before)}, {"written", written}});
  }
  Json values = Json::array();
  for (const ValueEntry& entry : record.values) {
    values.push_back({{"place", name_of(entry.place)},
                      {"key", entry.key},
                      {"before", entry.before},
                      {"written", entry.written}});
  }
  return json_text({{"version", record_version},
                    {"files", files},
                    {"directories", record.directories},
                    {"values", values}}) +
         "\n";
}

Result<Record> parse_record(std::string_view text) {
  const Result<Json> json = parse_json(text);
  if (!json || count_member(*json, "version") != record_version) {
    return no_record();
  }
  Record record;
  for (const Json& each : (*json)["files"]) {
    std::optional<FileEntry> entry = file_entry_of(each);
    if (!entry) {
      return no_record();
    }
    record.files.push_back(std::move(*entry));
  }
  for (const Json& each : (*json)["directories"]) {
    if (!is_plain_path(each.text(), "/")) {
      return no_record();
    }
    record.directories.push_back(each.text());
  }
  for (const Json& each : (*json)["values"]) {
    std::optional<ValueEntry> entry = value_entry_of(each);
    if (!entry) {
      return no_record();
    }
    record.values.push_back(std::move(*entry));
  }
  return record;
}

Result<std::optional<Record>> read_record(const std::string& root) {
  const std::string path = below(root, std::string(record_path));
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::optional<Record>();
    }
    return fail_errno(errno, "cannot read " + path);
  }
  if (!S_ISREG(status.st_mode) || (status.st_mode & 022U) != 0 ||
      (status.st_uid != 0 && status.st_uid != ::geteuid())) {
    return fail(ErrorCode::permission,
                fmt::format("{} could have been written by others: it is not used", path));
  }
  const Result<std::string> text = read_small_file(path, record_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  Result<Record> record = parse_record(*text);
  return record ? Result<std::optional<Record>>(std::move(*record)) : fail(record.error());
}

Status write_record(const std::string& root, const Record& record) {
  const std::string path = below(root, std::string(record_path));
  const bool is_for_all =
      std::all_of(record.files.begin(), record.files.end(), [](const FileEntry& entry) {
        return !entry.before.exists || (entry.before.mode & 04U) != 0;
      });
  return place_state(path, {.exists = true,
                            .content = text_of(record),
                            .mode = is_for_all ? 0644U : 0600U,
                            .owner = ::geteuid(),
                            .group = ::getegid()});
}

Status remove_record(const std::string& root) {
  return place_state(below(root, std::string(record_path)), FileState());
}

Facts before_tuning(Facts facts, const Record& record) {
  const auto number = [](const std::string& text) {
    uint32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  const auto restore = [](const ValueEntry& entry, std::string* ret_now) {
    if (entry.is_ours(*ret_now)) {
      *ret_now = entry.before;
    }
  };
  InterfaceFacts& interface = facts.interface;
  for (const ValueEntry& entry : record.values) {
    if (entry.place == Place::sysctl && facts.sysctls.contains(entry.key)) {
      restore(entry, &facts.sysctls[entry.key]);
    } else if (entry.place == Place::module && facts.modules.contains(entry.key)) {
      facts.modules[entry.key] =
          facts.modules[entry.key] && entry.before == std::string(module_loaded);
    } else if (entry.place == Place::huge_pages) {
      restore(entry, &facts.huge_pages);
    } else if (entry.place == Place::receive_ring && entry.key == interface.name &&
               interface.ring) {
      std::string now = fmt::format("{}", interface.ring->receive);
      restore(entry, &now);
      interface.ring->receive = number(now);
    } else if (entry.place == Place::channels && entry.key == interface.name &&
               interface.channels) {
      std::string now = fmt::format("{}", interface.channels->combined);
      restore(entry, &now);
      interface.channels->combined = number(now);
    } else if (entry.place == Place::interrupt) {
      for (InterruptFacts& interrupt : interface.interrupts) {
        if (interrupt.action == entry.key && entry.is_ours(interrupt.allowed)) {
          interrupt.allowed = entry.before;
          interrupt.serving = {UINT32_MAX};  // not well placed without us
        }
      }
    }
  }
  return facts;
}

}  // namespace murder::cli::tune
