#pragma once

namespace tessera {

/// True where mistakes of the caller are looked for that take time to find. The one place that
/// decides it: on with TESSERA_CHECKED defined (CMake: -DTESSERA_CHECKED=ON) and in builds without
/// NDEBUG, such as Debug; off in all others. All files of a program should agree. Beyond it nothing
/// changes: no result, no layout of a type, and none of the checks that are always made.
///
/// Checked in addition: that a parameter has all its values unchanged when backward begins (else
/// four of them are looked at).
#if defined(TESSERA_CHECKED) || !defined(NDEBUG)
inline constexpr bool checked_build = true;
#else
inline constexpr bool checked_build = false;
#endif

}  // namespace tessera
