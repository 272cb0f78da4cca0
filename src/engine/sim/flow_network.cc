#include "engine/sim/flow_network.h"

#include <algorithm>
#include <cmath>

#include "engine/base/ensure.h"

namespace murder::sim {

namespace {

constexpr uint32_t heap_arity = 4;
// A change that reaches more links than this at once is cut off.
constexpr size_t chain_max = 4096;

}  // namespace

uint32_t FlowNetwork::add_link(double bytes_per_second) {
  ENSURE(bytes_per_second > 0);
  links_.push_back({.capacity = bytes_per_second, .level = bytes_per_second});
  return static_cast<uint32_t>(links_.size() - 1);
}

uint32_t FlowNetwork::start(std::span<const uint32_t> links, uint64_t size_bytes, uint32_t user,
                            Instant now) {
  ENSURE(!links.empty() && links.size() <= links_max && size_bytes > 0);
  uint32_t number = 0;
  if (free_.empty()) {
    number = static_cast<uint32_t>(flows_.size());
    flows_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  Flow& flow = flows_[number];
  flow.left_bytes = static_cast<double>(size_bytes);
  flow.rate = 0;
  flow.updated_at = now;
  flow.ends_at = instant_never;
  flow.user = user;
  flow.link_count = static_cast<uint32_t>(links.size());
  for (uint32_t hop = 0; hop < links.size(); ++hop) {
    Link& link = links_[links[hop]];
    flow.links[hop] = links[hop];
    flow.positions[hop] = static_cast<uint32_t>(link.flows.size());
    link.flows.push_back({number, hop});
    mark_dirty(links[hop]);
  }
  heap_.push_back(number);
  flow.heap_position = static_cast<uint32_t>(heap_.size() - 1);
  settle(now);
  // Where no level changed, nobody has set its rate.
  set_rate(number, lowest_level(flow, none), now);
  return number;
}

void FlowNetwork::end(uint32_t flow, Instant now) {
  remove(flow);
  settle(now);
}

void FlowNetwork::prolong(uint32_t number, uint64_t size_bytes, Instant now) {
  Flow& flow = flows_[number];
  ENSURE(flow.heap_position != none && flow.rate > 0);
  flow.left_bytes = left_bytes(number, now) + static_cast<double>(size_bytes);
  flow.updated_at = now;
  flow.ends_at = now + Duration(static_cast<int64_t>(std::ceil(flow.left_bytes / flow.rate * 1e9)));
  resort(number);
}

double FlowNetwork::left_bytes(uint32_t number, Instant now) const {
  const Flow& flow = flows_[number];
  return std::max(0.0, flow.left_bytes - flow.rate * seconds_of(now - flow.updated_at));
}

void FlowNetwork::take_off(uint32_t number) {
  const Flow& flow = flows_[number];
  for (uint32_t hop = 0; hop < flow.link_count; ++hop) {
    std::vector<OnLink>& list = links_[flow.links[hop]].flows;
    const uint32_t position = flow.positions[hop];
    ENSURE(position < list.size() && list[position].flow == number);
    list[position] = list.back();
    list.pop_back();
    if (position < list.size()) {
      flows_[list[position].flow].positions[list[position].hop] = position;
    }
    mark_dirty(flow.links[hop]);
  }
}

void FlowNetwork::remove(uint32_t number) {
  ENSURE(flows_[number].heap_position != none);
  take_off(number);
  const uint32_t position = flows_[number].heap_position;
  const uint32_t last = heap_.back();
  heap_.pop_back();
  if (last != number) {
    place(position, last);
    resort(last);
  }
  flows_[number].heap_position = none;
  free_.push_back(number);
}

// --- levels --------------------------------------------------------------------------------------

void FlowNetwork::mark_dirty(uint32_t link) {
  if (!links_[link].dirty) {
    links_[link].dirty = true;
    dirty_.push_back(link);
  }
}

double FlowNetwork::lowest_level(const Flow& flow, uint32_t besides) const {
  double lowest = HUGE_VAL;
  for (uint32_t hop = 0; hop < flow.link_count; ++hop) {
    if (flow.links[hop] != besides) {
      lowest = std::min(lowest, links_[flow.links[hop]].level);
    }
  }
  return lowest;
}

// Flows that are held back elsewhere take what they can; the others share the rest. When all are
// held back, the level is what the largest of them could grow to.
double FlowNetwork::level_of(uint32_t number) {
  const Link& link = links_[number];
  elsewhere_.clear();
  for (const OnLink& one : link.flows) {
    elsewhere_.push_back(lowest_level(flows_[one.flow], number));
  }
  std::sort(elsewhere_.begin(), elsewhere_.end());
  double left = link.capacity;
  auto sharing = static_cast<double>(elsewhere_.size());
  double largest = 0;
  for (const double other : elsewhere_) {
    if (other * sharing > left) {
      return left / sharing;
    }
    left -= other;
    largest = other;
    sharing -= 1;
  }
  return left + largest;
}

void FlowNetwork::settle(Instant now) {
  for (size_t position = 0; position < dirty_.size(); ++position) {
    const uint32_t number = dirty_[position];
    links_[number].dirty = false;
    if (position >= chain_max) {
      cut_count_ += position == chain_max ? 1 : 0;
      continue;
    }
    const double before = links_[number].level;
    const double level = level_of(number);
    links_[number].level = level;
    pass_on(number, before, now);
  }
  dirty_.clear();
}

void FlowNetwork::pass_on(uint32_t number, double before, Instant now) {
  const double level = links_[number].level;
  const double change = std::abs(level - before);
  if (change <= precision_ * before && change > 0) {
    return;
  }
  for (size_t position = 0; position < links_[number].flows.size(); ++position) {
    const uint32_t flow_number = links_[number].flows[position].flow;
    const Flow& flow = flows_[flow_number];
    set_rate(flow_number, lowest_level(flow, none), now);
    for (uint32_t hop = 0; hop < flow.link_count; ++hop) {
      const uint32_t other = flow.links[hop];
      // Elsewhere it counts only if this link holds the flow back there, before or after.
      if (other != number && change > 0 && std::min(level, before) < links_[other].level) {
        mark_dirty(other);
      }
    }
  }
}

void FlowNetwork::set_rate(uint32_t number, double rate, Instant now) {
  Flow& flow = flows_[number];
  if (rate == flow.rate) {
    return;
  }
  ENSURE(rate > 0);
  flow.left_bytes = left_bytes(number, now);
  flow.rate = rate;
  flow.updated_at = now;
  flow.ends_at = now + Duration(static_cast<int64_t>(std::ceil(flow.left_bytes / rate * 1e9)));
  resort(number);
}

// --- ends ----------------------------------------------------------------------------------------

void FlowNetwork::resort(uint32_t flow) {
  sift_up(flows_[flow].heap_position);
  sift_down(flows_[flow].heap_position);
}

void FlowNetwork::sift_up(uint32_t position) {
  const uint32_t flow = heap_[position];
  while (position > 0) {
    const uint32_t parent = (position - 1) / heap_arity;
    if (!is_sooner(flow, heap_[parent])) {
      break;
    }
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, flow);
}

void FlowNetwork::sift_down(uint32_t position) {
  const uint32_t flow = heap_[position];
  while (true) {
    const uint32_t first = position * heap_arity + 1;
    if (first >= heap_.size()) {
      break;
    }
    const uint32_t end = std::min(first + heap_arity, static_cast<uint32_t>(heap_.size()));
    uint32_t best = first;
    for (uint32_t child = first + 1; child < end; ++child) {
      if (is_sooner(heap_[child], heap_[best])) {
        best = child;
      }
    }
    if (!is_sooner(heap_[best], flow)) {
      break;
    }
    place(position, heap_[best]);
    position = best;
  }
  place(position, flow);
}

}  // namespace murder::sim
