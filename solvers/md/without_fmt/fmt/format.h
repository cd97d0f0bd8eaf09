// Stands in for {fmt}'s header where LAMMPS' headers include it and do not ship it (Debian 12): what they declare with
// it must parse, and nothing here calls it.
#pragma once
#include <string>

namespace fmt {
struct string_view {};
struct format_args {};
template <typename... Types> format_args make_args_checked(const Types &...);
template <typename... Types> std::string format(const Types &...);
}  // namespace fmt
