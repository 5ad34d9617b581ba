#pragma once

// Tessera needs the arithmetic of IEEE 754. Exponentials, square roots and halves of bfloat16 are
// made of steps that algebra would cancel, and checks ask whether numbers are finite: with
// -ffast-math g++ trained to NaN in one step, without a word. Clang does not tell of
// -funsafe-math-optimizations and -fassociative-math alone: do not compile with these either.
// -ffp-contract=fast, -fno-math-errno and -fno-trapping-math do no harm.

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error \
    "Tessera computes NaN with -ffast-math, -Ofast and their parts -ffinite-math-only, \
-fassociative-math and -freciprocal-math: compile what includes it without them."
#endif
