#pragma once

/// Marks the functions whose definitions are compiled once into a library where
/// TESSERA_COMPILED_LIB is defined, and into every user's file where it is not.
#ifdef TESSERA_COMPILED_LIB
#define TESSERA_INLINE
#else
#define TESSERA_INLINE inline
#endif
