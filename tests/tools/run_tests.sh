# shellcheck shell=bash
# How ./dev runs tests, many at a time, and counts them. Sourced by it, which has the functions, the lists of packages, and
# what else is not set here.
# shellcheck disable=SC2154

# A test that hangs must not hold everything up.
unit_seconds_max=300
end_to_end_seconds_max=600
python_jobs_max=$(($(nproc) * 4))

passed=0
failed=0
skipped=0

# count PASSED FAILED SKIPPED, and the output when something failed.
count() {
  passed=$((passed + $1))
  failed=$((failed + $2))
  skipped=$((skipped + $3))
}

# The number before a word in doctest's or unittest's closing lines, 0 if there is none.
number_before() { sed -n "s/.*[^0-9]\([0-9][0-9]*\) $2.*/\1/p" <<<" $1" | tail -1 | grep . || echo 0; }

# Each argument once, in their order: what takes longest is named first, so that it is not left alone at the end.
distinct() { printf '%s\n' "$@" | awk '!seen[$0]++'; }

# run_jobs COUNT JOB ARGUMENTS: calls JOB with each argument and a log of its own in $logs, COUNT at a time.
run_jobs() {
  local jobs_max=$1 job=$2 argument index=0 running=0
  shift 2
  for argument in "$@"; do
    if [[ $running -ge $jobs_max ]]; then
      wait -n || true
      running=$((running - 1))
    fi
    "$job" "$argument" "$logs/$index" &
    running=$((running + 1))
    index=$((index + 1))
  done
  wait
}

# Its output and exit code go to files.
run_unit_job() {
  local program=$1 log=$2 code=0
  timeout "$unit_seconds_max" "$program" >"$log" 2>&1 || code=$?
  echo "$code" >"$log.code"
}

count_unit_job() {
  local program=$1 log=$2 code line good bad
  code=$(cat "$log.code" 2>/dev/null || echo 1)
  line=$(grep '^\[doctest\] test cases:' "$log" || true)
  good=$(number_before "$line" passed)
  bad=$(number_before "$line" failed)
  if [[ $code -ne 0 ]]; then
    tail -n 100 "$log"
    [[ $bad -eq 0 ]] && bad=1
  fi
  printf '%-28s %s passed, %s failed\n' "$(basename "$program")" "$good" "$bad"
  count "$good" "$bad" 0
}

# As many at a time as there are cores, since they compute.
run_unit_tests() {
  local directory=$1 logs program programs=() index=0
  while IFS= read -r program; do
    [[ -f $program && -x $program ]] && programs+=("$program")
  done < <(distinct "$directory"/tests/engine/{sim/test_sim,swarm/test_swarm,node/test_node} \
    "$directory"/subprojects/*/tests/test_* "$directory"/tests/*/test_* "$directory"/tests/*/*/test_* "$directory"/tests/*/*/*/test_*)
  logs=$(mktemp -d)
  run_jobs "$(nproc)" run_unit_job "${programs[@]}"
  for program in "${programs[@]}"; do
    count_unit_job "$program" "$logs/$index"
    index=$((index + 1))
  done
  rm -rf "$logs"
}

# One folder of tests, or one file of it, as a process of its own; its output and exit code go to files.
run_python_job() {
  local place=$1 log=$2 folder pattern='test_*.py' code=0
  folder=$place
  if [[ -f $place ]]; then
    folder=$(dirname "$place")
    pattern=$(basename "$place")
  fi
  # unittest prints what each test is called as it runs.
  MURDER_BIN=$PWD/$program timeout --kill-after=30 "$end_to_end_seconds_max" \
    "$python" -m unittest discover -v -s "$folder" -t "$folder" -p "$pattern" >"$log" 2>&1 || code=$?
  echo "$code" >"$log.code"
}

count_python_job() {
  local place=$1 log=$2 code line total bad=0 idle part
  code=$(cat "$log.code" 2>/dev/null || echo 1)
  total=$(sed -n 's/^Ran \([0-9]*\) tests\{0,1\} in .*/\1/p' "$log" | tail -1)
  line=$(tail -n 3 "$log" | grep -E '^(OK|FAILED)' || true)
  for part in failures errors 'unexpected successes'; do
    bad=$((bad + $(sed -n "s/.*$part=\([0-9]*\).*/\1/p" <<<"$line" | grep . || echo 0)))
  done
  idle=$(sed -n 's/.*skipped=\([0-9]*\).*/\1/p' <<<"$line" | grep . || echo 0)
  if [[ $code -eq 124 || $code -eq 137 ]]; then
    say "$place: stopped after $end_to_end_seconds_max s"
  fi
  if [[ $code -ne 0 ]]; then
    [[ $bad -eq 0 ]] && bad=1
    cat "$log"
  else
    grep -E ' \.\.\. |^interop:|^fleet tests:' "$log" || true
  fi
  total=${total:-0}
  local good=$((total - bad - idle))
  count "$((good > 0 ? good : 0))" "$bad" "$idle"
}

# run_python_tests PROGRAM PLACES: folders and files of tests, some at a time, since they mostly wait.
run_python_tests() {
  local program=$1 logs place index=0 places
  shift
  mapfile -t places < <(distinct "$@")
  logs=$(mktemp -d)
  run_jobs "$python_jobs_max" run_python_job "${places[@]}"
  for place in "${places[@]}"; do
    say "$place"
    count_python_job "$place" "$logs/$index"
    index=$((index + 1))
  done
  rm -rf "$logs"
}

# build_with_sanitizers NINJA-TARGETS: one folder for the fuzzers and for the tests under sanitizers, built by
# clang, so that both compilers see all of the code; a warning is an error here.
build_with_sanitizers() {
  need "${packages_build[@]}" "${packages_unit_test[@]}" "${packages_clang[@]}"
  # -g1 is enough for a stack trace.
  CXX=clang++ build_into build-sanitize "$@" -- "${bundles[@]}" -Dfuzz=true -Doptimization=1 -Dwerror=true \
    -Dself_contained=false -Db_sanitize=address,undefined -Db_lundef=false \
    -Dcpp_args='-g1 -fno-omit-frame-pointer'
}

# run_fuzzers SECONDS_EACH: the script prints a line per target, "TARGET ok ..." or "TARGET failed".
run_fuzzers() {
  local output code=0 good bad
  [[ -x tests/fuzz/run ]] || return 0
  build_with_sanitizers fuzz_programs
  say "fuzzing each parser for $1 s"
  output=$(tests/fuzz/run "$1" build-sanitize 2>&1) || code=$?
  printf '%s\n' "$output"
  good=$(grep -cE '^[a-z0-9_]+ ok:' <<<"$output" || true)
  bad=$(grep -cE '^[a-z0-9_]+ failed:' <<<"$output" || true)
  [[ $code -ne 0 && $bad -eq 0 ]] && bad=1
  count "$good" "$bad" 0
}

run_tidy() {
  if "$python" tests/tidy.py; then
    count 1 0 0
  else
    count 0 1 0
  fi
}

report() {
  local line="$passed passed, $failed failed"
  [[ $skipped -gt 0 ]] && line+=", $skipped skipped"
  printf '%s\n' "$line"
  [[ $failed -eq 0 && $passed -gt 0 ]]
}
