#include "coordinator/wanted_copies.h"

#include <algorithm>

namespace murder::coordinator {
namespace {

struct Candidate {
  const control::Release* release = nullptr;
  // 0: of the latest rollout; 1: what that one returns to, or what was published again just now;
  // else how many of its app are later, and two.
  uint32_t rank = 0;
};

bool contains(std::span<const InfoHash> list, const InfoHash& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

void add_of_app(const control::App& app, std::span<const InfoHash> asked_for,
                std::vector<Candidate>& candidates) {
  uint32_t later_count = 0;
  for (auto release = app.releases.rbegin(); release != app.releases.rend(); ++release) {
    if (release->revoked) {
      continue;
    }
    ++later_count;
    const bool is_needed = app.rollout && control::needs(*app.rollout, release->number);
    const bool is_its_own = is_needed && app.rollout->release == release->number;
    const bool is_next = is_needed || contains(asked_for, release->info_hash);
    candidates.push_back({.release = &*release,
                          .rank = is_its_own ? 0
                                  : is_next  ? 1
                                             : later_count + 1});
  }
}

}  // namespace

std::vector<InfoHash> wanted_copies(const control::State& state, size_t most,
                                    std::span<const InfoHash> asked_for) {
  std::vector<Candidate> candidates;
  for (const auto& [name, app] : state.apps) {
    add_of_app(app, asked_for, candidates);
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& left, const Candidate& right) {
                     return left.rank != right.rank
                                ? left.rank < right.rank
                                : left.release->published_wall_s > right.release->published_wall_s;
                   });
  std::vector<InfoHash> wanted;
  for (const Candidate& candidate : candidates) {
    const InfoHash& info_hash = candidate.release->info_hash;
    if (wanted.size() < most && !contains(wanted, info_hash)) {
      wanted.push_back(info_hash);
    }
  }
  return wanted;
}

}  // namespace murder::coordinator
