/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/devices.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define NOWHERE SIZE_MAX

/* Left column of a deep tree; what is deeper still shifts its line to the right. */
#define LEFT_MAX 32
/* A model that gets less room is left out. */
#define MODEL_MIN 8
#define GAP       2

#define BASE_CLASS_BRIDGE 0x06

/**
 * struct item - One line of the tree
 * @function: NULL for a host bridge, which has a name and no address
 * @name:     the host bridge's
 * @address:  as it is shown
 * @model:    vendor, model, ids
 * @parent, @first_child, @next: indices of other items, or NOWHERE
 * @quiet:    nothing about it, and nothing behind it, is of interest
 * @folded:   shares a line with others that are quiet
 */
struct item {
	const struct pci_function *function;
	struct bytes name;
	const char *address;
	const char *model;
	size_t parent;
	size_t first_child;
	size_t next;
	bool quiet;
	bool folded;
};

/* How wide each column is; 0 for one that is left out. */
struct columns {
	unsigned int left;
	unsigned int class;
	unsigned int model;
	unsigned int driver;
	unsigned int group;
};

struct drawing {
	const struct inventory *inventory;
	const struct devices_view *view;
	struct arena arena;
	/* The functions in the inventory's order, then their host bridges. */
	struct item *items;
	size_t n_items;
	size_t n_functions;
	/* The functions, sorted by path. */
	const struct item **by_path;
	struct columns columns;
	struct buffer prefix;
	struct buffer *out;
};

/* One line on its way out. @pending: blanks that are due once more text follows. */
struct line {
	const struct terminal *terminal;
	struct buffer *out;
	unsigned int used;
	unsigned int pending;
};

/* Characters of harmless UTF-8; each is taken to fill one column. */
static unsigned int text_width(struct bytes text)
{
	unsigned int width = 0;

	for (size_t i = 0; i < text.size; i++)
		width += ((uint8_t)text.data[i] & 0xc0) != 0x80;
	return width;
}

static struct bytes cut_text(struct bytes text, unsigned int width)
{
	size_t size = 0;

	for (unsigned int n = 0; size < text.size; size++) {
		n += ((uint8_t)text.data[size] & 0xc0) != 0x80;
		if (n > width)
			break;
	}
	return bytes_slice(text, 0, size);
}

static struct line line_begin(struct drawing *drawing)
{
	return (struct line){ .terminal = &drawing->view->terminal, .out = drawing->out };
}

static unsigned int line_room(const struct line *line)
{
	unsigned int width = line->terminal->width ? line->terminal->width : UINT_MAX;

	return width > line->used ? width - line->used : 0;
}

static void line_pad_to(struct line *line, unsigned int column)
{
	if (line->used >= column)
		return;
	line->pending += column - line->used;
	line->used = column;
}

/* Text without blanks at its end. STYLE_END is no style. */
static void line_write(struct line *line, struct bytes text, enum style style)
{
	buffer_appendf(line->out, "%*s", (int)line->pending, "");
	if (style != STYLE_END)
		buffer_append_text(line->out, terminal_style(line->terminal, style));
	buffer_append(line->out, text);
	if (style != STYLE_END)
		buffer_append_text(line->out, terminal_style(line->terminal, STYLE_END));
	line->used += text_width(text);
	line->pending = 0;
}

/* Adds text, cut to @most columns and to what the line has left; its blanks wait for more. */
static void line_add(struct line *line, const char *text, unsigned int most, enum style style)
{
	const char *dots = line->terminal->utf8 ? "…" : "..";
	unsigned int room = MIN_OF(line_room(line), most), end;
	struct buffer shown = { 0 };

	terminal_escape_line(bytes_of(text), line->terminal->utf8, &shown);
	if (text_width(buffer_bytes(&shown)) > room) {
		shown.size = cut_text(buffer_bytes(&shown),
				      room - MIN_OF(room, text_width(bytes_of(dots))))
				     .size;
		if (room >= text_width(bytes_of(dots)))
			buffer_append_text(&shown, dots);
	}
	end = line->used + text_width(buffer_bytes(&shown));
	while (shown.size > 0 && shown.data[shown.size - 1] == ' ')
		shown.size--;
	if (shown.size > 0)
		line_write(line, buffer_bytes(&shown), style);
	line_pad_to(line, end);
	if (shown.failed)
		line->out->failed = true;
	buffer_done(&shown);
}

