// Tickets that https servers gave this process, so that the next connection to the same one costs
// neither side a whole handshake. A ticket is used once; keys are agreed anew all the same. Bounded
// by kept_sessions_max. Any thread. For the sources of this layer.
#pragma once

#include <string>

struct ssl_st;

namespace murder::tls {

// Of a server that is who it should be, once it has said something; `server` names it, with
// whatever it is believed by.
void keep_session(const std::string& server, ssl_st* connection);

// Before the handshake. Nothing is used whose certificate has ended since.
void use_kept_session(const std::string& server, ssl_st* connection);

}  // namespace murder::tls
