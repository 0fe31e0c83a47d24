/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/unified-diff.h"

#include <errno.h>

#include "snapshot/basic/array.h"

/* Bounds for contents that have little in common: 8 MiB and a fraction of a second. */
#define EDITS_MAX    2048
#define COMPARES_MAX (32U * 1024 * 1024)

/**
 * struct lines - A text cut into lines
 * @items:   each with its newline; the last may have none, and then differs from one that has
 * @changed: which are not in the other text
 */
struct lines {
	struct bytes *items;
	bool *changed;
	size_t n;
};

/* The lines between common beginning and common end, and how much may still be done on them. */
struct comparison {
	const struct bytes *old;
	const struct bytes *new;
	size_t n_old;
	size_t n_new;
	bool *old_changed;
	bool *new_changed;
	size_t compares_left;
};

static void lines_done(struct lines *lines)
{
	free(lines->items);
	free(lines->changed);
}

static size_t line_size(struct bytes text)
{
	const char *end = memchr(text.data, '\n', text.size);

	return end ? (size_t)(end - text.data) + 1 : text.size;
}

/* Fills @lines, which is zeroed; it is to be released whatever is returned. */
static int lines_cut(struct bytes text, struct lines *lines)
{
	size_t allocated = 0;

	/* Also for no lines at all: the array is pointed into. */
	if (ARRAY_RESERVE(lines->items, lines->n, allocated) < 0)
		return -ENOMEM;
	while (text.size > 0) {
		size_t size = line_size(text);

		if (ARRAY_RESERVE(lines->items, lines->n, allocated) < 0)
			return -ENOMEM;
		lines->items[lines->n++] = bytes_slice(text, 0, size);
		text = bytes_slice(text, size, text.size - size);
	}
	lines->changed = calloc(lines->n + 1, sizeof(*lines->changed));
	return lines->changed ? 0 : -ENOMEM;
}

/*
 * Myers' edit graph: x lines of the old and y of the new text are used up; a step right removes a
 * line, a step down adds one, lines that agree are passed diagonally at no cost. Diagonal k holds
 * the points with x - y = k. With d steps the diagonals -d, -d + 2, … d can be reached; their
 * furthest x stand in row d of the trace, that of k at (k + d) / 2.
 */
struct trace {
	uint32_t *rows[EDITS_MAX + 1];
	size_t n_rows;
};

static void trace_done(struct trace *trace)
{
	for (size_t i = 0; i < trace->n_rows; i++)
		free(trace->rows[i]);
}

/* Whether point @i of row @d is best reached by adding a line (from the diagonal above it). */
static bool comes_from_added(const struct trace *trace, size_t d, size_t i)
{
	const uint32_t *before = trace->rows[d - 1];

	return i == 0 || (i < d && before[i - 1] < before[i]);
}

/* The furthest point on a diagonal after its last step, before lines that agree are passed. */
static size_t step_x(const struct trace *trace, size_t d, size_t i)
{
	if (d == 0)
		return 0;
	if (comes_from_added(trace, d, i))
		return trace->rows[d - 1][i];
	return (size_t)trace->rows[d - 1][i - 1] + 1;
}

static size_t pass_equal_lines(struct comparison *comparison, size_t x, size_t y)
{
	while (x < comparison->n_old && y < comparison->n_new && comparison->compares_left > 0) {
		comparison->compares_left--;
		if (!bytes_equal(comparison->old[x], comparison->new[y]))
			break;
		x++;
		y++;
	}
	return x;
}

/* Fills row @d. Return: whether the end was reached, or -ENOMEM. */
static int trace_extend(struct comparison *comparison, struct trace *trace, size_t d)
{
	uint32_t *row = calloc(d + 1, sizeof(*row));

	if (!row)
		return -ENOMEM;
	trace->rows[trace->n_rows++] = row;
	for (size_t i = 0; i <= d; i++) {
		size_t x = step_x(trace, d, i);
		/* y = x - k, with k = 2i - d; never negative, as no step goes up. */
		size_t y = x + d - 2 * i;

		x = pass_equal_lines(comparison, x, y);
		row[i] = (uint32_t)x;
		if (x == comparison->n_old && x + d - 2 * i == comparison->n_new)
			return 1;
	}
	return 0;
}

