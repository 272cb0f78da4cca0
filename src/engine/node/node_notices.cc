// What a node tells people of its swarm.
#include <fmt/core.h>

#include <string>

#include "engine/node/node.h"

namespace murder::node {

void Node::tell_notices(const ShardStats& stats) {
  if (stats.failed_pieces > failed_pieces_told_) {
    failed_pieces_told_ = stats.failed_pieces;
    const std::string from =
        stats.last_culprit ? ", the last from " + stats.last_culprit->text() : "";
    observer_.node_notice(fmt::format(
        "{} piece(s) came with wrong data so far{}; they are fetched again from other peers",
        failed_pieces_told_, from));
  }
  if (stats.transport_differs_count >= differing_to_tell_) {
    while (differing_to_tell_ <= stats.transport_differs_count) {
      differing_to_tell_ *= 10;
    }
    observer_.node_notice(fmt::format(
        "{} connection(s) so far with hosts of this fleet that have --transport {}, while this one "
        "has {}: nothing is exchanged with them; give all hosts the same",
        stats.transport_differs_count, options_.is_encrypted ? "plain" : "tls",
        options_.is_encrypted ? "tls" : "plain"));
  }
  // Strangers may come as often as they like.
  if (stats.unproven_count >= unproven_to_tell_) {
    while (unproven_to_tell_ <= stats.unproven_count) {
      unproven_to_tell_ *= 10;
    }
    observer_.node_notice(
        fmt::format("{} connection(s) so far without this fleet's key: of strangers, or of hosts "
                    "that have another key file, or none",
                    stats.unproven_count));
  }
}

}  // namespace murder::node
