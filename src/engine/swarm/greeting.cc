#include "engine/swarm/greeting.h"

#include <fmt/format.h>

#include "engine/base/ensure.h"
#include "engine/base/version.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

Greeting::Greeting(Context& context)
    : config_(context.config),
      sink_(context.sink),
      pieces_(context.pieces),
      bitfield_(pieces_.have().wire_bytes()) {}

void Greeting::send_handshake(SessionId id, Session& session, Instant now) {
  session.handshake_sent = true;
  session.sent_at = now;
  sink_.send_handshake(id, {.info_hash = config_.info_hash,
                            .peer_id = config_.peer_id,
                            .fast_extension = true,
                            .extension_protocol = true});
}

void Greeting::send_pieces(SessionId id, const Session& session) {
  ENSURE(session.state == Session::State::open);
  const BitSet& have = pieces_.have();
  if (session.fast_extension && have.all()) {
    send(sink_, id, MessageType::have_all);
  } else if (session.fast_extension && have.none()) {
    send(sink_, id, MessageType::have_none);
  } else if (!have.none()) {
    have.to_wire(bitfield_);
    sink_.send(id, PeerMessage{.type = MessageType::bitfield, .payload = bitfield_});
  }
}

void Greeting::send_extensions(SessionId id, Session& session) {
  ENSURE(session.extension_protocol);
  codec::ExtensionHandshake handshake{.client = fmt::format("murder {}", program_version())};
  handshake.your_ip = session.remote.address;
  handshake.requests_max = limits::requests_queued_max;
  handshake.block_bytes_max = config_.block_bytes_max;
  handshake.upload_only = pieces_.have().all();
  if (config_.policy == SwarmPolicy::grant) {
    handshake.extensions.emplace_back(codec::grant_extension_name, codec::grant_extension_id);
    handshake.rack = config_.rack;
    session.grants.knows_rack = session.grants.knows_rack || !config_.rack.empty();
    handshake.free = session.grants.told_free;
  }
  if (config_.listen_port != 0) {
    handshake.listen_port = config_.listen_port;
  }
  const std::string payload = codec::encode_extension_handshake(handshake);
  sink_.send(id, PeerMessage{.type = MessageType::extended,
                             .payload = as_bytes_of(payload),
                             .extended_id = codec::extension_handshake_id});
}

}  // namespace murder::swarm