/* Walks from the end back to the start and marks what each step removed or added. */
static void trace_mark(const struct comparison *comparison, const struct trace *trace)
{
	size_t x = comparison->n_old, y = comparison->n_new;

	for (size_t d = trace->n_rows - 1; d > 0; d--) {
		size_t i = (x + d - y) / 2;
		bool added = comes_from_added(trace, d, i);

		x = step_x(trace, d, i);
		y = x + d - 2 * i;
		if (added)
			comparison->new_changed[--y] = true;
		else
			comparison->old_changed[--x] = true;
	}
}

static void mark_all(const struct comparison *comparison)
{
	memset(comparison->old_changed, true, comparison->n_old);
	memset(comparison->new_changed, true, comparison->n_new);
}

static int compare_middle(struct comparison *comparison)
{
	struct trace trace = { .n_rows = 0 };
	int r = 0;

	for (size_t d = 0; d <= EDITS_MAX && comparison->compares_left > 0 && r == 0; d++)
		r = trace_extend(comparison, &trace, d);
	if (r > 0)
		trace_mark(comparison, &trace);
	else if (r == 0)
		mark_all(comparison);
	trace_done(&trace);
	return r < 0 ? r : 0;
}

static int compare(const struct lines *old, const struct lines *new)
{
	size_t head = 0, tail = 0, shorter = MIN_OF(old->n, new->n);
	struct comparison comparison;

	while (head < shorter && bytes_equal(old->items[head], new->items[head]))
		head++;
	while (tail < shorter - head &&
	       bytes_equal(old->items[old->n - 1 - tail], new->items[new->n - 1 - tail]))
		tail++;
	comparison = (struct comparison){
		.old = old->items + head,
		.new = new->items + head,
		.n_old = old->n - head - tail,
		.n_new = new->n - head - tail,
		.old_changed = old->changed + head,
		.new_changed = new->changed + head,
		.compares_left = COMPARES_MAX,
	};
	/* A trace holds 32 bits a point; nothing that large is read anywhere. */
	if (comparison.n_old > UINT32_MAX / 2 || comparison.n_new > UINT32_MAX / 2) {
		mark_all(&comparison);
		return 0;
	}
	return compare_middle(&comparison);
}

/* Lines @old_start to @old_end, exclusive, gave way to @new_start to @new_end. */
struct group {
	size_t old_start;
	size_t old_end;
	size_t new_start;
	size_t new_end;
};

/* The next run of changed lines from @after's end on. */
static bool next_group(const struct lines *old, const struct lines *new, const struct group *after,
		       struct group *ret_group)
{
	struct group group = { .old_start = after->old_end, .new_start = after->new_end };

	while (group.old_start < old->n && !old->changed[group.old_start] &&
	       group.new_start < new->n && !new->changed[group.new_start]) {
		group.old_start++;
		group.new_start++;
	}
	group.old_end = group.old_start;
	group.new_end = group.new_start;
	while (group.old_end < old->n && old->changed[group.old_end])
		group.old_end++;
	while (group.new_end < new->n &&new->changed[group.new_end])
		group.new_end++;
	*ret_group = group;
	return group.old_end > group.old_start || group.new_end > group.new_start;
}

static int tell_group(const struct lines *old, const struct lines *new, const struct group *group,
		      int (*tell)(void *data, const struct line_pair *pair), void *data)
{
	size_t n = MAX_OF(group->old_end - group->old_start, group->new_end - group->new_start);
	const char *start = new->n > 0 ? new->items[0].data : NULL;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		size_t a = MIN_OF(group->old_start + i, group->old_end);
		size_t b = MIN_OF(group->new_start + i, group->new_end);
		struct line_pair pair = { .number = (unsigned int)a + 1 };

		if (a < group->old_end)
			pair.old = old->items[a];
		if (b < group->new_end)
			pair.new = new->items[b];
		if (b < new->n)
			pair.offset = (size_t)(new->items[b].data - start);
		else if (new->n > 0)
			pair.offset = (size_t)(new->items[new->n - 1].data - start) +
				      new->items[new->n - 1].size;
		r = tell(data, &pair);
	}
	return r;
}

