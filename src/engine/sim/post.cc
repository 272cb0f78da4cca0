#include "engine/sim/post.h"

namespace murder::sim {

Post::~Post() {
  for (const std::vector<Mail>& mails : mails_) {
    std::ranges::for_each(mails, [](const Mail& mail) { drop(mail.event); });
  }
}

}  // namespace murder::sim
