// The client for commands that have nothing else to do: control sockets, torrents by URL. It is not
// made of Client since those commands also work where io_uring is off.
#pragma once

#include <string_view>

#include "engine/base/result.h"
#include "engine/http/reply.h"

namespace murder::http {

// Any thread; returns within options.timeout, except that a name server that does not answer may
// hold it for the resolver's own timeout. Follows up to redirects_max redirects. An HTTP status
// that is not 2xx is a Reply, not an Error. For a control socket:
// blocking_request("http://local/status",
// {.unix_socket_path = path}).
[[nodiscard]] Result<Reply> blocking_request(std::string_view url, const RequestOptions& options);

}  // namespace murder::http
