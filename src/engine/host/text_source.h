// Where somebody who writes a text again and again gets it from.
#pragma once

#include <string>

namespace murder::host {

struct TextSource {
  void* owner = nullptr;
  std::string (*read)(void* owner) = nullptr;

  [[nodiscard]] std::string text() const { return read(owner); }
};

// bind_text<&Server::metrics>(&server) calls std::string Server::metrics().
template <auto Method, typename Owner>
[[nodiscard]] TextSource bind_text(Owner* owner) {
  return {owner, [](void* self) { return (static_cast<Owner*>(self)->*Method)(); }};
}

}  // namespace murder::host
