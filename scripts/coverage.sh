#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/coverage.sh: tests with the preset coverage, then a summary and build/coverage/html/index.html by gcovr.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh coverage
find build/coverage -name '*.gcda' -delete
status=0
ctest --preset coverage --label-exclude '^(slow|compile_fail|layers)$' --no-label-summary --parallel "$(nproc)" \
  || status=1

gcovr=$(command -v gcovr || true)
if [ -z "$gcovr" ]; then
  python3 -m venv build/gcovr-venv
  build/gcovr-venv/bin/pip --quiet install gcovr
  gcovr=build/gcovr-venv/bin/gcovr
fi
mkdir -p build/coverage/html
"$gcovr" --root . --object-directory build/coverage \
  --filter 'include/' --filter 'policies/' --filter 'rewards/' --filter 'safety/' --filter 'src/' \
  --exclude-throw-branches \
  --html-details build/coverage/html/index.html --print-summary
exit "$status"