/* A column @width wide, and the gap behind it. */
static void line_add_cell(struct line *line, const char *text, unsigned int width, enum style style)
{
	unsigned int end = line->used + width + GAP;

	if (width == 0)
		return;
	line_add(line, text, width, style);
	line_pad_to(line, end);
}

static void line_end(struct line *line)
{
	buffer_append_char(line->out, '\n');
}

/* What lspci(8) calls the class, shorter. PCI Code and ID Assignment Specification, chapter 1. */
static const char *class_word(uint32_t class)
{
	static const struct {
		uint16_t class;
		const char *word;
	} words[] = {
		{ 0x0100, "SCSI" },           { 0x0101, "IDE" },
		{ 0x0104, "RAID" },           { 0x0106, "SATA controller" },
		{ 0x0107, "SAS controller" }, { 0x0108, "NVMe" },
		{ 0x0200, "Ethernet" },       { 0x0207, "InfiniBand" },
		{ 0x0300, "VGA controller" }, { 0x0302, "3D controller" },
		{ 0x0403, "audio" },          { 0x0600, "host bridge" },
		{ 0x0601, "ISA bridge" },     { 0x0604, "bridge" },
		{ 0x0700, "serial port" },    { 0x0805, "SD controller" },
		{ 0x0880, "system" },         { 0x0c00, "FireWire" },
		{ 0x0c03, "USB controller" }, { 0x0c05, "SMBus" },
	};
	static const char *const bases[] = {
		"device",    "storage",    "network",    "display",     "multimedia",
		"memory",    "bridge",     "port",       "system",      "input",
		"dock",      "processor",  "serial bus", "wireless",    "I2O",
		"satellite", "encryption", "signals",    "accelerator", "instrumentation",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].class == class >> 8)
			return words[i].word;
	return class >> 16 < ARRAY_SIZE(bases) ? bases[class >> 16] : "device";
}

static bool is_company_word(struct bytes word)
{
	static const char *const words[] = {
		"Co",   "Company",       "Corp",    "Corporation",   "Electronics",
		"GmbH", "Group",         "Inc",     "International", "Limited",
		"Ltd",  "Semiconductor", "Systems", "Technologies",  "Technology",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (bytes_equal_text(word, words[i]))
			return true;
	return false;
}

/* "Advanced Micro Devices, Inc. [AMD]" is AMD, "Realtek Semiconductor Co., Ltd." Realtek. */
static struct bytes short_vendor(const char *vendor)
{
	const char *open = strrchr(vendor, '['), *close = strrchr(vendor, ']');
	size_t end = 0;

	if (open && close > open + 1)
		return bytes_make(open + 1, (size_t)(close - open - 1));
	for (size_t at = 0; vendor[at];) {
		size_t start = at + strspn(vendor + at, " ");
		size_t length = strcspn(vendor + start, " ,.");

		if (start > 0 && is_company_word(bytes_make(vendor + start, length)))
			break;
		at = start + length;
		end = at;
		at += strspn(vendor + at, " ,.");
	}
	return bytes_make(vendor, end);
}

/* "Intel DG2 [Arc A310] [8086:56a6]" */
static int name_model(struct drawing *drawing, struct item *item)
{
	const struct pci_function *function = item->function;
	struct udev_names names = { 0 };
	struct buffer model = { 0 };
	int r = 0;

	if (drawing->view->names)
		r = udev_properties_name(drawing->view->names, function, &drawing->arena, &names);
	if (r < 0)
		return r;
	if (names.vendor) {
		buffer_append(&model, short_vendor(names.vendor));
		buffer_append_char(&model, ' ');
	}
	if (names.model)
		buffer_appendf(&model, "%s ", names.model);
	if (function->vendor == UINT16_MAX && function->device == UINT16_MAX)
		buffer_append_text(&model, "does not answer");
	else
		buffer_appendf(&model, "[%04x:%04x]", function->vendor, function->device);
	item->model = model.failed ? NULL : arena_copy(&drawing->arena, buffer_bytes(&model));
	buffer_done(&model);
	return item->model ? 0 : -ENOMEM;
}

/* Domain 0 is understood while there is no other. */
static int name_address(struct drawing *drawing, struct item *item)
{
	const struct inventory *inventory = drawing->inventory;
	struct pci_address_name name;
	const char *text = pci_address_show(&item->function->address, &name);

	/* The last function has the highest domain. */
	if (inventory->functions[inventory->n_functions - 1].address.domain == 0)
		text += strlen("0000:");
	item->address = arena_copy_text(&drawing->arena, text);
	return item->address ? 0 : -ENOMEM;
}

/* There is room for a host bridge each. */
static struct item *add_item(struct drawing *drawing)
{
	struct item *item = &drawing->items[drawing->n_items++];

	*item = (struct item){ .parent = NOWHERE, .first_child = NOWHERE, .next = NOWHERE };
	return item;
}

static int add_functions(struct drawing *drawing)
{
	size_t n = drawing->inventory->n_functions;
	int r;

	drawing->items = calloc(n * 2 + 1, sizeof(*drawing->items));
	drawing->by_path = calloc(n + 1, sizeof(*drawing->by_path));
	if (!drawing->items || !drawing->by_path)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct item *item = add_item(drawing);

		item->function = &drawing->inventory->functions[i];
		drawing->by_path[i] = item;
		r = name_address(drawing, item);
		if (r < 0)
			return r;
		r = name_model(drawing, item);
		if (r < 0)
			return r;
	}
	drawing->n_functions = n;
	return 0;
}

