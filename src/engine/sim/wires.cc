#include "engine/sim/wires.h"

#include <algorithm>
#include <array>

#include "engine/base/ensure.h"

namespace murder::sim {

Wires::Wires(const Options& options, const Clock& clock, Fleet& fleet, Sides& sides)
    : options_(options),
      clock_(clock),
      fleet_(fleet),
      sides_(sides),
      network_(options.rate_precision) {
  for (uint32_t rack = 0; rack < fleet_.rack_count() && options_.rack_uplink > 0; ++rack) {
    rack_up_.push_back(network_.add_link(options_.rack_uplink));
    rack_down_.push_back(network_.add_link(options_.rack_uplink));
  }
  for (const auto& host : fleet_.hosts()) {
    make_links(*host);
  }
}

void Wires::make_links(Host& host) {
  double rate = host.is_slow ? options_.rate * options_.slow_factor : options_.rate;
  if (host.index == seeder_index) {
    rate = options_.seed_rate > 0 ? options_.seed_rate : options_.rate;
  }
  host.link_up = network_.add_link(rate);
  host.link_down = network_.add_link(rate);
}

void Wires::run(Post& post) {
  collect_orders();
  auto next = orders_by_time_.begin();
  while (true) {
    const Instant order_at = next == orders_by_time_.end() ? instant_never : next->first;
    const Instant left_at = network_.next_completion();
    if (std::min(order_at, left_at) >= clock_.horizon) {
      return;  // all orders are of this window
    }
    ENSURE(order_at >= clock_.now);
    if (left_at <= order_at) {
      block_left(network_.user(network_.completed()), std::max(clock_.now, left_at), post);
    } else {
      take_order(orders_[next->second], post);
      ++next;
    }
  }
}

void Wires::collect_orders() {
  orders_.clear();
  orders_by_time_.clear();
  for (Region& region : fleet_.regions()) {
    for (const WireOrder& order : region.orders) {
      orders_by_time_.emplace_back(order.when, static_cast<uint32_t>(orders_.size()));
      orders_.push_back(order);
    }
    region.orders.clear();
  }
  std::sort(orders_by_time_.begin(), orders_by_time_.end());
}

void Wires::take_order(const WireOrder& order, Post& post) {
  Side& side = sides_.at(order.side);
  switch (order.kind) {
    case WireOrder::Kind::block:
      if (side.is_cut_off) {
        return;
      }
      if (side.blocks.full()) {
        fleet_.host(side.host).note_fault("more blocks are handed to a connection than its window");
        return;
      }
      side.blocks.push(order.block);
      if (side.flow == FlowNetwork::none) {
        start_flow(order.side, order.when, post);
      }
      return;
    case WireOrder::Kind::say: {
      Event event = order.event;
      event.when = arrival(side, order.when);
      post.deliver(side.peer, event);
      return;
    }
    case WireOrder::Kind::cut:
      cut(side, order.when);
      return;
    case WireOrder::Kind::cut_off:
      cut(side, order.when);
      side.is_cut_off = true;
      return;
  }
}

void Wires::start_flow(SideIndex side_index, Instant now, Post& post) {
  Side& side = sides_.at(side_index);
  ENSURE(side.flow == FlowNetwork::none);
  const Host& from = fleet_.host(side.host);
  const Host& to = fleet_.host(side.peer);
  std::array<uint32_t, FlowNetwork::links_max> links = {from.link_up, to.link_down};
  uint32_t count = 2;
  if (options_.rack_uplink > 0 && from.rack != to.rack) {
    if (from.rack != no_rack) {
      links[count++] = rack_up_[from.rack];
    }
    if (to.rack != no_rack) {
      links[count++] = rack_down_[to.rack];
    }
  }
  const uint64_t size_bytes = next_block(side_index, now, post);
  side.flow = network_.start(std::span(links).first(count), size_bytes, side_index, now);
}

// The first of the blocks that wait begins to leave. Returns its bytes on the wire.
uint64_t Wires::next_block(SideIndex side_index, Instant now, Post& post) {
  Side& side = sides_.at(side_index);
  ENSURE(!side.blocks.empty());
  side.sending = side.blocks.pop();
  side.last_arrival = std::max(side.last_arrival, now + options_.latency);
  Event event;
  event.when = side.last_arrival;
  event.kind = EventKind::payload_begin;
  event.target = other_side(side_index);
  event.words[0] = side.sending.piece.raw;
  event.words[1] = side.sending.offset;
  event.words[2] = side.sending.size_bytes;
  post.deliver(side.peer, event);
  return uint64_t{side.sending.size_bytes} + codec::piece_head_bytes;
}

// Blocks that follow one another on a connection are one flow, so that the shares of others change
// only when its last one has left. The sender hears of it when the other end has, as a socket has
// room again when the peer's kernel has said so.
void Wires::block_left(SideIndex side_index, Instant now, Post& post) {
  Side& side = sides_.at(side_index);
  ENSURE(side.flow != FlowNetwork::none);
  side.last_arrival = std::max(side.last_arrival, now + options_.latency);
  Event event;
  event.when = side.last_arrival;
  event.kind = EventKind::payload_end;
  event.target = other_side(side_index);
  post.deliver(side.peer, event);
  event.when = now + options_.latency;
  event.kind = EventKind::block_left;
  event.target = side_index;
  event.words[0] = side.sending.size_bytes;
  post.deliver(side.host, event);
  ++block_count_;
  if (side.blocks.empty()) {
    network_.end(side.flow, now);
    side.flow = FlowNetwork::none;
  } else {
    network_.prolong(side.flow, next_block(side_index, now, post), now);
  }
}

void Wires::cut(Side& side, Instant now) {
  if (side.flow != FlowNetwork::none) {
    network_.end(side.flow, now);
    side.flow = FlowNetwork::none;
  }
  side.blocks.clear();
}

// When what a side says now arrives at the other end.
Instant Wires::arrival(Side& from, Instant now) {
  Instant when = now + options_.latency;
  if (from.flow != FlowNetwork::none && options_.socket_bytes > 0) {
    // It waits until the socket has sent the payload that it was given before.
    const double left = network_.left_bytes(from.flow, now);
    const double sent = from.sending.size_bytes - left;
    const double window = options_.socket_bytes;
    const double boundary =
        (static_cast<double>(static_cast<uint64_t>(sent / window)) + 1) * window;
    const double ahead = std::min<double>(boundary, from.sending.size_bytes) - sent;
    when += Duration(static_cast<int64_t>(ahead / network_.rate(from.flow) * 1e9));
  }
  when = std::max(when, from.last_arrival);
  from.last_arrival = when;
  return when;
}

}  // namespace murder::sim
