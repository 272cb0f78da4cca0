#include "engine/archive/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <locale.h>

#include <algorithm>

#include "engine/archive/tar_header.h"
#include "engine/base/ensure.h"

namespace murder::archive {

namespace {

// libarchive converts names of pax headers between UTF-8 and the locale's encoding, and in a UTF-8
// locale normalises them. In the C locale it leaves the bytes of all names it cannot convert as
// they are, which are all that are not ASCII.
class WithCLocale {
 public:
  WithCLocale() : previous_(::uselocale(c_locale())) {}
  WithCLocale(const WithCLocale&) = delete;
  WithCLocale& operator=(const WithCLocale&) = delete;
  ~WithCLocale() { ::uselocale(previous_); }

 private:
  static locale_t c_locale() {
    static const locale_t locale = ::newlocale(LC_ALL_MASK, "C", nullptr);
    ENSURE(locale != nullptr);
    return locale;
  }

  locale_t previous_;
};

ArchiveEntry::Type type_of(archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr) {
    return ArchiveEntry::Type::hard_link;
  }
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return ArchiveEntry::Type::file;
    case AE_IFDIR:
      return ArchiveEntry::Type::directory;
    case AE_IFLNK:
      return ArchiveEntry::Type::symlink;
    default:
      return ArchiveEntry::Type::other;
  }
}

std::string text_of(const char* text) {
  return text == nullptr ? std::string() : text;
}

}  // namespace

ArchiveReader::ArchiveReader(ByteSource& source, std::string name)
    : source_(source), name_(std::move(name)), reader_(archive_read_new()), buffer_(buffer_bytes) {
  ENSURE(reader_ != nullptr);
}

ArchiveReader::~ArchiveReader() {
  archive_read_free(reader_);
}

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::open(ByteSource& source, std::string name) {
  const WithCLocale with_c_locale;
  std::unique_ptr<ArchiveReader> made(new ArchiveReader(source, std::move(name)));
  archive_read_support_filter_zstd(made->reader_);
  archive_read_support_filter_gzip(made->reader_);
  archive_read_support_format_tar(made->reader_);
  const auto read = [](::archive* reader, void* self, const void** ret_buffer) -> la_ssize_t {
    return read_source(reader, self, ret_buffer);
  };
  if (archive_read_open(made->reader_, made.get(), nullptr, read, nullptr) != ARCHIVE_OK) {
    return made->failed();
  }
  return made;
}

int64_t ArchiveReader::read_source(::archive* reader, void* self, const void** ret_buffer) {
  auto* owner = static_cast<ArchiveReader*>(self);
  const Result<size_t> got = owner->source_.read(owner->buffer_);
  if (!got) {
    owner->source_status_ = fail(got.error());
    archive_set_error(reader, ARCHIVE_FATAL, "the source failed");
    return -1;
  }
  if (*got > 0) {
    const std::span<const uint8_t> bytes = std::span(owner->buffer_).first(*got);
    const std::span<const uint8_t> tail = bytes.last(std::min<size_t>(*got, tar_block_bytes));
    owner->ends_in_zeros_ =
        std::all_of(tail.begin(), tail.end(), [](uint8_t byte) { return byte == 0; });
  }
  owner->bytes_read_ += *got;
  *ret_buffer = owner->buffer_.data();
  return static_cast<int64_t>(*got);
}

Result<std::optional<ArchiveEntry>> ArchiveReader::next_entry() {
  const WithCLocale with_c_locale;
  archive_entry* found = nullptr;
  const int status = archive_read_next_header(reader_, &found);
  if (status == ARCHIVE_EOF) {
    return std::nullopt;
  }
  // A warning is what it says of each name that is not ASCII.
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
    return failed();
  }
  ArchiveEntry entry;
  entry.name = text_of(archive_entry_pathname(found));
  entry.type = type_of(found);
  entry.mode = archive_entry_perm(found) & 07777U;
  entry.mtime_s = archive_entry_mtime(found);
  if (entry.type == ArchiveEntry::Type::file) {
    entry.size_bytes = static_cast<uint64_t>(std::max<int64_t>(archive_entry_size(found), 0));
  } else if (entry.type == ArchiveEntry::Type::hard_link) {
    entry.link_target = text_of(archive_entry_hardlink(found));
  } else if (entry.type == ArchiveEntry::Type::symlink) {
    entry.link_target = text_of(archive_entry_symlink(found));
  }
  return entry;
}

Result<std::optional<ArchiveData>> ArchiveReader::next_data() {
  const void* data = nullptr;
  size_t size_bytes = 0;
  la_int64_t offset = 0;
  const int status = archive_read_data_block(reader_, &data, &size_bytes, &offset);
  if (status == ARCHIVE_EOF) {
    return std::nullopt;
  }
  if (status != ARCHIVE_OK || offset < 0) {
    return failed();
  }
  return ArchiveData{.offset = static_cast<uint64_t>(offset),
                     .bytes = {static_cast<const uint8_t*>(data), size_bytes}};
}

Status ArchiveReader::drain() {
  while (true) {
    const void* ignored = nullptr;
    const int64_t got = read_source(reader_, this, &ignored);
    if (got < 0) {
      return source_status_;
    }
    if (got == 0) {
      break;
    }
  }
  // Compressed streams notice by themselves when a part is missing.
  if (archive_filter_code(reader_, 0) == ARCHIVE_FILTER_NONE && !ends_in_zeros_) {
    return fail(ErrorCode::invalid_input, name_ + " is damaged: its end is missing");
  }
  return {};
}

tl::unexpected<Error> ArchiveReader::failed() {
  if (!source_status_) {
    return fail(source_status_.error());
  }
  return fail(ErrorCode::invalid_input, fmt::format("{} is damaged, or no tar archive: {}", name_,
                                                    text_of(archive_error_string(reader_))));
}

}  // namespace murder::archive
