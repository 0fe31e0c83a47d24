/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/token.h"

#include "snapshot/basic/number.h"

/* How strictly what stands beside a name is looked at. */
enum boundary {
	BOUNDARY_STRICT, /* as the token rule says */
	BOUNDARY_SYSCTL, /* the same in "net.ipv4.conf.NAME.forwarding", where '.' separates */
	BOUNDARY_DOTTED, /* the same in "/run/dhclient.NAME.pid" */
	BOUNDARY_LOOSE,  /* anything but a letter or digit */
};

/* Not by ctype.h: a locale must not change what a name is. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c);
}

/* Whether a path or a word like it ends before this byte. */
static bool ends_run(char c)
{
	return is_blank(c) || is_one_of(c, "'\"`=,;&|()<>{}:%");
}

static size_t digits_end(struct bytes text, size_t at)
{
	while (at < text.size && is_digit(text.data[at]))
		at++;
	return at;
}

/* Whether a name may end before @at. */
static bool name_ends(struct bytes text, size_t at, enum boundary boundary)
{
	char c;

	if (at >= text.size)
		return true;
	c = text.data[at];
	if (boundary == BOUNDARY_LOOSE)
		return !is_letter_or_digit(c) && !(c & 0x80);
	if (c == '.' && boundary != BOUNDARY_STRICT)
		return at + 1 < text.size && is_letter_or_digit(text.data[at + 1]);
	return is_blank(c) || is_one_of(c, "'\"`=,;&|)<>}:%/@");
}

/* Where a VLAN number behind a name ends, or @at if there is none. */
static size_t vlan_end(struct bytes text, size_t at, enum boundary boundary)
{
	/* sysctl(8) writes the '.' of "enp6s0.100" as '/', as its own '.' separates. */
	bool starts = at < text.size && (text.data[at] == '.' ||
					 (text.data[at] == '/' && boundary == BOUNDARY_SYSCTL));
	size_t end = starts ? digits_end(text, at + 1) : at;

	return end > at + 1 && name_ends(text, end, boundary) ? end : at;
}

/* The same for one or two: a VLAN in a VLAN. */
static size_t vlans_end(struct bytes text, size_t at, enum boundary boundary)
{
	if (at < text.size && text.data[at] == '.') {
		size_t first = digits_end(text, at + 1);
		size_t second = first > at + 1 ? vlan_end(text, first, boundary) : first;

		if (second > first)
			return second;
	}
	return vlan_end(text, at, boundary);
}

/* Whether the name that ends before @at is whole: at a boundary, or with a VLAN's number. */
static bool is_whole(struct bytes text, size_t at, enum boundary boundary)
{
	return name_ends(text, at, boundary) || vlans_end(text, at, boundary) > at;
}

