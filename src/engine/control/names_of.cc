#include "engine/control/names_of.h"

#include <fmt/format.h>

namespace murder::control {

std::string_view name_of(Stage stage) {
  return names_of<Stage>[static_cast<size_t>(stage)];
}

std::string_view name_of(Reason reason) {
  return names_of<Reason>[static_cast<size_t>(reason)];
}

std::string_view name_of(RolloutState state) {
  return names_of<RolloutState>[static_cast<size_t>(state)];
}

std::string_view text_of(Reason reason) {
  static constexpr std::array<std::string_view, names_of<Reason>.size()> texts = {
      "",
      "the release could not be fetched or verified",
      "made no progress with the release",
      "the activation failed",
      "not healthy",
      "not heard of since it was told to activate",
      "reported no outcome in time",
      "runs something else than it reported before",
      "went back by itself: no coordinator confirmed the release",
      "refused the release: it is revoked",
      "refused the release: its serial is lower than that of what runs there",
      "nothing is known that it could return to",
      "refused it: not ordered by an operator",
  };
  return texts[static_cast<size_t>(reason)];
}

std::string text_of(Reason reason, std::string_view text) {
  return fmt::format("{}{}{}", text_of(reason), text.empty() ? "" : ": ", text);
}

}  // namespace murder::control
