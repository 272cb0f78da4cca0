// Records as lines of JSON.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "engine/base/printable.h"
#include "engine/control/bounds.h"
#include "engine/control/json_members.h"
#include "engine/control/record.h"

namespace murder::control {

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

namespace {

// In the order of the variant.
constexpr std::array<std::string_view, 15> kinds = {
    "started", "agent", "forgotten", "release", "revoked", "rollout", "wave",    "told",
    "outcome", "state", "snapshot",  "target",  "order",   "proven",  "approved"};
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
  io.optional("why", what.why);
}

template <typename Io>
void describe(Io& io, RolloutStarted& what) {
  io("app", what.app);
  io("release", what.release);
  io("number", what.number);
  io("plan", what.plan);
  io.optional("earlier", what.earlier);
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

template <typename Io>
void describe(Io& io, OrderGiven& what) {
  io("app", what.app);
  io("use", what.use);
  io("release", what.release);
  io("serial", what.serial);
  io("signed", what.text);
}

template <typename Io>
void describe(Io& io, OutcomeProven& what) {
  io("app", what.app);
  io("host", what.host);
  io("attempt", what.attempt);
  io("outcome", what.outcome);
  io("signed", what.text);
}

template <typename Io>
void describe(Io& io, AgentApproved& what) {
  io("host", what.host);
  io("identity", what.identity);
}

tl::unexpected<Error> refuse(std::string_view line, std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("a record of the coordinator: {}: '{}'", what,
                                                    printable_value(line.substr(0, 120))));
}

// The kind with this number, read from the members.
template <size_t kind = 0>
void read_kind(size_t number, MemberReader& reader, Record& record) {
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
  MemberWriter writer(json);
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
  MemberReader reader(*json);
  reader("at", record.wall_s);
  reader("by", record.by);
  read_kind(static_cast<size_t>(kind - kinds.begin()), reader, record);
  if (const std::string fault = reader.strict_fault(1); !fault.empty()) {
    return refuse(line, fault);
  }
  return record;
}

}  // namespace murder::control