static struct bytes item_path(const struct item *item)
{
	return bytes_of(item->function->path);
}

static int compare_paths(const void *a, const void *b)
{
	const struct item *left = *(const struct item *const *)a,
			  *right = *(const struct item *const *)b;

	return bytes_compare(item_path(left), item_path(right));
}

static size_t find_path(const struct drawing *drawing, struct bytes path)
{
	size_t low = 0, high = drawing->n_functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = bytes_compare(path, item_path(drawing->by_path[middle]));

		if (order == 0)
			return (size_t)(drawing->by_path[middle] - drawing->items);
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NOWHERE;
}

static size_t find_or_add_host_bridge(struct drawing *drawing, struct bytes name)
{
	for (size_t i = drawing->n_functions; i < drawing->n_items; i++)
		if (bytes_equal(drawing->items[i].name, name))
			return i;
	add_item(drawing)->name = name;
	return drawing->n_items - 1;
}

/* The nearest function above that the inventory has, or the host bridge. */
static size_t find_parent(struct drawing *drawing, struct bytes path)
{
	const char *slash;

	while ((slash = memrchr(path.data ? path.data : "", '/', path.size))) {
		size_t found;

		path.size = (size_t)(slash - path.data);
		found = find_path(drawing, path);
		if (found != NOWHERE)
			return found;
	}
	return find_or_add_host_bridge(drawing, path);
}

static const struct devices_note *next_note(const struct drawing *drawing, const char *nic,
					    const struct pci_address *address, size_t *index)
{
	const struct devices_view *view = drawing->view;

	while (*index < view->n_notes) {
		const struct devices_note *note = &view->notes[(*index)++];

		if (nic ? note->nic && strcmp(note->nic, nic) == 0
			: !note->nic && pci_address_equal(&note->address, address))
			return note;
	}
	return NULL;
}

static bool has_note(const struct drawing *drawing, const struct pci_address *address)
{
	size_t index = 0;

	return next_note(drawing, NULL, address, &index) != NULL;
}

static const struct nic *next_nic(const struct drawing *drawing, const struct item *item,
				  size_t *index)
{
	const struct inventory *inventory = drawing->inventory;

	while (*index < inventory->n_nics) {
		const struct nic *nic = &inventory->nics[(*index)++];

		if (nic->has_pci && pci_address_equal(&nic->pci, &item->function->address))
			return nic;
	}
	return NULL;
}