/* The names from @low up to @high whose byte @depth is below @c, or not above it. */
static size_t partition(const struct name_set *names, size_t low, size_t high, size_t depth,
			unsigned char c, bool above)
{
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		unsigned char other = (unsigned char)names->names[middle][depth];

		if (above ? other <= c : other < c)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/**
 * longest_name() - The longest name that stands at a place and is whole there
 *
 * The names are sorted, so those that agree with the text so far are neighbours: each byte narrows
 * them down, and the one that ends here is the first of them.
 */
static size_t longest_name(struct bytes text, size_t start, const struct name_set *names,
			   bool (*fits)(struct bytes text, size_t end, enum boundary boundary),
			   enum boundary boundary)
{
	size_t low = 0, high = names->n_names, longest = 0;

	for (size_t depth = 0; low < high; depth++) {
		size_t at = start + depth;
		unsigned char c;

		if (names->names[low][depth] == '\0') {
			if (depth > 0 && fits(text, at, boundary))
				longest = depth;
			low++;
		}
		if (at >= text.size || text.data[at] == '\0')
			break;
		c = (unsigned char)text.data[at];
		low = partition(names, low, high, depth, c, false);
		high = partition(names, low, high, depth, c, true);
	}
	return longest;
}

/* In a word of its own any label may follow, and nothing else. */
static bool is_whole_word(struct bytes word, size_t at, enum boundary boundary)
{
	size_t end = vlans_end(word, at, boundary);

	return end == word.size || word.data[end] == ':';
}

bool token_word(struct bytes word, const struct name_set *names, struct token *ret_token)
{
	size_t length = longest_name(word, 0, names, is_whole_word, BOUNDARY_STRICT);

	if (length == 0)
		return false;
	*ret_token = (struct token){
		.span = { 0, length },
		.suffix = word.size - length,
		.vlan = word.size > length && word.data[length] == '.',
		.certain = true,
	};
	return true;
}

static bool ends_with(struct bytes text, const char *end)
{
	size_t size = strlen(end);

	return text.size >= size && memcmp(text.data + text.size - size, end, size) == 0;
}

static bool starts_with(struct bytes text, const char *start)
{
	return bytes_start_with(text, bytes_of(start));
}

/* "net.ipv4.conf." and its like: the next part of the key is a link. */
static bool is_sysctl_key(struct bytes run)
{
	return starts_with(run, "net.") && (ends_with(run, ".conf.") || ends_with(run, ".neigh."));
}

static bool is_path_below_run(struct bytes path)
{
	return starts_with(path, "/run/") || starts_with(path, "/var/run/");
}

/* Whether names that occur in this path are links. */
static bool is_path_of_links(struct bytes path)
{
	return starts_with(path, "/sys/class/net/") || starts_with(path, "/proc/sys/net/") ||
	       starts_with(path, "net/ipv4/") || starts_with(path, "net/ipv6/") ||
	       is_path_below_run(path);
}

/* Whether a name may start at @at: what stands before it decides how it may end. */
static bool name_starts(const struct token_search *search, size_t at, enum boundary *ret_boundary)
{
	struct bytes before = bytes_make(search->text.data, at), run;
	char c;

	*ret_boundary = BOUNDARY_STRICT;
	if (at == 0)
		return true;
	c = before.data[at - 1];
	run = bytes_slice(before, search->run, at - search->run);
	if (c == '.' && is_sysctl_key(run)) {
		*ret_boundary = BOUNDARY_SYSCTL;
		return true;
	}
	if ((c == '.' || c == '/') && is_path_below_run(run)) {
		*ret_boundary = BOUNDARY_DOTTED;
		return true;
	}
	/* "$enp6s0" is a variable, "\enp6s0" an escape of whoever reads it, "*enp6s0" a pattern. */
	if (c == '{' && at > 1 && before.data[at - 2] == '$')
		return false;
	return !is_letter_or_digit(c) && !(c & 0x80) && !is_one_of(c, "_.-$\\*?]");
}

static bool all_hex(struct bytes name)
{
	for (size_t i = 0; i < name.size; i++)
		if (number_hex_digit(name.data[i]) < 0)
			return false;
	return true;
}

/* A NIC named "fab0" is not in fe80::fab0. */
static bool is_part_of_address(struct bytes text, struct span span)
{
	size_t end = span_end(span);

	if (!((span.offset > 0 && text.data[span.offset - 1] == ':') ||
	      (end < text.size && text.data[end] == ':')))
		return false;
	return all_hex(bytes_slice(text, span.offset, span.length));
}

/* The digits of an alias ("enp6s0:1") belong to the name; other labels end where nobody knows. */
static size_t alias_end(struct bytes text, size_t at)
{
	size_t end = at < text.size && text.data[at] == ':' ? digits_end(text, at + 1) : at;

	return end > at + 1 && name_ends(text, end, BOUNDARY_STRICT) ? end : at;
}

static struct token make_token(struct bytes text, size_t start, size_t length,
			       enum boundary boundary, bool certain)
{
	size_t end = start + length;
	size_t vlans = vlans_end(text, end, boundary);

	return (struct token){
		.span = { start, length },
		.suffix = alias_end(text, vlans) - end,
		.vlan = vlans > end,
		.certain = certain,
	};
}

static bool find_certain(const struct token_search *search, size_t at, struct token *ret_token)
{
	struct bytes path = bytes_slice(search->text, search->run, at - search->run);
	enum boundary boundary;
	size_t length;

	if (!name_starts(search, at, &boundary))
		return false;
	length = longest_name(search->text, at, search->names, is_whole, boundary);
	if (length == 0 || is_part_of_address(search->text, (struct span){ at, length }))
		return false;
	*ret_token = make_token(search->text, at, length, boundary,
				!search->path || is_path_of_links(path));
	return true;
}

/* A name that stands in a file's or an instance's name, not as the token rule wants it. */
static bool find_uncertain(const struct token_search *search, size_t at, struct token *ret_token)
{
	char before = at > 0 ? search->text.data[at - 1] : '\0';
	size_t length;

	if (!search->path && before != '@')
		return false;
	if (is_letter_or_digit(before) || (before & 0x80))
		return false;
	length = longest_name(search->text, at, search->names, name_ends, BOUNDARY_LOOSE);
	if (length == 0)
		return false;
	*ret_token = (struct token){ .span = { at, length } };
	return true;
}

bool token_next(struct token_search *search, struct token *ret_token)
{
	for (; search->at < search->text.size; search->at++) {
		size_t at = search->at;
		char c = search->text.data[at];

		if (find_certain(search, at, ret_token) || find_uncertain(search, at, ret_token)) {
			search->at = span_end(ret_token->span) + ret_token->suffix;
			return true;
		}
		if (ends_run(c)) {
			search->run = at + 1;
			search->path = false;
		} else if (c == '/') {
			search->path = true;
		}
	}
	return false;
}
