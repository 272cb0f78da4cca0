#include "engine/policy/stock_share.h"

#include <doctest/doctest.h>

using murder::Duration;
using murder::Instant;
using murder::policy::StockShare;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t block_bytes = 16 * 1024;
constexpr double own_rate = 16e6;
constexpr Duration interval = 1024us;  // of blocks at that rate

struct Sent {
  uint64_t own_bytes = 0;
  uint64_t stock_bytes = 0;
};

// Our own are sent a block after the other; a stock client asks for two in that time, and gets
// those that it may.
Sent run(StockShare& share, Instant& now, Duration duration, const StockShare::Rates& rates) {
  Sent sent;
  for (Duration passed{}; passed < duration; passed += interval) {
    now += interval;
    sent.own_bytes += block_bytes;
    if (share.on_own_block_sent(block_bytes, now)) {
      share.window_ended(rates, now);
    }
    for (int asked = 0; asked < 2 && share.may_send(now); ++asked) {
      share.on_stock_block_started(block_bytes);
      sent.stock_bytes += block_bytes;
    }
  }
  return sent;
}

}  // namespace

TEST_CASE("with nobody of our own, or nothing for them any more, stock clients get what they ask") {
  StockShare share;
  const Instant start = Instant{} + 1s;
  for (int block = 0; block < 1000; ++block) {
    REQUIRE(share.may_send(start));
    share.on_stock_block_started(block_bytes);
  }
  share.on_own_block_started(start);
  CHECK(!share.may_send(start));
  CHECK(!share.may_send(start + StockShare::quiet_after));
  CHECK(share.may_send(start + StockShare::quiet_after + 1ms));
}

TEST_CASE("while our own are served by several, stock clients get a sixteenth") {
  // Also where nothing is known yet.
  for (const double link : {0.0, own_rate, 3 * own_rate}) {
    for (const double takes : {0.0, 2 * own_rate, 20 * own_rate}) {
      CAPTURE(link);
      CAPTURE(takes);
      StockShare share;
      Instant now = Instant{} + 1s;
      const Sent sent = run(share, now, 10s, {.link = link, .takes = takes});
      CHECK(sent.stock_bytes <= sent.own_bytes / 16 + block_bytes);
      CHECK(sent.stock_bytes >= sent.own_bytes / 16 - block_bytes);
    }
  }
}

TEST_CASE("where our own get all from us that they can take, stock clients get what they ask") {
  StockShare share;
  Instant now = Instant{} + 1s;
  run(share, now, 2500ms, {.link = own_rate, .takes = own_rate});
  const Sent sent = run(share, now, 1s, {.link = own_rate, .takes = own_rate});
  CHECK(sent.stock_bytes == 2 * sent.own_bytes);
  run(share, now, 300ms, {.link = own_rate, .takes = 2 * own_rate});  // more of our own come
  CHECK(run(share, now, 1s, {.link = own_rate, .takes = 2 * own_rate}).stock_bytes < own_rate / 10);
}

TEST_CASE("where our own use little of the link for a while, stock clients get what they ask") {
  const StockShare::Rates rates{.link = 10 * own_rate, .takes = 100 * own_rate};
  StockShare share;
  Instant now = Instant{} + 1s;
  const Sent before = run(share, now, 1800ms, rates);
  CHECK(before.stock_bytes <= before.own_bytes / 16 + block_bytes);
  run(share, now, 500ms, rates);
  const Sent after = run(share, now, 1s, rates);
  CHECK(after.stock_bytes == 2 * after.own_bytes);
  run(share, now, 300ms, {.link = 2 * own_rate, .takes = 100 * own_rate});
  CHECK(run(share, now, 1s, {.link = 2 * own_rate, .takes = 100 * own_rate}).stock_bytes <
        own_rate / 10);
}

TEST_CASE("the share is not saved up") {
  StockShare share;
  Instant now = Instant{} + 1s;
  for (int block = 0; block < 100'000; ++block) {
    now += interval;
    (void)share.on_own_block_sent(block_bytes, now);
  }
  uint64_t stock_bytes = 0;
  while (share.may_send(now)) {
    share.on_stock_block_started(block_bytes);
    stock_bytes += block_bytes;
  }
  CHECK(stock_bytes <= 256 * 1024);
}
