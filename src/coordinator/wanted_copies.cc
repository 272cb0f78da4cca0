#include "coordinator/wanted_copies.h"

#include <algorithm>
#include <set>

#include "engine/control/bounds.h"

namespace murder::coordinator {
namespace {

struct Candidate {
  const control::Release* release = nullptr;
  uint32_t age = 0;  // 0: of a rollout under way; else how many of its app are later, and one
};

void add_of_app(const control::App& app, std::vector<Candidate>& candidates) {
  std::set<control::ReleaseNumber> needed;
  if (app.rollout) {
    needed.insert(app.rollout->release);
    for (const control::Target& target : app.rollout->targets) {
      needed.insert(target.before);
    }
  }
  uint32_t later_count = 0;
  for (auto release = app.releases.rbegin(); release != app.releases.rend(); ++release) {
    if (!release->revoked) {
      ++later_count;
      candidates.push_back(
          {.release = &*release, .age = needed.contains(release->number) ? 0 : later_count});
    }
  }
}

}  // namespace

std::vector<InfoHash> wanted_copies(const control::State& state, size_t most) {
  std::vector<Candidate> candidates;
  for (const auto& [name, app] : state.apps) {
    add_of_app(app, candidates);
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& left, const Candidate& right) {
                     return left.age != right.age
                                ? left.age < right.age
                                : left.release->published_wall_s > right.release->published_wall_s;
                   });
  std::vector<InfoHash> wanted;
  for (const Candidate& candidate : candidates) {
    const InfoHash& info_hash = candidate.release->info_hash;
    if (wanted.size() < most &&
        std::find(wanted.begin(), wanted.end(), info_hash) == wanted.end()) {
      wanted.push_back(info_hash);
    }
  }
  return wanted;
}

}  // namespace murder::coordinator
