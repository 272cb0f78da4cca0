// Records as lines of JSON. What members a record has is said once, by `describe`, for the writer
// and for the reader.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "engine/base/printable.h"
#include "engine/control/bounds.h"
#include "engine/control/names_of.h"
#include "engine/control/record.h"

namespace murder::control {
namespace {

// In the order of the variant.
constexpr std::array<std::string_view, 12> kinds = {"started", "agent",   "forgotten", "release",
                                                    "revoked", "rollout", "wave",      "told",
                                                    "outcome", "state",   "snapshot",  "target"};
static_assert(kinds.size() == std::variant_size_v<decltype(Record::what)>);

template <typename Io>
void describe(Io& io, Started& what) {
  io("origin", what.origin);
  io("term", what.term);
}

template <typename Io>
void describe(Io& io, AgentSeen& what) {
  io("host", what.host);
  io("identity", what.identity);
  io("rack", what.rack);
  io("groups", what.groups);
  io("apps", what.apps);
}

template <typename Io>
void describe(Io& io, AgentForgotten& what) {
  io("host", what.host);
}

template <typename Io>
void describe(Io& io, ReleasePublished& what) {
  io("app", what.app);
  io("tag", what.tag);
  io("number", what.number);
  io("info_hash", what.info_hash);
  io("serial", what.serial);
}

template <typename Io>
void describe(Io& io, ReleaseRevoked& what) {
  io("app", what.app);
  io("number", what.number);
}

template <typename Io>
void describe(Io& io, Plan& plan) {
  io("groups", plan.groups);
  io("waves", plan.waves);
  io("bake_ms", plan.bake);
  io("max_fail", plan.max_fail);
  io("on_failure", plan.on_failure);
  io("max_unavailable", plan.max_unavailable);
  io("rack_max_unavailable", plan.rack_max_unavailable);
  io("quorum", plan.quorum);
  io("min_healthy_ms", plan.min_healthy);
  io("healthy_deadline_ms", plan.healthy_deadline);
  io("progress_deadline_ms", plan.progress_deadline);
  io("confirm_within_ms", plan.confirm_within);
  io("begin_wall_s", plan.begin_wall_s);
  io("allow_older", plan.allow_older);
}

template <typename Io>
void describe(Io& io, RolloutStarted& what) {
  io("app", what.app);
  io("release", what.release);
  io("number", what.number);
  io("plan", what.plan);
}

template <typename Io>
void describe(Io& io, WaveBegun& what) {
  io("app", what.app);
  io("wave", what.wave);
}

template <typename Io>
void describe(Io& io, Told& what) {
  io("app", what.app);
  io("host", what.host);
  io("back", what.back);
  io("before", what.before);
}

template <typename Io>
void describe(Io& io, Outcome& what) {
  io("app", what.app);
  io("host", what.host);
  io("stage", what.stage);
  io("reason", what.reason);
  io("text", what.text);
}

template <typename Io>
void describe(Io& io, StateChanged& what) {
  io("app", what.app);
  io("state", what.state);
  io("why", what.why);
}

template <typename Io>
void describe(Io& io, SnapshotBegun& what) {
  io("origin", what.origin);
  io("term", what.term);
  io("sequence", what.sequence);
  io("records", what.record_count);
}

template <typename Io>
void describe(Io& io, TargetKept& what) {
  io("app", what.app);
  io("host", what.host);
  io("stage", what.stage);
  io("reason", what.reason);
  io("attempt", what.attempt);
  io("tells", what.tells);
  io("touched", what.touched);
  io("before", what.before);
  io("text", what.text);
}

class Writer {
 public:
  explicit Writer(Json& object) : object_(object) {}

  template <typename T>
  void operator()(std::string_view name, T& value) {
    object_[name] = json_of(value);
  }

 private:
  static Json json_of(const std::string& value) { return value; }
  static Json json_of(const std::vector<std::string>& value) { return value; }
  static Json json_of(bool value) { return value; }
  static Json json_of(uint64_t value) { return value; }
  static Json json_of(uint32_t value) { return value; }
  static Json json_of(int64_t value) { return value; }
  static Json json_of(ReleaseNumber value) { return value.raw; }
  static Json json_of(const InfoHash& value) { return value.hex(); }
  static Json json_of(const Share& value) { return value.text(); }
  static Json json_of(Duration value) { return value / std::chrono::milliseconds(1); }
  static Json json_of(const std::vector<Share>& value) {
    Json array = Json::array();
    for (const Share& share : value) {
      array.push_back(share.text());
    }
    return array;
  }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  static Json json_of(Enum value) { return names_of<Enum>[static_cast<size_t>(value)]; }
  static Json json_of(Plan& value) {
    Json object = Json::object();
    Writer writer(object);
    describe(writer, value);
    return object;
  }

  Json& object_;
};

class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}

