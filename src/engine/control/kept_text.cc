#include "engine/control/kept_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "engine/control/bounds.h"
#include "engine/control/json_members.h"
#include "engine/control/names.h"

namespace murder::control {

template <typename Io>
void describe(Io& io, HeldRelease& held) {
  io("info_hash", held.info_hash);
  io("serial", held.serial);
}

template <typename Io>
void describe(Io& io, KeptApp& app) {
  io("app", app.app);
  io("active", app.active);
  io("previous", app.previous);
  io("ready", app.ready);
  io("revoked", app.revoked);
  io("phase", app.phase);
  io("is_healthy", app.is_healthy);
  io("is_unconfirmed", app.is_unconfirmed);
  io("attempt", app.attempt);
  io("failed_attempt", app.failed_attempt);
  io("failure", app.failure);
  io("text", app.text);
  io("min_healthy_ms", app.min_healthy);
  io("healthy_deadline_ms", app.healthy_deadline);
  io("confirm_within_ms", app.confirm_within);
}

template <typename Io>
void describe(Io& io, KeptAgent& kept) {
  io("origin", kept.origin);
  io("revision", kept.revision);
  io("apps", kept.apps);
}

namespace {

tl::unexpected<Error> refuse_kept(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("what the agent kept: {}", what));
}

}  // namespace

std::string text_of(const KeptAgent& kept) {
  Json json = Json::object();
  MemberWriter writer(json);
  KeptAgent bounded = kept;
  for (KeptApp& app : bounded.apps) {
    app.text = bounded_text(app.text);
  }
  describe(writer, bounded);
  std::string text = json_text(json);
  ENSURE(text.size() <= limits::control_kept_bytes_max);
  return text;
}

Result<KeptAgent> parse_kept(std::string_view text) {
  if (text.size() > limits::control_kept_bytes_max) {
    return refuse_kept(fmt::format("more than {} bytes", limits::control_kept_bytes_max));
  }
  const Result<Json> json = parse_json(text);
  if (!json || !json->is_object()) {
    return refuse_kept("not a JSON object");
  }
  KeptAgent kept;
  MemberReader reader(*json);
  describe(reader, kept);
  if (!reader.fault().empty()) {
    return refuse_kept(reader.fault());
  }
  for (const KeptApp& app : kept.apps) {
    const auto same = std::count_if(kept.apps.begin(), kept.apps.end(),
                                    [&](const KeptApp& other) { return other.app == app.app; });
    if (Status valid = validate_name(app.app, "app"); !valid || same != 1) {
      return valid ? refuse_kept("an app twice") : refuse_kept(valid.error().text);
    }
    if (!app.active && (is_activating(app.phase) || app.is_unconfirmed)) {
      return refuse_kept(fmt::format("{} activates no release", app.app));
    }
    if (app.failed_attempt > app.attempt && app.failure == Reason::none) {
      return refuse_kept(fmt::format("{} failed for no reason", app.app));
    }
  }
  return kept;
}

}  // namespace murder::control
