#include "engine/base/metrics_text.h"

#include <doctest/doctest.h>

#include <array>
#include <chrono>

using namespace murder;
using namespace std::chrono_literals;

TEST_CASE("a latency falls into the bucket whose bound it does not exceed") {
  LatencyHistogram histogram;
  CHECK(histogram.count() == 0);
  histogram.record(0ns);
  histogram.record(-5ns);  // a clock that was read too early
  histogram.record(10us);
  histogram.record(10us + 1ns, 3);
  histogram.record(1s);
  histogram.record(1h, 2);
  CHECK(histogram.bucket_count(0) == 3);
  CHECK(histogram.bucket_count(1) == 3);
  CHECK(histogram.bucket_count(LatencyHistogram::bounds.size() - 1) == 1);
  CHECK(histogram.bucket_count(LatencyHistogram::bounds.size()) == 2);
  CHECK(histogram.count() == 9);
  CHECK(histogram.sum_seconds() == doctest::Approx(7201.000040003));
}

TEST_CASE("the bounds of a histogram rise") {
  for (size_t bucket = 1; bucket < LatencyHistogram::bounds.size(); ++bucket) {
    CHECK(LatencyHistogram::bounds[bucket - 1] < LatencyHistogram::bounds[bucket]);
  }
}

TEST_CASE("metrics are text of Prometheus, with labels that all samples have in common") {
  const std::array<MetricLabel, 2> common = {{{"tag", "v42"}, {"role", "peer"}}};
  MetricsText out(common);
  out.single("a_bytes", MetricType::gauge, "Bytes.", uint64_t{5});
  out.family("b_total", MetricType::counter, "Events.");
  out.sample({{"kind", "x"}}, uint64_t{UINT64_MAX});
  out.sample({{"kind", "y"}}, 0.25);
  CHECK(out.take() ==
        "# HELP a_bytes Bytes.\n# TYPE a_bytes gauge\na_bytes{tag=\"v42\",role=\"peer\"} 5\n"
        "# HELP b_total Events.\n# TYPE b_total counter\n"
        "b_total{tag=\"v42\",role=\"peer\",kind=\"x\"} 18446744073709551615\n"
        "b_total{tag=\"v42\",role=\"peer\",kind=\"y\"} 0.25\n");
}

TEST_CASE("the buckets of a histogram are cumulative") {
  LatencyHistogram latencies;
  latencies.record(20us, 2);
  latencies.record(400ms);
  MetricsText out;
  out.histogram("t_seconds", "Time.", latencies);
  const std::string text = out.take();
  CHECK(
      text.starts_with("# HELP t_seconds Time.\n# TYPE t_seconds histogram\n"
                       "t_seconds_bucket{le=\"1e-05\"} 0\n"
                       "t_seconds_bucket{le=\"2.5e-05\"} 2\n"));
  CHECK(
      text.ends_with("t_seconds_bucket{le=\"0.25\"} 2\n"
                     "t_seconds_bucket{le=\"0.5\"} 3\n"
                     "t_seconds_bucket{le=\"1\"} 3\n"
                     "t_seconds_bucket{le=\"+Inf\"} 3\n"
                     "t_seconds_sum 0.40004\nt_seconds_count 3\n"));
}

TEST_CASE("what a label may not hold is escaped or replaced") {
  CHECK(metric_label_value("plain \xC3\xA4") == "plain \xC3\xA4");
  CHECK(metric_label_value("a\"b\\c\nd") == "a\\\"b\\\\c\\nd");
  CHECK(metric_label_value(std::string_view("a\0b\x7F", 4)) == "a?b?");
  CHECK(metric_label_value("\xE4 not UTF-8") == "? not UTF-8");
  CHECK(metric_label_value("") == "");
}