  template <typename T>
  void operator()(std::string_view name, T& value) {
    const Json* member = object_.find(name);
    if (member == nullptr || !take(*member, value)) {
      refuse(name, member == nullptr ? "is missing" : "has another type or is out of bounds");
    }
    ++known_count_;
  }

  // What was wrong first, or what the object has beyond what was asked for.
  [[nodiscard]] std::string fault(size_t others = 0) const {
    return !fault_.empty() || object_.members().size() == known_count_ + others
               ? fault_
               : "it has a member that is not known";
  }

 private:
  void refuse(std::string_view name, std::string_view what) {
    if (fault_.empty()) {
      fault_ = fmt::format("{} {}", name, what);
    }
  }

  static bool take(const Json& json, std::string& value) {
    value = json.text();
    return json.is_text() && value.size() <= limits::control_text_bytes_max + 32 &&
           printable_lines(value) == value;
  }
  static bool take(const Json& json, bool& value) {
    value = json == Json(true);
    return json.is_boolean();
  }
  static bool take(const Json& json, uint64_t& value) {
    value = json.count();
    return json.is_count();
  }
  static bool take(const Json& json, uint32_t& value) {
    value = static_cast<uint32_t>(json.count());
    return json.is_count() && json.count() <= UINT32_MAX;
  }
  static bool take(const Json& json, int64_t& value) {
    value = static_cast<int64_t>(json.count());
    return json.is_count() && json.count() <= static_cast<uint64_t>(INT64_MAX);
  }
  static bool take(const Json& json, ReleaseNumber& value) { return take(json, value.raw); }
  static bool take(const Json& json, InfoHash& value) {
    const std::optional<InfoHash> id = InfoHash::from_hex(json.text());
    value = id.value_or(InfoHash{});
    return id && value.hex() == json.text();
  }
  static bool take(const Json& json, Share& value) {
    const Result<Share> share = Share::parse(json.text());
    value = share.value_or(Share{});
    return share && share->text() == json.text();
  }
  static bool take(const Json& json, Duration& value) {
    const uint64_t most = limits::control_duration_max / std::chrono::milliseconds(1);
    value = std::chrono::milliseconds(std::min(json.count(), most));
    return json.is_count() && json.count() <= most;
  }
  template <typename T>
  static bool take(const Json& json, std::vector<T>& list) {
    list.resize(std::min<size_t>(json.size(), limits::control_list_max));
    for (size_t index = 0; index < list.size(); ++index) {
      if (!take(json.items()[index], list[index])) {
        return false;
      }
    }
    return json.is_array() && json.size() == list.size();
  }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  static bool take(const Json& json, Enum& value) {
    const auto& names = names_of<Enum>;
    const auto found = std::find(names.begin(), names.end(), json.text());
    value = static_cast<Enum>(found == names.end() ? 0 : found - names.begin());
    return json.is_text() && found != names.end();
  }
  static bool take(const Json& json, Plan& value) {
    Reader reader(json);
    describe(reader, value);
    return json.is_object() && reader.fault().empty();
  }

  const Json& object_;
  size_t known_count_ = 0;
  std::string fault_;
};

tl::unexpected<Error> refuse(std::string_view line, std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("a record of the coordinator: {}: '{}'", what,
                                                    printable_value(line.substr(0, 120))));
}

// The kind with this number, read from the members.
template <size_t kind = 0>
void read_kind(size_t number, Reader& reader, Record& record) {
  if constexpr (kind < std::variant_size_v<decltype(Record::what)>) {
    if (number == kind) {
      describe(reader, record.what.emplace<kind>());
    } else {
      read_kind<kind + 1>(number, reader, record);
    }
  }
}

}  // namespace

std::string text_of(const Record& record) {
  Json json = {{"record", kinds[record.what.index()]}, {"at", record.wall_s}, {"by", record.by}};
  Writer writer(json);
  std::visit(
      [&](const auto& what) {
        auto copy = what;  // `describe` is the reader's too
        describe(writer, copy);
      },
      record.what);
  std::string text = json_text(json);
  ENSURE(text.size() <= limits::control_record_bytes_max);
  return text;
}

Result<Record> parse_record(std::string_view line) {
  if (line.size() > limits::control_record_bytes_max) {
    return refuse(line, fmt::format("more than {} bytes", limits::control_record_bytes_max));
  }
  const Result<Json> json = parse_json(line);
  if (!json || !json->is_object()) {
    return refuse(line, "not a JSON object");
  }
  const auto kind = std::find(kinds.begin(), kinds.end(), (*json)["record"].text());
  if (kind == kinds.end()) {
    return refuse(line, "an unknown kind");
  }
  Record record;
  Reader reader(*json);
  reader("at", record.wall_s);
  reader("by", record.by);
  read_kind(static_cast<size_t>(kind - kinds.begin()), reader, record);
  if (const std::string fault = reader.fault(1); !fault.empty()) {
    return refuse(line, fault);
  }
  return record;
}

}  // namespace murder::control
