// Fuzzes what a host that demands signed orders does with what coordinators pass on. The first byte
// says what the rest is: what came as an order, what the host remembers, or texts of orders (one
// after the other, between NUL) that an operator signed. Nothing that nobody ordered is ever
// activated.

#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/order_guard.h"
#include "engine/base/ensure.h"
#include "engine/base/small_file.h"
#include "engine/base/types.h"
#include "engine/trust/agent_key.h"
#include "engine/trust/key_line.h"
#include "engine/trust/signature_file.h"

using namespace murder;
using agent::OrderGuard;
using trust::OrderKind;

namespace {

constexpr int64_t now_s = 1'800'000'000;

InfoHash release(uint8_t number) {
  InfoHash made;
  made.bytes.fill(number);
  return made;
}

struct Host {
  Host() {
    char name[] = "/tmp/murder-fuzz-guard-XXXXXX";
    ENSURE(mkdtemp(name) != nullptr);
    directory = name;
    key = trust::agent_key_of(trust::Secret{}).value();
    const std::string signers =
        "ann namespaces=\"murder-order\" " + trust::key_line_of(key.public_key) + "\n";
    ENSURE(write_small_file(directory + "/allowed_signers", signers, false).has_value());
    control::KeptApp app{.app = "shop"};
    app.active = {.info_hash = release(1), .serial = 1};
    app.previous = {.info_hash = release(2), .serial = 1};
    kept.apps = {app};
  }
  [[nodiscard]] std::string marks_path() const { return directory + "/orders"; }
  void write_marks(std::string_view text) const {
    ENSURE(write_small_file(marks_path(), text, false).has_value());
  }
  void forget_marks() const { unlink(marks_path().c_str()); }
  [[nodiscard]] Result<OrderGuard> open() const {
    return OrderGuard::open({.allowed_signers = directory + "/allowed_signers",
                             .marks_path = marks_path(),
                             .host = "w1",
                             .groups = {"web"},
                             .apps = {"shop"}});
  }

  std::string directory;
  trust::AgentKey key;
  control::KeptAgent kept;
};

const Host& host() {
  static const Host made;
  return made;
}

control::WantedApp restricted(const OrderGuard& guard, const InfoHash& wanted_release) {
  control::Wanted wanted;
  wanted.apps = {{.app = "shop",
                  .release = wanted_release,
                  .attempt = 5,
                  .activate = true,
                  .allow_older = true,
                  .revoked = {release(9)}}};
  guard.restrict_wanted(wanted, host().kept, now_s);
  return wanted.apps.front();
}

void forbids_all(const OrderGuard& guard) {
  ENSURE(guard.demands_orders());
  for (const uint8_t number : {uint8_t{2}, uint8_t{3}, uint8_t{'a'}}) {
    const control::WantedApp app = restricted(guard, release(number));
    ENSURE(!app.activate && !app.refusal.empty());
  }
}

// Nobody but the owner of the key can make one that is taken.
void take_unsigned(std::string_view text) {
  host().forget_marks();
  Result<OrderGuard> guard = host().open();
  ENSURE(guard.has_value());
  (void)guard->take(text, now_s);
  forbids_all(*guard);
  ENSURE(restricted(*guard, release(3)).revoked.empty());
}

void remember(std::string_view text) {
  host().write_marks(text);
  const Result<OrderGuard> guard = host().open();
  if (!guard) {
    ENSURE(!guard.error().text.empty());
    return;
  }
  forbids_all(*guard);
}

bool is_for_host(const trust::OrderStatement& order) {
  const std::string groups[] = {"web"};
  return trust::is_for(order, {.host = "w1", .groups = groups});
}

void take_signed(std::string_view texts) {
  host().forget_marks();
  Result<OrderGuard> guard = host().open();
  ENSURE(guard.has_value());
  std::optional<trust::OrderStatement> latest;
  for (int count = 0; count < 4 && !texts.empty(); ++count) {
    const std::string text(texts.substr(0, texts.find('\0')));
    texts.remove_prefix(std::min(texts.size(), text.size() + 1));
    const std::string blob = trust::sign_text(host().key, trust::order_namespace, text).value();
    const std::string refusal =
        guard->take(trust::encode_signature_file({.text = text, .signatures = {blob}}), now_s);
    const Result<trust::OrderStatement> order = trust::parse_order(text);
    ENSURE(order || !refusal.empty());
    if (order && refusal.empty() && order->application == "shop" &&
        order->kind != OrderKind::revoke) {
      ENSURE(is_for_host(*order) && order->expires_s >= now_s);
      ENSURE(!latest || order->serial >= latest->serial);
      latest = *order;
    }
  }
  if (!latest) {
    forbids_all(*guard);
    return;
  }
  const bool goes_back = latest->kind == OrderKind::go_back;
  for (const uint8_t number : {uint8_t{2}, uint8_t{3}, uint8_t{'a'}}) {
    const control::WantedApp app = restricted(*guard, release(number));
    const bool is_ordered =
        goes_back ? latest->info_hash == release(1) && number == 2
                  : latest->info_hash == release(number) && latest->kind != OrderKind::want;
    ENSURE(!app.activate || is_ordered);
    ENSURE(!app.activate || !app.allow_older || latest->kind != OrderKind::activate);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text = as_text_of({data + 1, size - 1});
  switch (data[0] % 3) {
    case 0:
      take_unsigned(text);
      break;
    case 1:
      remember(text);
      break;
    default:
      take_signed(text);
      break;
  }
  return 0;
}
