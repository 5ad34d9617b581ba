#pragma once

#include <algorithm>

#include "tessera/masking/token_index.hpp"

namespace tessera {

/// index [B, K] -> [B, length], true at the named tokens. Throws std::invalid_argument if an entry
/// is outside [0, length).
inline TokenMask to_token_mask(const TokenIndex& index, Index length) {
  constexpr std::string_view op = "to_token_mask";
  if (length < 0) refuse(op, "length = ", length, " is negative");
  check_token_index(op, "index", index, index.dim(0), length);
  TokenMask mask({index.dim(0), length}, false);
  for (Index b = 0; b < index.dim(0); ++b) {
    for (Index k = 0; k < index.dim(1); ++k) mask(b, index(b, k)) = true;
  }
  return mask;
}

/// mask [B, L] -> [B, K], the tokens that are true, ascending. Throws std::invalid_argument if the
/// rows do not all have K of them.
inline TokenIndex to_token_index(const TokenMask& mask) {
  const auto count = [&](Index b) -> Index {
    return std::count(mask.row(b), mask.row(b) + mask.dim(1), true);
  };
  const Index first = mask.dim(0) > 0 ? count(0) : 0;
  TokenIndex index = TokenIndex::empty({mask.dim(0), first});
  for (Index b = 0; b < mask.dim(0); ++b) {
    if (count(b) != first) {
      refuse("to_token_index", "row ", b, " of the mask has ", count(b), " true tokens, row 0 has ",
             first);
    }
    Index* next = index.row(b);
    for (Index token = 0; token < mask.dim(1); ++token) {
      if (mask(b, token)) *next++ = token;
    }
  }
  return index;
}

/// [B, L], every value negated.
inline TokenMask complement(const TokenMask& mask) {
  TokenMask negated = TokenMask::empty(mask.shape());
  std::transform(mask.begin(), mask.end(), negated.begin(), [](bool value) { return !value; });
  return negated;
}

/// index [B, K] -> [B, length - K], the other tokens, ascending. Throws std::invalid_argument if an
/// entry is outside [0, length) or appears twice in its row.
inline TokenIndex complement(const TokenIndex& index, Index length) {
  constexpr std::string_view op = "complement";
  if (length < 0) refuse(op, "length = ", length, " is negative");
  check_token_index(op, "index", index, index.dim(0), length);
  check_token_index_unique(op, "index", index, length);
  return to_token_index(complement(to_token_mask(index, length)));
}

/// True if each row of `a` and `b` together names each token of [0, length) exactly once.
inline bool is_partition(const TokenIndex& a, const TokenIndex& b, Index length) {
  if (a.dim(0) != b.dim(0) || a.dim(1) + b.dim(1) != length) return false;
  TokenMask seen({a.dim(0), length}, false);
  for (const TokenIndex* part : {&a, &b}) {
    for (Index row = 0; row < part->dim(0); ++row) {
      for (Index k = 0; k < part->dim(1); ++k) {
        const Index token = (*part)(row, k);
        if (token < 0 || token >= length || seen(row, token)) return false;
        seen(row, token) = true;
      }
    }
  }
  return true;
}

/// Every entry plus `offset`: from patches to the full sequence by num_prefix_tokens, and back by
/// -num_prefix_tokens. Throws std::invalid_argument if an entry would become negative.
inline TokenIndex shift_index(const TokenIndex& index, Index offset) {
  TokenIndex shifted = index;
  for (Index b = 0; b < index.dim(0); ++b) {
    for (Index k = 0; k < index.dim(1); ++k) {
      const bool fits = !__builtin_add_overflow(index(b, k), offset, &shifted(b, k));
      if (!fits || shifted(b, k) < 0) {
        refuse("shift_index", "index(", b, ", ", k, ") = ", index(b, k), " shifted by ", offset,
               " is no index");
      }
    }
  }
  return shifted;
}

/// mask [B, N] over patches -> [B, P + N] over the full sequence, prefix tokens not masked. Throws
/// std::invalid_argument if num_prefix_tokens is negative.
inline TokenMask prepend_prefix(const TokenMask& mask, Index num_prefix_tokens) {
  if (num_prefix_tokens < 0) {
    refuse("prepend_prefix", "num_prefix_tokens = ", num_prefix_tokens, " is negative");
  }
  TokenMask longer({mask.dim(0), num_prefix_tokens + mask.dim(1)}, false);
  for (Index b = 0; b < mask.dim(0); ++b) {
    std::copy_n(mask.row(b), mask.dim(1), longer.row(b) + num_prefix_tokens);
  }
  return longer;
}

}  // namespace tessera
