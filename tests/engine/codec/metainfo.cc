#include "engine/codec/metainfo.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/base/bounds.h"
#include "engine/base/version.h"
#include "engine/codec/bounds.h"

using namespace murder;
using namespace murder::codec;

namespace {

Result<Metainfo> parse(std::string_view torrent) {
  return parse_metainfo(as_bytes_of(torrent));
}

std::string bencoded(std::string_view text) {
  return std::to_string(text.size()) + ":" + std::string(text);
}

std::string digests(size_t count) {
  return "6:pieces" + bencoded(std::string(count * Sha1Digest::size_bytes, '#'));
}

std::string with_info(const std::string& info) {
  return "d4:infod" + info + "ee";
}

// A torrent of one file with this name.
std::string single(std::string_view name) {
  return with_info("6:lengthi20e4:name" + bencoded(name) + "12:piece lengthi16384e" + digests(1));
}

// A torrent of several files of 10 bytes; each path is given as a bencoded list.
std::string several(const std::vector<std::string>& paths) {
  std::string files;
  for (const std::string& path : paths) {
    files += "d6:lengthi10e4:path" + path + "e";
  }
  return with_info("5:filesl" + files + "e4:name1:n12:piece lengthi16384e" +
                   digests(paths.empty() ? 0 : 1));
}

bool says(const std::string& torrent, std::string_view what) {
  const Result<Metainfo> metainfo = parse(torrent);
  return !metainfo && metainfo.error().text.find(what) != std::string::npos;
}

MetainfoDraft draft_of(uint64_t total_bytes, std::span<const Sha1Digest> piece_digests) {
  return {.name = "v42.tar.zst",
          .geometry = {.total_bytes = total_bytes, .piece_bytes = 16384},
          .piece_digests = piece_digests};
}

}  // namespace

