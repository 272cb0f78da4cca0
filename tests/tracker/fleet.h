// Hosts of a fleet as announces to the table tie them together.
#pragma once

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "tracker/peer_table.h"
#include "values.h"

namespace murder::test {

using tracker::PeerTable;

// What a host accepts, from others and by dialling together.
inline constexpr uint32_t accepted_max = 48;

// Hosts that dial whom they are told of, and accept up to a bound.
struct Fleet {
  PeerTable table{{.hash_seed = 5}};
  Prng prng{1};
  Instant now = start;
  std::vector<std::vector<uint32_t>> neighbours;
  std::vector<std::string> racks;
  std::vector<uint64_t> left_bytes;
  uint32_t accept_bound = accepted_max;
  uint32_t refused_count = 0;
  codec::AnnounceReply reply;

  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(neighbours.size()); }

  uint32_t add(const std::string& rack = "", uint64_t left = 1000) {
    neighbours.emplace_back();
    racks.push_back(rack);
    left_bytes.push_back(left);
    announce(size() - 1);
    return size() - 1;
  }

  void announce(uint32_t host) {
    reply = {};
    table.announce({.info_hash = hash_number(1),
                    .peer_id = own_peer(host),
                    .port = 6881,
                    .left_bytes = left_bytes[host],
                    .neighbour_count = static_cast<uint32_t>(neighbours[host].size()),
                    .rack = racks[host]},
                   v4_number(host), now, prng, reply);
    for (const codec::AnnouncePeer& peer : reply.peers) {
      dial(host, number_of(peer));
    }
  }

  [[nodiscard]] static uint32_t number_of(const codec::AnnouncePeer& peer) {
    const auto& bytes = peer.peer_id.bytes;
    return (uint32_t{bytes[16]} << 24U) | (uint32_t{bytes[17]} << 16U) |
           (uint32_t{bytes[18]} << 8U) | bytes[19];
  }

  [[nodiscard]] bool are_neighbours(uint32_t one, uint32_t other) const {
    return std::find(neighbours[one].begin(), neighbours[one].end(), other) !=
           neighbours[one].end();
  }

  void dial(uint32_t host, uint32_t other) {
    if (are_neighbours(host, other)) {
      return;
    }
    if (neighbours[other].size() >= accept_bound) {
      ++refused_count;
      return;
    }
    neighbours[host].push_back(other);
    neighbours[other].push_back(host);
  }

  // All announce once more, in an order of their own.
  void announce_all() {
    std::vector<uint32_t> order(size());
    std::iota(order.begin(), order.end(), 0);
    prng.shuffle(std::span(order));
    for (const uint32_t host : order) {
      announce(host);
    }
  }

  [[nodiscard]] uint32_t least() const {
    return static_cast<uint32_t>(
        std::min_element(neighbours.begin(), neighbours.end(), fewer)->size());
  }
  [[nodiscard]] uint32_t most() const {
    return static_cast<uint32_t>(
        std::max_element(neighbours.begin(), neighbours.end(), fewer)->size());
  }
  [[nodiscard]] double mean() const {
    double sum = 0;
    for (const auto& each : neighbours) {
      sum += static_cast<double>(each.size());
    }
    return sum / size();
  }
  static bool fewer(const std::vector<uint32_t>& left, const std::vector<uint32_t>& right) {
    return left.size() < right.size();
  }

  // How many steps it is from a host to the farthest; UINT32_MAX when some are not reached.
  [[nodiscard]] uint32_t steps_from(uint32_t host) const {
    std::vector<uint32_t> steps(size(), UINT32_MAX);
    std::vector<uint32_t> queue{host};
    steps[host] = 0;
    for (size_t at = 0; at < queue.size(); ++at) {
      for (const uint32_t next : neighbours[queue[at]]) {
        if (steps[next] == UINT32_MAX) {
          steps[next] = steps[queue[at]] + 1;
          queue.push_back(next);
        }
      }
    }
    return *std::max_element(steps.begin(), steps.end());
  }
};

}  // namespace murder::test
