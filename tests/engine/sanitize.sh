#!/usr/bin/env bash
# Run the tests of the machine with the address sanitizer: wrong programs, all instructions, steps.
# Needs GCC. Takes a minute or two.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O1 -g -fsanitize=address -fno-omit-frame-pointer -fno-math-errno -fno-trapping-math \
  -shared -fPIC -o "$work/_machine.so" minidl/engine/machine.c -lm
LD_PRELOAD=$(cc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \
  MINIDL_MACHINE=$work/_machine.so python -m pytest -p no:cacheprovider -q -s -n 0 \
  tests/engine/test_engine_machine.py "$@"
