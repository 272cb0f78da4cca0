#include "agent/link_guard.h"

#include <fmt/format.h>

#include "engine/base/random_word.h"

namespace murder::agent {

LinkGuard::LinkGuard(const std::optional<trust::FleetKeys>& keys)
    : fleet_(keys ? std::optional(keys->fleet) : std::nullopt) {}

Result<std::string> LinkGuard::begin(std::string_view target) {
  seal_.reset();
  if (!fleet_) {
    return std::string(target);
  }
  trust::LinkNonce nonce{};
  if (Status filled = fill_random(nonce); !filled) {
    return fail(filled.error());
  }
  hello_ = trust::link_hello(*fleet_, nonce);
  return fmt::format("{}?link={}", target, hello_);
}

Status LinkGuard::take(const control::Challenge& challenge) {
  if (!fleet_) {
    return {};
  }
  if (seal_) {
    return fail(ErrorCode::invalid_input, "a second challenge");
  }
  const trust::Secret& key = fleet_->secrets.front();
  if (!trust::is_link_answer(key, hello_,
                             {.nonce = challenge.nonce, .coordinator = challenge.coordinator},
                             challenge.proof)) {
    return fail(ErrorCode::untrusted,
                challenge.proof.empty()
                    ? "it does not prove that it has this fleet's key: it is open, of an older "
                      "version, or somebody else"
                    : "what should prove that it has this fleet's key is wrong");
  }
  seal_.emplace(key, challenge.proof, trust::LinkSeal::Role::agent);
  return {};
}

bool LinkGuard::open(std::string& text) {
  return !seal_ || seal_->open(text);
}

void LinkGuard::seal(std::string& text) {
  if (seal_) {
    seal_->seal(text);
  }
}

}  // namespace murder::agent
