#pragma once

/// TESSERA_INLINE marks the functions whose definitions are compiled once into a library where
/// TESSERA_COMPILED_LIB is defined, and into every user's file where it is not. TESSERA_EXTERN
/// stands before the instances of templates that the library holds (x/instances.hpp): in src/ it
/// is empty, which makes them.
#ifdef TESSERA_COMPILED_LIB
#define TESSERA_INLINE
#ifndef TESSERA_EXTERN
#define TESSERA_EXTERN extern
#endif
#else
#define TESSERA_INLINE inline
#endif