static bool has_nic(const struct drawing *drawing, const struct item *item)
{
	size_t index = 0;

	return next_nic(drawing, item, &index) != NULL;
}

static bool is_bridge(const struct item *item)
{
	return item->function->class >> 16 == BASE_CLASS_BRIDGE;
}

/* Bridges that lead to nothing but such bridges, and virtual functions that nobody uses. */
static bool find_quiet(struct drawing *drawing, struct item *item)
{
	bool quiet = true;

	for (size_t i = item->first_child; i != NOWHERE; i = drawing->items[i].next)
		quiet = find_quiet(drawing, &drawing->items[i]) && quiet;
	if (!item->function)
		return false;
	item->quiet = quiet && (is_bridge(item) || item->function->has_physfn) &&
		      !item->function->protected && !has_note(drawing, &item->function->address) &&
		      !has_nic(drawing, item);
	return item->quiet;
}

/* Two quiet children or more, or a quiet one with more behind it, take one line. */
static void fold_children(struct drawing *drawing, const struct item *parent)
{
	size_t n = 0;

	for (size_t i = parent->first_child; i != NOWHERE; i = drawing->items[i].next)
		if (drawing->items[i].quiet)
			n += drawing->items[i].first_child == NOWHERE ? 1 : 2;
	for (size_t i = parent->first_child; i != NOWHERE; i = drawing->items[i].next)
		drawing->items[i].folded = drawing->items[i].quiet && n > 1;
}

static void build_tree(struct drawing *drawing)
{
	if (drawing->n_functions)
		qsort(drawing->by_path, drawing->n_functions, sizeof(*drawing->by_path),
		      compare_paths);
	for (size_t i = 0; i < drawing->n_functions; i++)
		drawing->items[i].parent = find_parent(drawing, item_path(&drawing->items[i]));
	/* From the last, so that children end up in the order of their addresses. */
	for (size_t i = drawing->n_functions; i-- > 0;) {
		struct item *item = &drawing->items[i], *parent = &drawing->items[item->parent];

		item->next = parent->first_child;
		parent->first_child = i;
	}
	for (size_t i = drawing->n_functions; i < drawing->n_items; i++)
		(void)find_quiet(drawing, &drawing->items[i]);
	for (size_t i = 0; i < drawing->n_items; i++)
		fold_children(drawing, &drawing->items[i]);
}

/* The columns right of the tree. */
static void draw_columns(struct drawing *drawing, struct line *line, const struct item *item)
{
	const struct pci_function *function = item->function;
	const struct columns *columns = &drawing->columns;
	enum style style = is_bridge(item) ? STYLE_DIM : STYLE_END;
	bool is_passed = function->driver && strcmp(function->driver, "vfio-pci") == 0;
	char group[16] = "";

	line_pad_to(line, columns->left + GAP);
	line_add_cell(line, class_word(function->class), columns->class, style);
	line_add_cell(line, item->model, columns->model, style);
	line_add_cell(line, function->driver ? function->driver : "-", columns->driver,
		      is_passed          ? STYLE_YELLOW
		      : function->driver ? style
					 : STYLE_DIM);
	if (drawing->view->groups || function->iommu_group == UNKNOWN)
		return;
	(void)snprintf(group, sizeof(group), "%*d", (int)columns->group, function->iommu_group);
	line_add(line, group, columns->group, style);
}

/* A further line about the device above: @prefix, and blanks to the second column. */
static struct line detail_begin(struct drawing *drawing, bool leads_on)
{
	struct line line = line_begin(drawing);

	line_add(&line, drawing->prefix.data ? drawing->prefix.data : "", UINT_MAX, STYLE_DIM);
	if (leads_on)
		line_add(&line, line.terminal->utf8 ? "│" : "|", UINT_MAX, STYLE_DIM);
	line_pad_to(&line, drawing->columns.left + GAP);
	return line;
}