TEST_CASE("a torrent reads back as it was made") {
  std::vector<Sha1Digest> piece_digests(3);
  piece_digests[1].bytes.fill(7);
  MetainfoDraft draft = draft_of(3 * 16384 - 5, piece_digests);
  draft.tracker_tiers = {{"http://a/announce", "http://b/announce"}, {"udp://c:1"}};
  draft.comment = "c";
  draft.created_at_s = 1;
  draft.hosts_expected = 50'000;
  const std::string torrent = encode_metainfo(draft);
  const Result<Metainfo> metainfo = parse(torrent);
  REQUIRE(metainfo);
  CHECK(metainfo->name == "v42.tar.zst");
  CHECK(metainfo->geometry.total_bytes == 3 * 16384 - 5);
  CHECK(metainfo->geometry.piece_bytes == 16384);
  CHECK(metainfo->piece_digests == piece_digests);
  CHECK(metainfo->is_single_file);
  CHECK(metainfo->is_private);
  CHECK(metainfo->tracker_tiers == draft.tracker_tiers);
  CHECK(metainfo->comment == "c");
  CHECK(metainfo->created_by == program_name_and_version());
  CHECK(metainfo->created_at_s == 1);
  CHECK(metainfo->hosts_expected == 50'000);
  REQUIRE(metainfo->files.size() == 1);
  CHECK(metainfo->files[0] == FileEntry{.path = "v42.tar.zst", .size_bytes = 3 * 16384 - 5});
  CHECK(torrent.find("4:info" + std::string(metainfo->raw_info)) != std::string::npos);
}

TEST_CASE("a torrent has the bytes of BEP 3 and nothing that changes from run to run") {
  const std::vector<Sha1Digest> piece_digests(1);
  MetainfoDraft draft = draft_of(20, piece_digests);
  draft.tracker_tiers = {{"http://a/announce"}};
  CHECK(encode_metainfo(draft) == "d8:announce17:http://a/announce10:created by" +
                                      bencoded(program_name_and_version()) +
                                      "4:infod6:lengthi20e"
                                      "4:name11:v42.tar.zst12:piece lengthi16384e6:pieces20:" +
                                      std::string(20, '\0') + "7:privatei1eee");
  draft.tracker_tiers.push_back({"http://b/announce"});
  CHECK(encode_metainfo(draft).find("13:announce-listll17:http://a/announceel17:http://b/") !=
        std::string::npos);
}

TEST_CASE("an executable file is told by the attribute of BEP 47") {
  MetainfoDraft draft = draft_of(0, {});
  CHECK_FALSE(parse(encode_metainfo(draft))->files[0].is_executable);
  draft.is_executable = true;
  const std::string torrent = encode_metainfo(draft);
  CHECK(torrent.find("4:infod4:attr1:x6:lengthi0e") != std::string::npos);
  CHECK(parse(torrent)->files[0].is_executable);
  const Result<Metainfo> tree =
      parse(with_info("5:filesld4:attr1:x6:lengthi0e4:pathl1:aeed6:lengthi0e4:pathl1:beee4:name1:"
                      "n12:piece lengthi16e"
                      "6:pieces0:"));
  REQUIRE(tree);
  CHECK(tree->files[0].is_executable);
  CHECK_FALSE(tree->files[1].is_executable);
}

TEST_CASE("an empty release has no piece") {
  const Result<Metainfo> metainfo = parse(encode_metainfo(draft_of(0, {})));
  REQUIRE(metainfo);
  CHECK(metainfo->piece_count() == 0);
  CHECK(metainfo->geometry.total_bytes == 0);
  CHECK(metainfo->piece_digests.empty());
  CHECK(metainfo->files.size() == 1);
}

TEST_CASE("files of a torrent follow each other") {
  const Result<Metainfo> metainfo = parse(with_info(
      "5:filesld6:lengthi10e4:pathl1:a1:beed4:attr1:p6:lengthi6e4:pathl4:.pad1:6eed6:lengthi0e"
      "4:pathl1:ceed4:attr1:p6:lengthi6e4:pathl4:.pad1:6eed4:attr1:l6:lengthi0e4:pathl1:de12:"
      "symlink pathl1:a1:beee"
      "4:name1:n12:piece lengthi16e" +
      digests(2)));
  REQUIRE(metainfo);
  CHECK_FALSE(metainfo->is_single_file);
  CHECK_FALSE(metainfo->is_private);
  CHECK(metainfo->geometry.total_bytes == 22);
  REQUIRE(metainfo->files.size() == 5);
  CHECK(metainfo->files[0] == FileEntry{.path = "a/b", .offset = 0, .size_bytes = 10});
  CHECK(metainfo->files[1].is_padding);
  CHECK(metainfo->files[2] == FileEntry{.path = "c", .offset = 16, .size_bytes = 0});
  CHECK(metainfo->files[4].is_symlink);
  CHECK(metainfo->files[4].symlink_target == "a/b");
}

TEST_CASE("a symbolic link has no content, and leads to nothing outside") {
  const auto with_link = [](const std::string& length, const std::string& target) {
    return with_info("5:filesld4:attr1:l" + (length.empty() ? "" : "6:length" + length) +
                     "4:pathl1:le" + target +
                     "ed6:lengthi16e4:pathl1:beee4:name1:n12:piece lengthi16e" + digests(1));
  };
  CHECK(parse(with_link("i0e", "12:symlink pathl1:be")));
  CHECK(parse(with_link("", "12:symlink pathl1:be")));
  CHECK(says(with_link("i16e", "12:symlink pathl1:be"), "it has no content"));
  CHECK(says(with_link("1:0", "12:symlink pathl1:be"), "has no length"));
  CHECK(says(with_link("i0e", "12:symlink pathl1:xe"), "names nothing"));
  CHECK(says(with_link("i0e", ""), "no symlink path"));
  CHECK(says(with_link("i0e", "12:symlink path1:b"), "no symlink path"));
  CHECK(says(with_link("i0e", "12:symlink pathle"), "symlink path is empty"));
  CHECK(says(with_link("i0e", "12:symlink pathl2:..1:xe"), "names nothing"));
  CHECK(says(with_link("i0e", "12:symlink pathl4:/etce"), "slash"));
  CHECK(says(with_link("i0e", "12:symlink pathl0:e"), "empty"));
}

TEST_CASE("names in UTF-8 count where they stand beside those of another encoding") {
  const auto named = [](const std::string& name, const std::string& path) {
    return with_info(
        "5:filesld6:lengthi16e4:pathl2:\xc4\xe3"
        "e" +
        path + "ee4:name2:\xc4\xe3" + name + "12:piece lengthi16e" + digests(1));
  };
  const Result<Metainfo> utf8 = parse(named("10:name.utf-83:\xe4\xbd\xa0",
                                            "10:path.utf-8l1:d3:\xe4\xbd\xa0"
                                            "e"));
  REQUIRE(utf8);
  CHECK(utf8->name == "\xe4\xbd\xa0");
  CHECK(utf8->files[0].path == "d/\xe4\xbd\xa0");
  for (const Result<Metainfo>& other :
       {parse(named("", "")), parse(named("10:name.utf-80:", "10:path.utf-81:x")),
        parse(named("10:name.utf-8le", "10:path.utf-8i1e"))}) {
    REQUIRE(other);
    CHECK(other->name == "\xc4\xe3");
    CHECK(other->files[0].path == "\xc4\xe3");
  }
  CHECK(says(named("10:name.utf-82:..", ""), "\"..\" as a name"));
  CHECK(says(named("", "10:path.utf-8l2:..e"), "\"..\" as a name"));
}

TEST_CASE("what is damaged or no torrent is refused") {
  const std::string good = single("x");
  REQUIRE(parse(good));
  for (size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(parse(good.substr(0, size)));
  }
  CHECK(says("<html>", "not a torrent"));
  CHECK(says("le", "no info dictionary"));
  CHECK(says("de", "no info dictionary"));
  CHECK(says("d4:infoi1ee", "no info dictionary"));
  CHECK(says(std::string(10000, 'l'), "nested too deep"));
  CHECK(says("d4:infod6:lengthi99999999999999999999eee", "beyond 64 bits"));
}

TEST_CASE("what follows a torrent is passed over, as others do") {
  const std::string good = single("x");
  for (const std::string& rest :
       {std::string("x"), std::string("\n"), std::string(1000, '\0'), std::string("\r\n"), good}) {
    const std::string torrent = good + rest;
    const Result<Metainfo> metainfo = parse(torrent);
    REQUIRE(metainfo);
    CHECK(metainfo->raw_info == parse(good)->raw_info);
  }
}

TEST_CASE("a tree of 1,000 levels is read, a deeper one is known to be too deep") {
  const auto tree = [](uint32_t levels, bool is_hybrid) {
    std::string path = "l";
    std::string before;
    for (uint32_t level = 1; level < levels; ++level) {
      path += "1:d";
      before += "d1:d";
    }
    const std::string ends(levels, 'e');
    return with_info((is_hybrid ? "9:file tree" + before + "d1:fd0:d6:lengthi10eee" + ends : "") +
                     "5:filesld6:lengthi10e4:path" + path +
                     "1:feee4:name1:n12:piece lengthi16384e" + digests(1));
  };
  for (const bool is_hybrid : {false, true}) {
    CAPTURE(is_hybrid);
    CHECK(parse(tree(28, is_hybrid)));
    CHECK(parse(tree(300, is_hybrid)));
    CHECK(parse(tree(limits::torrent_path_parts_max, is_hybrid)));
  }
  CHECK(says(tree(limits::torrent_path_parts_max + 1, false), "more than 1000 levels"));
}

TEST_CASE("padding needs no path, and its path says nothing") {
  for (const char* path : {"", "4:pathl1:be", "4:pathl2:..e", "4:pathle"}) {
    const Result<Metainfo> metainfo = parse(
        with_info("5:filesld6:lengthi10e4:pathl1:beed4:attr1:p6:lengthi6e" + std::string(path) +
                  "ed6:lengthi10e4:pathl1:ceee4:name1:n12:piece lengthi16e" + digests(2)));
    REQUIRE(metainfo);
    CHECK(metainfo->files[1].is_padding);
    CHECK(metainfo->files[2].offset == 16);
  }
}

TEST_CASE("missing, negative and huge numbers are refused") {
  const std::string tail = "4:name1:x12:piece lengthi16384e" + digests(1);
  CHECK(says(with_info("6:lengthi-1e" + tail), "negative"));
  CHECK(says(with_info("6:length1:5" + tail), "no length"));
  CHECK(says(with_info(tail), "neither a length nor"));
  CHECK(says(with_info("5:filesi1e" + tail), "neither a length nor"));
  CHECK(says(with_info("5:filesle6:lengthi1e" + tail), "both"));
  CHECK(says(with_info("6:lengthi9223372036854775807e" + tail), "pieces"));
  const auto with_piece_length = [](const std::string& value) {
    return with_info("6:lengthi20e4:name1:x12:piece length" + value + digests(1));
  };
  CHECK(parse(with_piece_length("i20e")));
  CHECK(says(with_piece_length("i0e"), "piece length"));
  CHECK(says(with_piece_length("i-1e"), "piece length"));
  CHECK(says(with_piece_length("1:x"), "piece length"));
  CHECK(says(with_piece_length("i4294967296e"), "at most"));
  CHECK(
      says(with_piece_length("i" + std::to_string(limits::piece_bytes_max + 1) + "e"), "at most"));
  CHECK(says(with_info("6:lengthi20e4:name1:x" + digests(1)), "piece length"));
}

TEST_CASE("lengths that add up beyond 64 bits are refused") {
  const std::string half = "d6:lengthi9223372036854775807e4:pathl1:";
  CHECK(says(with_info("5:filesl" + half + "aee" + half + "beee4:name1:n12:piece lengthi16384e" +
                       digests(1)),
             "add up"));
}

TEST_CASE("there are as many hashes as pieces") {
  const auto with_pieces = [](const std::string& pieces) {
    return with_info("6:lengthi20e4:name1:x12:piece lengthi16e" + pieces);
  };
  CHECK(parse(with_pieces(digests(2))));
  CHECK(says(with_pieces(digests(1)), "2 pieces need 40"));
  CHECK(says(with_pieces(digests(3)), "2 pieces need 40"));
  CHECK(says(with_pieces("6:pieces39:" + std::string(39, 'x')), "2 pieces need 40"));
  CHECK(says(with_pieces("6:piecesi1e"), "no piece hashes"));
  CHECK(says(with_pieces(""), "no piece hashes"));
}

TEST_CASE("names that are no plain file names are refused") {
  CHECK(parse(single("..a")));
  CHECK(parse(single("\xc3\xa9 \xff")));
  CHECK(says(single(""), "empty"));
  CHECK(says(single("."), "\".\""));
  CHECK(says(single(".."), "\"..\""));
  CHECK(says(single("/etc"), "slash"));
  CHECK(says(single("a/b"), "slash"));
  CHECK(says(single(std::string_view("a\0b", 3)), "NUL"));
  CHECK(parse(single(std::string(limits::name_bytes_max, 'x'))));
  CHECK(says(single(std::string(limits::name_bytes_max + 1, 'x')), "longer than"));
  CHECK(says(with_info("6:lengthi20e12:piece lengthi16384e" + digests(1)), "no name"));
  // A message shows no control characters of the torrent.
  CHECK(says(single("\x1b/\n"), "\"\\x1b/\\n\""));
}

TEST_CASE("paths that leave the directory are refused") {
  CHECK(parse(several({"l1:a1:be", "l1:ce"})));
  CHECK(says(several({"l1:a2:..1:be"}), "\"..\""));
  CHECK(says(several({"l1:.e"}), "\".\""));
  CHECK(says(several({"l4:/etce"}), "slash"));
  CHECK(says(several({"l1:a0:1:be"}), "empty"));
  CHECK(says(several({"le"}), "empty"));
  CHECK(says(several({std::string("l3:a\0be", 7)}), "NUL"));
  CHECK(says(several({"li1ee"}), "not a string"));
  CHECK(says(several({"1:a"}), "no path"));
  CHECK(says(several({"l" + bencoded(std::string(256, 'x')) + "e"}), "longer than"));
  std::string deep = "l";
  for (int part = 0; part < 20; ++part) {
    deep += bencoded(std::string(200, 'x'));
  }
  CHECK(says(several({deep + "e"}), "longer than"));
  CHECK(says(several({}), "no files"));
}

TEST_CASE("no path comes twice, and no file is also a directory") {
  CHECK(says(several({"l1:ae", "l1:be", "l1:ae"}), "two files have the path \"a\""));
  CHECK(says(several({"l1:a1:be", "l1:ae"}), "\"a\" is a file and a directory"));
  CHECK(says(several({"l1:ae", "l2:a-e", "l1:a1:b1:ce"}), "\"a\" is a file and a directory"));
  CHECK(parse(several({"l2:a-e", "l1:a1:be", "l2:a.e", "l1:a1:ce"})));
}

TEST_CASE("version 2 alone is unsupported, of a hybrid the first version is read") {
  const Result<Metainfo> second =
      parse(with_info("9:file treede12:meta versioni2e4:name1:x12:piece lengthi16384e"));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::unsupported);
  CHECK(
      parse(with_info("9:file treede6:lengthi20e12:meta versioni2e4:name1:x12:piece length"
                      "i16384e" +
                      digests(1))));
}

