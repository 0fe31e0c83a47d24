/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/guest.h"

#include <errno.h>

#include "recovery/sources/pve.h"

#define HOST_KEY     "host="
#define HOST_WORD    "host-"
#define MAPPING_KEY  "mapping="
#define MAPPING_WORD "mapping-"
#define HOLD_VALUE   MAPPING_KEY HOLD_WORD "-"

/* What a hold replaces; encoded it is at most twice as long. */
#define ORIGINAL_MAX (HOLD_NAME_MAX / 2)

/* Either spelling, put together byte by byte. */
struct spelling {
	char text[sizeof(HOLD_VALUE) + HOLD_NAME_MAX];
	size_t size;
};

static void append(struct spelling *spelling, const char *text)
{
	size_t size = strlen(text);

	memcpy(spelling->text + spelling->size, text, size);
	spelling->size += size;
}

static void append_char(struct spelling *spelling, char c)
{
	spelling->text[spelling->size++] = c;
}

static struct bytes spelling_bytes(const struct spelling *spelling)
{
	return bytes_make(spelling->text, spelling->size);
}

/* Takes a word away from the front of a text. */
static bool take_word(struct bytes *text, const char *word)
{
	size_t size = strlen(word);

	if (!bytes_start_with(*text, bytes_of(word)))
		return false;
	*text = bytes_slice(*text, size, text->size - size);
	return true;
}

bool hold_is_possible(struct bytes original)
{
	struct address_token token;
	size_t at = 0;
	int r;

	if (original.size > ORIGINAL_MAX)
		return false;
	if (take_word(&original, MAPPING_KEY))
		return pve_is_config_id(original) &&
		       !bytes_start_with(original, bytes_of(HOLD_WORD));
	(void)take_word(&original, HOST_KEY);
	do
		r = pve_next_address(original, &at, &token);
	while (r > 0);
	return r == 0;
}

static bool encode(struct bytes original, struct spelling *spelling)
{
	if (!hold_is_possible(original))
		return false;
	append(spelling, HOLD_VALUE);
	if (take_word(&original, MAPPING_KEY))
		append(spelling, MAPPING_WORD);
	else if (take_word(&original, HOST_KEY))
		append(spelling, HOST_WORD);
	for (size_t i = 0; i < original.size; i++) {
		char c = original.data[i];

		if (c == ';')
			append(spelling, "--");
		else
			append_char(spelling, c == ':' ? '_' : c == '.' ? '-' : c);
	}
	return true;
}

static void decode_addresses(struct bytes list, struct spelling *spelling)
{
	for (size_t i = 0; i < list.size; i++) {
		char c = list.data[i];

		if (c == '-' && i + 1 < list.size && list.data[i + 1] == '-') {
			append_char(spelling, ';');
			i++;
		} else {
			append_char(spelling, c == '_' ? ':' : c == '-' ? '.' : c);
		}
	}
}

static bool decode(struct bytes value, struct spelling *original)
{
	struct spelling again = { .size = 0 };
	struct bytes name = value;

	if (!take_word(&name, HOLD_VALUE) || name.size > HOLD_NAME_MAX)
		return false;
	if (take_word(&name, MAPPING_WORD)) {
		append(original, MAPPING_KEY);
		for (size_t i = 0; i < name.size; i++)
			append_char(original, name.data[i]);
	} else {
		if (take_word(&name, HOST_WORD))
			append(original, HOST_KEY);
		decode_addresses(name, original);
	}
	/* What somebody wrote who only knows what ours look like is not put into force. */
	return encode(spelling_bytes(original), &again) &&
	       bytes_equal(spelling_bytes(&again), value);
}

bool hold_is_one(struct bytes value)
{
	struct spelling original = { .size = 0 };

	return decode(value, &original);
}

const char *hold_encode(struct arena *arena, struct bytes original)
{
	struct spelling spelling = { .size = 0 };

	return encode(original, &spelling) ? arena_copy(arena, spelling_bytes(&spelling)) : NULL;
}

const char *hold_decode(struct arena *arena, struct bytes value)
{
	struct spelling original = { .size = 0 };

	return decode(value, &original) ? arena_copy(arena, spelling_bytes(&original)) : NULL;
}

struct guest_config *document_make_guest(struct document *document)
{
	document->guest = calloc(1, sizeof(*document->guest));
	return document->guest;
}

void guest_config_free(struct guest_config *guest)
{
	if (!guest)
		return;
	free(guest->devices);
	free(guest);
}

struct guest_device *document_add_device(struct document *document)
{
	struct guest_config *guest = document->guest;
	struct guest_device *device;

	if (ARRAY_RESERVE(guest->devices, guest->n_devices, guest->devices_allocated) < 0)
		return NULL;
	device = &guest->devices[guest->n_devices++];
	*device = (struct guest_device){ 0 };
	return device;
}

struct start_switch *document_add_switch(struct document *document)
{
	struct start_switch *start_switch;

	if (ARRAY_RESERVE(document->switches, document->n_switches, document->switches_allocated) <
	    0)
		return NULL;
	start_switch = &document->switches[document->n_switches++];
	*start_switch = (struct start_switch){ 0 };
	return start_switch;
}