static void draw_notes(struct drawing *drawing, const char *nic, const struct pci_address *address,
		       bool leads_on)
{
	const struct devices_note *note;
	size_t index = 0;

	while ((note = next_note(drawing, nic, address, &index))) {
		struct line line = detail_begin(drawing, leads_on);

		line_add(&line, line.terminal->utf8 ? "← " : "<- ", UINT_MAX, STYLE_CYAN);
		line_add(&line, note->text, UINT_MAX, STYLE_CYAN);
		line_end(&line);
	}
}

static void draw_nic(struct drawing *drawing, const struct nic *nic, bool leads_on)
{
	struct line line = detail_begin(drawing, leads_on);

	line_add(&line, nic->name, UINT_MAX, STYLE_BOLD);
	line_add(&line, "  ", UINT_MAX, STYLE_END);
	line_add(&line, nic->mac ? nic->mac : "address unknown", UINT_MAX,
		 nic->mac ? STYLE_END : STYLE_DIM);
	for (size_t i = 0; i < nic->n_altnames; i++) {
		line_add(&line, i == 0 ? "  also " : ", ", UINT_MAX, STYLE_DIM);
		line_add(&line, nic->altnames[i], UINT_MAX, STYLE_DIM);
	}
	line_end(&line);
	draw_notes(drawing, nic->name, NULL, leads_on);
}

/* Why no guest gets it. */
static void draw_protection(struct drawing *drawing, const struct pci_function *function,
			    bool leads_on)
{
	struct line line;

	if (!function->protected)
		return;
	line = detail_begin(drawing, leads_on);
	line_add(&line, "protected: ", UINT_MAX, STYLE_BOLD);
	line_add(&line, function->protected, UINT_MAX, STYLE_END);
	line_end(&line);
}

static void draw_details(struct drawing *drawing, const struct item *item, bool leads_on)
{
	const struct pci_function *function = item->function;
	const struct nic *nic;
	size_t index = 0;

	if (function->boot_vga == 1) {
		struct line line = detail_begin(drawing, leads_on);

		line_add(&line, "the display the machine started with", UINT_MAX, STYLE_DIM);
		line_end(&line);
	}
	draw_protection(drawing, function, leads_on);
	while ((nic = next_nic(drawing, item, &index)))
		draw_nic(drawing, nic, leads_on);
	draw_notes(drawing, NULL, &function->address, leads_on);
}

/* "00:18.0-7" for eight functions of one device. */
struct address_list {
	struct buffer text;
	const struct item *last;
	bool in_range;
	size_t n;
	size_t n_virtual;
};

static void list_end_range(struct address_list *list)
{
	if (list->in_range)
		buffer_appendf(&list->text, "-%x", list->last->function->address.function);
	list->in_range = false;
}

static void list_add(struct address_list *list, const struct item *item)
{
	const struct pci_function *function = item->function;

	if (list->last &&
	    pci_address_same_device(&list->last->function->address, &function->address) &&
	    list->last->function->address.function + 1 == function->address.function) {
		list->in_range = true;
	} else {
		list_end_range(list);
		buffer_appendf(&list->text, "%s%s", list->last ? " " : "", item->address);
	}
	list->last = item;
	list->n++;
	list->n_virtual += function->has_physfn;
}

static void list_add_all(const struct drawing *drawing, struct address_list *list,
			 const struct item *item)
{
	list_add(list, item);
	for (size_t i = item->first_child; i != NOWHERE; i = drawing->items[i].next)
		list_add_all(drawing, list, &drawing->items[i]);
}

static void list_draw(struct drawing *drawing, struct line *line, struct address_list *list)
{
	char words[64];

	list_end_range(list);
	if (list->n_virtual == 0)
		(void)snprintf(words, sizeof(words), "%zu bridges, nothing behind them: ", list->n);
	else if (list->n_virtual == list->n)
		(void)snprintf(words, sizeof(words), "%zu virtual functions: ", list->n);
	else
		(void)snprintf(words, sizeof(words),
			       "%zu bridges and virtual functions: ", list->n);
	line_add(line, words, UINT_MAX, STYLE_DIM);
	line_add(line, list->text.data, UINT_MAX, STYLE_DIM);
	if (list->text.failed)
		drawing->out->failed = true;
}

