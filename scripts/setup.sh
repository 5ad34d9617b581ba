# Sourced by the scripts beside it (POSIX sh): makes sure that everything needed to build is there.
# What is missing is installed through apt-get on Debian and Ubuntu, and named elsewhere.

cmake_needed=3.25

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '\nerror: %s\n' "$*" >&2
  exit 1
}

has_command() { command -v "$1" >/dev/null 2>&1; }

# has_header HEADER...: the compiler finds all of them
has_header() {
  for header in "$@"; do
    printf '#include <%s>\n' "$header"
  done | "$compiler" -E -x c++ -I/usr/include/eigen3 -I/usr/local/include/eigen3 - >/dev/null 2>&1
}

# need PACKAGE WHAT TEST...: notes PACKAGE (Debian's name) as missing if TEST fails
need() {
  package=$1
  what=$2
  shift 2
  if ! "$@"; then
    missing_packages="$missing_packages $package"
    missing_things="$missing_things
  $what"
  fi
}

has_catch2() { has_header catch2/catch.hpp || has_header catch2/catch_all.hpp; }

find_missing() {
  compiler=${CXX:-c++}
  missing_packages=
  missing_things=
  need g++ 'a C++20 compiler with its standard library (g++ 12 or newer)' has_command g++
  case $compiler in
    clang++*)
      need "clang${compiler#clang++}" "$compiler (version 14 or newer)" has_command "$compiler"
      ;;
    *) has_command "$compiler" || compiler=g++ ;;
  esac
  need cmake "CMake $cmake_needed or newer" has_command cmake
  need ninja-build 'Ninja' has_command ninja
  need libeigen3-dev 'Eigen 3.4 or newer' has_header Eigen/Core
  need nlohmann-json3-dev 'nlohmann/json' has_header nlohmann/json.hpp
  need libpng-dev 'libpng with headers' has_header png.h
  need libjpeg-dev 'libjpeg or libjpeg-turbo with headers' has_header cstdio jpeglib.h
  need zlib1g-dev 'zlib with headers' has_header zlib.h
  need libcli11-dev 'CLI11' has_header CLI/CLI.hpp
  need catch2 'Catch2, version 2 or 3' has_catch2
}

install_missing() {
  if ! has_command apt-get; then
    fail "this script installs packages on Debian and Ubuntu only. Please install:$missing_things
and run it again."
  fi
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    has_command sudo || fail "not root and no sudo here. As root, run:
  apt-get update && apt-get install$missing_packages"
    as_root=sudo
  fi
  say "Installing:$missing_packages"
  $as_root apt-get update || fail "apt-get update failed"
  # The packages are words of one list.
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    $missing_packages || fail "apt-get install failed"
}

check_cmake_version() {
  found=$(cmake --version | sed -n '1s/.*version \([0-9][0-9.]*\).*/\1/p')
  oldest=$(printf '%s\n%s\n' "$cmake_needed" "$found" | sort -t. -k1,1n -k2,2n -k3,3n | sed -n 1p)
  if [ "$oldest" != "$cmake_needed" ]; then
    fail "CMake $cmake_needed or newer is needed, found $found ($(command -v cmake)).
Debian 12 and Ubuntu 24.04 have it; elsewhere install a newer CMake and put it first in PATH."
  fi
}

set_up() {
  find_missing
  if [ -n "$missing_packages" ]; then
    install_missing
    find_missing
    [ -z "$missing_packages" ] || fail "still missing after the installation:$missing_things"
  fi
  check_cmake_version
  if [ -z "${CMAKE_CXX_COMPILER_LAUNCHER:-}" ] && has_command ccache; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache
    # Or it compiles anew whatever uses the tests' precompiled header.
    export CCACHE_SLOPPINESS="${CCACHE_SLOPPINESS:-pch_defines,time_macros}"
  fi
}

# What scripts/docs.sh needs instead.
set_up_documentation() {
  missing_packages=
  missing_things=
  need doxygen 'Doxygen' has_command doxygen
  [ -z "$missing_packages" ] || install_missing
}

# Number of jobs: every core, but no more than memory allows (a test file takes up to 1.5 GB).
job_count() {
  cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
  memory_kb=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo 2>/dev/null) || memory_kb=
  if [ -n "$memory_kb" ] && [ "$((memory_kb / 1500000))" -lt "$cores" ]; then
    cores=$((memory_kb / 1500000))
  fi
  [ "$cores" -ge 1 ] || cores=1
  echo "$cores"
}