int line_pairs(struct bytes old, struct bytes new,
	       int (*tell)(void *data, const struct line_pair *pair), void *data)
{
	struct lines old_lines = { .n = 0 }, new_lines = { .n = 0 };
	struct group group = { 0 };
	int r;

	r = lines_cut(old, &old_lines);
	if (r == 0)
		r = lines_cut(new, &new_lines);
	if (r == 0)
		r = compare(&old_lines, &new_lines);
	while (r == 0 && next_group(&old_lines, &new_lines, &group, &group))
		r = tell_group(&old_lines, &new_lines, &group, tell, data);
	lines_done(&old_lines);
	lines_done(&new_lines);
	return r;
}

static void print_line(char mark, struct bytes line, struct buffer *out)
{
	buffer_append_char(out, mark);
	buffer_append(out, line);
	if (line.data[line.size - 1] != '\n')
		buffer_append_text(out, "\n\\ No newline at end of file\n");
}

static void print_lines(char mark, const struct lines *lines, size_t start, size_t end,
			struct buffer *out)
{
	for (; start < end; start++)
		print_line(mark, lines->items[start], out);
}

/* "START,COUNT": a count of one is left out, an empty range names the line before it. */
static void print_range(char mark, size_t start, size_t end, struct buffer *out)
{
	size_t count = end - start;

	buffer_appendf(out, "%c%zu", mark, count > 0 ? start + 1 : start);
	if (count != 1)
		buffer_appendf(out, ",%zu", count);
}

/* One hunk: all groups from @first to @last, and the lines around and between them. */
static void print_hunk(const struct lines *old, const struct lines *new, const struct group *first,
		       const struct group *last, size_t context, struct buffer *out)
{
	size_t before = MIN_OF(context, first->old_start);
	size_t after = MIN_OF(context, old->n - last->old_end);
	struct group group = *first;

	buffer_append_text(out, "@@ ");
	print_range('-', first->old_start - before, last->old_end + after, out);
	buffer_append_char(out, ' ');
	print_range('+', first->new_start - before, last->new_end + after, out);
	buffer_append_text(out, " @@\n");

	print_lines(' ', old, first->old_start - before, first->old_start, out);
	for (;;) {
		size_t end = group.old_end;

		print_lines('-', old, group.old_start, group.old_end, out);
		print_lines('+', new, group.new_start, group.new_end, out);
		if (end == last->old_end || !next_group(old, new, &group, &group))
			break;
		print_lines(' ', old, end, group.old_start, out);
	}
	print_lines(' ', old, last->old_end, last->old_end + after, out);
}

static void print_hunks(const struct lines *old, const struct lines *new, size_t context,
			struct buffer *out)
{
	struct group first = { 0 }, last, next;
	bool more = next_group(old, new, &first, &next);

	while (more) {
		first = last = next;
		/* Where the lines between two would all be context they share a hunk. */
		while ((more = next_group(old, new, &last, &next)) &&
		       next.old_start - last.old_end <= 2 * context)
			last = next;
		print_hunk(old, new, &first, &last, context, out);
	}
}

static bool needs_quotes(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name <= ' ' || strchr("\"\\\x7f", *name))
			return true;
	return false;
}

/* As GNU diff does, and as patch(1) reads it: a C string where a name has more than plain bytes. */
static void print_name(const char *mark, const char *name, struct buffer *out)
{
	buffer_append_text(out, mark);
	if (!name || !needs_quotes(name)) {
		buffer_appendf(out, "%s\n", name ? name : "/dev/null");
		return;
	}
	buffer_append_char(out, '"');
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c < ' ' || c == 0x7f)
			buffer_appendf(out, "\\%03o", c);
		else if (c == '"' || c == '\\')
			buffer_appendf(out, "\\%c", c);
		else
			buffer_append_char(out, *name);
	}
	buffer_append_text(out, "\"\n");
}

int unified_diff(struct bytes old, struct bytes new, const char *old_name, const char *new_name,
		 unsigned int context, struct buffer *out)
{
	struct lines old_lines = { .n = 0 }, new_lines = { .n = 0 };
	int r;

	if (bytes_equal(old, new))
		return 0;
	r = lines_cut(old, &old_lines);
	if (r == 0)
		r = lines_cut(new, &new_lines);
	if (r == 0)
		r = compare(&old_lines, &new_lines);
	if (r == 0) {
		print_name("--- ", old_name, out);
		print_name("+++ ", new_name, out);
		print_hunks(&old_lines, &new_lines, context, out);
		r = out->failed ? -ENOMEM : 1;
	}
	lines_done(&old_lines);
	lines_done(&new_lines);
	return r;
}