/* What is in front of an entry: how it hangs from the line above. */
static const char *branch(const struct drawing *drawing, bool is_last)
{
	if (drawing->view->terminal.utf8)
		return is_last ? "└─" : "├─";
	return is_last ? "`-" : "|-";
}

static const char *trunk(const struct drawing *drawing, bool is_last)
{
	if (is_last)
		return "  ";
	return drawing->view->terminal.utf8 ? "│ " : "| ";
}

static struct line entry_begin(struct drawing *drawing, bool is_last)
{
	struct line line = line_begin(drawing);

	line_add(&line, drawing->prefix.data ? drawing->prefix.data : "", UINT_MAX, STYLE_DIM);
	line_add(&line, branch(drawing, is_last), UINT_MAX, STYLE_DIM);
	return line;
}

static void draw_children(struct drawing *drawing, const struct item *parent);

static void draw_item(struct drawing *drawing, const struct item *item, bool is_last)
{
	size_t prefix_size = drawing->prefix.size;
	struct line line = entry_begin(drawing, is_last);

	line_add(&line, item->address, UINT_MAX, is_bridge(item) ? STYLE_DIM : STYLE_END);
	draw_columns(drawing, &line, item);
	line_end(&line);

	buffer_append_text(&drawing->prefix, trunk(drawing, is_last));
	draw_details(drawing, item, item->first_child != NOWHERE);
	draw_children(drawing, item);
	if (drawing->prefix.failed)
		return;
	drawing->prefix.size = prefix_size;
	drawing->prefix.data[prefix_size] = '\0';
}

static void draw_children(struct drawing *drawing, const struct item *parent)
{
	struct address_list folded = { 0 };
	size_t n = 0, n_drawn = 0;

	for (size_t i = parent->first_child; i != NOWHERE; i = drawing->items[i].next) {
		if (drawing->items[i].folded)
			list_add_all(drawing, &folded, &drawing->items[i]);
		else
			n++;
	}
	n += folded.n > 0;
	for (size_t i = parent->first_child; i != NOWHERE; i = drawing->items[i].next)
		if (!drawing->items[i].folded)
			draw_item(drawing, &drawing->items[i], ++n_drawn == n);
	if (folded.n > 0) {
		struct line line = entry_begin(drawing, true);

		list_draw(drawing, &line, &folded);
		line_end(&line);
	}
	buffer_done(&folded.text);
}

static void draw_title(struct drawing *drawing, const char *title)
{
	struct line line = line_begin(drawing);

	line_add(&line, title, UINT_MAX, STYLE_BOLD);
	line_end(&line);
}

static void draw_host_bridge(struct drawing *drawing, const struct item *item)
{
	char name[64];

	if (drawing->out->size > 0)
		buffer_append_char(drawing->out, '\n');
	(void)snprintf(name, sizeof(name), "%.*s", (int)MIN_OF(item->name.size, sizeof(name) - 1),
		       item->name.size ? item->name.data : "");
	draw_title(drawing, item->name.size ? name : "place unknown");
	draw_children(drawing, item);
}

static void draw_tree(struct drawing *drawing)
{
	for (size_t i = drawing->n_functions; i < drawing->n_items; i++)
		draw_host_bridge(drawing, &drawing->items[i]);
}

static int compare_groups(const void *a, const void *b)
{
	const struct item *left = *(const struct item *const *)a,
			  *right = *(const struct item *const *)b;
	/* As unsigned numbers those without a group come last. */
	unsigned int left_group = (unsigned int)left->function->iommu_group,
		     right_group = (unsigned int)right->function->iommu_group;

	if (left_group != right_group)
		return left_group < right_group ? -1 : 1;
	return pci_address_compare(&left->function->address, &right->function->address);
}

static bool group_is_quiet(const struct drawing *drawing, const struct item *const *members,
			   size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_bridge(members[i]) || members[i]->function->protected ||
		    has_note(drawing, &members[i]->function->address))
			return false;
	return true;
}

