// The names of stages, reasons and states, as they stand in records and are shown: in the order of
// the enumerations.
#pragma once

#include <array>
#include <string_view>

#include "engine/control/messages.h"
#include "engine/control/state.h"

namespace murder::control {

template <typename Enum>
inline constexpr std::array<std::string_view, 0> names_of{};

template <>
inline constexpr std::array<std::string_view, 7> names_of<Stage>{
    "waiting", "told", "healthy", "failed", "back-told", "back-done", "back-failed"};

template <>
inline constexpr std::array<std::string_view, 13> names_of<Reason>{
    "none",    "fetch",       "late",    "activation", "health",         "lost",     "silent",
    "drifted", "unconfirmed", "revoked", "older",      "nothing-before", "unordered"};

template <>
inline constexpr std::array<std::string_view, 3> names_of<OrderUse>{"forward", "back", "revoke"};

template <>
inline constexpr std::array<std::string_view, 8> names_of<RolloutState>{
    "running", "paused", "held", "done", "aborting", "aborted", "undoing", "undone"};

template <>
inline constexpr std::array<std::string_view, 2> names_of<OnFailure>{"hold", "rollback"};

template <>
inline constexpr std::array<std::string_view, 7> names_of<Phase>{
    "idle", "fetching", "verifying", "activating", "checking", "returning", "checking-return"};

static_assert(names_of<Stage>.size() == static_cast<size_t>(Stage::back_failed) + 1);
static_assert(names_of<Reason>.size() == static_cast<size_t>(Reason::unordered) + 1);
template <>
inline constexpr std::array<std::string_view, 3> names_of<OutcomeKind>{"healthy", "failed",
                                                                       "returned"};

static_assert(names_of<OutcomeKind>.size() == static_cast<size_t>(OutcomeKind::returned) + 1);
static_assert(names_of<OrderUse>.size() == static_cast<size_t>(OrderUse::revoke) + 1);
static_assert(names_of<Phase>.size() == static_cast<size_t>(Phase::checking_return) + 1);
static_assert(names_of<RolloutState>.size() == static_cast<size_t>(RolloutState::undone) + 1);

}  // namespace murder::control
