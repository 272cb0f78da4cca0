#include "cli/signing/signing.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>

#include "engine/base/small_file.h"
#include "engine/trust/signature_file.h"
#include "engine/trust/time_text.h"

namespace murder::cli {
namespace {

Status take_serial(const std::string& text, std::optional<uint64_t>& serial) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > trust::serial_max) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: write a number from 0 to {}", text, trust::serial_max));
  }
  serial = value;
  return {};
}

Status take_application(const std::string& text, std::string& application) {
  application = text;
  return trust::validate_application(text);
}

}  // namespace

void add_sign_option(ArgumentParser command, SigningOptions& options, const std::string& help) {
  command
      .add_optional_value(
          "--sign",
          [&options](const std::string& key) {
            options.is_asked = true;
            options.key = key;
            return Status();
          },
          help)
      .type_name("[KEY]")
      .completes(ValueKind::path);
}

void add_serial_option(ArgumentParser command, SigningOptions& options, const std::string& help) {
  command
      .add_parsed(
          "--serial",
          [&options](const std::string& text) { return take_serial(text, options.serial); }, help)
      .type_name("N");
}

void add_statement_options(ArgumentParser command, SigningOptions& options) {
  command
      .add_parsed(
          "--app",
          [&options](const std::string& text) {
            return take_application(text, options.application);
          },
          "Signed: the application, or fleet, that it is a release of. Hosts that were told\n"
          "another one refuse it (default: application of murder.toml)")
      .type_name("NAME");
  add_serial_option(command, options,
                    "Signed: hosts refuse a lower one than they have (default: the time, in "
                    "seconds)");
  command.add_duration("--expires", options.expires_after,
                       "Signed: hosts refuse it after this time, such as 30d (default: never)");
}

Result<trust::ReleaseStatement> make_statement(const SigningOptions& options,
                                               const SignedSubject& subject, int64_t now_s) {
  trust::ReleaseStatement statement{
      .application = options.application,
      .tag = subject.tag,
      .info_hash = subject.info_hash,
      .sha256 = subject.sha256,
      .size_bytes = subject.size_bytes,
      .serial = options.serial.value_or(static_cast<uint64_t>(std::max<int64_t>(now_s, 0))),
      .time_s = now_s};
  if (options.expires_after) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(*options.expires_after).count();
    if (seconds < 1) {
      return fail(ErrorCode::invalid_input, "--expires: it would expire at once");
    }
    statement.expires_s = now_s + seconds;
  }
  if (Status valid = trust::validate_statement(statement); !valid) {
    return fail(valid.error().code, "it cannot be signed: " + valid.error().text);
  }
  return statement;
}

Result<trust::Signer> add_signature_of(const SigningKey& key,
                                       codec::SignedStatement& signed_statement,
                                       const SigningFront& front) {
  Result<MadeSignature> made =
      make_signature(key, signed_statement.text, trust::release_namespace, front);
  if (!made) {
    return fail(made.error());
  }
  if (Status added = trust::add_signature(signed_statement, std::move(made->blob)); !added) {
    return fail(added.error());
  }
  return std::move(made->signer);
}

Status write_signed(const std::string& torrent_path, std::string_view torrent,
                    const codec::SignedStatement& signed_statement, bool sync_to_disk) {
  struct stat status {};
  if (::stat(torrent_path.c_str(), &status) != 0) {
    return fail_errno(errno, "cannot look at " + torrent_path);
  }
  const Result<std::string> with =
      codec::with_signed_statement(as_bytes_of(torrent), signed_statement);
  if (!with) {
    return fail(with.error());
  }
  const SmallFile properties{
      .mode = status.st_mode & 0777U, .ignores_umask = true, .sync_to_disk = sync_to_disk};
  if (Status written = write_small_file(torrent_path, *with, properties); !written) {
    return written;
  }
  return write_small_file(torrent_path + std::string(trust::signature_file_suffix),
                          trust::encode_signature_file(signed_statement), properties);
}

std::string signed_text(const trust::Signer& signer, const trust::ReleaseStatement& statement) {
  return fmt::format(
      "signed by {} {}, serial {}{}", trust::name_of(signer.key_type), signer.fingerprint,
      statement.serial,
      statement.expires_s
          ? fmt::format(", expires {}",
                        trust::time_text_of(static_cast<uint64_t>(*statement.expires_s)))
          : "");
}

}  // namespace murder::cli