/* How a member hangs from its group's number: alone, first, between, last. */
static const char *group_branch(const struct drawing *drawing, size_t index, size_t n)
{
	static const char *const marks[2][4] = { { "- ", ". ", "| ", "` " },
						 { "─ ", "┬ ", "├ ", "└ " } };
	size_t which = n == 1 ? 0 : index == 0 ? 1 : index + 1 < n ? 2 : 3;

	return marks[drawing->view->terminal.utf8][which];
}

static void draw_group(struct drawing *drawing, const struct item *const *members, size_t n)
{
	unsigned int width = drawing->columns.group;
	char number[16];

	for (size_t i = 0; i < n; i++) {
		const struct pci_function *function = members[i]->function;
		struct line line = line_begin(drawing);

		(void)snprintf(number, sizeof(number), "%d", function->iommu_group);
		if (function->iommu_group == UNKNOWN)
			(void)snprintf(number, sizeof(number), "-");
		if (i == 0) {
			line_pad_to(&line, width - MIN_OF(width, (unsigned int)strlen(number)));
			line_add(&line, number, UINT_MAX, STYLE_BOLD);
		}
		line_pad_to(&line, width + 1);
		line_add(&line, group_branch(drawing, i, n), UINT_MAX, STYLE_DIM);
		line_add(&line, members[i]->address, UINT_MAX, STYLE_END);
		draw_columns(drawing, &line, members[i]);
		line_end(&line);
		draw_details(drawing, members[i], false);
	}
}

static void draw_quiet_groups(struct drawing *drawing, const struct buffer *numbers, size_t n)
{
	struct line line = line_begin(drawing);
	char words[64];

	if (n == 0)
		return;
	(void)snprintf(words, sizeof(words), "%zu group%s of bridges alone:", n, n == 1 ? "" : "s");
	line_add(&line, words, UINT_MAX, STYLE_DIM);
	line_add(&line, numbers->data ? numbers->data : "", UINT_MAX, STYLE_DIM);
	line_end(&line);
}

static void draw_groups(struct drawing *drawing)
{
	const struct item **items = drawing->by_path;
	struct buffer quiet = { 0 };
	size_t n_quiet = 0, end;

	if (drawing->n_functions)
		qsort(items, drawing->n_functions, sizeof(*items), compare_groups);
	for (size_t start = 0; start < drawing->n_functions; start = end) {
		int group = items[start]->function->iommu_group;

		for (end = start + 1; end < drawing->n_functions; end++)
			if (items[end]->function->iommu_group != group)
				break;
		if (group != UNKNOWN && group_is_quiet(drawing, items + start, end - start)) {
			buffer_appendf(&quiet, " %d", group);
			n_quiet++;
		} else {
			draw_group(drawing, items + start, end - start);
		}
	}
	draw_quiet_groups(drawing, &quiet, n_quiet);
	if (quiet.failed)
		drawing->out->failed = true;
	buffer_done(&quiet);
}

/* NICs whose function is not in the inventory, or that stand on none. */
static void draw_other_nics(struct drawing *drawing)
{
	const struct inventory *inventory = drawing->inventory;
	bool first = true;

	for (size_t i = 0; i < inventory->n_nics; i++) {
		const struct nic *nic = &inventory->nics[i];

		if (inventory_function_of(inventory, nic))
			continue;
		if (first) {
			buffer_append_char(drawing->out, '\n');
			draw_title(drawing, "not on a PCI function");
		}
		first = false;
		drawing->columns.left = 1;
		draw_nic(drawing, nic, false);
	}
}

static unsigned int digits_of(int number)
{
	return (unsigned int)snprintf(NULL, 0, "%d", number);
}

static unsigned int depth_of(const struct drawing *drawing, const struct item *item)
{
	unsigned int depth = 0;

	for (; item->parent != NOWHERE; item = &drawing->items[item->parent])
		depth++;
	return depth;
}

static void widen(unsigned int *width, size_t needed)
{
	if (needed > *width)
		*width = (unsigned int)needed;
}