TEST_CASE("trackers come in tiers, oddities are passed over") {
  const auto trackers_of = [](const std::string& keys) {
    const std::string torrent = single("x");
    return parse("d" + keys + torrent.substr(1))->tracker_tiers;
  };
  using Tiers = std::vector<std::vector<std::string>>;
  CHECK(trackers_of("8:announce1:a") == Tiers{{"a"}});
  CHECK(trackers_of("8:announce1:a13:announce-listll1:b1:cel1:dee") == Tiers{{"b", "c"}, {"d"}});
  CHECK(trackers_of("8:announce1:a13:announce-listle") == Tiers{{"a"}});
  CHECK(trackers_of("13:announce-listlleli1e0:el1:bee") == Tiers{{"b"}});
  CHECK(trackers_of("13:announce-listl1:a1:be") == Tiers{{"a"}, {"b"}});
  CHECK(trackers_of("8:announcei1e").empty());
  CHECK(trackers_of("").empty());
  CHECK(trackers_of("8:announce5: \ta\r\n13:announce-listll2: aee") == Tiers{{"a"}});
  // What cannot be asked does not stand in the way of what can.
  CHECK(trackers_of("8:announce8:http://a13:announce-listll7:udp://aee") ==
        Tiers{{"udp://a"}, {"http://a"}});
  CHECK(trackers_of("8:announce8:http://a13:announce-listll8:http://bee") == Tiers{{"http://b"}});
  std::string late = "13:announce-listl";
  for (int count = 0; count < 1000; ++count) {
    late += "l7:udp://ae";
  }
  CHECK(trackers_of(late + "l8:http://bee").back().front() == "http://b");
  std::string many = "13:announce-listl";
  for (int count = 0; count < 1000; ++count) {
    many += "l1:ae";
  }
  CHECK(trackers_of(many + "e").size() == limits::torrent_trackers_max);
}
