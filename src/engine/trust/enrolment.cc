#include "engine/trust/enrolment.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/printable.h"
#include "engine/trust/bounds.h"

namespace murder::trust {

Result<Enrolment> parse_enrolment(std::string_view text) {
  constexpr std::string_view known_hosts_prefix = "known_hosts:";
  if (text == "tofu") {
    return Enrolment{};
  }
  if (text == "approve") {
    return Enrolment{.mode = EnrolMode::approve, .known_hosts_path = {}};
  }
  if (text.starts_with(known_hosts_prefix) && text.size() > known_hosts_prefix.size()) {
    return Enrolment{.mode = EnrolMode::known_hosts,
                     .known_hosts_path = std::string(text.substr(known_hosts_prefix.size()))};
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("'{}' is not a way to enrol agents: tofu, approve and known_hosts:FILE "
                          "are",
                          printable_value(text)));
}

bool Approvals::come(std::string_view host, std::string_view identity) {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.agent.host == host && entry.agent.identity == identity;
  });
  if (found != entries_.end()) {
    Entry entry = std::move(*found);
    entries_.erase(found);
    if (entry.is_approved) {
      return true;
    }
    entries_.push_back(std::move(entry));
    return false;
  }
  if (entries_.size() == limits::enrolments_waiting_max) {
    // An approval is given up last: an operator made it.
    const auto oldest = std::ranges::find(entries_, false, &Entry::is_approved);
    entries_.erase(oldest == entries_.end() ? entries_.begin() : oldest);
  }
  entries_.push_back({.agent = {.host = std::string(host), .identity = std::string(identity)}});
  return false;
}

Result<std::string> Approvals::approve(std::string_view host, std::string_view identity) {
  Entry* found = nullptr;
  size_t count = 0;
  for (Entry& entry : entries_) {
    if (entry.agent.host == host && (identity.empty() || entry.agent.identity == identity)) {
      found = &entry;
      ++count;
    }
  }
  if (count == 0) {
    return fail(ErrorCode::not_found,
                fmt::format("no agent of {} waits to be approved{}", printable_value(host),
                            identity.empty() ? "" : " with this key"));
  }
  if (count > 1) {
    return fail(ErrorCode::conflict,
                fmt::format("{} agents wait to be approved as {}: say which key, and compare it "
                            "with the host's own",
                            count, printable_value(host)));
  }
  found->is_approved = true;
  return found->agent.identity;
}

std::vector<Approvals::Waiting> Approvals::waiting() const {
  std::vector<Waiting> waiting;
  for (const Entry& entry : entries_) {
    if (!entry.is_approved) {
      waiting.push_back(entry.agent);
    }
  }
  return waiting;
}

}  // namespace murder::trust