static void measure_item(struct drawing *drawing, const struct item *item)
{
	const struct pci_function *function = item->function;
	struct columns *columns = &drawing->columns;
	size_t left = strlen(item->address);

	if (function->iommu_group != UNKNOWN)
		widen(&columns->group, digits_of(function->iommu_group));
	if (!drawing->view->groups) {
		/* What hangs below a folded item is folded with it, and quiet. */
		if (item->folded || drawing->items[item->parent].quiet)
			return;
		left += 2UL * depth_of(drawing, item);
	}
	widen(&columns->left, MIN_OF(left, (size_t)LEFT_MAX));
	widen(&columns->class, strlen(class_word(function->class)));
	widen(&columns->model, text_width(bytes_of(item->model)));
	widen(&columns->driver, function->driver ? strlen(function->driver) : 1);
}

/* The model's column gets what the others leave. */
static void measure(struct drawing *drawing)
{
	struct columns *columns = &drawing->columns;
	unsigned int width = drawing->view->terminal.width, others;

	for (size_t i = 0; i < drawing->n_functions; i++)
		measure_item(drawing, &drawing->items[i]);
	if (drawing->view->groups) {
		/* Number, blank, branch; the number is not shown twice. */
		widen(&columns->group, 1);
		columns->left += columns->group + 3;
	}
	others = columns->left + columns->class + columns->driver + 3 * GAP;
	if (!drawing->view->groups && columns->group)
		others += GAP + columns->group;
	if (width == 0 || width == UINT_MAX)
		return;
	columns->model = MIN_OF(columns->model, width > others ? width - others : 0);
	if (columns->model < MODEL_MIN)
		columns->model = 0;
}

static void draw_summary(struct drawing *drawing)
{
	const struct inventory *inventory = drawing->inventory;
	struct line line = line_begin(drawing);
	size_t n_functions, n_nics, n_virtual;
	char words[96], more[48] = "";

	inventory_count(inventory, &n_functions, &n_nics);
	n_virtual = inventory->n_functions - n_functions;
	if (n_virtual)
		(void)snprintf(more, sizeof(more), ", %zu virtual", n_virtual);
	(void)snprintf(words, sizeof(words), "%zu PCI function%s%s, %zu NIC%s", n_functions,
		       n_functions == 1 ? "" : "s", more, n_nics, n_nics == 1 ? "" : "s");
	if (inventory->host) {
		line_add(&line, inventory->host, UINT_MAX, STYLE_BOLD);
		line_add(&line, ": ", UINT_MAX, STYLE_END);
	}
	line_add(&line, words, UINT_MAX, STYLE_END);
	line_end(&line);
}

static void draw_missing_groups(struct drawing *drawing)
{
	struct line line = line_begin(drawing);

	for (size_t i = 0; i < drawing->n_functions; i++)
		if (drawing->items[i].function->iommu_group != UNKNOWN)
			return;
	if (drawing->n_functions == 0)
		return;
	buffer_append_char(drawing->out, '\n');
	line_add(&line, "no IOMMU groups: the IOMMU is off, or there is none", UINT_MAX, STYLE_DIM);
	line_end(&line);
}

static void draw(struct drawing *drawing)
{
	build_tree(drawing);
	measure(drawing);
	draw_summary(drawing);
	if (drawing->view->groups) {
		buffer_append_char(drawing->out, '\n');
		draw_groups(drawing);
	} else {
		draw_tree(drawing);
	}
	draw_other_nics(drawing);
	draw_missing_groups(drawing);
}

int devices_print(const struct inventory *inventory, const struct devices_view *view,
		  struct buffer *out)
{
	struct drawing drawing = { .inventory = inventory, .view = view, .out = out };
	int r;

	r = add_functions(&drawing);
	if (r == 0) {
		draw(&drawing);
		if (out->failed || drawing.prefix.failed)
			r = -ENOMEM;
	}
	arena_done(&drawing.arena);
	buffer_done(&drawing.prefix);
	free(drawing.items);
	free(drawing.by_path);
	return r;
}
