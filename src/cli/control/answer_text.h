// What a coordinator answers, for people: tables and lines. Pure. Names, tags and texts of others
// are made printable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/json.h"

namespace murder::cli {

// "2026-11-29T16:31:12Z"; "-" for 0.
[[nodiscard]] std::string shown_time(uint64_t seconds);

[[nodiscard]] std::string releases_table(const Json& answer);
[[nodiscard]] std::vector<std::string> release_lines(const Json& release);

// "12 hosts: 3 healthy, 2 activating, 7 ready": each is counted once.
[[nodiscard]] std::string counts_text(const Json& rollout);
// "shop v42: running, wave 2 of 4"
[[nodiscard]] std::string rollout_headline(const Json& rollout);
// The same, hosts, times, and up to so many of the hosts that are not settled, with the reason.
[[nodiscard]] std::vector<std::string> rollout_lines(const Json& rollout, size_t unsettled_max);
// What an operator can do about one that is held. `may_undo`: hosts were told to activate it.
[[nodiscard]] std::string held_advice(const Json& rollout, bool may_undo);
[[nodiscard]] std::string history_table(const Json& answer);

[[nodiscard]] std::string agents_table(const Json& answer);
[[nodiscard]] std::string waiting_table(const Json& answer);  // for an approval

// "17  2026-11-29T16:31:12Z  ann@laptop  told  app=shop host=w1"
[[nodiscard]] std::string audit_line(const Json& record);

}  // namespace murder::cli
