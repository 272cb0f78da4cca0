// The network between hosts: takes what they gave it in a window, in the order of time, and plays
// their flows up to the window's end. Nothing that comes of it reaches a host within the window.
#include <algorithm>
#include <array>

#include "engine/base/ensure.h"
#include "engine/sim/simulation.h"

namespace murder::sim {

void Simulation::deliver(uint32_t host, const Event& event) {
  wire_mail_[region_of(host)].push_back({host, event});
  wire_mail_at_ = std::min(wire_mail_at_, event.when);
}

void Simulation::run_wires() {
  wire_mail_at_ = instant_never;
  orders_.clear();
  order_of_orders_.clear();
  for (Region& region : regions_) {
    for (const WireOrder& order : region.orders) {
      order_of_orders_.emplace_back(order.when, static_cast<uint32_t>(orders_.size()));
      orders_.push_back(order);
    }
    region.orders.clear();
  }
  std::sort(order_of_orders_.begin(), order_of_orders_.end());
  auto next = order_of_orders_.begin();
  while (true) {
    const Instant order_at = next == order_of_orders_.end() ? instant_never : next->first;
    const Instant left_at = network_.next_completion();
    if (std::min(order_at, left_at) >= horizon_) {
      return;  // all orders are of this window
    }
    if (left_at <= order_at) {
      block_left(network_.user(network_.completed()), std::max(now_, left_at));
    } else {
      take_order(orders_[next->second]);
      ++next;
    }
  }
}

void Simulation::take_order(const WireOrder& order) {
  Side& side = sides_.at(order.side);
  switch (order.kind) {
    case WireOrder::Kind::block:
      if (side.is_cut_off) {
        return;
      }
      if (side.blocks.full()) {
        note_fault(*hosts_[side.host], "more blocks are handed to a connection than its window");
        return;
      }
      side.blocks.push(order.block);
      if (side.flow == FlowNetwork::none) {
        start_flow(order.side, order.when);
      }
      return;
    case WireOrder::Kind::say: {
      Event event = order.event;
      event.when = arrival(side, order.when);
      deliver(side.peer, event);
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

void Simulation::start_flow(SideIndex side_index, Instant now) {
  Side& side = sides_.at(side_index);
  const Host& from = *hosts_[side.host];
  const Host& to = *hosts_[side.peer];
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
  const uint64_t size_bytes = next_block(side_index, now);
  side.flow = network_.start(std::span(links).first(count), size_bytes, side_index, now);
}

// The first of the blocks that wait begins to leave. Returns its bytes on the wire.
uint64_t Simulation::next_block(SideIndex side_index, Instant now) {
  Side& side = sides_.at(side_index);
  side.sending = side.blocks.pop();
  side.last_arrival = std::max(side.last_arrival, now + options_.latency);
  Event event;
  event.when = side.last_arrival;
  event.kind = EventKind::payload_begin;
  event.target = other_side(side_index);
  event.words[0] = side.sending.piece.raw;
  event.words[1] = side.sending.offset;
  event.words[2] = side.sending.size_bytes;
  deliver(side.peer, event);
  return uint64_t{side.sending.size_bytes} + codec::piece_head_bytes;
}

// Blocks that follow one another on a connection are one flow, so that the shares of others change
// only when its last one has left. The sender hears of it when the other end has, as a socket has
// room again when the peer's kernel has said so.
void Simulation::block_left(SideIndex side_index, Instant now) {
  Side& side = sides_.at(side_index);
  side.last_arrival = std::max(side.last_arrival, now + options_.latency);
  Event event;
  event.when = side.last_arrival;
  event.kind = EventKind::payload_end;
  event.target = other_side(side_index);
  deliver(side.peer, event);
  event.when = now + options_.latency;
  event.kind = EventKind::block_left;
  event.target = side_index;
  event.words[0] = side.sending.size_bytes;
  deliver(side.host, event);
  ++block_count_;
  if (side.blocks.empty()) {
    network_.end(side.flow, now);
    side.flow = FlowNetwork::none;
  } else {
    network_.prolong(side.flow, next_block(side_index, now), now);
  }
}

void Simulation::cut(Side& side, Instant now) {
  if (side.flow != FlowNetwork::none) {
    network_.end(side.flow, now);
    side.flow = FlowNetwork::none;
  }
  side.blocks.clear();
}

// When what a side says now arrives at the other end.
Instant Simulation::arrival(Side& from, Instant now) {
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
