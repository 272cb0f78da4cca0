#include "engine/policy/rate_limit.h"

namespace murder::policy {
namespace {

constexpr double ns_per_second = 1e9;
constexpr uint64_t portions_per_burst = 4;

}  // namespace

uint64_t RateLimit::portion_bytes(uint64_t least_bytes) const {
  if (!is_set()) {
    return UINT64_MAX;
  }
  const double burst_bytes =
      static_cast<double>(bytes_per_second_) * static_cast<double>(burst.count()) / ns_per_second;
  return std::max(least_bytes, static_cast<uint64_t>(burst_bytes) / portions_per_burst);
}

void RateLimit::take(uint64_t size_bytes, Instant now) {
  if (!is_set()) {
    return;
  }
  const double cost_ns = rest_ns_ + static_cast<double>(size_bytes) * ns_per_second /
                                        static_cast<double>(bytes_per_second_);
  const auto whole_ns = static_cast<int64_t>(cost_ns);
  rest_ns_ = cost_ns - static_cast<double>(whole_ns);
  next_ = std::max(next_, now) + Duration(whole_ns);
}

}  // namespace murder::policy
