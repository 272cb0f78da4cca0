#include "engine/trust/host_proof.h"

#include <fmt/format.h>

#include "engine/base/printable.h"
#include "engine/trust/bounds.h"
#include "engine/trust/key_line.h"
#include "engine/trust/openssl.h"
#include "engine/trust/ssh_signature.h"
#include "engine/trust/statement_lines.h"
#include "engine/trust/time_text.h"

namespace murder::trust {
namespace {

constexpr std::string_view host_statement_line = "murder-agent-key 1";

tl::unexpected<Error> refuse_host_statement(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("a statement of a host {}", what));
}

tl::unexpected<Error> host_unproven(std::string_view host, std::string_view why) {
  return fail(ErrorCode::untrusted,
              fmt::format("{} is not proven by its ssh key: {}", printable_value(host), why));
}

// One signature, by a key or a certificate of a host.
Status check_host_signature(std::string_view text, std::string_view blob, const KnownHosts& known,
                            const HostQuestion& question) {
  const Result<SshSignature> signature = parse_ssh_signature(blob);
  if (!signature) {
    return fail(signature.error());
  }
  if (signature->name_space != host_proof_namespace) {
    return fail(ErrorCode::untrusted,
                fmt::format("a signature for {}, not for {}",
                            printable_value(signature->name_space), host_proof_namespace));
  }
  PublicKey key;
  Status is_known;
  if (const Result<Certificate> certificate = parse_certificate(signature->key)) {
    key = certificate->key;
    is_known = known.check(question.host, question.ssh_port, *certificate, question.now_s);
  } else {
    Result<PublicKey> plain = parse_public_key(signature->key);
    if (!plain) {
      return fail(plain.error());
    }
    key = std::move(*plain);
    is_known = known.check(question.host, question.ssh_port, key);
  }
  // First whether it is known, which costs nothing.
  return is_known ? verify_signature(key, signature->signature, signed_data_of(*signature, text))
                  : is_known;
}

}  // namespace

Result<std::string> encode_host_statement(const HostStatement& statement) {
  if (!is_statement_name(statement.host, limits::proof_name_bytes_max) ||
      !is_statement_time(statement.time_s)) {
    return refuse_host_statement("whose name or time is wrong");
  }
  return fmt::format("{}\nhost {}\nkey {}\ntime {}\n", host_statement_line, statement.host,
                     key_line_of(statement.key),
                     time_text_of(static_cast<uint64_t>(statement.time_s)));
}

Result<HostStatement> parse_host_statement(std::string_view text) {
  if (text.size() > limits::statement_bytes_max) {
    return refuse_host_statement(fmt::format("of more than {} bytes", limits::statement_bytes_max));
  }
  StatementLines lines(text);
  const std::optional<std::string_view> first = lines.line();
  if (first != host_statement_line) {
    return first && first->starts_with("murder-agent-key ")
               ? refuse_host_statement("of another version than 1: a newer murder may know it")
               : refuse_host_statement("that does not begin as one");
  }
  HostStatement statement;
  statement.host = lines.wanted("host");
  Result<PublicKey> key = parse_key_line(lines.wanted("key"));
  const std::optional<int64_t> time_s = parse_time_text(lines.wanted("time"));
  if (!lines.missing().empty() || !lines.is_empty() || !key || !time_s) {
    return refuse_host_statement("that has other fields than host, key and time, or a wrong one");
  }
  statement.key = std::move(*key);
  statement.time_s = *time_s;
  const Result<std::string> again = encode_host_statement(statement);
  if (!again || *again != text) {
    return refuse_host_statement("in another spelling than the one there is");
  }
  return statement;
}

Result<codec::SignedStatement> sign_host_statement(const HostStatement& statement,
                                                   const AgentKey& host_key) {
  Result<std::string> text = encode_host_statement(statement);
  if (!text) {
    return fail(text.error());
  }
  Result<std::string> blob = sign_text(host_key, host_proof_namespace, *text);
  if (!blob) {
    return fail(blob.error());
  }
  return codec::SignedStatement{.text = std::move(*text), .signatures = {std::move(*blob)}};
}

Status verify_host_proof(const codec::SignedStatement& proof, const KnownHosts& known,
                         const HostQuestion& question) {
  if (Status started = start_openssl(); !started) {
    return started;
  }
  const Result<HostStatement> statement = parse_host_statement(proof.text);
  if (!statement) {
    return host_unproven(question.host, statement.error().text);
  }
  if (statement->host != question.host) {
    return host_unproven(question.host, fmt::format("what was signed is about {}",
                                                    printable_value(statement->host)));
  }
  if (!(statement->key == *question.agent_key)) {
    return host_unproven(
        question.host,
        fmt::format("what was signed is about the agent's key {}, not {}",
                    fingerprint_of(statement->key), fingerprint_of(*question.agent_key)));
  }
  std::string why = "it is not signed";
  for (size_t index = 0; index < proof.signatures.size() && index < limits::signatures_max;
       ++index) {
    const Status right = check_host_signature(proof.text, proof.signatures[index], known, question);
    if (right) {
      return {};
    }
    why = right.error().text;
  }
  return host_unproven(question.host, why);
}

}  // namespace murder::trust
