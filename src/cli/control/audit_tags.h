// Names releases in a coordinator's log by their tags: most records have a number alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "engine/base/json.h"

namespace murder::cli {

class AuditTags {
 public:
  // The record with tags in place of the numbers that records before it explain; what they do not
  // explain stays as it is. Records are given in their order.
  [[nodiscard]] Json named(const Json& record);
  // Of the release that it is about, or that the rollout is of which it is a part, after named();
  // empty: records before it do not say, or it is about none.
  [[nodiscard]] std::string tag_of_subject(const Json& record) const;

 private:
  void learn(const Json& record);
  [[nodiscard]] const std::string* tag_of(const Json& record, uint64_t release) const;

  std::map<std::pair<std::string, uint64_t>, std::string> tags_;  // by app and number
  std::map<std::string, uint64_t> rolled_out_;                    // the latest release, by app
};

}  // namespace murder::cli
