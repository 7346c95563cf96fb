#!/usr/bin/env bash
# Run the tests of the machine with the address and undefined-behaviour sanitizers: wrong programs,
# all instructions on all instruction sets, steps. Needs GCC.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
  -fno-math-errno -fno-trapping-math -shared -fPIC -o "$work/_machine.so" minidl/engine/machine.c -lm
LD_PRELOAD="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libubsan.so)" \
  ASAN_OPTIONS=detect_leaks=0 MINIDL_MACHINE=$work/_machine.so \
  "${PYTHON:-python}" -m pytest -p no:cacheprovider -q -s -n 0 tests/engine/test_engine_machine.py tests/engine/test_engine_jobs.py "$@"
